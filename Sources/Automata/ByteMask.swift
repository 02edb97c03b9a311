/// A set of numbers from 0 to 255: bytes, or classes of bytes.
public struct ByteMask: Hashable, Sendable {
    private var words: SIMD4<UInt64>

    /// The empty set.
    public init() { words = .zero }

    /// The set of `members`.
    public init(_ members: some Sequence<UInt8>) {
        self.init()
        for member in members { insert(member) }
    }

    /// Every byte.
    public static let all = Self(0...255)

    /// Every byte but `/`, which only separates components.
    public static let allButSlash = Self((0...255).lazy.filter { $0 != UInt8(ascii: "/") })

    /// Whether `member` is in the set.
    public func contains(_ member: UInt8) -> Bool {
        words[Int(member >> 6)] >> UInt64(member & 63) & 1 != 0
    }

    /// Adds `member`.
    public mutating func insert(_ member: UInt8) { words[Int(member >> 6)] |= 1 << UInt64(member & 63) }

    /// Whether every member is in `other` too.
    public func isSubset(of other: Self) -> Bool { words & ~other.words == .zero }
}
