internal import Policy

/// What is printed of a filter: a row for each rule and operation, and what it cannot do.
extension SyscallLowering {
    mutating func find(
        _ kind: Coverage.Finding.Kind, _ section: String, _ subject: String, _ location: SourceLocation?,
        _ text: String
    ) {
        coverage.findings.append(
            Coverage.Finding(kind, section: section, subject: subject, location: location, text: text))
    }

    mutating func describe(
        _ operation: Operation, by rule: DecidingRule?, extent: Coverage.Extent, layers: [Coverage.Layer],
        mechanism: String
    ) {
        coverage.rows.removeAll { $0.section == "operations" && $0.subject == operation.name }
        coverage.rows.append(
            Coverage.Row(
                section: "operations", subject: operation.name, location: rule?.location, extent: extent,
                layers: layers, mechanism: mechanism))
    }

    /// Says where refusing an operation by its calls falls short of the operation, or goes beyond it.
    mutating func describeLimits(
        of operation: Operation, rule: DecidingRule, extent: Coverage.Extent, mechanism: String
    ) {
        // Nothing is enforced that could fall short.
        guard policy.mode == .enforce else { return }
        switch operation {
        case .ptrace:
            // Another process's memory can hold more rights than the caller: fail closed.
            find(
                .excess, "operations", rule.id, rule.location,
                "ptrace: without Landlock the memory of other processes stays open under /proc/<pid>/mem")
        case .signal:
            find(
                .narrowed, "operations", rule.id, rule.location,
                "signal: below Landlock ABI 6 all sending of signals is refused, to its own processes too")
        case .ipc:
            find(
                .narrowed, "operations", rule.id, rule.location,
                "ipc: System V and POSIX queues are refused between its own processes too")
        default:
            // The limit of an operation that is denied by default stands in its row. One that a person wrote
            // is said aloud.
            guard extent != .full, rule.id != "operations.default" else { return }
            find(
                .gap, "operations", rule.id, rule.location,
                "\(operation.name) is enforced in part: \(mechanism)")
        }
    }

    mutating func describeSockets(_ sockets: SocketRestrictions) {
        if let rule = sockets.refusesOtherProtocols {
            describe(
                .rawSocket, by: rule, extent: .full, layers: [.seccomp],
                mechanism: "refuses socket(2) for other types and protocols, packet sockets and SMC")
        }
        if sockets.families != nil, let cause = sockets.familiesCause {
            coverage.rows.append(
                Coverage.Row(
                    section: "network", subject: cause.id, location: cause.location, extent: .full,
                    layers: [.seccomp], mechanism: "refuses socket(2) for other families"))
        }
    }

    /// What the section says of the calls of this machine's own ABI.
    mutating func describeSyscalls() {
        guard let section = policy.syscalls else { return }
        let calls = SyscallTable.calls(of: .native)
        let places = SyscallTable.places(of: .native)
        var needed = Set(SyscallTable.alwaysAllowed)
        for rule in section.rules {
            let named = Self.indices(of: rule, in: places, count: calls.count)
            let count = named.count == 1 ? "1 call" : "\(named.count) calls"
            // A deny overrides what is allowed without any rule.
            let isDenied = rule.header.verdict == .deny && rule.conditions.isEmpty
            let missed = isDenied ? named.map { calls[$0].name }.filter { needed.contains($0) }.sorted() : []
            needed.subtract(missed)
            row(
                rule.header.id, rule.header.location,
                (rule.header.verdict == .allow ? "allows " : "denies ") + count
                    + (missed.isEmpty ? "" : "; of these every command may need \(Self.list(missed))")
                    + Self.unreported(of: rule, among: named.map { calls[$0].name }))
            if rule.header.verdict == .deny, rule.conditions.isEmpty, policy.mode == .enforce,
                named.contains(where: { calls[$0].name == "execve" })
            {
                find(
                    .impossible, "syscalls", rule.header.id, rule.header.location,
                    "execve is denied, which starts the command")
            }
        }
        row(
            "syscalls.default", section.location,
            section.defaultVerdict == .allow ? "allows the rest" : "denies the rest with EPERM")
        row(
            "syscalls.always", nil,
            "allows "
                + SyscallTable.alwaysAllowed.filter { places[$0] != nil && needed.contains($0) }
                .joined(separator: " "))
        row("syscalls.unknown", nil, "calls newer than the table (\(SyscallTable.source)) answer ENOSYS")
    }

    /// Of a rule that asks to be reported: the calls of which nobody is told, since they are never handed over.
    private static func unreported(of rule: SyscallRule, among names: [String]) -> String {
        let silent = rule.header.log ? names.filter(NeverNotified.names.contains) : []
        return silent.isEmpty ? "" : "; not reported: \(list(silent))"
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(8).joined(separator: " ")
        return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
    }

    private mutating func row(_ subject: String, _ location: SourceLocation?, _ mechanism: String) {
        coverage.rows.append(
            Coverage.Row(
                section: "syscalls", subject: subject, location: location, extent: .full, layers: [.seccomp],
                mechanism: mechanism))
    }
}
