internal import Policy

/// What a policy's `capabilities` become, and what of a privileged caller's capabilities would undo a denied operation:
/// the set that the command may keep.
struct CapabilityLowering {
    /// A bit mask by number; nil: nothing is dropped. Numbers that the tables do not know are dropped.
    var kept: UInt64?
    var coverage = Coverage()

    /// Capabilities that do by themselves what an operation stands for.
    private static let undoing: [(operation: Operation, capabilities: [Capability], reason: String)] = [
        // proc_mem_open lets whoever is perfmon_capable read environ, auxv and maps of any process
        // (kernel/fork.c, may_access_mm, Linux 6.13): CAP_PERFMON or CAP_SYS_ADMIN.
        (.ptrace, [.perfmon, .sys_admin], "the memory of other processes could be read"),
        // /dev/mem and /dev/port (drivers/char/mem.c, open_port).
        (.rawIO, [.sys_rawio], "/dev/mem and /dev/port could be opened"),
    ]

    static func lower(_ policy: Policy, isPrivileged: Bool) -> Self {
        var result = Self()
        guard policy.mode == .enforce else { return result }
        result.lowerSection(policy)
        if isPrivileged { result.dropWhatUndoes(policy) }
        return result
    }

    private static func evaluator(_ policy: Policy) -> Evaluator {
        Evaluator(policy, vocabulary: .init(names: [], groups: [:], alwaysAllowed: [], narrowArguments: [:]))
    }

    private static func bit(_ capability: Capability) -> UInt64 { 1 << UInt64(capability.rawValue) }

    private mutating func lowerSection(_ policy: Policy) {
        guard let section = policy.capabilities else { return }
        let evaluator = Self.evaluator(policy)
        let allowed = Capability.allCases.filter { evaluator.decide(.capability($0)).verdict == .allow }
        kept = allowed.reduce(0) { $0 | Self.bit($1) }
        let dropped = "dropped from the bounding, permitted, effective, inheritable and ambient sets"
        let granted = "kept where the caller has it"
        for entry in section.entries {
            add(entry.header.id, entry.header.location, entry.header.verdict == .deny ? dropped : granted)
        }
        add("capabilities.default", section.location, section.defaultVerdict == .deny ? dropped : granted)
    }

    private mutating func add(_ subject: String, _ location: SourceLocation, _ mechanism: String) {
        coverage.rows.append(
            .init(
                section: "capabilities", subject: subject, location: location, extent: .full,
                layers: [.capabilities], mechanism: mechanism))
    }

    private mutating func dropWhatUndoes(_ policy: Policy) {
        let evaluator = Self.evaluator(policy)
        for entry in Self.undoing {
            let part = evaluator.decide(.operation(entry.operation)).decidingPart
            guard part.verdict == .deny else { continue }
            let held = entry.capabilities.filter { (kept ?? .max) & Self.bit($0) != 0 }
            guard !held.isEmpty else { continue }
            let names = held.map(\.name).joined(separator: " and ")
            // A section that grants one by name means it: then it is the operation that falls short.
            let isWritten = policy.capabilities != nil
            if !isWritten { kept = held.reduce(kept ?? .max) { $0 & ~Self.bit($1) } }
            coverage.findings.append(
                .init(
                    isWritten ? .gap : .narrowed, section: "operations",
                    subject: part.rule?.id ?? "operations.default",
                    location: part.rule?.location,
                    text: isWritten
                        ? "\(entry.operation.name): with \(names), \(entry.reason)"
                        : "\(names) \(held.count == 1 ? "is" : "are") dropped: \(entry.reason)"))
        }
    }
}
