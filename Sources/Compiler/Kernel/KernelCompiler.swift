internal import Automata
internal import Policy

/// Puts one generation together, policy by policy.
struct KernelCompiler {
    private(set) var image = KernelImage()
    private(set) var policies: [KernelPolicy?] = []
    /// By slot, those of the host's policies.
    private(set) var parts: [KernelPart?] = []
    private(set) var counterCount = 0
    /// The objects that are denied by what they are, and where their lists are.
    private(set) var guards: [(object: KernelObject, place: Int)] = []
    /// The names whose objects are, and where the lists for what comes under them are.
    private(set) var guardedNames: [(path: [UInt8], name: KernelName, place: Int)] = []
    private let limit: Int
    private let own: OwnFiles
    /// Where the record of each policy is, by slot; 0: none.
    private(set) var records: [UInt32] = []
    /// That of policies without a `files` section, which is the same for all.
    private var withoutFiles: FileAutomaton?

    init(limit: Int, own: OwnFiles = OwnFiles()) {
        self.limit = limit
        self.own = own
        // The first record: nothing else can be at 0.
        _ = image.append(Self.zeros(KernelRecords.Generation.size))
    }

    private static func zeros(_ count: Int) -> [UInt32] { Array(repeating: 0, count: count) }

    /// Goes on with what another one has finished.
    init(resuming tables: KernelTables, limit: Int) {
        self.limit = limit
        own = OwnFiles()
        image = tables.image
        policies = tables.policies
        parts = tables.parts
        counterCount = tables.counterCount
        records = tables.records
    }

    /// Adds one policy.
    ///
    /// - Parameter known: what was in its slot before: taken again where it is still the same.
    mutating func add(
        _ entry: KernelTables.Entry, reusing known: KernelPart?
    ) throws(KernelTablesError) {
        let policy = entry.policy
        let part =
            if let known, known.policy.policy == policy, known.own == own {
                known
            } else {
                try KernelPart(
                    policy, own: own, limits: AutomatonLimits(),
                    files: policy.files == nil ? withoutFiles : nil)
            }
        if policy.files == nil { withoutFiles = part.files }
        try reserve(entry.slot, policy)
        parts[entry.slot] = part
        let record = try append(part)
        image[record + KernelRecords.Policy.layer] = UInt32(entry.slot)
        place(part.policy, in: entry.slot, record)
    }

    /// Adds one that `swguard run` brought; `list` makes it found.
    mutating func add(_ run: KernelRun) throws(KernelTablesError) {
        typealias Fields = KernelRecords.Policy
        try reserve(run.slot, run.part.policy.policy)
        let record = try append(run.part)
        image[record + Fields.flags] |= KernelRecords.Flag.run
        image[record + Fields.layer] = run.layer
        image[record + Fields.owner] = run.owner
        place(run.part.policy.of(run), in: run.slot, record)
    }

    private mutating func reserve(_ slot: Int, _ policy: Policy) throws(KernelTablesError) {
        guard slot < KernelTables.policyLimit else {
            throw KernelTablesError(
                "more than \(KernelTables.policyLimit) policies", in: policy,
                hint: "the kernel's tables hold no more")
        }
        while policies.count <= slot {
            policies.append(nil)
            parts.append(nil)
            records.append(0)
        }
    }

    private mutating func place(_ policy: KernelPolicy, in slot: Int, _ record: Int) {
        policies[slot] = policy
        records[slot] = UInt32(record)
    }

    /// Puts a part at the end; says where its record is.
    private mutating func append(_ part: KernelPart) throws(KernelTablesError) -> Int {
        typealias Fields = KernelRecords.Policy
        let record = image.append(Self.zeros(Fields.size))
        fill(record, part.policy)
        let verdicts = part.files.verdicts.map { image.append(Self.words(of: $0, part)) }
        image.append(part.fileTable, verdicts: verdicts, record: record + Fields.files)
        let names = part.sockets.verdicts.map { image.append($0) }
        image.append(part.socketTable, verdicts: names, record: record + Fields.sockets)
        let endpoints = KernelEndpoint.all(
            of: part.policy.policy.network, firstRule: part.policy.networkRules)
        image[record + Fields.endpointCount] = UInt32(endpoints.count)
        if !endpoints.isEmpty {
            image.refer(record + Fields.endpoints, to: image.append(endpoints.flatMap(\.words)))
        }
        if image.words.count > limit { throw tooLarge(part.policy.policy) }
        counterCount += part.policy.counterCount
        return record
    }

    /// Adds what decides where a layer that `swguard run` brought is gone: nothing is granted.
    mutating func close() throws(KernelTablesError) {
        typealias Fields = KernelRecords.Policy
        guard let part = KernelPart.closed else { return }
        let record = try append(part)
        image[record + Fields.flags] |= KernelRecords.Flag.capabilities
        image.setWide(record + Fields.capabilities, 0)
        image[record + Fields.operations] = 0
        image[record + Fields.unmediated] = 0
        image.refer(KernelRecords.Generation.closed, to: record)
    }

    private mutating func fill(_ record: Int, _ compiled: KernelPolicy) {
        typealias Fields = KernelRecords.Policy
        let policy = compiled.policy
        var flags: UInt32 = 0
        if policy.mode == .complain { flags |= KernelRecords.Flag.complains }
        if policy.files != nil { flags |= KernelRecords.Flag.files }
        if policy.network != nil { flags |= KernelRecords.Flag.network }
        if policy.network?.defaultVerdict == .allow { flags |= KernelRecords.Flag.networkDefaultAllow }
        if policy.capabilities != nil { flags |= KernelRecords.Flag.capabilities }
        image[record + Fields.flags] = flags
        // Numbers that are not capabilities yet: what is newer than this table is denied where the section is there.
        var capabilities: UInt64 = policy.capabilities == nil ? .max : 0
        var capabilityRules = Array(repeating: KernelRecords.noRule, count: 64)
        for capability in Capability.allCases {
            let number = Int(capability.rawValue)
            if compiled.grants(capability) { capabilities |= 1 << UInt64(number) }
            if let rule = compiled.rule(of: capability) { capabilityRules[number] = UInt32(rule) }
        }
        image.setWide(record + Fields.capabilities, capabilities)
        var operations: UInt32 = 0
        var unmediated: UInt32 = 0
        var operationRules: [UInt32] = []
        for (number, operation) in Operation.allCases.enumerated() {
            if compiled.grants(operation) { operations |= 1 << UInt32(number) }
            if !compiled.mediates(operation) { unmediated |= 1 << UInt32(number) }
            operationRules.append(compiled.rule(of: operation).map { UInt32($0) } ?? KernelRecords.noRule)
        }
        image[record + Fields.operations] = operations
        image[record + Fields.unmediated] = unmediated
        let families = Self.families(policy.network)
        image.setWide(record + Fields.families, families.all)
        image[record + Fields.netlinks] = families.netlinks
        image[record + Fields.familyRule] = compiled.familyRule.map { UInt32($0) } ?? KernelRecords.noRule
        image.count(record + Fields.firstRule, from: counterCount)
        image.refer(record + Fields.operationRules, to: image.append(operationRules))
        image.refer(record + Fields.capabilityRules, to: image.append(capabilityRules))
    }

    /// AF_NETLINK.
    private static let netlink: UInt32 = 16

    /// The families of sockets that may be made, by number, and the protocols of netlink.
    private static func families(_ section: NetworkSection?) -> (all: UInt64, netlinks: UInt32) {
        guard let section else { return (.max, .max) }
        var all: UInt64 = 0
        var netlinks: UInt32 = 0
        for family in section.families.map(\.value) where family.number < 64 {
            if let number = family.protocolNumber {
                // Of no other family is one protocol named; those beyond the 32 of the kernel (MAX_LINKS) are none.
                if family.number == netlink, number < 32 { netlinks |= 1 << number }
            } else {
                all |= 1 << UInt64(family.number)
            }
        }
        return (all, netlinks)
    }

    private static func words(of verdict: FileVerdict, _ part: KernelPart) -> [UInt32] {
        typealias Fields = KernelRecords.Verdict
        var words = zeros(Fields.size)
        words[Fields.granted] = UInt32(verdict.granted.rawValue)
        words[Fields.marks] = verdict.marks
        for (index, rule) in verdict.rules.enumerated() {
            let isRule = rule != FileVerdict.sectionDefault && rule != FileVerdict.notMediated
            words[Fields.rules + index] =
                isRule ? part.own.number(rule, in: part.policy) : KernelRecords.noRule
        }
        words[Fields.reported] = UInt32(verdict.reported.rawValue)
        return words
    }

    private func tooLarge(_ policy: Policy) -> KernelTablesError {
        KernelTablesError(
            "with this policy the kernel's tables have more than \(limit) words", in: policy,
            hint: "fewer patterns with sets or '**' in them make smaller tables")
    }

    /// Adds what is denied by what it is.
    mutating func guardObjects(
        _ entries: [KernelTables.Entry], identify: ([UInt8]) -> KernelObject?
    ) {
        var found = KernelGuards()
        for entry in entries {
            guard let compiled = policies[entry.slot] else { continue }
            found.add(own.guarding(entry.policy), slot: entry.slot, identify: identify) {
                own.number($0, in: compiled)
            }
        }
        var places: [[UInt32]: Int] = [:]
        func place(_ words: [UInt32]) -> Int {
            if let place = places[words] { return place }
            let place = image.append(words)
            places[words] = place
            return place
        }
        guards = found.objects.map { ($0, place(found.words(of: $0))) }
        guardedNames = found.names.map { ($0.path, $0.name, place(found.words(of: $0.name))) }
        image[KernelRecords.Generation.guardCount] = UInt32(guards.count + guardedNames.count)
        image[KernelRecords.Generation.guardedAccesses] = UInt32(found.denied.rawValue)
    }

    /// Adds who comes under which policy, and the record that leads to everything.
    mutating func finish(
        _ entries: [KernelTables.Entry], launchers: [[UInt8]], user: (String) -> UInt32?
    ) throws(KernelTablesError) {
        typealias Fields = KernelRecords.Generation
        var executables = EntryPatterns()
        var cgroups = EntryPatterns()
        var users: [(user: UInt32, slot: UInt32)] = []
        for entry in entries {
            for subject in entry.policy.subjects {
                switch subject.value {
                case .exec(let pattern): executables.add(pattern, entry.slot)
                case .cgroup(let pattern): cgroups.add(cgroup: pattern, entry.slot)
                case .unit(let name): cgroups.add(cgroup: Self.cgroups(ofUnit: name), entry.slot)
                case .user(let name):
                    guard let number = user(name) else {
                        throw KernelTablesError(
                            Diagnostic("there is no user '\(name)'", at: subject.location))
                    }
                    users.append((number, UInt32(entry.slot)))
                }
            }
        }
        // They matter where something begins by the cgroup.
        for launcher in cgroups.patterns.isEmpty ? [] : launchers {
            executables.add(PathPattern(literal: launcher), Int(KernelRecords.launcher))
        }
        try append(executables, record: Fields.executables, entries)
        try append(cgroups, record: Fields.cgroups, entries)
        var listed: [UInt32] = []
        for entry in users.sorted(by: { ($0.user, $0.slot) < ($1.user, $1.slot) })
        where listed.suffix(2) != [entry.user, entry.slot] {
            listed += [entry.user, entry.slot]
        }
        image[Fields.userEntryCount] = UInt32(listed.count / 2)
        if !listed.isEmpty { image.refer(Fields.userEntries, to: image.append(listed)) }
        list()
        if image.words.count > limit, let last = entries.last { throw tooLarge(last.policy) }
    }

    /// Makes all policies found by their slots.
    mutating func list() {
        typealias Fields = KernelRecords.Generation
        image[Fields.policyCount] = UInt32(records.count)
        guard !records.isEmpty else { return }
        image.repoint(Fields.policies, to: image.append(records, arePlaces: true))
    }

    /// The unit's cgroup, wherever its slice is, and what is beneath it.
    private static func cgroups(ofUnit name: String) -> PathPattern {
        PathPattern(tokens: [.anything] + "/\(name)".utf8.map { .byte($0) } + [.subtree])
    }

    private mutating func append(
        _ patterns: EntryPatterns, record: Int, _ entries: [KernelTables.Entry]
    ) throws(KernelTablesError) {
        var numbers: [[Int]: UInt32] = [[]: 0]
        var lists: [[Int]] = [[]]
        let automaton: Automaton
        do throws(AutomatonError) {
            automaton = try Automaton(patterns.patterns) { matching in
                let slots = Set(matching.map { patterns.slots[$0] }).sorted()
                if let number = numbers[slots] { return number }
                let number = UInt32(lists.count)
                numbers[slots] = number
                lists.append(slots)
                return number
            }
        } catch {
            let blamed = error.patterns.first.map { patterns.slots[$0] } ?? entries[0].slot
            let policy =
                entries.first { $0.slot == blamed & ~Int(KernelRecords.notBeneath) }?.policy
                ?? entries[0].policy
            throw KernelTablesError("the patterns of 'subjects' make too many states", in: policy)
        }
        let places = lists.map { slots in
            slots.isEmpty ? 0 : image.append([UInt32(slots.count)] + slots.map { UInt32($0) })
        }
        image.append(automaton, verdicts: places, record: record)
    }
}

/// Patterns by which tasks come under policies.
private struct EntryPatterns {
    private(set) var patterns: [Pattern] = []
    private(set) var slots: [Int] = []

    mutating func add(_ pattern: PathPattern, _ slot: Int) {
        patterns.append(Pattern(pattern))
        slots.append(slot)
    }

    /// Programs ask for each cgroup above the task's, too: what is beneath needs no states of its own, of which there would be
    /// some for every set of cgroups.
    mutating func add(cgroup pattern: PathPattern, _ slot: Int) {
        if pattern.tokens.last == .subtree, pattern.tokens.count > 1 {
            add(PathPattern(tokens: Array(pattern.tokens.dropLast())), slot)
        } else {
            add(pattern, slot | Int(KernelRecords.notBeneath))
        }
    }
}
