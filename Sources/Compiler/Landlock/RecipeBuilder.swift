import Landlock
import Policy

/// Sorts patterns with rights into what can be granted as it stands and what must be expanded.
///
/// A directory gets a right whole only where an allow pattern covers it and everything beneath, and no deny
/// pattern can match it or anything beneath. Each right is decided apart.
struct RecipeBuilder {
    /// An allow or deny pattern with the rights that it is about.
    struct Entry {
        var pattern: PathPattern
        var rights: FileRights
        var origin: Int
        var hasOtherSpelling = false
    }

    private(set) var origins: [LandlockRecipe.Origin] = []
    private var originIndices: [LandlockRecipe.Origin: Int] = [:]
    var allows: [Entry] = []
    var denies: [Entry] = []

    /// The number of an origin in the recipe's table.
    mutating func origin(_ origin: LandlockRecipe.Origin) -> Int {
        if let index = originIndices[origin] { return index }
        origins.append(origin)
        originIndices[origin] = origins.count - 1
        return origins.count - 1
    }

    mutating func origin(of header: RuleHeader, section: String) -> Int {
        origin(.init(section: section, subject: header.id, location: header.location))
    }

    /// What came of an allow pattern.
    struct Outcome {
        var entry: Entry
        /// Rights on directories that the pattern cannot be granted with: it has single names, where Landlock
        /// grants by directory.
        var ungrantable: FileRights
    }

    /// A deny pattern that can match at any depth beneath an allow pattern.
    struct AnyDepth: Hashable {
        var pattern: PathPattern
        var origin: Int
        var allow: PathPattern
    }

    struct Result {
        var grants: [LandlockRecipe.Grant] = []
        var processGrants: [LandlockRecipe.Grant] = []
        var carvings: [LandlockRecipe.Carving] = []
        var denies: [LandlockRecipe.WalkPattern] = []
        var ungrantable: [Outcome] = []
        var anyDepth: [AnyDepth] = []
    }

    /// Everything, sorted.
    func build() -> Result {
        var result = Result()
        result.denies = denies.map { deny in
            let culprit = anyDepthConflict(deny)
            if let culprit {
                result.anyDepth.append(.init(pattern: deny.pattern, origin: deny.origin, allow: culprit))
            }
            return .init(
                pattern: deny.pattern, rights: deny.rights, origin: deny.origin, isAnyDepth: culprit != nil)
        }
        var covered = CoveredSubtrees()
        var carvings: [[UInt8]: [LandlockRecipe.WalkPattern]] = [:]

        // Shortest first, so that what another subtree covers is seen to be covered.
        let subtrees = allows.compactMap { entry in entry.pattern.literalSubtree.map { (entry, $0) } }
            .enumerated().sorted { ($0.element.1.count, $0.offset) < ($1.element.1.count, $1.offset) }
            .map(\.element)
        for (entry, root) in subtrees {
            let denied = deniedRights(at: root, among: result.denies)
            let wanted = entry.rights.subtracting(covered.rights(at: root)).subtracting(denied.covered)
            covered.add(wanted, at: root)
            let whole = wanted.subtracting(denied.alive)
            if !whole.isEmpty {
                result.add(
                    .init(
                        path: root, rights: whole, isSubtree: true, origin: entry.origin,
                        hasOtherSpelling: entry.hasOtherSpelling))
            }
            let carved = wanted.intersection(denied.alive)
            if !carved.isEmpty {
                carvings[root, default: []].append(
                    .init(
                        pattern: entry.pattern, rights: carved, origin: entry.origin,
                        hasOtherSpelling: entry.hasOtherSpelling))
            }
        }
        for entry in allows where entry.pattern.literalSubtree == nil {
            let root = entry.pattern.isLiteral ? entry.pattern.literalBytes : entry.pattern.walkRoot
            let wanted = entry.rights.subtracting(covered.rights(at: root))
            if wanted.isEmpty { continue }
            let ofNames = entry.pattern.isLiteral || !entry.pattern.endsInSubtree
            let ungrantable = ofNames ? wanted.subtracting(.ofFiles).subtracting(.readDirectory) : []
            if !ungrantable.isEmpty {
                result.ungrantable.append(.init(entry: entry, ungrantable: ungrantable))
            }
            let grantable = wanted.subtracting(ungrantable)
            if entry.pattern.isLiteral, isWithheld(grantable, at: root, byGlobsAmong: result.denies) {
                // Looked at like what is carved: the object may have other names, and be granted by them.
                carvings[root, default: []].append(
                    .init(
                        pattern: entry.pattern, rights: grantable, origin: entry.origin,
                        hasOtherSpelling: entry.hasOtherSpelling))
            } else if entry.pattern.isLiteral {
                let rights = grantable.subtracting(deniedRights(at: root, among: result.denies).matched)
                if rights.isEmpty { continue }
                result.add(
                    .init(
                        path: root, rights: rights, isSubtree: false, origin: entry.origin,
                        hasOtherSpelling: entry.hasOtherSpelling))
            } else if !grantable.isEmpty {
                carvings[root, default: []].append(
                    .init(
                        pattern: entry.pattern, rights: grantable, origin: entry.origin,
                        hasOtherSpelling: entry.hasOtherSpelling))
            }
        }
        result.carvings = carvings.map { .init(root: $0.key, allows: $0.value) }
            .sorted { $0.root.lexicographicallyPrecedes($1.root) }
        // Only rights that something grants need be denied.
        let granted = allows.reduce(into: FileRights()) { $0.formUnion($1.rights) }
        result.denies = result.denies.compactMap { deny in
            var deny = deny
            deny.rights.formIntersection(granted)
            return deny.rights.isEmpty ? nil : deny
        }
        return result
    }

    /// An open-ended allow pattern in which `deny` can match at any depth; such a deny cannot be carved: no
    /// directory beneath could be granted whole.
    private func anyDepthConflict(_ deny: Entry) -> PathPattern? {
        guard deny.pattern.hasInnerAnything else { return nil }
        return allows.first { allow in
            let common = allow.rights.intersection(deny.rights)
            guard !common.isEmpty, allow.pattern.isOpenEnded, allow.pattern.intersects(deny.pattern) else {
                return false
            }
            guard let root = allow.pattern.literalSubtree else { return true }
            // Where a deny covers all of the allow, nothing of it is granted anyway.
            let dead = denies.reduce(into: FileRights()) { dead, deny in
                if PatternCursor(deny.pattern, at: root).coversSubtree { dead.formUnion(deny.rights) }
            }
            return !common.subtracting(dead).isEmpty
        }?.pattern
    }

    /// Whether a deny with wildcards keeps some of `rights` from what is at `path`. Literal denies and `P/**` are looked
    /// at by themselves.
    private func isWithheld(
        _ rights: FileRights, at path: [UInt8], byGlobsAmong denies: [LandlockRecipe.WalkPattern]
    ) -> Bool {
        denies.contains { deny in
            !deny.pattern.isLiteral && deny.pattern.literalSubtree == nil
                && !deny.rights.isDisjoint(with: rights)
                && PatternCursor(deny.pattern, at: path).isMatch
        }
    }

    /// What deny patterns say of a path: rights denied on it and everything beneath, on it, and perhaps on
    /// something beneath.
    private func deniedRights(
        at path: [UInt8], among denies: [LandlockRecipe.WalkPattern]
    ) -> (covered: FileRights, matched: FileRights, alive: FileRights) {
        var denied: (covered: FileRights, matched: FileRights, alive: FileRights) = ([], [], [])
        for deny in denies {
            let cursor = PatternCursor(deny.pattern, at: path)
            if cursor.isDead { continue }
            if cursor.coversSubtree { denied.covered.formUnion(deny.rights) }
            if cursor.isMatch {
                denied.matched.formUnion(deny.rights)
                denied.alive.formUnion(deny.rights)
            }
            if !deny.isAnyDepth, cursor.reachesBeneath { denied.alive.formUnion(deny.rights) }
        }
        return denied
    }
}

extension RecipeBuilder.Result {
    /// Adds a grant, to the process's own where its path is beneath `/proc/self`.
    mutating func add(_ grant: LandlockRecipe.Grant) {
        var grant = grant
        if let own = LandlockRecipe.ownPath(grant.path) {
            grant.path = own
            processGrants.append(grant)
        } else {
            grants.append(grant)
        }
    }
}

extension LandlockRecipe {
    /// How policies call a process's own directory in procfs, whatever its number.
    public static let ownDirectory = Array("/proc/self".utf8)

    /// The path beneath `/proc/self` of an absolute path; `.` for itself, nil where it is elsewhere.
    public static func ownPath(_ path: [UInt8]) -> [UInt8]? {
        guard path.starts(with: ownDirectory) else { return nil }
        if path.count == ownDirectory.count { return [UInt8(ascii: ".")] }
        guard path[ownDirectory.count] == UInt8(ascii: "/") else { return nil }
        return Array(path[(ownDirectory.count + 1)...])
    }
}

extension PathPattern {
    /// Whether everything beneath what the pattern matches is matched too.
    var endsInSubtree: Bool { tokens.last == .subtree || tokens.last == .anything }
}

/// Rights that `P/**` patterns are about, by P: what lies beneath need not be looked at again.
private struct CoveredSubtrees {
    private var rightsByRoot: [[UInt8]: FileRights] = [:]

    mutating func add(_ rights: FileRights, at root: [UInt8]) {
        rightsByRoot[root, default: []].formUnion(rights)
    }

    /// The rights of every subtree that holds `path`.
    func rights(at path: [UInt8]) -> FileRights {
        let slash = UInt8(ascii: "/")
        var rights = rightsByRoot[[slash]] ?? []
        for end in path.indices.dropFirst() where path[end] == slash {
            rights.formUnion(rightsByRoot[Array(path[..<end])] ?? [])
        }
        return rights.union(rightsByRoot[path] ?? [])
    }
}
