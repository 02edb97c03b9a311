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

/// The facets that are settled, each at the lowest rank of those that settle it, and by which place.
struct SettledFacets {
    /// Ascending by rank; of no two is a facet the same.
    private var claims: [(claim: Claim, place: UInt32)] = []

    /// Takes into account that `claim` is settled where one stands at `place`. Of one rank, the first counts.
    mutating func insert(_ claim: Claim, at place: UInt32) {
        var rest = claim
        let index = claims.firstIndex { $0.claim.rank > claim.rank } ?? claims.count
        for known in claims[..<index] { rest.facets &= ~known.claim.facets }
        if rest.facets == 0 { return }
        for later in index..<claims.count { claims[later].claim.facets &= ~rest.facets }
        claims.insert((rest, place), at: index)
    }

    /// Whether to stand at `place`, for the sake of patterns that claim `claim`, can change nothing any more.
    func isIdle(_ place: UInt32, _ claim: Claim) -> Bool {
        var rest = claim.facets
        for known in claims where known.claim.facets & rest != 0 {
            if known.claim.rank > claim.rank || known.place == place { return false }
            rest &= ~known.claim.facets
        }
        return rest == 0
    }
}
