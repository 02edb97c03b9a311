/// Writes diagnostics as people read them, with the line and a caret.
///
/// ```
/// policies/web.yaml:14:15: error: unknown access 'raed'
///    14 |     - allow: [raed]
///       |               ^~~~ did you mean 'read'?
/// ```
public struct DiagnosticFormatter: Sendable {
    /// Whether the text is for a terminal that shows colours.
    public var usesColour: Bool

    public init(usesColour: Bool = false) { self.usesColour = usesColour }

    /// How much of a long line is shown.
    private static let width = 160

    /// The diagnostic as lines, each with its end.
    public func text(_ diagnostic: Diagnostic) -> String {
        let location = diagnostic.location
        let place = "\(Self.printable(location.file)):\(location.line):\(location.column):"
        let severity = colour(diagnostic.severity.rawValue + ":", severityCode(diagnostic.severity))
        let text = Self.printable(diagnostic.text)
        var result = "\(colour(place, "1")) \(severity) \(text)"
        let hint = diagnostic.hint.map { Self.printable($0) }
        guard let line = diagnostic.sourceLine else {
            if let hint { result += " (\(hint))" }
            return result + "\n"
        }
        let number = String(location.line)
        let gutter = String(repeating: " ", count: max(0, 5 - number.count)) + number
        let shown = Self.excerpt(of: line, column: location.column, length: location.length)
        result += "\n\(gutter) | \(shown.text)\n"
        result +=
            String(repeating: " ", count: gutter.count) + " | " + String(repeating: " ", count: shown.caret)
        result += colour("^" + String(repeating: "~", count: max(0, shown.length - 1)), "32")
        if let hint { result += " " + hint }
        return result + "\n"
    }

    /// All of them, one after the other.
    public func text(_ diagnostics: [Diagnostic]) -> String { diagnostics.map { text($0) }.joined() }

    private func severityCode(_ severity: Diagnostic.Severity) -> String {
        switch severity {
        case .error: "1;31"
        case .warning: "1;35"
        case .note: "1;36"
        }
    }

    private func colour(_ text: String, _ code: String) -> String {
        usesColour ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }

    // MARK: Lines

    /// What is shown of a line: the text, how many columns stand before the caret, and how many it covers.
    private static func excerpt(
        of line: String, column: Int, length: Int
    ) -> (text: String, caret: Int, length: Int) {
        let scalars = Array(line.unicodeScalars)
        let target = min(max(0, column - 1), scalars.count)
        // Of a long line, the part around the place.
        let first = target > width * 3 / 4 ? target - width / 2 : 0
        let last = min(scalars.count, first + width)
        var text = first > 0 ? "…" : ""
        var caret = text.unicodeScalars.count
        var covered = 0
        for index in first..<last {
            let piece = shownInLine(scalars[index])
            text += piece
            if index < target {
                caret += piece.unicodeScalars.count
            } else if index < target + length {
                covered += piece.unicodeScalars.count
            }
        }
        if last < scalars.count { text += "…" }
        return (text, caret, max(1, covered))
    }

    /// A tab takes one column, so that the caret line needs none.
    private static func shownInLine(_ scalar: Unicode.Scalar) -> String {
        scalar == "\t" ? " " : printable(scalar)
    }

    /// `text` with everything that could steer a terminal written as an escape.
    public static func printable(_ text: some StringProtocol) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return String(text) }
        return text.unicodeScalars.map { printable($0) }.joined()
    }

    private static func printable(_ scalar: Unicode.Scalar) -> String {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            if scalar.value < 0x80 { return "\\x" + YAMLScalar.hexadecimal(scalar.value, digits: 2) }
            return "\\u{" + String(scalar.value, radix: 16) + "}"
        default: return String(Character(scalar))
        }
    }
}
