extension YAMLNode {
    /// What is to be kept of the node that stands before a syntax error; nil: nothing.
    ///
    /// In brackets and over several lines, plain text takes in what follows a missing bracket, quote or key. What is
    /// indented ends where the error is, and may have been meant to go on.
    func beforeError(inFlow: Bool, in text: SourceText) -> Self? {
        if inFlow { return nil }
        var node = self
        switch content {
        case .scalar:
            return text.isOnOneLine(fromByte: bytes.lowerBound, toByte: bytes.upperBound) ? node : nil
        case .invalid: return node
        case .sequence, .mapping:
            // Brackets that are closed hold what they hold.
            if isInBrackets(text) { return node }
        }
        node.isTruncated = true
        if case .sequence(var items) = content, let last = items.popLast() {
            node.content = .sequence(items + [last.beforeError(inFlow: false, in: text)].compactMap { $0 })
        } else if case .mapping(var entries) = content, var last = entries.popLast() {
            if let value = last.value.beforeError(inFlow: false, in: text) {
                last.value = value
                entries.append(last)
            }
            node.content = .mapping(entries)
        }
        return node
    }

    private func isInBrackets(_ text: SourceText) -> Bool {
        guard text.bytes.indices.contains(bytes.lowerBound) else { return false }
        return "[{".utf8.contains(text.bytes[bytes.lowerBound])
    }
}
