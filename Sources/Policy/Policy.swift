/// What a policy says, checked, with variables expanded and includes in place.
///
/// Everything that decides carries the place it was written at. Parsing is in `YAML/` and `Decoding/`; the
/// verdicts that a policy means are defined by `Evaluator`.
public struct Policy: Hashable, Sendable {
    /// Whether denials are carried out.
    public enum Mode: String, Hashable, Sendable { case enforce, complain }

    /// `metadata.name`.
    public var name: String
    /// `metadata.description`.
    public var description: String?
    /// The file that it came from, as named.
    public var file: String
    public var mode: Mode
    /// The names of the includes as written, for printing; their rules are already in the sections.
    public var includes: [Located<String>]
    public var subjects: [Located<Subject>]
    /// nil: not mediated. The same holds for the other sections.
    public var files: FilesSection?
    public var network: NetworkSection?
    public var capabilities: ListSection<Capability>?
    public var operations: ListSection<Operation>?
    public var syscalls: SyscallsSection?
    public var tests: [PolicyTest]

    /// A policy that mediates nothing yet.
    public init(name: String, file: String) {
        self.name = name
        self.file = file
        mode = .enforce
        includes = []
        subjects = []
        tests = []
    }
}

/// Whom the host agent confines.
public enum Subject: Hashable, Sendable {
    case exec(PathPattern)
    case unit(String)
    case cgroup(PathPattern)
    case user(String)
}

/// The `files` section.
public struct FilesSection: Hashable, Sendable {
    public var defaultVerdict: Verdict
    public var rules: [FileRule]
    /// The key `files`; `files.default` is reported with this place.
    public var location: SourceLocation

    public init(defaultVerdict: Verdict = .deny, rules: [FileRule] = [], location: SourceLocation) {
        self.defaultVerdict = defaultVerdict
        self.rules = rules
        self.location = location
    }
}

/// A family of sockets, with the protocol where a policy names one (`netlink:route`).
public struct SocketFamily: Hashable, Sendable {
    /// The word that policies use: `inet`, `netlink`.
    public var name: String
    /// The kernel's number (AF_INET is 2).
    public var number: UInt32
    /// The one protocol that is meant, or all of the family.
    public var protocolNumber: UInt32?

    public init(name: String, number: UInt32, protocolNumber: UInt32? = nil) {
        self.name = name
        self.number = number
        self.protocolNumber = protocolNumber
    }
}

/// The `network` section.
public struct NetworkSection: Hashable, Sendable {
    public var defaultVerdict: Verdict
    /// Which sockets may be created at all.
    public var families: [Located<SocketFamily>]
    public var rules: [NetworkRule]
    public var location: SourceLocation

    public init(
        defaultVerdict: Verdict = .deny, families: [Located<SocketFamily>], rules: [NetworkRule] = [],
        location: SourceLocation
    ) {
        self.defaultVerdict = defaultVerdict
        self.families = families
        self.rules = rules
        self.location = location
    }
}

/// A section of names: `capabilities` or `operations`.
public struct ListSection<Item: Hashable & Sendable>: Hashable, Sendable {
    public var defaultVerdict: Verdict
    /// Allow and deny entries in the order written.
    public var entries: [ListEntry<Item>]
    public var location: SourceLocation

    public init(defaultVerdict: Verdict = .deny, entries: [ListEntry<Item>] = [], location: SourceLocation) {
        self.defaultVerdict = defaultVerdict
        self.entries = entries
        self.location = location
    }
}

/// The `syscalls` section.
public struct SyscallsSection: Hashable, Sendable {
    public var defaultVerdict: Verdict
    /// Names of ABIs (`x86_64`, `i386`); empty is the native one.
    public var architectures: [Located<String>]
    public var rules: [SyscallRule]
    public var location: SourceLocation

    public init(
        defaultVerdict: Verdict = .deny, architectures: [Located<String>] = [], rules: [SyscallRule] = [],
        location: SourceLocation
    ) {
        self.defaultVerdict = defaultVerdict
        self.architectures = architectures
        self.rules = rules
        self.location = location
    }
}

/// One item of `tests`.
public struct PolicyTest: Hashable, Sendable {
    /// What is expected.
    public var expected: Verdict
    public var request: Request
    /// The id of the rule that must have decided, where the item names one.
    public var rule: Located<String>?
    public var location: SourceLocation

    public init(expected: Verdict, request: Request, rule: Located<String>?, location: SourceLocation) {
        self.expected = expected
        self.request = request
        self.rule = rule
        self.location = location
    }
}
