import Policy
import Testing

@Suite struct FormatterTests {
    @Test func `a diagnostic shows its line, a caret and a hint`() {
        var files = MemoryFiles()
        files.files["policies/web.yaml"] =
            head
            + "# 4\n# 5\n# 6\n# 7\n# 8\n# 9\n# 10\n# 11\nfiles:\n  rules:\n    - allow: [raed]\n      paths: [/a]\n"
        let loaded = loader(files).load("policies/web.yaml")
        #expect(
            DiagnosticFormatter().text(loaded.diagnostics) == """
                policies/web.yaml:14:15: error: unknown access 'raed'
                   14 |     - allow: [raed]
                      |               ^~~~ did you mean 'read'?

                """)
    }

    @Test func `colour is written where it is asked for`() {
        let text = DiagnosticFormatter(usesColour: true).text(
            Diagnostic("no", at: SourceLocation(file: "a", line: 1), hint: "yes", sourceLine: "x"))
        #expect(
            text
                == "\u{1b}[1ma:1:1:\u{1b}[0m \u{1b}[1;31merror:\u{1b}[0m no\n    1 | x\n      | \u{1b}[32m^\u{1b}[0m yes\n"
        )
    }

    @Test func `without a line the hint stands behind the text`() {
        let diagnostic = Diagnostic(
            "no", at: SourceLocation(file: "a", line: 1), severity: .note, hint: "yes")
        #expect(DiagnosticFormatter().text(diagnostic) == "a:1:1: note: no (yes)\n")
    }

    @Test func `nothing that steers a terminal gets through`() {
        let nasty = "\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2028}\r\u{200b}\u{8}"
        let text = DiagnosticFormatter().text(
            Diagnostic(
                nasty, at: SourceLocation(file: nasty, line: 1, column: 15, length: 2), hint: nasty,
                sourceLine: nasty + "ab"))
        for scalar in text.unicodeScalars where scalar != "\n" {
            #expect(scalar.properties.generalCategory != .control)
            #expect(scalar.properties.generalCategory != .format)
        }
        #expect(text.contains("\\x1b]0;x\\x07\\u{9b}31m\\u{202e}\\u{2028}\\x0d\\u{200b}\\x08"))
        let lines = text.split(separator: "\n")
        // The caret stands under what was meant, however wide the escapes before it are.
        let column =
            lines[2].firstIndex(of: "^").map { lines[2].distance(from: lines[2].startIndex, to: $0) } ?? 0
        #expect(lines[1].dropFirst(column).hasPrefix("\\x08a"))
    }

    @Test func `tabs take one column and long lines are cut around the place`() {
        let tab = DiagnosticFormatter().text(
            Diagnostic("no", at: SourceLocation(file: "a", line: 1, column: 3), sourceLine: "\t\tx"))
        #expect(tab.contains("    1 |   x\n      |   ^"))
        let line = String(repeating: "a", count: 100_000) + "X" + String(repeating: "b", count: 100_000)
        let long = DiagnosticFormatter().text(
            Diagnostic("no", at: SourceLocation(file: "a", line: 1, column: 100_001), sourceLine: line))
        #expect(long.utf8.count < 500)
        let lines = long.split(separator: "\n")
        let column =
            lines[2].firstIndex(of: "^").map { lines[2].distance(from: lines[2].startIndex, to: $0) } ?? 0
        #expect(Array(lines[1])[column] == "X")
    }
}
