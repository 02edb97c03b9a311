/// What a line tells of itself by its first and last bytes, as `AuditEncoder` writes them; nothing else of it is read.
///
/// It cannot be deceived by what a line holds: a quotation mark within a string has a backslash before it.
struct LogLine: Hashable {
    /// A seal's own content.
    struct Seal: Hashable {
        var lines: UInt64
        var hash: LogHash
    }

    var sequence: UInt64
    var seal: Seal?

    /// The highest number that a line can have, which every reader of JSON has exactly (RFC 7493, 2.2): a million lines a
    /// second get there in 285 years.
    static let lastNumber: UInt64 = (1 << 53) - 1

    static let beginning = Array(#"{"v":1,"seq":"#.utf8)
    private static let sealKind = Array(#""kind":"seal","lines":"#.utf8)
    private static let sealHash = Array(#","sha256":""#.utf8)
    /// What follows the digits of a seal.
    static let behindDigits = Array("\"}\n".utf8)
    private static let newline = UInt8(ascii: "\n")

    /// The line in `bytes`, its newline included; nil: it is none that a writer wrote.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count <= AuditEncoder.lineLimit, bytes.starts(with: Self.beginning),
            bytes.suffix(2).elementsEqual([UInt8(ascii: "}"), Self.newline]), !bytes.dropLast().contains(0)
        else { return nil }
        let digits = bytes.dropFirst(Self.beginning.count).prefix { Self.isDigit($0) }
        guard let number = Self.number(digits), (1...Self.lastNumber).contains(number),
            bytes[digits.endIndex] == UInt8(ascii: ",")
        else { return nil }
        sequence = number
        guard let kind = Self.kind(of: bytes) else { return nil }
        seal = kind.seal
    }

    /// Where the digits of a seal begin in a line with one.
    static func digits(of line: ArraySlice<UInt8>) -> Int {
        line.endIndex - behindDigits.count - LogHash.digits
    }

    /// Whether the line says that it is a seal, and what it says; nil: it says so and is none.
    private static func kind(of bytes: ArraySlice<UInt8>) -> (seal: Seal?, Void)? {
        // Of a seal nothing but the hash and a number follow its kind.
        let longest = sealKind.count + 20 + sealHash.count + LogHash.digits + behindDigits.count
        let tail = bytes.suffix(longest)
        guard let kind = find(sealKind, in: tail) else {
            // No other line ends in a hash: this was a seal, and was made something else.
            return tail.dropLast(LogHash.digits + behindDigits.count).suffix(sealHash.count).elementsEqual(
                sealHash)
                ? nil : (nil, ())
        }
        let behind = tail[(kind + sealKind.count)...]
        let digits = behind.prefix { isDigit($0) }
        let rest = behind[digits.endIndex...]
        guard let lines = number(digits), rest.starts(with: sealHash) else { return nil }
        let hash = rest.dropFirst(sealHash.count)
        guard hash.dropFirst(LogHash.digits).elementsEqual(behindDigits),
            let value = LogHash(digits: hash.prefix(LogHash.digits))
        else { return nil }
        return (Seal(lines: lines, hash: value), ())
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// A number as the writer writes it: without zeros before it.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count == 1 || digits.first != 0x30 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            let (shifted, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = shifted.addingReportingOverflow(UInt64(digit - 0x30))
            if isTooLarge || overflows { return nil }
            value = sum
        }
        return value
    }

    private static func find(_ word: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= word.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - word.count)).first { bytes[$0...].starts(with: word) }
    }
}
