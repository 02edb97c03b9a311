/// Puts the rules of includes in front of a policy's own.
///
/// Section by section: an include contributes only where the including policy has the section itself, a file
/// that is reached twice contributes once, and defaults, families, architectures, mode, subjects and tests are
/// the policy's own.
struct PolicyMerge {
    private let diagnostics: Diagnostics

    static func merge(_ root: PolicyLoad.Unit, _ diagnostics: Diagnostics) -> Policy {
        let merge = PolicyMerge(diagnostics: diagnostics)
        var policy = root.policy
        policy.files?.rules = merge.collect(\.files?.rules, in: root) { $0.header.prefix($1) }
        policy.network?.rules = merge.collect(\.network?.rules, in: root) { $0.header.prefix($1) }
        policy.capabilities?.entries = merge.collect(\.capabilities?.entries, in: root) {
            $0.header.prefix($1)
        }
        policy.operations?.entries = merge.collect(\.operations?.entries, in: root) { $0.header.prefix($1) }
        policy.syscalls?.rules = merge.collect(\.syscalls?.rules, in: root) { $0.header.prefix($1) }
        merge.note(root)
        return policy
    }

    /// The rules of one section, includes first; nil is a section that is absent.
    private func collect<Rule>(
        _ section: (Policy) -> [Rule]?, in root: PolicyLoad.Unit, prefix: (inout Rule, String) -> Void
    ) -> [Rule] {
        var visited: Set<ObjectIdentifier> = []
        func collect(_ unit: PolicyLoad.Unit) -> [Rule] {
            guard let own = section(unit.policy), visited.insert(ObjectIdentifier(unit)).inserted else {
                return []
            }
            return unit.includes.flatMap { collect($0.unit) }
                + own.map { rule in
                    var rule = rule
                    if let name = unit.name { prefix(&rule, name) }
                    return rule
                }
        }
        return collect(root)
    }

    // MARK: Notes

    /// Says what of the policy's own includes does not take part.
    private func note(_ root: PolicyLoad.Unit) {
        for (include, unit) in root.includes {
            let absent = unit.policy.sectionNames.filter { !root.policy.sectionNames.contains($0) }
            if !absent.isEmpty {
                diagnostics.add(
                    "\(quoted(include.value)) has rules for \(absent.joined(separator: ", ")), which this policy does not mediate",
                    at: include.location, severity: .note,
                    hint: "to mediate it, write '\(absent[0]): {}'")
            }
            let own = unit.policy.namesThatStay
            if !own.isEmpty {
                diagnostics.add(
                    "of \(quoted(include.value)), \(own.joined(separator: ", ")) does not carry over",
                    at: include.location, severity: .note, hint: "an include contributes rules and lists")
            }
        }
    }
}

extension RuleHeader {
    /// Puts the name of the include in front of the id.
    fileprivate mutating func prefix(_ include: String) { id = "\(include):\(id)" }
}

extension Policy {
    /// The sections that are there.
    fileprivate var sectionNames: [String] {
        [
            files.map { _ in "files" }, network.map { _ in "network" },
            capabilities.map { _ in "capabilities" },
            operations.map { _ in "operations" }, syscalls.map { _ in "syscalls" },
        ].compactMap { $0 }
    }

    /// What a policy says that its rules do not carry.
    fileprivate var namesThatStay: [String] {
        var names: [String] = []
        let defaults = [
            ("files", files?.defaultVerdict), ("network", network?.defaultVerdict),
            ("capabilities", capabilities?.defaultVerdict), ("operations", operations?.defaultVerdict),
            ("syscalls", syscalls?.defaultVerdict),
        ]
        names += defaults.filter { $0.1 == .allow }.map { "'default' of \($0.0)" }
        if let network, network.families.map(\.value) != SocketFamily.defaults { names.append("'families'") }
        if let syscalls, !syscalls.architectures.isEmpty { names.append("'architectures'") }
        if mode == .complain { names.append("'mode'") }
        if !subjects.isEmpty { names.append("'subjects'") }
        return names
    }
}
