public import Compiler
internal import Policy

/// Why a plan must not be run as it stands.
public struct Refusal: Hashable, Sendable {
    /// The findings to blame, each once.
    public var findings: [Coverage.Finding]
    /// What to do about it.
    public var hint: String

    /// What the findings mean under these options; nil: nothing stands against it.
    ///
    /// What would grant more than a rule says is refused unless it is allowed by name; under `--strict` also what
    /// grants less, or what nobody sees; what cannot be done is refused always.
    public init?(_ findings: [Coverage.Finding], isStrict: Bool, allowsPartial: Bool) {
        let refused = findings.filter { finding in
            switch finding.kind {
            case .impossible: true
            case .excess: isStrict || !allowsPartial
            case .gap, .narrowed: isStrict
            case .widened: false
            }
        }
        guard !refused.isEmpty else { return nil }
        var unique: [Coverage.Finding] = []
        for finding in refused where !unique.contains(finding) { unique.append(finding) }
        self.findings = unique
        let hasExcess = refused.contains { $0.kind == .excess }
        hint =
            refused.contains { $0.kind == .impossible }
            ? "write narrower patterns"
            : hasExcess && !isStrict
                ? "run it with --allow-partial to accept that" : "run it without --strict to accept that"
    }
}

extension Coverage.Finding {
    /// One line: the rule, its place and what is the matter.
    public var line: String {
        let place = location.map { " (\($0.fileAndLine))" } ?? ""
        return "\(subject)\(place): \(text)"
    }
}
