/// The calls from one number up to the next range, which are all decided by one node.
struct NumberRange: Hashable {
    var first: UInt32
    var node: Int

    /// Ranges from `start` on that cover `calls` (ascending), with `gap` for what is between and behind them.
    static func covering(_ calls: [(number: UInt32, node: Int)], from start: UInt32, gap: Int) -> [Self] {
        var ranges: [Self] = []
        var next = start
        for call in calls where call.number >= next {
            if call.number > next { ranges.append(Self(first: next, node: gap)) }
            ranges.append(Self(first: call.number, node: call.node))
            next = call.number + 1
        }
        ranges.append(Self(first: next, node: gap))
        return ranges
    }

    /// The same with equal neighbours as one.
    static func merged(_ ranges: [Self]) -> [Self] {
        var result: [Self] = []
        for range in ranges where result.last?.node != range.node { result.append(range) }
        return result
    }
}
