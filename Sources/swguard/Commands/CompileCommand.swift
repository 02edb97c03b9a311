internal import ArgumentParser
internal import Compiler
internal import Confinement
internal import Policy

/// `swguard compile P… -o FILE`: the plan for this kernel, in a file.
struct CompileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compile", abstract: "Compile policies for this kernel into a file.")

    @Argument(help: "Policies; several are layers.")
    var policies: [String]
    @Option(name: .shortAndLong, help: ArgumentHelp("Where to write the plan.", valueName: "file"))
    var output: String
    @OptionGroup var format: FormatOption

    func run() throws {
        let workspace = Workspace()
        let loaded = try workspace.policies(policies, for: "compile", format: format.format)
        let plan = try workspace.compile(loaded, for: "compile", format: format.format)
        let bytes = PlanFile.encode(plan)
        let temporary = output + ".new"
        guard FileContents.write(bytes, to: temporary), FileContents.move(temporary, to: output) else {
            let reason = SystemError.lastReason
            Output.refuse(
                "compile", "cannot write '\(DiagnosticFormatter.printable(output))': \(reason)",
                about: output,
                format: format.format)
            throw ExitStatus.usage
        }
        switch format.format {
        case .text:
            Output.line(
                "\(DiagnosticFormatter.printable(output)): \(bytes.count) bytes, \(plan.layers.count) layers")
        case .json:
            Output.result(
                of: "compile",
                ["file": .string(output), "bytes": .int(bytes.count), "layers": .int(plan.layers.count)],
                diagnostics: workspace.diagnostics)
        }
    }
}

extension Workspace {
    /// Compiles for this kernel, or says why that cannot be.
    func compile(_ policies: [Policy], for command: String, format: OutputFormat) throws -> Plan {
        do throws(FilterError) {
            var features = KernelFeatures.probe().features
            // A plan in a file is for every start, also inside another confined command.
            features.isFiltered = true
            return try PolicyCompiler.compile(
                policies.map { LinkedPolicy($0).policy }, features: features,
                supervision: .supervised)
        } catch {
            Output.refuse(command, error.description, about: policies.first?.file ?? "", format: format)
            throw ExitStatus.usage
        }
    }
}
