/// The form of everything that swguard keeps for itself in files: a magic word, u16 format, u16 flags, u64 length of
/// the body, u64 checksum of the body, the body; little endian.
///
/// The checksum tells damage, not forgery: whoever can write the file can write any checksum, and SHA-256 of a plan
/// would take 2 % of a warm start.
enum SealedFile {
    private static let headerSize = 8 + 2 + 2 + 8 + 8

    /// `body` as a file. `magic` has eight bytes.
    static func encode(_ body: [UInt8], magic: String.UTF8View, format: UInt16) -> [UInt8] {
        var file = Array(magic)
        append(UInt64(format), bytes: 2, to: &file)
        append(0, bytes: 2, to: &file)
        append(UInt64(body.count), bytes: 8, to: &file)
        append(checksum(body[...]), bytes: 8, to: &file)
        return file + body
    }

    /// The body of `file`, which must be whole and unchanged.
    static func decode(
        _ file: [UInt8], magic: String.UTF8View, format: UInt16
    ) throws(PlanFile.Failure) -> ArraySlice<UInt8> {
        guard file.count >= headerSize, file.starts(with: magic) else { throw .notAPlan }
        let found = UInt16(truncatingIfNeeded: number(file[8..<10]))
        guard found == format else { throw .otherFormat(found) }
        let body = file[headerSize...]
        guard number(file[12..<20]) == UInt64(body.count), number(file[20..<28]) == checksum(body) else {
            throw .damaged
        }
        return body
    }

    /// Each step is a bijection of what came before, so that a change within one word is always seen.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var sum = UInt64(bytes.count)
        func add(_ word: UInt64) {
            sum = (sum ^ word) &* 0x9e37_79b9_7f4a_7c15
            sum ^= sum >> 32
        }
        var rest = bytes
        while rest.count >= 8 {
            add(
                unsafe rest.withUnsafeBytes { UInt64(littleEndian: unsafe $0.loadUnaligned(as: UInt64.self)) }
            )
            rest = rest.dropFirst(8)
        }
        for byte in rest { add(UInt64(byte)) }
        return sum
    }

    private static func append(_ value: UInt64, bytes: Int, to file: inout [UInt8]) {
        for index in 0..<bytes { file.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
