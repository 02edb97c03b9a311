/// Something to tell the author of a policy, with its place.
public struct Diagnostic: Hashable, Sendable {
    /// How much it matters.
    public enum Severity: String, Sendable {
        /// The policy is not accepted.
        case error
        /// The policy is accepted, and probably not what was meant.
        case warning
        /// Worth knowing.
        case note
    }

    /// Where.
    public var location: SourceLocation
    /// How much it matters.
    public var severity: Severity
    /// What was found, lower case, no full stop: `unknown access 'raed'`.
    public var text: String
    /// What would be right: `did you mean 'read'?`
    public var hint: String?
    /// The whole line of the file, for the caret line.
    public var sourceLine: String?

    /// A diagnostic about `location`.
    public init(
        _ text: String, at location: SourceLocation, severity: Severity = .error, hint: String? = nil,
        sourceLine: String? = nil
    ) {
        self.location = location
        self.severity = severity
        self.text = text
        self.hint = hint
        self.sourceLine = sourceLine
    }

    /// As a JSON object has it.
    public var fields: [(String, JSON)] {
        [
            ("file", .string(location.file)), ("line", .int(location.line)),
            ("column", .int(location.column)),
            ("length", .int(location.length)), ("severity", .string(severity.rawValue)),
            ("text", .string(text)), ("hint", JSON(hint)),
        ]
    }
}
