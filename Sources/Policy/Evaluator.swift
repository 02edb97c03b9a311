/// The reference: what a policy says of a request, straight from its rules, with no automaton and no kernel.
///
/// Everything that enforces is compared with this. It is written to be read beside the section "Decisions" of
/// the language page, not to be fast.
public struct Evaluator: Sendable {
    /// The policy that is asked.
    public let policy: Policy
    private let vocabulary: SyscallVocabulary

    /// Asks `policy`, with the system calls that `vocabulary` knows.
    public init(_ policy: Policy, vocabulary: SyscallVocabulary) {
        self.policy = policy
        self.vocabulary = vocabulary
    }

    /// What the policy says of `request`.
    public func decide(_ request: Request) -> Decision {
        switch request {
        case .file(let path, let accesses): decide(accesses, path: path)
        case .network(let access, let address): Decision(parts: [decide(access, address: address)])
        case .socket(let family, let number):
            Decision(parts: [decide(family: family, protocolNumber: number)])
        case .capability(let capability): Decision(parts: [decide(capability)])
        case .operation(let operation): Decision(parts: [decide(operation)])
        case .syscall(let name, let arguments): Decision(parts: [decide(syscall: name, arguments: arguments)])
        }
    }

    private func decide(_ accesses: FileAccessSet, path: [UInt8]) -> Decision {
        guard let section = policy.files else {
            return Decision(parts: accesses.members.map { .notMediated($0.name) })
        }
        let matching = section.rules.filter { rule in rule.patterns.contains { $0.value.matches(path) } }
        return Decision(
            parts: accesses.members.map { access in
                let deciding = matching.filter { $0.decidedAccesses.contains(FileAccessSet(access)) }
                return .init(
                    access.name, rules: deciding.map(\.header), default: section.defaultVerdict,
                    named: "files.default", at: section.location)
            })
    }

    private func decide(_ access: NetworkAccess, address: SocketAddress) -> Decision.Part {
        guard let section = policy.network else {
            // A named unix socket is a file: without a network section, connecting to it asks for `write`.
            if case .unixPath(let path) = address, access == .connect, policy.files != nil {
                var part = decide(.write, path: path).parts[0]
                part.access = access.name
                return part
            }
            return .notMediated(access.name)
        }
        let address = address.used(for: access)
        let deciding = section.rules.filter { rule in
            rule.accesses.contains(NetworkAccessSet(access))
                && rule.endpoints.contains { $0.value.contains(address) }
        }
        return .init(
            access.name, rules: deciding.map(\.header), default: section.defaultVerdict,
            named: "network.default", at: section.location)
    }

    private func decide(family: UInt32, protocolNumber: UInt32) -> Decision.Part {
        guard let section = policy.network else { return .notMediated(Decision.socketCreation) }
        let isListed = section.families.contains {
            $0.value.number == family
                && ($0.value.protocolNumber == nil || $0.value.protocolNumber == protocolNumber)
        }
        return Decision.Part(
            access: Decision.socketCreation, verdict: isListed ? .allow : .deny,
            rule: DecidingRule(id: "network.families", location: section.location), log: !isListed)
    }

    private func decide(_ capability: Capability) -> Decision.Part {
        guard let section = policy.capabilities else { return .notMediated(capability.name) }
        let deciding = section.entries.filter { $0.covers(capability) }
        return .init(
            capability.name, rules: deciding.map(\.header), default: section.defaultVerdict,
            named: "capabilities.default", at: section.location)
    }

    private func decide(_ operation: Operation) -> Decision.Part {
        let deciding = (policy.operations?.entries ?? []).filter { $0.covers(operation) }
        let verdict: Verdict =
            switch operation.defaultRule {
            // Built in, whatever the section's default says.
            case .denied: .deny
            case .granted: .allow
            case .sectionDefault: policy.operations?.defaultVerdict ?? .allow
            }
        if deciding.isEmpty, verdict == .allow, policy.operations == nil {
            return .notMediated(operation.name)
        }
        return .init(
            operation.name, rules: deciding.map(\.header), default: verdict, named: "operations.default",
            at: operation.defaultRule == .sectionDefault ? policy.operations?.location : nil)
    }

    private func decide(syscall name: String, arguments: [UInt64]) -> Decision.Part {
        guard let section = policy.syscalls else { return .notMediated(name) }
        let padded = (arguments + Array(repeating: 0, count: 6)).prefix(6)
        let deciding = section.rules.filter { rule in
            covers(rule, name)
                && rule.conditions.allSatisfy {
                    $0.value.holds(
                        for: Array(padded), width: vocabulary.width(of: $0.value.argument, of: name))
                }
        }
        var part = Decision.Part(
            name, rules: deciding.map(\.header), default: section.defaultVerdict, named: "syscalls.default",
            at: section.location)
        if part.verdict == .deny, vocabulary.alwaysAllowed.contains(name), deciding.isEmpty {
            part = Decision.Part(
                access: name, verdict: .allow, rule: DecidingRule(id: "syscalls.always", location: nil),
                log: false)
        }
        if part.verdict == .deny {
            let first = deciding.first { $0.header.verdict == .deny }
            part.action = first?.action ?? .errno(vocabulary.permissionError)
        }
        return part
    }

    /// Whether the rule is about the call `name`, whatever its arguments.
    func covers(_ rule: SyscallRule, _ name: String) -> Bool {
        rule.selectors.contains { vocabulary.selector($0.value, covers: name) }
    }
}

extension Decision.Part {
    /// Nothing decided: the section is absent.
    static func notMediated(_ access: String) -> Self {
        Self(access: access, verdict: .allow, rule: nil, log: false)
    }

    /// The verdict of the rules that cover an access: the first deny, else the first allow, else the default.
    init(
        _ access: String, rules: [RuleHeader], default defaultVerdict: Verdict, named defaultID: String,
        at location: SourceLocation?
    ) {
        let deciding = rules.first { $0.verdict == .deny } ?? rules.first { $0.verdict == .allow }
        self.init(
            access: access, verdict: deciding?.verdict ?? defaultVerdict,
            rule: deciding.map { DecidingRule($0) } ?? DecidingRule(id: defaultID, location: location),
            log: deciding?.log ?? (defaultVerdict == .deny))
    }
}
