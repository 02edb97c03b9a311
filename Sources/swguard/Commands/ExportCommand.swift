internal import ArgumentParser
internal import Compiler
internal import Policy

/// `swguard export`: what other programs enforce of a policy, in their language.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Translate a policy for another program.",
        subcommands: [ExportSystemdCommand.self])
}

/// `swguard export systemd P`: the system calls of a policy as a drop-in of a unit.
struct ExportSystemdCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "systemd",
        abstract: "Print the system calls of a policy as a drop-in for the unit that it confines.",
        discussion: """
            The agent enforces all else, but cannot filter the system calls of a process from outside; systemd can. The \
            drop-in takes the place of the unit's own SystemCallFilter=. What a unit cannot express is a warning, or, \
            where it would grant more than a rule says, an error.
            """)

    @Argument(help: "A policy.")
    var policy: String
    @Flag(help: "Print it even where it grants more than a rule says, and warn.")
    var allowPartial = false
    @OptionGroup var format: FormatOption

    func run() throws {
        let workspace = Workspace()
        let loaded = try workspace.policies([policy], for: "export", format: format.format)
        guard let policy = loaded.first else { return }
        guard let section = policy.syscalls else {
            let place = SourceLocation(file: policy.file, line: 1)
            let hint = "the agent enforces all that it says"
            try finish(
                nil, workspace.diagnostics,
                [Diagnostic("the policy has no section 'syscalls'", at: place, hint: hint)])
            return
        }
        let filter = SystemdFilter(section, mode: policy.mode)
        let diagnostics = filter.findings.map { diagnostic($0, section) }
        try finish(DropIn(policy, filter), workspace.diagnostics, diagnostics)
    }

    private func diagnostic(_ finding: Coverage.Finding, _ section: SyscallsSection) -> Diagnostic {
        let isError = finding.kind == .impossible || finding.kind == .excess && !allowPartial
        return Diagnostic(
            finding.text, at: finding.location ?? section.location, severity: isError ? .error : .warning,
            hint: finding.kind == .excess ? "to print it all the same: --allow-partial" : nil)
    }

    /// Prints the drop-in, unless something is an error.
    private func finish(_ dropIn: DropIn?, _ earlier: [Diagnostic], _ said: [Diagnostic]) throws {
        let isRefused = dropIn == nil || said.contains { $0.severity == .error }
        let shown = isRefused ? nil : dropIn
        switch format.format {
        case .text:
            Output.print(said)
            if let shown { Output.write(shown.text, to: 1) }
        case .json:
            Output.result(of: "export", shown?.json ?? .null, diagnostics: earlier + said)
        }
        if isRefused { throw ExitStatus.no }
    }
}

/// A file for the directory `UNIT.d`.
private struct DropIn {
    let policy: Policy
    let units: [String]
    let text: String

    init(_ policy: Policy, _ filter: SystemdFilter) {
        self.policy = policy
        units = policy.subjects.compactMap { subject in
            if case .unit(let name) = subject.value { name } else { nil }
        }
        let unit = DiagnosticFormatter.printable(units.first ?? "UNIT")
        let head = """
            # The system calls of policy \(policy.name) (\(DiagnosticFormatter.printable(policy.file))), by swguard export systemd.
            # Install as /etc/systemd/system/\(unit).d/swguard-\(policy.name).conf, then: systemctl daemon-reload
            [Service]

            """
        text = head + filter.settings.map { $0 + "\n" }.joined()
    }

    var json: JSON {
        ["policy": .string(policy.name), "units": .array(units.map { .string($0) }), "text": .string(text)]
    }
}
