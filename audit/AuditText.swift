/// Bytes from outside, made fit for a log and a terminal.
///
/// What is not UTF-8, control characters, and those that steer the direction of text are `\xHH`, and a backslash is doubled; so nothing reaches a terminal
/// raw, and the bytes can be had back.
public struct AuditText: Hashable, Sendable {
    /// The text, valid UTF-8 without control characters.
    public private(set) var bytes: [UInt8] = []
    /// Whether something was cut off. The text ends in `…` then.
    public private(set) var isTruncated = false
    /// Whether all of it is as it came, and JSON wants nothing escaped: most texts are.
    private(set) var isPlain = false

    /// `source`, cut so that it takes at most `limit` bytes within a JSON string.
    ///
    /// - Parameter limit: In bytes as JSON writes them, the ellipsis included; at least 3.
    public init(_ source: some Collection<UInt8>, limit: Int = .max) {
        isPlain = source.count <= limit && source.allSatisfy(Self.isPlain)
        if isPlain {
            bytes = Array(source)
            return
        }
        bytes.reserveCapacity(source.count)
        var cost = 0
        // Where to cut if the rest does not fit: the last place that leaves room for the ellipsis.
        var cut = 0
        var index = source.startIndex
        while index != source.endIndex {
            let length = Self.printableLength(source[index...])
            if length > 0 {
                let end = source.index(index, offsetBy: length)
                bytes.append(contentsOf: source[index..<end])
                cost += length + (source[index] == UInt8(ascii: "\"") ? 1 : 0)
                index = end
            } else {
                Self.appendEscaped(source[index], to: &bytes)
                // Each backslash is doubled once more by JSON.
                cost += source[index] == UInt8(ascii: "\\") ? 4 : 5
                index = source.index(after: index)
            }
            if cost > limit {
                bytes.removeSubrange(cut...)
                bytes.append(contentsOf: Self.ellipsis)
                isTruncated = true
                return
            }
            if cost <= limit - Self.ellipsis.count { cut = bytes.count }
        }
    }

    /// The text of a string that may hold anything.
    public init(_ source: String, limit: Int = .max) { self.init(Array(source.utf8), limit: limit) }

    /// The text as a string.
    public var string: String { String(decoding: bytes, as: UTF8.self) }

    /// The bytes that a text of the log stands for; what is no escape stands for itself.
    public static func bytes(of text: String) -> [UInt8] {
        let source = Array(text.utf8)
        var bytes: [UInt8] = []
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "\\"), index + 1 < source.count {
                if source[index + 1] == UInt8(ascii: "\\") {
                    bytes.append(source[index])
                    index += 2
                    continue
                }
                let digits = source[(index + 1)...].prefix(3)
                if digits.count == 3, digits.first == UInt8(ascii: "x"),
                    let byte = UInt8(String(decoding: digits.dropFirst(), as: UTF8.self), radix: 16)
                {
                    bytes.append(byte)
                    index += 4
                    continue
                }
            }
            bytes.append(source[index])
            index += 1
        }
        return bytes
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20...0x7e).contains(byte) && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\"")
    }

    private static var ellipsis: String.UTF8View { "…".utf8 }

    private static func appendEscaped(_ byte: UInt8, to bytes: inout [UInt8]) {
        let backslash = UInt8(ascii: "\\")
        bytes.append(backslash)
        if byte == backslash { return bytes.append(backslash) }
        bytes.append(UInt8(ascii: "x"))
        bytes.append(hexDigit(byte >> 4))
        bytes.append(hexDigit(byte & 15))
    }

    static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

    /// How many bytes the character at the beginning of `bytes` takes; 0 if its first byte must be escaped.
    ///
    /// The table is Unicode's 3-7 (well-formed UTF-8 byte sequences). C1 controls (U+0080 to U+009F) are control
    /// characters too: terminals obey them.
    private static func printableLength(_ bytes: some Collection<UInt8>) -> Int {
        var iterator = bytes.makeIterator()
        guard let first = iterator.next() else { return 0 }
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xbf
        switch first {
        case 0x20...0x7e: return first == UInt8(ascii: "\\") ? 0 : 1
        case 0xc2:
            length = 2
            second = 0xa0...0xbf
        case 0xc3...0xdf: length = 2
        case 0xe0:
            length = 3
            second = 0xa0...0xbf
        case 0xed:
            length = 3
            second = 0x80...0x9f
        case 0xe1...0xef: length = 3
        case 0xf0:
            length = 4
            second = 0x90...0xbf
        case 0xf1...0xf3: length = 4
        case 0xf4:
            length = 4
            second = 0x80...0x8f
        default: return 0
        }
        guard let next = iterator.next(), second.contains(next) else { return 0 }
        var third: UInt8 = 0
        for index in 2..<max(length, 2) {
            guard let next = iterator.next(), (0x80...0xbf).contains(next) else { return 0 }
            if index == 2 { third = next }
        }
        return misleads(first, next, third) ? 0 : length
    }

    /// Whether a character shows nothing and changes how others are shown: the direction of text, a line's end.
    /// A name with one in it could make a line say what it does not.
    private static func misleads(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
        switch (first, second, third) {
        case (0xd8, 0x9c, _),  // U+061C
            (0xe2, 0x80, 0x8e...0x8f),  // U+200E, U+200F
            (0xe2, 0x80, 0xa8...0xae),  // U+2028 to U+202E
            (0xe2, 0x81, 0xa6...0xa9):  // U+2066 to U+2069
            true
        default: false
        }
    }
}
