/// A JSON value; objects keep their order.
public indirect enum JSON: Sendable {
    case null
    case bool(Bool)
    case int(Int)
    /// A number that is none of 64 bits; finite.
    case double(Double)
    case string(String)
    case array([JSON])
    case object([(String, JSON)])

    /// The value on one line.
    public var text: String {
        var text = ""
        write(to: &text, layout: nil)
        return text
    }

    /// The value on many lines, indented by two spaces a level.
    public var indentedText: String {
        var text = ""
        write(to: &text, layout: "")
        return text
    }

    /// - Parameter layout: The indentation of the line that the value begins on; nil: all on one line.
    private func write(to text: inout String, layout: String?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .int(let value): text += String(value)
        case .double(let value): text += value.description
        case .string(let value): Self.write(value, to: &text)
        case .array(let items):
            Self.write(items, between: ("[", "]"), to: &text, layout: layout) { item, text, inner in
                item.write(to: &text, layout: inner)
            }
        case .object(let members):
            Self.write(members, between: ("{", "}"), to: &text, layout: layout) { member, text, inner in
                Self.write(member.0, to: &text)
                text += inner == nil ? ":" : ": "
                member.1.write(to: &text, layout: inner)
            }
        }
    }

    private static func write<Item>(
        _ items: [Item], between brackets: (String, String), to text: inout String, layout: String?,
        item write: (Item, inout String, String?) -> Void
    ) {
        let inner = layout.map { $0 + "  " }
        text += brackets.0
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            if let inner { text += "\n" + inner }
            write(item, &text, inner)
        }
        if let layout, !items.isEmpty { text += "\n" + layout }
        text += brackets.1
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            case "\0"..."\u{1f}", "\u{7f}":
                text += "\\u" + YAMLScalar.hexadecimal(scalar.value, digits: 4)
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

/// Equal where their texts are.
extension JSON: Hashable {
    public static func == (left: Self, right: Self) -> Bool { left.text == right.text }
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension JSON: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral {
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(elements) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
}

extension JSON {
    /// A text, or null where there is none.
    public init(_ text: String?) { self = text.map { .string($0) } ?? .null }
}
