public import Landlock
import Policy

/// Where the patterns of a carving stand in a walk, and what that grants: pure, one value a directory or file.
public struct CarvingState: Sendable {
    private struct Follower: Sendable {
        var cursor: PatternCursor
        var rights: FileRights
        var origin: Int
        var isAnyDepth: Bool

        init?(_ pattern: LandlockRecipe.WalkPattern, at root: [UInt8]) {
            cursor = PatternCursor(pattern.pattern, at: root)
            rights = pattern.rights
            origin = pattern.origin
            isAnyDepth = pattern.isAnyDepth
            if cursor.isDead { return nil }
        }
    }

    private var allows: [Follower]
    private var denies: [Follower]

    /// The patterns of `carving` and `denies`, at the carving's root.
    public init(_ carving: LandlockRecipe.Carving, denies: [LandlockRecipe.WalkPattern]) {
        allows = carving.allows.compactMap { Follower($0, at: carving.root) }
        self.denies = denies.compactMap { Follower($0, at: carving.root) }
    }

    /// The state at `name` in this directory.
    public func child(_ name: [UInt8]) -> Self {
        var child = self
        child.advance(name)
        return child
    }

    private mutating func advance(_ name: [UInt8]) {
        func step(_ follower: Follower) -> Follower? {
            var follower = follower
            follower.cursor.advance(CollectionOfOne(UInt8(ascii: "/")))
            follower.cursor.advance(name)
            return follower.cursor.isDead ? nil : follower
        }
        allows = allows.compactMap(step)
        if !allows.isEmpty { denies = denies.compactMap(step) }
    }

    /// Whether nothing here or beneath is granted.
    public var isDead: Bool { allows.isEmpty }

    /// What a directory is granted.
    public struct DirectoryVerdict: Hashable, Sendable {
        /// On it and everything beneath, now and later.
        public var whole: FileRights
        /// On something beneath, so that it must be looked at.
        public var beneath: FileRights
        /// What the policy grants on the directory and beneath, but for what a deny matches: `whole` does not have it.
        public var withheld: FileRights
        /// What the policy grants on the directory itself, and not on what is beneath it.
        public var itself: FileRights
    }

    /// The verdict if this is a directory.
    public var directory: DirectoryVerdict {
        var covered: FileRights = []
        var reached: FileRights = []
        var matched: FileRights = []
        for allow in allows {
            if allow.cursor.coversSubtree { covered.formUnion(allow.rights) }
            if allow.cursor.isMatch { matched.formUnion(allow.rights) }
            if allow.cursor.reachesBeneath { reached.formUnion(allow.rights) }
        }
        var dead: FileRights = []
        var alive: FileRights = []
        var denied: FileRights = []
        for deny in denies {
            if deny.cursor.coversSubtree { dead.formUnion(deny.rights) }
            if deny.cursor.isMatch { denied.formUnion(deny.rights) }
            if !deny.isAnyDepth, deny.cursor.reachesBeneath { alive.formUnion(deny.rights) }
        }
        let whole = covered.subtracting(alive).subtracting(denied)
        return DirectoryVerdict(
            whole: whole, beneath: reached.subtracting(dead).subtracting(whole),
            withheld: covered.subtracting(denied).subtracting(whole),
            itself: matched.subtracting(covered).subtracting(denied))
    }

    /// The rights if this is anything but a directory.
    public var file: FileRights {
        var rights: FileRights = []
        for allow in allows where allow.cursor.isMatch { rights.formUnion(allow.rights) }
        if rights.isEmpty { return [] }
        for deny in denies where deny.cursor.isMatch { rights.subtract(deny.rights) }
        return rights.intersection(.ofFiles)
    }

    /// The origin of the first deny that keeps something from this, if it is no directory; nil where none does.
    public var denierOfFile: Int? {
        var rights: FileRights = []
        for allow in allows where allow.cursor.isMatch { rights.formUnion(allow.rights) }
        rights.formIntersection(.ofFiles)
        if rights.isEmpty { return nil }
        return denies.first { $0.cursor.isMatch && !$0.rights.isDisjoint(with: rights) }?.origin
    }

    /// The origin of the first pattern that is still followed and about one of `rights`.
    public func origin(of rights: FileRights) -> Int? {
        allows.first { !$0.rights.isDisjoint(with: rights) }?.origin
    }
}
