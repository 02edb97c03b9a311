public import Policy

extension PathPattern {
    /// Whether some path matches both patterns.
    ///
    /// Follows both at once, from pair of places to pair of places; at most the product of their lengths.
    func intersects(_ other: PathPattern) -> Bool {
        var reached: Set<Pair> = []
        var waiting: [Pair] = []
        func reach(_ left: Int, _ right: Int) {
            let pair = Pair(left: left, right: right)
            if reached.insert(pair).inserted { waiting.append(pair) }
        }
        // Most pairs differ in their literal beginnings.
        var start = 0
        while start < min(tokens.count, other.tokens.count), case .byte(let left) = tokens[start],
            case .byte(let right) = other.tokens[start]
        {
            if left != right { return false }
            start += 1
        }
        reach(start, start)
        while let pair = waiting.popLast() {
            if accepts(at: pair.left), other.accepts(at: pair.right) { return true }
            if mayStandForNothing(at: pair.left) { reach(pair.left + 1, pair.right) }
            if other.mayStandForNothing(at: pair.right) { reach(pair.left, pair.right + 1) }
            guard let left = step(from: pair.left), let right = other.step(from: pair.right),
                left.bytes.overlaps(right.bytes)
            else { continue }
            reach(left.next, right.next)
        }
        return false
    }

    /// Whether paths of any depth match: the pattern ends in `**`, or has one inside.
    var isOpenEnded: Bool { tokens.contains { $0 == .anything || $0 == .subtree } }

    /// Whether a `**` stands before the end, so that what follows can match at any depth.
    var hasInnerAnything: Bool { tokens.dropLast().contains(.anything) }

    /// The directory that the walk for this pattern begins at: the literal beginning, up to its last `/`; the
    /// whole of it for `P/**`.
    public var walkRoot: [UInt8] {
        if let subtree = literalSubtree { return subtree }
        let slash = UInt8(ascii: "/")
        let literal = literalBytes
        guard let last = literal.lastIndex(of: slash), last > 0 else { return [slash] }
        // `/a/b/**/c`: the literal beginning ends in the slash; `/a/b*`: `b` is part of a name.
        return Array(literal[..<last])
    }

    private struct Pair: Hashable {
        var left: Int
        var right: Int
    }

    /// The bytes that a step takes.
    private enum Bytes {
        case one(UInt8)
        case some(ByteSet)
        case allButSlash
        case all

        func overlaps(_ other: Self) -> Bool {
            switch (self, other) {
            case (.one(let left), .one(let right)): left == right
            case (.one(let byte), let rest), (let rest, .one(let byte)): rest.contains(byte)
            case (.some(let left), .some(let right)):
                (0...255).contains { left.contains($0) && right.contains($0) }
            default: true
            }
        }

        private func contains(_ byte: UInt8) -> Bool {
            switch self {
            case .one(let wanted): byte == wanted
            case .some(let set): byte != UInt8(ascii: "/") && set.contains(byte)
            case .allButSlash: byte != UInt8(ascii: "/")
            case .all: true
            }
        }
    }

    private func accepts(at place: Int) -> Bool { place >= tokens.count || tokens[place] == .subtree }

    private func mayStandForNothing(at place: Int) -> Bool {
        place < tokens.count && (tokens[place] == .star || tokens[place] == .anything)
    }

    /// The step from a place; the place one past the end is inside a subtree.
    private func step(from place: Int) -> (bytes: Bytes, next: Int)? {
        if place == tokens.count + 1 { return (.all, place) }
        guard place < tokens.count else { return nil }
        return switch tokens[place] {
        case .byte(let byte): (.one(byte), place + 1)
        case .anyByte: (.allButSlash, place + 1)
        case .set(let set): (.some(set), place + 1)
        case .star: (.allButSlash, place)
        case .anything: (.all, place)
        case .subtree: (.one(UInt8(ascii: "/")), tokens.count + 1)
        }
    }
}
