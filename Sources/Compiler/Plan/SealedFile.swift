/// The form of everything that swguard keeps for itself in files: a magic word, u16 format, u16 flags, u64 length of
/// the body, SHA-256 of the body, the body; little endian.
enum SealedFile {
    static let headerSize = 8 + 2 + 2 + 8 + 32

    /// `body` as a file. `magic` has eight bytes.
    static func encode(_ body: [UInt8], magic: [UInt8], format: UInt16) -> [UInt8] {
        var file = magic
        append(UInt64(format), bytes: 2, to: &file)
        append(0, bytes: 2, to: &file)
        append(UInt64(body.count), bytes: 8, to: &file)
        return file + SHA256.hash(body) + body
    }

    /// The body of `file`, which must be whole and unchanged.
    static func decode(
        _ file: [UInt8], magic: [UInt8], format: UInt16
    ) throws(PlanFile.Failure) -> ArraySlice<UInt8> {
        guard file.count >= headerSize, file.starts(with: magic) else { throw .notAPlan }
        let found = UInt16(truncatingIfNeeded: number(file[8..<10]))
        guard found == format else { throw .otherFormat(found) }
        let body = file[headerSize...]
        guard number(file[12..<20]) == UInt64(body.count), SHA256.hash(Array(body)) == Array(file[20..<52])
        else {
            throw .damaged
        }
        return body
    }

    private static func append(_ value: UInt64, bytes: Int, to file: inout [UInt8]) {
        for index in 0..<bytes { file.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
