public import Landlock
public import Policy

/// What to build a Landlock ruleset from: plain data, made from a policy without looking at any file.
///
/// Whoever applies it opens `grants` as they stand, walks what `carvings` say, and hands `processGrants` to the
/// process that is to be confined.
public struct LandlockRecipe: Hashable, Sendable {
    /// The limits of the language page: beyond them a policy is refused, with the pattern to blame.
    public static let maximumEntries = 20_000
    public static let maximumRules = 4_000
    /// Beyond this many patterns nothing is compared: each allow meets each deny, and most become a rule.
    public static let maximumPatterns = 8_000

    /// What a grant or a pattern stands for in the policy, for messages.
    public struct Origin: Hashable, Sendable {
        /// `files`, `network` or `operations`.
        public var section: String
        /// The rule's id.
        public var subject: String
        public var location: SourceLocation?

        public init(section: String, subject: String, location: SourceLocation?) {
            self.section = section
            self.subject = subject
            self.location = location
        }
    }

    /// Rights on one path, with nothing to look up but whether it is a directory.
    public struct Grant: Hashable, Sendable {
        /// An absolute path without links; of a process grant, the path beneath `/proc/self` (`.` for itself).
        public var path: [UInt8]
        public var rights: FileRights
        /// Whether everything beneath is granted too. If not, and the object is a directory, nothing is: Landlock
        /// would grant what is beneath as well.
        public var isSubtree: Bool
        /// An index into `origins`.
        public var origin: Int
        /// Whether the same rule has this path in another spelling, so that a link here loses nothing.
        public var hasOtherSpelling: Bool

        public init(
            path: [UInt8], rights: FileRights, isSubtree: Bool, origin: Int, hasOtherSpelling: Bool = false
        ) {
            self.path = path
            self.rights = rights
            self.isSubtree = isSubtree
            self.origin = origin
            self.hasOtherSpelling = hasOtherSpelling
        }
    }

    /// A pattern that a walk follows.
    public struct WalkPattern: Hashable, Sendable {
        public var pattern: PathPattern
        public var rights: FileRights
        public var origin: Int
        /// Of a deny that can match at any depth, and could not be refused (`--allow-partial`): it denies what
        /// the walk comes across, and does not keep directories from being granted whole.
        public var isAnyDepth: Bool
        /// Whether the same rule has this pattern in another spelling, so that a link at its root loses nothing.
        public var hasOtherSpelling: Bool

        public init(
            pattern: PathPattern, rights: FileRights, origin: Int, isAnyDepth: Bool = false,
            hasOtherSpelling: Bool = false
        ) {
            self.pattern = pattern
            self.rights = rights
            self.origin = origin
            self.isAnyDepth = isAnyDepth
            self.hasOtherSpelling = hasOtherSpelling
        }
    }

    /// Allow patterns to expand over what exists beneath a directory.
    public struct Carving: Hashable, Sendable {
        public var root: [UInt8]
        public var allows: [WalkPattern]

        public init(root: [UInt8], allows: [WalkPattern]) {
            self.root = root
            self.allows = allows
        }
    }

    /// Rights on one TCP port.
    public struct PortGrant: Hashable, Sendable {
        public var port: UInt16
        public var rights: NetworkRights

        public init(port: UInt16, rights: NetworkRights) {
            self.port = port
            self.rights = rights
        }
    }

    /// What the ruleset handles: what is not granted of these is denied.
    public var fileRights: FileRights
    public var networkRights: NetworkRights
    public var scopes: Scopes
    /// What is granted as it stands, by path.
    public var grants: [Grant]
    /// What is granted beneath the confined process's own directory in procfs.
    public var processGrants: [Grant]
    /// What is expanded, by root.
    public var carvings: [Carving]
    /// What the expansion leaves out. Also where bind mounts show the same objects under other names.
    public var denies: [WalkPattern]
    /// By port, ascending.
    public var ports: [PortGrant]
    public var origins: [Origin]

    /// A recipe that handles nothing.
    public init() {
        fileRights = []
        networkRights = []
        scopes = []
        grants = []
        processGrants = []
        carvings = []
        denies = []
        ports = []
        origins = []
    }

    /// Whether what is handled comes from a `files` or `network` section. What operations need is less: rights to
    /// write some files of the kernel's, `refer`, signals.
    public var deniesFilesOrAddresses: Bool {
        !fileRights.isDisjoint(with: [.readFile, .makeSocket, .resolveUnix]) || !networkRights.isEmpty
            || scopes.contains(.abstractUnixSocket)
    }

    /// Whether there is a ruleset to make.
    public var isNeeded: Bool { !fileRights.isEmpty || !networkRights.isEmpty || !scopes.isEmpty }
}
