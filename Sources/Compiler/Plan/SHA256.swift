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
    public static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var digits: [UInt8] = []
        digits.reserveCapacity(2 * bytes.count)
        for byte in bytes {
            digits.append(digit(byte >> 4))
            digits.append(digit(byte & 15))
        }
        return digits
    }

    /// `hash` as people and logs have it: `sha256:0f…`.
    static func text(_ hash: [UInt8]) -> String {
        "sha256:" + String(decoding: hexadecimal(hash[...]), as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
