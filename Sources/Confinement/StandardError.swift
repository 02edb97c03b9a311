internal import AuditLog

/// Standard error, for people.
public enum StandardError {
    /// Writes `swguard: ` and `text` as one line.
    ///
    /// Text from outside must have been made fit for a terminal before (`AuditText`).
    public static func say(_ text: String) {
        // If standard error is closed, there is nobody to tell.
        _ = AuditFile(borrowing: 2).write(Array("swguard: \(text)\n".utf8))
    }
}
