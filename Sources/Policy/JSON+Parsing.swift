/// Why bytes are not a JSON value that is taken.
public struct JSONError: Error, Hashable, Sendable {
    /// Lower case, no full stop.
    public var text: String
    /// The byte at which it shows.
    public var offset: Int

    public init(text: String, offset: Int) {
        self.text = text
        self.offset = offset
    }
}

extension JSON {
    /// How much is taken of whoever sends it.
    public struct Limits: Hashable, Sendable {
        /// Lists and objects within each other. Parsing recurses as deep.
        public var depth: Int
        /// Values in all, members and items each.
        public var values: Int

        public init(depth: Int = 32, values: Int = 10_000) {
            self.depth = depth
            self.values = values
        }
    }

    /// The value in `bytes` (RFC 8259, UTF-8), of which nothing may be left over.
    ///
    /// Any bytes are a value or an error. A name twice in one object is an error: readers disagree on what it means.
    public init(parsing bytes: [UInt8], limits: Limits = Limits()) throws(JSONError) {
        var parser = JSONParser(bytes: bytes, limits: limits)
        parser.skipBlanks()
        self = try parser.value(depth: 0)
        parser.skipBlanks()
        guard parser.isAtEnd else { throw parser.error("more than one value") }
    }

    /// The member of an object; nil also where this is none.
    public subscript(key: String) -> JSON? { members?.first { $0.0 == key }?.1 }

    public var members: [(String, JSON)]? { if case .object(let members) = self { members } else { nil } }

    public var items: [JSON]? { if case .array(let items) = self { items } else { nil } }

    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }

    public var intValue: Int? { if case .int(let value) = self { value } else { nil } }

    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

    public var isNull: Bool { if case .null = self { true } else { false } }
}

/// Reads one value, from the first byte to the last.
private struct JSONParser {
    let bytes: [UInt8]
    let limits: JSON.Limits
    private var position = 0
    private var values = 0

    init(bytes: [UInt8], limits: JSON.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    var isAtEnd: Bool { position == bytes.count }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    func error(_ text: String) -> JSONError { JSONError(text: text, offset: position) }

    mutating func skipBlanks() {
        while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func value(depth: Int) throws(JSONError) -> JSON {
        values += 1
        if values > limits.values { throw error("more than \(limits.values) values") }
        guard let first = next else { throw error("a value is missing") }
        switch Unicode.Scalar(first) {
        case "{": return try object(depth: depth + 1)
        case "[": return try array(depth: depth + 1)
        case "\"": return .string(try string())
        case "t": return try word("true", .bool(true))
        case "f": return try word("false", .bool(false))
        case "n": return try word("null", .null)
        case "-", "0"..."9": return try number()
        default: throw error("no value begins with this")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        let text = Array(word.description.utf8)
        guard bytes[position...].starts(with: text) else { throw error("unknown word") }
        position += text.count
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSON {
        guard depth <= limits.depth else { throw error("deeper than \(limits.depth)") }
        position += 1
        var members: [(String, JSON)] = []
        var names: Set<String> = []
        skipBlanks()
        if take("}") { return .object([]) }
        while true {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw error("a name is missing") }
            let name = try string()
            guard names.insert(name).inserted else { throw error("a name stands twice in an object") }
            skipBlanks()
            guard take(":") else { throw error("':' is missing") }
            skipBlanks()
            members.append((name, try value(depth: depth)))
            skipBlanks()
            if take("}") { return .object(members) }
            guard take(",") else { throw error("',' or '}' is missing") }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSON {
        guard depth <= limits.depth else { throw error("deeper than \(limits.depth)") }
        position += 1
        var items: [JSON] = []
        skipBlanks()
        if take("]") { return .array([]) }
        while true {
            skipBlanks()
            items.append(try value(depth: depth))
            skipBlanks()
            if take("]") { return .array(items) }
            guard take(",") else { throw error("',' or ']' is missing") }
        }
    }

    private mutating func digits() -> Int {
        let first = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        return position - first
    }

    private mutating func number() throws(JSONError) -> JSON {
        let first = position
        _ = take("-")
        let zero = next == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0, !(zero && whole > 1) else { throw error("this is no number") }
        var isInteger = true
        if take(".") {
            isInteger = false
            guard digits() > 0 else { throw error("this is no number") }
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            guard digits() > 0 else { throw error("this is no number") }
        }
        let text = String(decoding: bytes[first..<position], as: UTF8.self)
        if isInteger, let value = Int(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else { throw error("the number is too large") }
        return .double(value)
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        var content: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw error("a text that is not UTF-8")
                }
                position += 1
                return text
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &content)
            case 0..<0x20: throw error("a control character in a text")
            default:
                content.append(byte)
                position += 1
            }
        }
        throw error("a text has no end")
    }

    private mutating func escape(into content: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw error("a text has no end") }
        position += 1
        switch Unicode.Scalar(byte) {
        case "\"", "\\", "/": content.append(byte)
        case "b": content.append(0x08)
        case "f": content.append(0x0c)
        case "n": content.append(0x0a)
        case "r": content.append(0x0d)
        case "t": content.append(0x09)
        case "u": content += String(try scalar()).utf8
        default: throw error("unknown escape")
        }
    }

    /// Behind `\u`: one scalar, which may take two escapes.
    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        var value = try hexadecimal()
        if (0xd800..<0xdc00).contains(value), take("\\"), take("u") {
            let low = try hexadecimal()
            guard (0xdc00..<0xe000).contains(low) else { throw error("half a character") }
            value = 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw error("half a character") }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("unknown escape")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
