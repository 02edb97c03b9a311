internal import Automata
public import Policy

/// All policies that are in force together, as the words that the kernel's programs look at, and as people know them.
///
/// The words are relocatable: a generation can be placed anywhere in the kernel's array.
public struct KernelTables: Hashable, Sendable {
    /// `SWGUARD_POLICIES_MAX`.
    public static let policyLimit = 4096

    /// A policy, and the slot by which tasks know it: the same in every generation.
    public struct Entry {
        public var slot: Int
        public var policy: Policy

        public init(slot: Int, policy: Policy) {
            self.slot = slot
            self.policy = policy
        }
    }

    /// By slot; nil: none is there.
    public let policies: [KernelPolicy?]
    /// By slot, what the host's policies are by themselves.
    public let parts: [KernelPart?]
    /// How many counters are needed.
    public let counterCount: Int
    let image: KernelImage
    /// Where the record of each policy is, by slot; 0: none.
    let records: [UInt32]
    private let guardPlaces: [GuardPlace]
    private let namePlaces: [NamePlace]

    /// How many objects are denied under any name.
    public var guardCount: Int { guardPlaces.count }
    /// How many names there are whose objects are.
    public var guardedNameCount: Int { namePlaces.count }

    /// How many of the counters are of what stands in for layers that are gone, behind those of the host's policies.
    public static var closedCounterCount: Int { KernelPart.closed?.policy.counterCount ?? 0 }

    /// How many words are needed.
    public var wordCount: Int { image.words.count }

    /// The words of this generation for where the first of them is the word number `base` (not 0), and the first of its
    /// counters is `counter`. `number` is what events call it.
    public func words(at base: UInt32, number: UInt32, countingFrom counter: UInt32) -> [UInt32] {
        var words = image.words(at: base, countingFrom: counter)
        words[KernelRecords.Generation.number] = number
        return words
    }

    /// The objects that are denied under any name, and the words of their lists for where the first word is `base`.
    public func guards(at base: UInt32) -> [(object: KernelObject, word: UInt32)] {
        guardPlaces.map { ($0.object, base + UInt32($0.place)) }
    }

    /// The names whose objects, whatever they are at the time, are denied under any name: `path` leads to one. The words are
    /// those of lists, for where the first word is `base`.
    public func guardedNames(at base: UInt32) -> [(path: [UInt8], name: KernelName, word: UInt32)] {
        namePlaces.map { ($0.path, $0.name, base + UInt32($0.place)) }
    }

    /// Compiles policies, each resolved: includes, variables and links are in place.
    ///
    /// - Parameters:
    ///   - limit: how many words there may be.
    ///   - own: the agent's files, which no policy grants.
    ///   - isClosing: whether layers that `swguard run` brought and that are not there deny everything.
    ///   - launchers: the files whose exec in a cgroup does not begin the cgroup's policies.
    ///   - user: the number of a user; nil: there is none of that name.
    ///   - identify: the object at a path; nil: there is none.
    /// - Throws: a diagnostic at the policy to blame.
    public static func compile(
        _ policies: [Policy], limit: Int = 1 << 26, own: OwnFiles = OwnFiles(), isClosing: Bool = true,
        launchers: [[UInt8]] = [],
        user: (String) -> UInt32? = { UInt32($0) },
        identify: ([UInt8]) -> KernelObject? = { _ in nil }
    ) throws(KernelTablesError) -> Self {
        try compile(
            policies.enumerated().map { Entry(slot: $0, policy: $1) }, limit: limit, own: own,
            isClosing: isClosing, launchers: launchers, user: user, identify: identify)
    }

    /// The same for policies that have slots already.
    ///
    /// - Parameter known: by slot, what policies were compiled to before; of those that are still the same it is taken.
    public static func compile(
        _ entries: [Entry], limit: Int = 1 << 26, own: OwnFiles = OwnFiles(), isClosing: Bool = true,
        launchers: [[UInt8]] = [],
        user: (String) -> UInt32? = { UInt32($0) },
        identify: ([UInt8]) -> KernelObject? = { _ in nil }, reusing known: [KernelPart?] = []
    ) throws(KernelTablesError) -> Self {
        var compiler = KernelCompiler(limit: limit, own: own)
        for entry in entries {
            try compiler.add(
                entry, reusing: known.indices.contains(entry.slot) ? known[entry.slot] : nil)
        }
        if isClosing { try compiler.close() }
        compiler.guardObjects(entries, identify: identify)
        try compiler.finish(entries, launchers: launchers, user: user)
        return Self(
            compiler, compiler.guards.map { GuardPlace(object: $0.object, place: $0.place) },
            compiler.guardedNames.map {
                NamePlace(path: $0.path, name: $0.name, place: $0.place)
            })
    }

    private init(_ compiler: KernelCompiler, _ guards: [GuardPlace], _ names: [NamePlace]) {
        policies = compiler.policies
        parts = compiler.parts
        counterCount = compiler.counterCount
        image = compiler.image
        records = compiler.records
        guardPlaces = guards
        namePlaces = names
    }

    /// These policies, and others that `swguard run` brought; nothing of these is compiled again.
    ///
    /// What such a policy denies it denies by path alone: an object that a user could have denied under any name would be
    /// looked at, and could be one too many, for every process on the host.
    public func adding(_ runs: [KernelRun], limit: Int = 1 << 26) throws(KernelTablesError) -> Self {
        if runs.isEmpty { return self }
        var compiler = KernelCompiler(resuming: self, limit: limit)
        // Counters are found by the order of slots.
        for run in runs.sorted(by: { $0.slot < $1.slot }) { try compiler.add(run) }
        compiler.list()
        return Self(compiler, guardPlaces, namePlaces)
    }

    /// Where the list of an object is.
    private struct GuardPlace: Hashable, Sendable {
        var object: KernelObject
        var place: Int
    }

    /// Where the list for what comes under a name is.
    private struct NamePlace: Hashable, Sendable {
        var path: [UInt8]
        var name: KernelName
        var place: Int
    }
}

/// Why policies cannot be put into the kernel's tables.
public struct KernelTablesError: Error, Hashable, Sendable {
    /// At the policy to blame.
    public var diagnostic: Diagnostic

    init(_ text: String, in policy: Policy, hint: String? = nil) {
        diagnostic = Diagnostic(text, at: SourceLocation(file: policy.file, line: 1), hint: hint)
    }

    init(_ diagnostic: Diagnostic) { self.diagnostic = diagnostic }
}
