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
