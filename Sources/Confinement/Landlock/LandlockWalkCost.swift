import Compiler
import Policy

/// What walks came to, by the rule whose patterns they followed: where a limit is reached, which of them to blame, and
/// what made the walk necessary.
struct WalkCost {
    private struct Share {
        var rules = 0
        var entries = 0
        /// The directory with the most entries.
        var widest: (path: [UInt8], count: Int) = ([], -1)
    }

    private var shares: [Int: Share] = [:]
    /// How many patterns of a kind a message shows.
    private static let shown = 2

    /// A rule was made for the origin.
    mutating func madeRule(for origin: Int) { shares[origin, default: Share()].rules += 1 }

    /// The entries of a directory were listed for the origin.
    mutating func listed(_ count: Int, in path: [UInt8], for origin: Int) {
        shares[origin, default: Share()].entries += count
        if count > shares[origin]?.widest.count ?? 0 { shares[origin]?.widest = (path, count) }
    }

    /// The origin with most of what ran out; nil: nothing was walked.
    func most(of kind: LandlockNotes.Limit) -> Int? {
        let cost = { (share: Share) in kind == .rules ? share.rules : share.entries }
        return shares.filter { cost($0.value) > 0 }
            .max { (cost($0.value), $1.key) < (cost($1.value), $0.key) }?.key
    }

    /// Why so many, and what would be right: `1200 for '/srv/*/x', most of them in '/srv' (1300 entries); …`.
    func reason(for origin: Int, _ kind: LandlockNotes.Limit, in recipe: LandlockRecipe) -> String {
        guard let share = shares[origin] else { return "grant directories ('P/**')" }
        let own = recipe.carvings.flatMap(\.allows).filter { $0.origin == origin }.map(\.pattern.description)
        let denies = recipe.denies.filter { deny in
            let cursor = PatternCursor(deny.pattern, at: share.widest.path)
            return cursor.isMatch || cursor.reachesBeneath
        }
        let count = kind == .rules ? share.rules : share.entries
        let most = String(decoding: share.widest.path, as: UTF8.self)
        let text = "\(count) for \(Self.list(own)), most in \(most) (\(share.widest.count) entries)"
        if denies.isEmpty { return text + "; grant a directory whole ('P/**')" }
        let reasons = denies.map { deny in
            let origin = recipe.origins[deny.origin]
            let place = origin.location.map { " (\($0.fileAndLine))" } ?? ""
            return "\(deny.pattern.description) by \(origin.subject)\(place)"
        }
        // Files that an operation keeps are denied by no rule that could be made narrower.
        let isByOperation = denies.allSatisfy { recipe.origins[$0.origin].section == "operations" }
        return text + ", which is not granted whole because of the deny of \(Self.list(reasons)); "
            + (isByOperation
                ? "grant only what is needed, in 'files', or allow the operation \(Operation.kernelHelper.name)"
                : "grant only directories that a deny does not reach, or deny less")
    }

    private static func list(_ texts: [String]) -> String {
        var seen: [String] = []
        for text in texts where !seen.contains(text) { seen.append(text) }
        let first = seen.prefix(shown).joined(separator: ", ")
        return seen.count > shown ? "\(first) and \(seen.count - shown) more" : first
    }
}
