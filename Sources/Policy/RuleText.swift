extension FileRule {
    /// The rule in one line: `deny [read, write] /etc/shadow`, of its patterns the one that is meant.
    func text(showing pattern: PathPattern?) -> String {
        let words =
            accesses == .all ? "all" : "[" + accesses.members.map(\.name).joined(separator: ", ") + "]"
        return ([header.verdict.rawValue, words] + [pattern?.description].compactMap { $0 }).joined(
            separator: " ")
    }
}

extension NetworkRule {
    /// The rule in one line: `allow [connect] tcp:10.0.0.0/8:5432`, of its endpoints the one that is meant.
    func text(showing endpoint: Endpoint?) -> String {
        let words =
            accesses == .all ? "all" : "[" + accesses.members.map(\.name).joined(separator: ", ") + "]"
        return ([header.verdict.rawValue, words] + [endpoint?.description].compactMap { $0 }).joined(
            separator: " ")
    }
}

extension SyscallRule {
    /// The rule in one line: `deny [@mount, ptrace]`, `allow [socket] when arg0 == 1`.
    var text: String {
        let names = selectors.map(\.value.description)
        var words = "[" + names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …]" : "]")
        if selectors.contains(where: { $0.value == .all }) { words = "all" }
        var text = "\(header.verdict.rawValue) \(words)"
        if !conditions.isEmpty {
            text += " when " + conditions.map(\.value.description).joined(separator: " and ")
        }
        return text
    }
}

extension ListEntry {
    /// The entry in one line: `allow setuid`, `deny all`.
    func text(name: (Item) -> String) -> String {
        "\(header.verdict.rawValue) \(item.map(name) ?? "all")"
    }
}
