private import Glibc

/// What the system refused, or what is refused of the place of a log.
public struct LogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted: `write the audit log '/var/log/swguard/audit.jsonl'`.
    public var operation: String
    /// The errno; 0: the reason says it.
    public var code: Int32
    private var refusal: String?

    init(_ operation: String, code: Int32) {
        self.operation = operation
        self.code = code
    }

    init(_ operation: String, _ reason: String) {
        self.operation = operation
        code = 0
        refusal = reason
    }

    /// Why.
    public var reason: String { unsafe refusal ?? String(cString: strerror(code)) }

    /// `cannot write the audit log '/var/log/swguard/audit.jsonl': No space left on device`.
    public var description: String { "cannot \(operation): \(reason)" }
}
