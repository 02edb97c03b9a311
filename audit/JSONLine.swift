/// One JSON object, written from beginning to end.
///
/// Keys are literals of ours and need no escaping; what comes from outside is `AuditText`.
struct JSONLine {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    init() { bytes.reserveCapacity(768) }

    mutating func object(_ key: StaticString? = nil, _ body: (inout Self) -> Void) {
        begin(key, "{")
        body(&self)
        end("}")
    }

    mutating func array(_ key: StaticString, _ body: (inout Self) -> Void) {
        begin(key, "[")
        body(&self)
        end("]")
    }

    mutating func number(_ key: StaticString, _ value: some BinaryInteger) {
        name(key)
        bytes.append(contentsOf: String(value).utf8)
    }

    /// A number of 64 bits as text: many readers of JSON have no more than 53.
    mutating func hexadecimal(_ value: UInt64) {
        separate()
        bytes.append(contentsOf: "\"0x\(String(value, radix: 16))\"".utf8)
        needsComma = true
    }

    mutating func flag(_ key: StaticString) {
        name(key)
        bytes.append(contentsOf: "true".utf8)
    }

    /// A word of ours, which needs no escaping.
    mutating func word(_ key: StaticString, _ value: String) {
        name(key)
        quote(value.utf8)
    }

    /// A word of ours, in an array.
    mutating func word(_ value: String) {
        separate()
        quote(value.utf8)
        needsComma = true
    }

    mutating func text(_ key: StaticString, _ value: AuditText) {
        name(key)
        quote(value)
    }

    /// A text from outside, in an array.
    mutating func text(_ value: AuditText) {
        separate()
        quote(value)
        needsComma = true
    }

    mutating func endLine() { bytes.append(UInt8(ascii: "\n")) }

    private mutating func quote(_ value: AuditText) {
        bytes.append(UInt8(ascii: "\""))
        if value.isPlain {
            bytes.append(contentsOf: value.bytes)
        } else {
            for byte in value.bytes {
                // The text has no control characters left; of the rest, JSON wants these two escaped.
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                    bytes.append(UInt8(ascii: "\\"))
                }
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func begin(_ key: StaticString?, _ bracket: Unicode.Scalar) {
        if let key { name(key) } else { separate() }
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    private mutating func end(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func name(_ key: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        let letters = unsafe UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
        unsafe bytes.append(contentsOf: letters)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = true
    }

    private mutating func quote(_ text: String.UTF8View) {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: text)
        bytes.append(UInt8(ascii: "\""))
    }
}
