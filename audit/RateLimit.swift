/// How many lines each policy may have a second.
///
/// By seconds that begin with a line: what is beyond in one is not written, and the next one begins anew.
public struct RateLimit: Sendable {
    /// Milliseconds.
    static let interval: UInt64 = 1000

    /// Lines in an interval; nil: as many as come.
    public var limit: Int?

    private struct Second {
        var end: UInt64
        var count: Int
    }

    private var seconds: [Int: Second] = [:]

    public init(limit: Int?) { self.limit = limit }

    /// Whether a line of a policy, by its number, may be written at `now`, by a clock of milliseconds that nobody sets.
    public mutating func admits(_ policy: Int, now: UInt64) -> Bool {
        guard let limit else { return true }
        var second = seconds[policy] ?? Second(end: 0, count: 0)
        if now >= second.end { second = Second(end: now + Self.interval, count: 0) }
        guard second.count < limit else { return false }
        second.count += 1
        seconds[policy] = second
        return true
    }
}
