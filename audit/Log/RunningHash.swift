internal import Clibmd

/// SHA-256, fed piece by piece.
struct RunningHash: Sendable {
    private var context = SHA2_CTX()

    init() { unsafe SHA256Init(&context) }

    mutating func add(_ bytes: some Sequence<UInt8>) { add(Array(bytes)) }

    mutating func add(_ bytes: [UInt8]) { unsafe SHA256Update(&context, bytes, bytes.count) }

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        unsafe bytes.withUnsafeBytes {
            unsafe SHA256Update(&context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count)
        }
    }

    /// The hash of what was added so far; more can be added afterwards.
    var value: LogHash {
        var copy = context
        var digest = [UInt8](repeating: 0, count: LogHash.size)
        unsafe SHA256Final(&digest, &copy)
        return LogHash(bytes: digest)
    }
}

/// A hash of the chain.
public struct LogHash: Hashable, Sendable {
    static let size = 32
    /// As many as hexadecimal digits.
    static let digits = 64

    let bytes: [UInt8]

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    /// Where a chain begins that follows nothing: zeros.
    public static let none = Self(bytes: [UInt8](repeating: 0, count: size))

    /// The hash that 64 hexadecimal digits in lower case are; nil: they are none.
    init?(digits: some Collection<UInt8>) {
        guard digits.count == Self.digits else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.size)
        var high: UInt8?
        for digit in digits {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        self.bytes = bytes
    }

    /// 64 hexadecimal digits.
    public var text: String {
        String(
            decoding: bytes.flatMap { [AuditText.hexDigit($0 >> 4), AuditText.hexDigit($0 & 15)] },
            as: UTF8.self)
    }
}
