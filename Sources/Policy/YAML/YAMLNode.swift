/// A value of a YAML document, with the place it was written at.
struct YAMLNode: Sendable {
    /// How a scalar was written.
    enum Style: Sendable { case plain, singleQuoted, doubleQuoted, block }

    /// A key and its value.
    struct Entry: Sendable {
        var key: String
        var keyLocation: SourceLocation
        var value: YAMLNode
    }

    enum Content: Sendable {
        /// Text as written: `yes`, `0x10` and `~` are no booleans, numbers or nulls.
        case scalar(String, Style)
        case sequence([YAMLNode])
        /// The entries in the order written; no key is there twice.
        case mapping([Entry])
        /// Something that was reported already, about which no more is to be said.
        case invalid
    }

    var content: Content
    var location: SourceLocation
    /// The first byte of what was written, and the byte behind it.
    var bytes: Range<Int>
    /// Whether the file could not be read to its end: what is missing may stand behind.
    var isTruncated = false

    /// Whether nothing was written: `key:` and no value.
    var isEmpty: Bool {
        if case .scalar("", .plain) = content { true } else { false }
    }

    var isInvalid: Bool {
        if case .invalid = content { true } else { false }
    }

    /// The text of a scalar; nil where nothing was written, which is reported by itself.
    var text: String? {
        if case .scalar(let text, _) = content, !isEmpty { text } else { nil }
    }

    /// The items of a list.
    var items: [YAMLNode]? {
        if case .sequence(let items) = content { items } else { nil }
    }

    /// The entries of a mapping.
    var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    /// The entry of a mapping with this key.
    func entry(_ key: String) -> Entry? { entries?.first { $0.key == key } }

    /// The value of a mapping's key.
    subscript(key: String) -> YAMLNode? { entry(key)?.value }
}

extension SourceText {
    /// The place of `length` bytes of a scalar's text from `offset`.
    ///
    /// Exact for scalars written on one line; of others the whole scalar.
    func location(in node: YAMLNode, offset: Int, length: Int) -> SourceLocation {
        guard case .scalar(_, let style) = node.content, style != .block,
            isOnOneLine(fromByte: node.bytes.lowerBound, toByte: node.bytes.upperBound)
        else { return node.location }
        let start = byte(atValueOffset: offset, of: node.bytes, style: style)
        let end = byte(atValueOffset: offset + length, of: node.bytes, style: style, roundingUp: true)
        return location(fromByte: min(start, node.bytes.upperBound), toByte: end)
    }

    /// Where the byte at `offset` of a scalar's value was written; within an escape, its start or its end.
    private func byte(
        atValueOffset offset: Int, of written: Range<Int>, style: YAMLNode.Style, roundingUp: Bool = false
    ) -> Int {
        switch style {
        case .plain, .block: return min(written.lowerBound + offset, written.upperBound)
        case .singleQuoted:
            var position = written.lowerBound + 1
            for _ in 0..<max(0, offset) where position < written.upperBound {
                position += bytes[position] == UInt8(ascii: "'") ? 2 : 1
            }
            return min(position, written.upperBound)
        case .doubleQuoted:
            var position = written.lowerBound + 1
            var value = 0
            while value < offset, position < written.upperBound {
                let (source, decoded) = escapeLength(at: position, before: written.upperBound)
                if value + decoded > offset, !roundingUp { break }
                position += source
                value += decoded
            }
            return min(position, written.upperBound)
        }
    }

    /// How many bytes were written at `position` of a double-quoted scalar, and how many they stand for.
    private func escapeLength(at position: Int, before end: Int) -> (source: Int, value: Int) {
        guard bytes[position] == UInt8(ascii: "\\"), position + 1 < end else { return (1, 1) }
        let digits: Int
        switch bytes[position + 1] {
        case UInt8(ascii: "x"): digits = 2
        case UInt8(ascii: "u"): digits = 4
        case UInt8(ascii: "U"): digits = 8
        // NEL and the no-break space are two bytes of UTF-8, the two separators three.
        case UInt8(ascii: "N"), UInt8(ascii: "_"): return (2, 2)
        case UInt8(ascii: "L"), UInt8(ascii: "P"): return (2, 3)
        default: return (2, 1)
        }
        let written = bytes[(position + 2)..<min(position + 2 + digits, end)]
        let number = UInt32(String(decoding: written, as: UTF8.self), radix: 16) ?? 0
        let scalar = Unicode.Scalar(number) ?? "\u{fffd}"
        return (2 + digits, UTF8.width(scalar))
    }
}
