internal import ArgumentParser
internal import Compiler
internal import Confinement
internal import Landlock
internal import Policy
internal import Seccomp

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
        let program = plan.filter?.disassembled { SyscallTable.name(of: $0, abi: .native) } ?? []
        switch format.format {
        case .text:
            for layer in plan.layers { Output.line(Self.summary(layer)) }
            if let names = Self.kept(plan) {
                Output.line("capabilities kept: \(names.isEmpty ? "none" : names.joined(separator: ", "))")
            }
            Output.line("seccomp: \(plan.filter?.instructions.count ?? 0) instructions")
            for line in program { Output.line("  \(line)") }
        case .json:
            Output.result(
                of: "inspect",
                [
                    "layers": .array(
                        plan.layers.map {
                            [
                                "name": .string($0.name), "file": .string($0.file),
                                "digest": .string($0.digest), "mode": .string($0.mode.rawValue),
                                "grants": .int($0.recipe.grants.count),
                                "walks": .int($0.recipe.carvings.count),
                                "denies": .int($0.recipe.denies.count), "ports": .int($0.recipe.ports.count),
                            ]
                        }),
                    "capabilities": Self.kept(plan).map { .array($0.map { .string($0) }) } ?? .null,
                    "seccomp": .array(program.map { .string($0) }),
                ])
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

    /// The capabilities that the command keeps; nil where the plan does not limit them.
    private static func kept(_ plan: Plan) -> [String]? {
        plan.keptCapabilities.map { kept in
            Capability.allCases.filter { kept & 1 << UInt64($0.rawValue) != 0 }.map(\.name)
        }
    }

    private static func summary(_ layer: Plan.Layer) -> String {
        let recipe = layer.recipe
        var text = "policy \(layer.name) (\(layer.file)), \(layer.mode.rawValue), \(layer.digest)\n"
        text += "landlock: \(recipe.grants.count) paths, \(recipe.processGrants.count) of /proc/self, "
        text +=
            "\(recipe.carvings.count) walks with \(recipe.denies.count) denies, \(recipe.ports.count) ports"
        for grant in recipe.grants {
            text += "\n  \(DiagnosticFormatter.printable(String(decoding: grant.path, as: UTF8.self)))"
            text += grant.isSubtree ? "/** " : " "
            text += grant.rights.names.joined(separator: ",")
        }
        return text
    }
}
