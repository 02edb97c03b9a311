/// A pattern being matched, byte by byte: the set of steps that it may stand at.
///
/// This is the direct simulation of the pattern, with no automaton built: the reference that automata and
/// kernels are compared with. The cost of a byte is the number of places the pattern may stand at, at most its
/// length.
public struct PatternMatch: Sendable {
    private let tokens: [PathPattern.Token]
    /// Indices into `tokens`, ascending; `tokens.count` is the end.
    private var positions: [Int]

    /// A match of `pattern` before the first byte.
    public init(_ pattern: PathPattern) {
        tokens = pattern.tokens
        positions = []
        positions = closure(of: [0])
    }

    /// Takes one more byte of the path.
    public mutating func advance(_ byte: UInt8) {
        let slash = UInt8(ascii: "/")
        var next: [Int] = []
        for position in positions where position < tokens.count {
            switch tokens[position] {
            case .byte(let wanted): if byte == wanted { next.append(position + 1) }
            case .anyByte: if byte != slash { next.append(position + 1) }
            case .set(let set): if byte != slash, set.contains(byte) { next.append(position + 1) }
            case .star: if byte != slash { next.append(position) }
            case .anything: next.append(position)
            // Behind the '/' of a subtree everything matches: the place one past the end stands for that.
            case .subtree: if byte == slash { next.append(tokens.count + 1) }
            }
        }
        if positions.last == tokens.count + 1 { next.append(tokens.count + 1) }
        positions = closure(of: next)
    }

    /// Takes these bytes of the path.
    public mutating func advance(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            if positions.isEmpty { return }
            advance(byte)
        }
    }

    /// Whether the bytes so far are a path that the pattern matches.
    public var isMatch: Bool {
        positions.contains { $0 >= tokens.count } || (positions.contains { tokens[$0] == .subtree })
    }

    /// Whether no longer path can match either.
    public var isDead: Bool { positions.isEmpty }

    /// Whether the bytes so far match, and every path that continues them with a `/` does too.
    public var coversSubtree: Bool {
        positions.contains { position in
            if position == tokens.count + 1 { return true }
            guard position < tokens.count else { return false }
            if tokens[position] == .subtree { return true }
            return tokens[position] == .anything && position == tokens.count - 1
        }
    }

    /// Whether some path beneath the bytes so far, taken as a directory, can match.
    public var reachesBeneath: Bool {
        var beneath = self
        beneath.advance(UInt8(ascii: "/"))
        return !beneath.isDead
    }

    /// Adds what can be reached without a byte: `*` and `**` may stand for nothing.
    private func closure(of places: [Int]) -> [Int] {
        var reached: Set<Int> = []
        for place in places {
            var position = place
            reached.insert(position)
            while position < tokens.count {
                guard tokens[position] == .star || tokens[position] == .anything else { break }
                position += 1
                reached.insert(position)
            }
        }
        return reached.sorted()
    }
}

extension PathPattern {
    /// Whether the pattern matches `path`, a path as the kernel would resolve it.
    public func matches(_ path: some Sequence<UInt8>) -> Bool {
        var match = PatternMatch(self)
        match.advance(path)
        return match.isMatch
    }
}
