internal import Automata
public import Policy

/// The `files` section would become too large an automaton; the patterns to blame are named.
public struct FileAutomatonError: Error, Hashable, Sendable {
    /// One pattern that much of the size is due to.
    public struct Blamed: Hashable, Sendable {
        /// The rule's id.
        public var rule: String
        public var pattern: PathPattern
        /// Where the pattern stands.
        public var location: SourceLocation
    }

    /// What was exceeded: `more than 1000000 states`.
    public var limit: String
    /// The worst first.
    public var blamed: [Blamed]
    /// The section, for want of a pattern.
    private var section: SourceLocation?

    init(_ error: AutomatonError, _ section: FilesSection?, _ owners: [FilePatternOwner]) {
        limit =
            switch error.limit {
            case .states(let count): "more than \(count) states"
            case .transitions(let count): "more than \(count) transitions"
            }
        self.section = section?.location
        blamed = error.patterns.compactMap { index in
            guard let section, let number = owners[index].rule else { return nil }
            let pattern = section.rules[number].patterns[owners[index].place]
            return Blamed(
                rule: section.rules[number].header.id, pattern: pattern.value, location: pattern.location)
        }
    }

    /// At the worst pattern, with the others in the hint.
    public var diagnostic: Diagnostic {
        let named = blamed.map { "'\($0.pattern.description)' (\($0.rule), \($0.location.fileAndLine))" }
        return Diagnostic(
            "the patterns of 'files' make \(limit)",
            at: blamed.first?.location ?? section ?? SourceLocation(file: "files", line: 1),
            hint: named.isEmpty ? nil : "most are due to \(named.joined(separator: ", "))")
    }
}
