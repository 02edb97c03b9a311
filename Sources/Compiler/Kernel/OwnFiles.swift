public import Policy

/// The agent's own files: what it says of them stands before every policy's rules, and no policy grants it.
public struct OwnFiles: Hashable, Sendable {
    /// What events call the rule; it has no source.
    public static let rule = "self"
    static let reason = "the agent guards itself"

    private struct Entry: Hashable, Sendable {
        var denied: FileAccessSet
        var patterns: [PathPattern]
    }

    private var entries: [Entry] = []

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }

    /// Adds what is denied of some files; reading is the policies' affair.
    public mutating func deny(_ accesses: FileAccessSet, _ patterns: [PathPattern]) {
        if !patterns.isEmpty { entries.append(Entry(denied: accesses, patterns: patterns)) }
    }

    /// The rules as a policy would have them.
    func rules(in policy: Policy) -> [FileRule] {
        let place = SourceLocation(file: policy.file, line: 1)
        return entries.map { entry in
            FileRule(
                header: RuleHeader(id: Self.rule, verdict: .deny, location: place), accesses: entry.denied,
                patterns: entry.patterns.map { Located($0, at: place) })
        }
    }

    /// What a policy says of files, with these before it; nil: nothing.
    func guarding(_ policy: Policy) -> FilesSection? {
        if entries.isEmpty { return policy.files }
        // A policy that says nothing of files grants everything but these.
        var section =
            policy.files
            ?? FilesSection(
                defaultVerdict: .allow, location: SourceLocation(file: policy.file, line: 1))
        section.rules = rules(in: policy) + section.rules
        return section
    }

    /// The number in `policy` of a rule of the section with these before it.
    func number(_ rule: UInt32, in policy: KernelPolicy) -> UInt32 {
        guard let own = policy.ownRule else { return rule }
        return Int(rule) < entries.count ? UInt32(own) : rule - UInt32(entries.count)
    }
}
