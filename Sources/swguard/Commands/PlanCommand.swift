internal import ArgumentParser
internal import Compiler
internal import Confinement
internal import Policy

/// Which layers of the kernel enforce.
enum BackendOption: String, ExpressibleByArgument, CaseIterable {
    case auto, landlock, lsm
}

/// `swguard plan P…`: what each kernel layer will enforce, rule by rule.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract:
            "Print what this kernel will enforce of policies, rule by rule: gaps, narrowed and widened rules."
    )

    @Argument(help: "Policies; several are layers.")
    var policies: [String]
    @Option(help: "Which layers to plan for.")
    var backend: BackendOption = .auto
    @Flag(help: "Answer no (exit status 1) where anything is not enforced exactly as written.")
    var strict = false
    @OptionGroup var format: FormatOption

    func run() throws {
        let workspace = Workspace()
        let loaded = try workspace.policies(policies, for: "plan", format: format.format)
        let report: PlanReport
        if backend == .lsm {
            let linked = loaded.map { LinkedPolicy($0) }
            // The tables are made as the agent makes them: a policy that is too large for the kernel is an error here too.
            do throws(KernelTablesError) {
                _ = try KernelTables.compile(linked.map(\.policy), user: { _ in 0 })
            } catch {
                switch format.format {
                case .text: Output.print([error.diagnostic])
                case .json:
                    Output.result(
                        of: "plan", .null, diagnostics: workspace.diagnostics + [error.diagnostic])
                }
                throw ExitStatus.usage
            }
            report = PlanReport(programsFor: linked)
        } else {
            report = PlanReport(
                try workspace.compile(loaded, for: "plan", format: format.format),
                notes: loaded.map { LinkedPolicy($0).notes })
        }
        switch format.format {
        case .text: Output.write(report.text, to: 1)
        case .json: Output.result(of: "plan", report.json, diagnostics: workspace.diagnostics + report.notes)
        }
        if strict, !report.isExact { throw ExitStatus.no }
    }
}
