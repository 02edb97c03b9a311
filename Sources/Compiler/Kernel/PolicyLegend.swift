public import Policy

/// What the numbers in the kernel's records about one policy stand for.
///
/// It outlives the policy itself: an agent that takes over what another one loaded knows no more than this.
public struct PolicyLegend: Hashable, Sendable {
    public var name: String
    public var file: String
    /// SHA-256 of the resolved policy's text, `sha256:…`; nil: not known.
    public var digest: String?
    public var mode: Policy.Mode
    /// All rules, by their number.
    public var rules: [DecidingRule]
    /// Which of them report their decisions.
    public var areLogged: [Bool]
    /// Where sections stand; nil: the policy has none.
    public var files: SourceLocation?
    public var network: SourceLocation?
    public var capabilities: SourceLocation?
    public var operations: SourceLocation?
    /// What is enforced of each section.
    public var sections: [Section]
    /// The files that it confines by their one name.
    public var executables: [[UInt8]]

    /// The layer and its owner, of one that `swguard run` brought.
    public var run: Run?

    /// What makes a policy that `swguard run` brought another than any else of its name.
    public struct Run: Hashable, Sendable {
        /// The word by which tasks know it.
        public var layer: UInt32
        /// The user who may come under it.
        public var owner: UInt32
    }

    /// What is enforced of a section, and in words what is not.
    public struct Section: Hashable, Sendable {
        public var name: String
        public var extent: Coverage.Extent
        public var gaps: [String]
    }

    /// How many counters it has: one for its defaults, then one a rule.
    public var counterCount: Int { rules.count + 1 }

    /// The legend of a policy of which only the name is known: its rules are numbers.
    public init(unknown name: String) {
        self.name = name
        file = ""
        mode = .enforce
        rules = []
        areLogged = []
        sections = []
        executables = []
    }

    init(_ compiled: KernelPolicy) {
        let policy = compiled.policy
        name = policy.name
        file = policy.file
        digest = compiled.digest
        mode = policy.mode
        rules = compiled.rules
        areLogged = compiled.areLogged
        files = policy.files?.location
        network = policy.network?.location
        capabilities = policy.capabilities?.location
        operations = policy.operations?.location
        run = compiled.run
        sections = compiled.sections.map {
            Section(name: $0.name, extent: $0.extent, gaps: $0.gaps)
        }
        executables = policy.subjects.compactMap { subject -> [UInt8]? in
            guard case .exec(let pattern) = subject.value, pattern.isLiteral else { return nil }
            return pattern.literalBytes
        }
    }
}

extension KernelPolicy {
    /// What events of this policy are told with.
    public var legend: PolicyLegend { PolicyLegend(self) }
}
