internal import Compiler
internal import Confinement
internal import Policy

/// What this kernel enforces of policies, for people and for programs.
struct PlanReport {
    /// One policy's part.
    struct Part {
        var name: String
        var file: String
        var mode: Policy.Mode
        var coverage: Coverage
        /// What leads through links.
        var notes: [Diagnostic]
    }

    private let parts: [Part]

    /// Reads directories too: what is narrowed shows when the recipe meets the file system.
    ///
    /// - Parameter notes: For each policy what was said of its links.
    init(_ plan: Plan, notes: [[Diagnostic]]) {
        parts = zip(zip(plan.layers, plan.coverage), notes).map { pair, notes in
            var (layer, coverage) = pair
            if layer.recipe.isNeeded { coverage.findings += LandlockApplication.findings(layer.recipe) }
            coverage.findings = Self.unique(coverage.findings)
            return Part(
                name: layer.name, file: layer.file, mode: layer.mode, coverage: coverage,
                notes: Self.unique(notes))
        }
    }

    /// What the agent's programs enforce, on every kernel that they run on.
    init(programsFor policies: [LinkedPolicy]) {
        parts = policies.map { linked in
            var coverage = KernelCoverage.coverage(of: linked.policy)
            coverage.findings = Self.unique(coverage.findings)
            return Part(
                name: linked.policy.name, file: linked.policy.file, mode: linked.policy.mode,
                coverage: coverage, notes: Self.unique(linked.notes))
        }
    }

    /// Whether everything is enforced as written.
    var isExact: Bool { parts.allSatisfy { $0.coverage.findings.allSatisfy { $0.kind == .widened } } }

    /// What was said of links in all policies.
    var notes: [Diagnostic] { parts.flatMap(\.notes) }

    var text: String { parts.map { PlanText($0).text }.joined(separator: "\n") }

    var json: JSON {
        [
            "exact": .bool(isExact),
            "policies": .array(
                parts.map { part in
                    [
                        "name": .string(part.name), "file": .string(part.file),
                        "rows": .array(part.coverage.rows.map(Self.json)),
                        "findings": .array(part.coverage.findings.map(Self.json)),
                    ]
                }),
        ]
    }

    private static func json(_ row: Coverage.Row) -> JSON {
        [
            "section": .string(row.section), "subject": .string(row.subject),
            "source": JSON(row.location?.fileAndLine), "extent": .string(row.extent.rawValue),
            "layers": .array(row.layers.map { .string($0.rawValue) }), "mechanism": .string(row.mechanism),
        ]
    }

    private static func json(_ finding: Coverage.Finding) -> JSON {
        [
            "kind": .string(finding.kind.rawValue), "section": .string(finding.section),
            "subject": .string(finding.subject), "source": JSON(finding.location?.fileAndLine),
            "text": .string(finding.text),
        ]
    }

    private static func unique<Item: Hashable>(_ items: [Item]) -> [Item] {
        var seen: Set<Item> = []
        return items.filter { seen.insert($0).inserted }
    }
}
