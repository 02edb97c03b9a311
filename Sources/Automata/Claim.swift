/// What a pattern's match can decide, so that patterns that no longer matter are forgotten while sets are
/// made.
///
/// A verdict has facets (the accesses to a file), each decided by the matching patterns of the lowest rank
/// that have it. Once one of them matches whatever comes (`/**/.ssh/**` behind `/.ssh/`), those of the same
/// facets and no lower rank can be given up: without this, 30 such patterns are 2^30 sets, each of which says
/// that the rule denies.
public struct Claim: Hashable, Sendable {
    /// Lower decides first; patterns of one rank are interchangeable.
    public var rank: UInt32
    /// One bit a facet.
    public var facets: UInt64

    public init(rank: UInt32, facets: UInt64) {
        self.rank = rank
        self.facets = facets
    }

    /// What no pattern claims.
    static let none = Self(rank: .max, facets: 0)

    /// Those of `claims` that decide a facet before all others, at most one a facet.
    static func deciding(_ claims: [Self]) -> [Self] {
        var seen: UInt64 = 0
        return claims.sorted { ($0.rank, $0.facets) < ($1.rank, $1.facets) }.filter { claim in
            let isFirst = claim.facets & ~seen != 0
            seen |= claim.facets
            return isFirst
        }
    }

    mutating func formUnion(_ other: Self) {
        rank = min(rank, other.rank)
        facets |= other.facets
    }
}

/// The lowest rank at which each facet is settled, and by which place.
struct SettledFacets {
    private var ranks: [UInt32] = Array(repeating: .max, count: UInt64.bitWidth)
    private var places: [UInt32] = Array(repeating: .max, count: UInt64.bitWidth)
    private var known: UInt64 = 0

    /// Takes into account that `claim` is settled where one stands at `place`.
    mutating func insert(_ claim: Claim, at place: UInt32) {
        Self.forEachFacet(of: claim.facets) { facet in
            if known >> UInt64(facet) & 1 == 0 || claim.rank < ranks[facet] {
                ranks[facet] = claim.rank
                places[facet] = place
            }
        }
        known |= claim.facets
    }

    /// Whether to stand at `place`, for the sake of patterns that claim `claim`, can change nothing any more.
    func isIdle(_ place: UInt32, _ claim: Claim) -> Bool {
        guard claim.facets & ~known == 0 else { return false }
        var isIdle = true
        Self.forEachFacet(of: claim.facets) { facet in
            if ranks[facet] > claim.rank || places[facet] == place { isIdle = false }
        }
        return isIdle
    }

    private static func forEachFacet(of facets: UInt64, _ body: (Int) -> Void) {
        var rest = facets
        while rest != 0 {
            body(rest.trailingZeroBitCount)
            rest &= rest - 1
        }
    }
}
