/// Scalars as YAML writes them.
enum YAMLScalar {
    /// `text`, plain where that is read back as the same text, else in double quotes.
    ///
    /// In flow context the bytes `[]{},` end a plain scalar. Words that other readers of YAML take for booleans,
    /// numbers or nulls are quoted, although a policy's reader would not.
    static func text(_ text: String, inFlow: Bool) -> String {
        isPlain(text, inFlow: inFlow) ? text : quoted(text)
    }

    private static func isPlain(_ text: String, inFlow: Bool) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        let isWord: (UInt8) -> Bool = { byte in
            (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
                || byte == UInt8(ascii: "/") || "_.@$+~=<>^()\\;%!-".utf8.contains(byte)
        }
        let isFirst: (UInt8) -> Bool = { byte in
            (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || "/_$".utf8.contains(byte)
        }
        guard isFirst(first), last != UInt8(ascii: " "), last != UInt8(ascii: ":") else { return false }
        var previous: UInt8 = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: " "): if previous == UInt8(ascii: ":") { return false }
            case UInt8(ascii: "*"), UInt8(ascii: "&"): break
            // Other readers end flow scalars at these; a quoted one is the same for all.
            case UInt8(ascii: ":"), UInt8(ascii: "?"): if inFlow { return false }
            default: if !isWord(byte) { return false }
            }
            previous = byte
        }
        return !looksLikeSomethingElse(text)
    }

    private static func looksLikeSomethingElse(_ text: String) -> Bool {
        ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(text.lowercased())
    }

    /// `text` in double quotes; what is not printable ASCII or a letter of a later block is escaped.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case " "..."~": result.unicodeScalars.append(scalar)
            case let scalar where scalar.value >= 0xa1 && scalar.value < 0xd800 && isVisible(scalar):
                result.unicodeScalars.append(scalar)
            case let scalar where scalar.value < 0x100: result += "\\x" + hexadecimal(scalar.value, digits: 2)
            case let scalar where scalar.value < 0x1_0000:
                result += "\\u" + hexadecimal(scalar.value, digits: 4)
            default: result += "\\U" + hexadecimal(scalar.value, digits: 8)
            }
        }
        return result + "\""
    }

    /// Whether a scalar shows what it is: no separator, no format character, no mark that changes direction.
    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .privateUse,
            .unassigned,
            .surrogate:
            false
        default: true
        }
    }

    static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
