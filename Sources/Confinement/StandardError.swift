internal import AuditLog

/// Standard error, for people.
public enum StandardError {
    /// Writes `swguard: ` and `text` as one line.
    ///
    /// Text from outside must have been made fit for a terminal before (`AuditText`).
    public static func say(_ text: String) {
        // If standard error is closed, there is nobody to tell.
        write("swguard: \(text)\n")
    }

    /// Writes `text` as it is.
    public static func write(_ text: String) { _ = AuditFile(borrowing: 2).write(Array(text.utf8)) }
}

/// Standard output, for results.
enum StandardOutput {
    static func write(_ text: String) { _ = AuditFile(borrowing: 1).write(Array(text.utf8)) }
}
