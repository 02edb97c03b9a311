public import Policy

/// A policy as the kernel's events speak of it: by its slot, its rules by their numbers.
public struct KernelPolicy: Hashable, Sendable {
    /// The resolved policy.
    public let policy: Policy
    /// SHA-256 of the resolved policy's text, `sha256:…`.
    public let digest: String
    /// All rules, by their number: of files, network, families, capabilities, operations, each in the order of the
    /// document.
    public let rules: [DecidingRule]
    /// Which of them report their decisions.
    public let areLogged: [Bool]
    /// What is enforced of each section.
    private(set) var sections: [KernelCoverage.Section]

    /// The number of the rule by which the agent guards its own; nil: it guards nothing.
    let ownRule: Int?
    /// The layer and its owner, of one that `swguard run` brought.
    public private(set) var run: PolicyLegend.Run?

    let networkRules: Int
    let familyRule: Int?
    let capabilityRules: Int
    let operationRules: Int

    init(_ policy: Policy, isGuarded: Bool = false) {
        self.policy = policy
        digest = SHA256.text(PolicyCompiler.hash(of: policy))
        sections = KernelCoverage.sections(of: policy)
        var headers = (policy.files?.rules ?? []).map(\.header)
        networkRules = headers.count
        headers += (policy.network?.rules ?? []).map(\.header)
        familyRule = policy.network == nil ? nil : headers.count
        var families: RuleHeader?
        if let network = policy.network {
            families = RuleHeader(id: "network.families", verdict: .deny, location: network.location)
        }
        headers += families.map { [$0] } ?? []
        capabilityRules = headers.count
        headers += (policy.capabilities?.entries ?? []).map(\.header)
        operationRules = headers.count
        headers += (policy.operations?.entries ?? []).map(\.header)
        ownRule = isGuarded ? headers.count : nil
        rules =
            headers.map { DecidingRule(id: $0.id, location: $0.location, reason: $0.reason) }
            + (isGuarded ? [DecidingRule(id: OwnFiles.rule, location: nil, reason: OwnFiles.reason)] : [])
        areLogged = headers.map(\.log) + (isGuarded ? [true] : [])
    }

    /// The same as one that was brought.
    public func of(_ run: KernelRun) -> Self {
        var policy = self
        policy.run = PolicyLegend.Run(layer: run.layer, owner: run.owner)
        policy.sections = KernelCoverage.sections(of: self.policy, isRun: true)
        return policy
    }

    /// How many counters it has: one for its defaults, then one a rule.
    var counterCount: Int { rules.count + 1 }

    /// The entry that decides about `item`: the first deny, else the first allow, else none.
    static func decidingEntry<Item>(_ section: ListSection<Item>?, of item: Item) -> Int? {
        guard let entries = section?.entries else { return nil }
        var allowing: Int?
        for index in entries.indices where entries[index].covers(item) {
            if entries[index].header.verdict == .deny { return index }
            allowing = allowing ?? index
        }
        return allowing
    }

    /// The number of the rule that decides about an operation; nil: its default.
    func rule(of operation: Operation) -> Int? {
        Self.decidingEntry(policy.operations, of: operation).map { operationRules + $0 }
    }

    /// The number of the rule that decides about a capability; nil: the section's default.
    func rule(of capability: Capability) -> Int? {
        Self.decidingEntry(policy.capabilities, of: capability).map { capabilityRules + $0 }
    }

    /// Whether an operation is granted.
    func grants(_ operation: Operation) -> Bool { Self.grants(operation, in: policy) }

    static func grants(_ operation: Operation, in policy: Policy) -> Bool {
        if let entry = decidingEntry(policy.operations, of: operation) {
            return policy.operations?.entries[entry].header.verdict == .allow
        }
        return switch operation.defaultRule {
        // Built in, whatever the section's default says.
        case .denied: false
        case .granted: true
        case .sectionDefault: policy.operations?.defaultVerdict ?? .allow == .allow
        }
    }

    /// Whether the policy has a say in an operation. One that has no room on a task denies all of these.
    func mediates(_ operation: Operation) -> Bool {
        switch operation.defaultRule {
        case .denied: true
        case .granted: !grants(operation)
        case .sectionDefault: policy.operations != nil
        }
    }

    /// Whether a capability is granted.
    func grants(_ capability: Capability) -> Bool {
        guard let section = policy.capabilities else { return true }
        let entry = Self.decidingEntry(section, of: capability)
        return (entry.map { section.entries[$0].header.verdict } ?? section.defaultVerdict) == .allow
    }
}
