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
/// decided = submitted + quiet + ring, as the kernel counts, and decided = written + aggregated + waiting + quiet + unreported +
/// ring + rate + disk + restart, as everybody does together.
public struct EventCounts: Hashable, Sendable {
    public var decided = 0
    public var submitted = 0
    public var quiet = 0
    public var written = 0
    public var aggregated = 0
    public var waiting = 0
    /// By `log: false`.
    public var unreported = 0
    // Dropped, and told as a gap: the kernel's buffer was full, …
    public var ring = 0
    /// … there were more than the configuration allows, …
    public var rate = 0
    /// … the log had no room, …
    public var disk = 0
    /// … or an agent was killed that had taken them.
    public var restart = 0

    public init() {}

    /// Of those that were submitted, those of which it is known what became of them.
    public var handled: Int { written + aggregated + unreported + rate + disk + restart }

    static var fields: KeyValuePairs<String, WritableKeyPath<Self, Int>> {
        [
            "decided": \.decided, "submitted": \.submitted, "quiet": \.quiet, "written": \.written,
            "aggregated": \.aggregated, "waiting": \.waiting, "unreported": \.unreported,
        ]
    }

    /// Those that were dropped, by their causes as gaps name them.
    static var causes: KeyValuePairs<String, WritableKeyPath<Self, Int>> {
        ["ring": \.ring, "rate": \.rate, "disk": \.disk, "restart": \.restart]
    }

    public static func += (left: inout Self, right: Self) {
        for (_, field) in fields { left[keyPath: field] += right[keyPath: field] }
        for (_, cause) in causes { left[keyPath: cause] += right[keyPath: cause] }
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
    /// The id, or the name, of the container that the cgroup tells of.
    public var container: String?
    /// Oldest first.
    public var policies: [String]

    public init(
        pid: Int, start: Int, threads: Int, comm: String, exe: String?, uid: Int, user: String?,
        cgroup: String?, container: String? = nil, policies: [String]
    ) {
        self.pid = pid
        self.start = start
        self.threads = threads
        self.comm = comm
        self.exe = exe
        self.uid = uid
        self.user = user
        self.cgroup = cgroup
        self.container = container
        self.policies = policies
    }
}
