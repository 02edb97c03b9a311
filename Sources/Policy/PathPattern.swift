/// One pattern of the policy language after brace expansion: bytes, `?`, `*`, sets and `**`.
///
/// A pattern that was written with braces becomes several of these. Parsing is in `PathPattern+Parsing.swift`,
/// matching in `PatternMatch.swift`.
public struct PathPattern: Hashable, Sendable {
    /// One step of the pattern.
    public enum Token: Hashable, Sendable {
        /// This byte itself.
        case byte(UInt8)
        /// `?`: any byte but `/`.
        case anyByte
        /// `[…]`: one byte of the set, never `/`.
        case set(ByteSet)
        /// `*`: any run of bytes but `/`, also none.
        case star
        /// `**`: any run of bytes, `/` included, also none.
        case anything
        /// `/**` at the end: nothing more, or `/` and anything. Always the last token.
        case subtree

        /// Whether it is a byte itself.
        public var isByte: Bool { if case .byte = self { true } else { false } }
    }

    /// The steps, in order.
    public var tokens: [Token]

    /// Bytes alone are told apart, which is quicker; of the other steps only that they are there.
    public func hash(into hasher: inout Hasher) {
        var text: UInt64 = 0
        for token in tokens {
            text = text &* 0x0100_0000_01b3
            if case .byte(let byte) = token { text ^= UInt64(byte) + 1 }
        }
        hasher.combine(text)
    }

    /// A pattern of these steps.
    public init(tokens: [Token]) { self.tokens = tokens }

    /// The pattern that matches `path` and nothing else.
    public init(literal path: some Sequence<UInt8>) { tokens = path.map { .byte($0) } }

    /// The pattern that matches `path` and everything beneath it.
    public init(subtree path: some Sequence<UInt8>) {
        tokens = path.map { .byte($0) }
        if tokens == [.byte(UInt8(ascii: "/"))] { tokens = [] }
        tokens.append(.subtree)
    }

    /// The bytes before the first step that is not a byte itself.
    public var literalBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tokens.count)
        for token in tokens {
            guard case .byte(let byte) = token else { break }
            bytes.append(byte)
        }
        return bytes
    }

    /// Whether the pattern is a path and nothing else.
    public var isLiteral: Bool { tokens.allSatisfy(\.isByte) }

    /// The path `P` of a pattern that is `P/**` with `P` literal; `/` for `/**`.
    public var literalSubtree: [UInt8]? {
        guard case .subtree = tokens.last, tokens.dropLast().allSatisfy(\.isByte) else { return nil }
        return tokens.count == 1 ? [UInt8(ascii: "/")] : literalBytes
    }

    /// The pattern as a policy would write it, with every byte that means something escaped.
    public var bytes: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(tokens.count + 2)
        for token in tokens {
            switch token {
            case .byte(let byte): Self.appendEscaped(byte, to: &text)
            case .anyByte: text.append(UInt8(ascii: "?"))
            case .star: text.append(UInt8(ascii: "*"))
            case .anything: text.append(contentsOf: "**".utf8)
            case .subtree: text.append(contentsOf: "/**".utf8)
            case .set(let set): Self.append(set, to: &text)
            }
        }
        return text
    }

    /// `bytes` as text; bytes that are not UTF-8 are replaced.
    public var description: String { String(decoding: bytes, as: UTF8.self) }

    /// `path` with every byte that patterns give a meaning escaped.
    public static func escape(_ path: some Sequence<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        for byte in path { appendEscaped(byte, to: &text) }
        return text
    }

    private static func appendEscaped(_ byte: UInt8, to text: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "?"), UInt8(ascii: "*"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
            UInt8(ascii: "}"), UInt8(ascii: "\\"), UInt8(ascii: ","), UInt8(ascii: "$"):
            text.append(UInt8(ascii: "\\"))
        default: break
        }
        text.append(byte)
    }

    private static func append(_ set: ByteSet, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "["))
        let slash = UInt8(ascii: "/")
        // Only a set that was written with '^' has bytes of multi-byte characters in it; '/' is in neither.
        let isNegated = set.contains(0x80)
        if isNegated { text.append(UInt8(ascii: "^")) }
        var shown = (0...255).map { UInt8($0) }.filter { set.contains($0) != isNegated && $0 != slash }
        // `[^/]`: any byte but '/', which is how `?` is written as a set.
        if shown.isEmpty { shown = [slash] }
        var index = 0
        while index < shown.count {
            var end = index
            while end + 1 < shown.count, shown[end + 1] == shown[end] + 1 { end += 1 }
            appendSetMember(shown[index], to: &text)
            if end > index + 1 { text.append(UInt8(ascii: "-")) }
            if end > index { appendSetMember(shown[end], to: &text) }
            index = end + 1
        }
        text.append(UInt8(ascii: "]"))
    }

    private static func appendSetMember(_ byte: UInt8, to text: inout [UInt8]) {
        if "]-\\^[{},?*$".utf8.contains(byte) { text.append(UInt8(ascii: "\\")) }
        text.append(byte)
    }
}
