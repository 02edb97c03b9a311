internal import ArgumentParser
internal import Compiler
internal import Confinement
internal import Policy

/// `swguard inspect FILE`: a compiled policy, readable.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print a compiled policy: its layers, sizes and the seccomp program.")

    @Argument(help: "A file that 'compile' wrote.")
    var file: String
    @Option(
        help: ArgumentHelp(
            "Also write the filter as struct sock_filter[], for bwrap --seccomp and the like.",
            valueName: "file"))
    var rawFilter: String?
    @OptionGroup var format: FormatOption

    func run() throws {
        let plan = try read()
        if let rawFilter {
            // For another program: one that hands nothing over.
            let bytes = plan.plainFilterBytes.isEmpty ? plan.filterBytes : plan.plainFilterBytes
            guard FileContents.write(bytes, to: rawFilter) else {
                let reason = SystemError.lastReason
                throw refusal(
                    "cannot write '\(DiagnosticFormatter.printable(rawFilter))': \(reason)", about: rawFilter)
            }
        }
        switch format.format {
        case .text: for line in plan.listing { Output.line(line) }
        case .json: Output.result(of: "inspect", plan.listingJSON)
        }
    }

    private func read() throws -> Plan {
        let name = DiagnosticFormatter.printable(file)
        guard let bytes = FileContents.read(file) else {
            throw refusal("cannot read '\(name)': \(SystemError.lastReason)", about: file)
        }
        // Who may write it may have put anything there.
        guard !FileContents.isWritableByOthers(file) else {
            throw refusal(
                "cannot read '\(name)': its group or everybody may write it; chmod go-w it", about: file)
        }
        do throws(PlanFile.Failure) {
            return try PlanFile.decode(bytes)
        } catch {
            throw refusal("cannot read '\(name)': \(error.text)", about: file)
        }
    }

    /// Says why there is no result.
    private func refusal(_ text: String, about file: String) -> ExitStatus {
        Output.refuse("inspect", text, about: file, format: format.format)
        return .usage
    }
}
