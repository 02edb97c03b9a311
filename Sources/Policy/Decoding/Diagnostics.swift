/// What is found while policies are read, collected.
///
/// One collector serves one load; each file that is read begins with `enter`.
final class Diagnostics {
    /// How many are shown; a note says how many there were.
    static let limit = 100

    private var found: [(file: Int, diagnostic: Diagnostic)] = []
    private var texts: [SourceText] = []

    /// How many there are.
    var count: Int { found.count }

    var hasErrors: Bool { found.contains { $0.diagnostic.severity == .error } }

    /// Begins a file: its diagnostics stand behind those of earlier files, and show its lines.
    func enter(_ text: SourceText) { texts.append(text) }

    /// Adds a diagnostic.
    func add(
        _ text: String, at location: SourceLocation, severity: Diagnostic.Severity = .error,
        hint: String? = nil
    ) {
        let file = texts.firstIndex { $0.file == location.file } ?? texts.count
        found.append((file, Diagnostic(text, at: location, severity: severity, hint: hint)))
    }

    /// All of them, by file in the order of reading, line and column, at most `limit` and a note.
    func sorted() -> [Diagnostic] {
        let ordered = found.enumerated().sorted { left, right in
            let (a, b) = (left.element, right.element)
            return (a.file, a.diagnostic.location.line, a.diagnostic.location.column, left.offset)
                < (b.file, b.diagnostic.location.line, b.diagnostic.location.column, right.offset)
        }
        var lines: [SourceLocation: String] = [:]
        var result = ordered.prefix(Self.limit).map { _, element in
            var diagnostic = element.diagnostic
            guard element.file < texts.count else { return diagnostic }
            var key = diagnostic.location
            (key.column, key.length) = (1, 1)
            let line = lines[key] ?? texts[element.file].line(key.line)
            lines[key] = line
            diagnostic.sourceLine = line
            return diagnostic
        }
        if ordered.count > Self.limit, let last = result.last {
            result.append(
                Diagnostic(
                    "\(ordered.count - Self.limit) more are not shown", at: last.location, severity: .note))
        }
        return result
    }
}

/// Text as a message quotes it: in quotes, and not without end.
func quoted(_ text: some StringProtocol) -> String {
    let shown = text.unicodeScalars.prefix(60)
    var result = "'"
    result.unicodeScalars.append(contentsOf: shown)
    return result + (shown.endIndex == text.unicodeScalars.endIndex ? "'" : "…'")
}
