private import Glibc
internal import Policy

/// Where results and diagnostics go: standard output and standard error, colour only on a terminal.
enum Output {
    /// One line of a result.
    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// `swguard: …` on standard error.
    static func diagnose(_ text: String) {
        write(text.hasSuffix("\n") ? text : text + "\n", to: STDERR_FILENO)
    }

    /// Policy diagnostics, each with its caret line.
    static func print(_ diagnostics: [Diagnostic]) {
        let formatter = DiagnosticFormatter(usesColour: usesColour(STDERR_FILENO))
        for diagnostic in diagnostics { write(formatter.text(diagnostic), to: STDERR_FILENO) }
    }

    /// The one object that `--format json` prints.
    static func result(of command: String, _ result: JSON, diagnostics: [Diagnostic] = []) {
        line(
            JSON.object([
                ("v", .int(1)), ("command", .string(command)), ("result", result),
                ("diagnostics", .array(diagnostics.map { .object($0.fields) })),
            ]).text)
    }

    /// Says why there is no result: on standard error, and where an object is expected as its diagnostic.
    static func refuse(_ command: String, _ text: String, about file: String, format: OutputFormat) {
        diagnose("swguard: \(text)")
        guard format == .json else { return }
        result(of: command, .null, diagnostics: [Diagnostic(text, at: SourceLocation(file: file, line: 1))])
    }

    /// Whether escape sequences are welcome there.
    static func usesColour(_ descriptor: CInt) -> Bool {
        guard isatty(descriptor) == 1 else { return false }
        guard let noColor = unsafe getenv("NO_COLOR") else { return true }
        return unsafe noColor.pointee == 0
    }

    /// Writes all of it; a reader that went away is not an error of ours.
    static func write(_ text: String, to descriptor: CInt) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if written < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                return
            }
            rest = rest.dropFirst(written)
        }
    }
}
