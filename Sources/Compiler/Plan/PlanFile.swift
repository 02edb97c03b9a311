internal import Clibmd

/// SHA-256, by libmd.
public enum SHA256 {
    /// The hash of `parts`, one after the other.
    public static func hash(_ parts: [UInt8]...) -> [UInt8] {
        var context = SHA2_CTX()
        unsafe SHA256Init(&context)
        for part in parts { unsafe SHA256Update(&context, part, part.count) }
        var digest = [UInt8](repeating: 0, count: 32)
        unsafe SHA256Final(&digest, &context)
        return digest
    }

    /// `bytes` in lower-case hexadecimal.
    public static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// The form of a compiled policy in a file: `"SWGPLAN\0"`, u16 format, u16 flags, u64 length of the rest without
/// the hash, SHA-256 of that rest, the rest; little endian.
public enum PlanFile {
    /// Why bytes are not a plan.
    public enum Failure: Error, Equatable {
        /// They do not begin as a plan file does.
        case notAPlan
        /// Another version of swguard wrote it; this one reads `format`.
        case otherFormat(UInt16)
        /// Cut short, or changed since it was written.
        case damaged
    }

    /// The format that this version writes and reads.
    public static let format: UInt16 = 1
    static let magic = Array("SWGPLAN\0".utf8)
    static let headerSize = 8 + 2 + 2 + 8 + 32

    /// The file that holds `plan`.
    public static func encode(_ plan: Plan) -> [UInt8] {
        var writer = BinaryWriter()
        plan.encode(to: &writer)
        let body = writer.bytes
        var file = magic
        appendLittleEndian(UInt64(format), bytes: 2, to: &file)
        appendLittleEndian(0, bytes: 2, to: &file)
        appendLittleEndian(UInt64(body.count), bytes: 8, to: &file)
        file += SHA256.hash(body)
        file += body
        return file
    }

    /// The plan that `file` holds.
    public static func decode(_ file: [UInt8]) throws(Failure) -> Plan {
        guard file.count >= headerSize, file.starts(with: magic) else { throw .notAPlan }
        let found = UInt16(littleEndian(file[8..<10]))
        guard found == format else { throw .otherFormat(found) }
        let body = file[headerSize...]
        guard littleEndian(file[12..<20]) == UInt64(body.count),
            SHA256.hash(Array(body)) == Array(file[20..<52])
        else { throw .damaged }
        var reader = BinaryReader(body)
        guard let plan = try? Plan(from: &reader), reader.isAtEnd else { throw .damaged }
        return plan
    }

    private static func appendLittleEndian(_ value: UInt64, bytes: Int, to file: inout [UInt8]) {
        for index in 0..<bytes { file.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
    }

    private static func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
