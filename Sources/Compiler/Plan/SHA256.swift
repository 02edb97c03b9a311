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
        unsafe String(unsafeUninitializedCapacity: 2 * bytes.count) { buffer in
            for (index, byte) in bytes.enumerated() {
                unsafe buffer[2 * index] = digit(byte >> 4)
                unsafe buffer[2 * index + 1] = digit(byte & 15)
            }
            return 2 * bytes.count
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
