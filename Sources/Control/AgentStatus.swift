/// How much of something the kernel enforces.
public enum EnforcedExtent: String, CaseIterable, Hashable, Sendable {
    case full, partial, none
}

/// What the agent enforces as a whole.
public struct AgentStatus: Hashable, Sendable {
    public var version: String
    public var pid: Int
    /// When the agent began, RFC 3339.
    public var since: String
    public var generation: Int
    /// When the generation came into force.
    public var changed: String
    public var extent: EnforcedExtent
    /// How many policies are loaded.
    public var policies: Int
    /// Tasks that had no room for another policy when policies were loaded last.
    public var refused: Int
    /// Lines that could not be written, and that the log does not tell of yet.
    public var unwritten: Int
    public var counts: EventCounts
    /// The kernel's release.
    public var kernel: String
    public var facts: [KernelFact]

    public init(
        version: String, pid: Int, since: String, generation: Int, changed: String, extent: EnforcedExtent,
        policies: Int, refused: Int, unwritten: Int, counts: EventCounts, kernel: String, facts: [KernelFact]
    ) {
        self.version = version
        self.pid = pid
        self.since = since
        self.generation = generation
        self.changed = changed
        self.extent = extent
        self.policies = policies
        self.refused = refused
        self.unwritten = unwritten
        self.counts = counts
        self.kernel = kernel
        self.facts = facts
    }
}

/// What became of decisions that were to be reported.
///
/// decided = submitted + lost + quiet, as the kernel counts; submitted = written + aggregated + waiting + unreported + dropped, as the
/// agent does.
public struct EventCounts: Hashable, Sendable {
    public var decided = 0
    public var submitted = 0
    public var lost = 0
    public var quiet = 0
    public var written = 0
    public var aggregated = 0
    public var waiting = 0
    public var unreported = 0
    /// What the log had no room for; told as a `gap`.
    public var dropped = 0

    public init() {}

    static var fields: KeyValuePairs<String, WritableKeyPath<Self, Int>> {
        [
            "decided": \.decided, "submitted": \.submitted, "lost": \.lost, "quiet": \.quiet,
            "written": \.written, "aggregated": \.aggregated, "waiting": \.waiting,
            "unreported": \.unreported, "dropped": \.dropped,
        ]
    }

    public static func += (left: inout Self, right: Self) {
        for (_, field) in fields { left[keyPath: field] += right[keyPath: field] }
    }
}

/// Something found out about the kernel by trying it.
public struct KernelFact: Hashable, Sendable {
    /// A word: `busy-storage`.
    public var name: String
    /// What it means for what is enforced.
    public var text: String

    public init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

/// A policy that is loaded.
public struct PolicyStatus: Hashable, Sendable {
    /// What is enforced of one section.
    public struct Section: Hashable, Sendable {
        public var name: String
        public var extent: EnforcedExtent
        /// What is not enforced, in words.
        public var gaps: [String]

        public init(name: String, extent: EnforcedExtent, gaps: [String]) {
            self.name = name
            self.extent = extent
            self.gaps = gaps
        }
    }

    public var name: String
    public var file: String
    /// It only reports.
    public var complains: Bool
    /// `sha256:…`.
    public var digest: String
    /// The user who brought it with `swguard run`; nil: it is the host's.
    public var owner: Int?
    public var sections: [Section]
    public var counts: EventCounts

    public init(
        name: String, file: String, complains: Bool, digest: String, owner: Int? = nil, sections: [Section],
        counts: EventCounts
    ) {
        self.name = name
        self.file = file
        self.complains = complains
        self.digest = digest
        self.owner = owner
        self.sections = sections
        self.counts = counts
    }

    /// What a list calls it, where the host's policies stand, too: those have no `@` in their names.
    public var listedName: String { owner.map { "\(name)@\($0)" } ?? name }

    /// Full where every section is; none where no section is at all.
    public var extent: EnforcedExtent { .combined(sections.map(\.extent)) }
}

extension EnforcedExtent {
    /// Of the whole, by its parts; of nothing, full.
    public static func combined(_ parts: [Self]) -> Self {
        if parts.allSatisfy({ $0 == .full }) { return .full }
        return parts.allSatisfy { $0 == .none } ? .none : .partial
    }
}

/// Threads of one process that are under the same policies.
public struct ConfinedProcess: Hashable, Sendable {
    public var pid: Int
    /// Nanoseconds from boot to the start of the process.
    public var start: Int
    public var threads: Int
    public var comm: String
    public var exe: String?
    /// The effective user id.
    public var uid: Int
    public var user: String?
    public var cgroup: String?
    /// Oldest first.
    public var policies: [String]

    public init(
        pid: Int, start: Int, threads: Int, comm: String, exe: String?, uid: Int, user: String?,
        cgroup: String?, policies: [String]
    ) {
        self.pid = pid
        self.start = start
        self.threads = threads
        self.comm = comm
        self.exe = exe
        self.uid = uid
        self.user = user
        self.cgroup = cgroup
        self.policies = policies
    }
}
