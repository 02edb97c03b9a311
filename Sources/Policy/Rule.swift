/// What a rule or a policy says of a request.
public enum Verdict: String, Hashable, Sendable {
    case allow, deny
}

/// What every rule of every section has.
public struct RuleHeader: Hashable, Sendable {
    /// The name of the rule: as written, or its place (`files.rules[2]`); an included rule's is prefixed with
    /// the include (`base/runtime:files.rules[2]`).
    public var id: String
    /// Whether the policy's author wrote the id.
    public var hasWrittenID: Bool
    /// Whether it allows or denies.
    public var verdict: Verdict
    /// What is shown to whoever is denied.
    public var reason: String?
    /// Whether its decisions are reported.
    public var log: Bool
    /// Whether it may be widened to what a layer of the kernel sees.
    public var isCoarse: Bool
    /// Where it stands.
    public var location: SourceLocation

    /// The header of a rule at `location`.
    public init(
        id: String, hasWrittenID: Bool = false, verdict: Verdict, reason: String? = nil, log: Bool? = nil,
        isCoarse: Bool = false, location: SourceLocation
    ) {
        self.id = id
        self.hasWrittenID = hasWrittenID
        self.verdict = verdict
        self.reason = reason
        self.log = log ?? (verdict == .deny)
        self.isCoarse = isCoarse
        self.location = location
    }
}

/// A rule of the `files` section.
public struct FileRule: Hashable, Sendable {
    public var header: RuleHeader
    /// The accesses as written; a deny covers `closedForDeny`.
    public var accesses: FileAccessSet
    /// What it is about, braces expanded, in the order written.
    public var patterns: [Located<PathPattern>]

    public init(header: RuleHeader, accesses: FileAccessSet, patterns: [Located<PathPattern>]) {
        self.header = header
        self.accesses = accesses
        self.patterns = patterns
    }

    /// The accesses that the rule decides.
    public var decidedAccesses: FileAccessSet {
        header.verdict == .deny ? accesses.closedForDeny : accesses
    }
}

/// A rule of the `network` section.
public struct NetworkRule: Hashable, Sendable {
    public var header: RuleHeader
    public var accesses: NetworkAccessSet
    public var endpoints: [Located<Endpoint>]

    public init(header: RuleHeader, accesses: NetworkAccessSet, endpoints: [Located<Endpoint>]) {
        self.header = header
        self.accesses = accesses
        self.endpoints = endpoints
    }
}

/// A rule of the `syscalls` section.
public struct SyscallRule: Hashable, Sendable {
    public var header: RuleHeader
    public var selectors: [Located<SyscallSelector>]
    /// All must hold.
    public var conditions: [Located<ArgumentCondition>]
    /// What a deny does; `errno:EPERM` unless written.
    public var action: SyscallAction

    public init(
        header: RuleHeader, selectors: [Located<SyscallSelector>], conditions: [Located<ArgumentCondition>],
        action: SyscallAction
    ) {
        self.header = header
        self.selectors = selectors
        self.conditions = conditions
        self.action = action
    }
}

/// One entry of a list section (`capabilities`, `operations`), which decides like a rule.
public struct ListEntry<Item: Hashable & Sendable>: Hashable, Sendable {
    public var header: RuleHeader
    /// What it is about; nil is `all`.
    public var item: Item?

    public init(header: RuleHeader, item: Item?) {
        self.header = header
        self.item = item
    }

    /// Whether the entry is about `item`.
    public func covers(_ item: Item) -> Bool { self.item == nil || self.item == item }
}
