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
        if backend == .lsm {
            Output.diagnose("swguard: cannot plan for BPF-LSM: no agent answers; use --backend landlock")
            throw ExitStatus.cannot
        }
        let workspace = Workspace()
        let loaded = try workspace.policies(policies, for: "plan", format: format.format)
        let report = PlanReport(
            try workspace.compile(loaded), notes: loaded.flatMap { LinkedPolicy($0).notes })
        switch format.format {
        case .text: Output.write(report.text, to: 1)
        case .json: Output.result(of: "plan", report.json, diagnostics: workspace.diagnostics + report.notes)
        }
        if strict, !report.isExact { throw ExitStatus.no }
    }
}

/// A plan's coverage, for people and for programs.
struct PlanReport {
    private let layers: [(layer: Plan.Layer, coverage: Coverage)]
    let notes: [Diagnostic]

    /// Reads directories too: what is narrowed shows when the recipe meets the file system.
    init(_ plan: Plan, notes: [Diagnostic]) {
        self.notes = notes
        layers = zip(plan.layers, plan.coverage).map { layer, coverage in
            var coverage = coverage
            if layer.recipe.isNeeded {
                coverage.findings += LandlockApplication.findings(layer.recipe)
            }
            var unique: [Coverage.Finding] = []
            for finding in coverage.findings where !unique.contains(finding) { unique.append(finding) }
            coverage.findings = unique
            return (layer, coverage)
        }
    }

    /// Whether everything is enforced as written.
    var isExact: Bool { layers.allSatisfy { $0.coverage.findings.allSatisfy { $0.kind == .widened } } }

    /// A table of rows, then what differs, worst first.
    var text: String {
        var text = ""
        for (layer, coverage) in layers {
            text += "policy \(layer.name) (\(layer.file))\n"
            let subjects = coverage.rows.map { row in
                "\(row.section)  \(row.subject)" + (row.location.map { " (\($0.fileAndLine))" } ?? "")
            }
            let width = min(56, subjects.map(\.count).max() ?? 0)
            for (row, subject) in zip(coverage.rows, subjects) {
                let layers = row.layers.map(\.rawValue).joined(separator: "+")
                text += "  \(Self.padded(row.extent.rawValue, 7)) \(Self.padded(subject, width)) "
                text += layers.isEmpty ? "\(row.mechanism)\n" : "\(layers): \(row.mechanism)\n"
            }
            for kind in Coverage.Finding.Kind.allCases {
                for finding in coverage.findings where finding.kind == kind {
                    text += "  \(Self.word(kind)) \(finding.line)\n"
                }
            }
        }
        for note in notes { text += DiagnosticFormatter().text(note) }
        return text
    }

    var json: JSON {
        .array(
            layers.map { layer, coverage in
                [
                    "policy": .string(layer.name), "file": .string(layer.file),
                    "rows": .array(
                        coverage.rows.map { row in
                            [
                                "section": .string(row.section), "subject": .string(row.subject),
                                "source": row.location.map { .string($0.fileAndLine) } ?? .null,
                                "extent": .string(row.extent.rawValue),
                                "layers": .array(row.layers.map { .string($0.rawValue) }),
                                "mechanism": .string(row.mechanism),
                            ]
                        }),
                    "findings": .array(
                        coverage.findings.map { finding in
                            [
                                "kind": .string(finding.kind.rawValue), "section": .string(finding.section),
                                "subject": .string(finding.subject),
                                "source": finding.location.map { .string($0.fileAndLine) } ?? .null,
                                "text": .string(finding.text),
                            ]
                        }),
                ]
            })
    }

    private static func word(_ kind: Coverage.Finding.Kind) -> String {
        switch kind {
        case .impossible: "impossible:"
        case .excess: "refused:"
        case .gap: "gap:"
        case .narrowed: "narrowed:"
        case .widened: "widened:"
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
