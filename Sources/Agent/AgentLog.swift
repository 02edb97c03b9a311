internal import AuditLog
private import Glibc
public import Policy

/// What the agent says of itself: lines for people, with what journald takes for their level, or an object a line.
///
/// It is not the audit log, which has what policies decided.
public final class AgentLog {
    /// How much it matters, as syslog(3) numbers it.
    public enum Level: Int {
        /// Something was not done.
        case error = 3
        /// It was done, less well or not as somebody may expect.
        case warning = 4
        case info = 6

        var name: String {
            switch self {
            case .error: "error"
            case .warning: "warning"
            case .info: "info"
            }
        }

        init(_ severity: Diagnostic.Severity) {
            switch severity {
            case .error: self = .error
            case .warning: self = .warning
            case .note: self = .info
            }
        }
    }

    /// As the configuration has it; `text` until that is read.
    public var format = AgentConfiguration.LogFormat.text
    private let formatter: DiagnosticFormatter
    /// Whether lines begin with their level, as sd-daemon(3) has it.
    private let hasLevels: Bool
    private let write: (String) -> Void

    public init(usesColour: Bool, hasLevels: Bool, write: @escaping (String) -> Void) {
        formatter = DiagnosticFormatter(usesColour: usesColour)
        self.hasLevels = hasLevels
        self.write = write
    }

    public func error(_ text: String) { say(text, .error) }
    public func warning(_ text: String) { say(text, .warning) }
    public func info(_ text: String) { say(text, .info) }

    private func say(_ text: String, _ level: Level) {
        switch format {
        case .text: writeLines("swguard: \(DiagnosticFormatter.printable(text))\n", level)
        case .json: writeObject(level, [("text", .string(text))])
        }
    }

    /// What is wrong with policies or the configuration.
    public func report(_ diagnostics: [Diagnostic]) {
        for diagnostic in diagnostics {
            let level = Level(diagnostic.severity)
            switch format {
            case .text: writeLines(formatter.text(diagnostic), level)
            case .json: writeObject(level, diagnostic.fields.filter { $0.0 != "severity" })
            }
        }
    }

    private func writeLines(_ text: String, _ level: Level) {
        guard hasLevels else { return write(text) }
        write(text.split(separator: "\n").map { "<\(level.rawValue)>\($0)\n" }.joined())
    }

    private func writeObject(_ level: Level, _ fields: [(String, JSON)]) {
        let head = [("time", JSON.string(AuditTime.now().text)), ("level", .string(level.name))]
        write(JSON.object(head + fields).text + "\n")
    }

    /// Whether standard error is the journal's, as $JOURNAL_STREAM says: systemd.exec(5).
    public static var isJournal: Bool {
        var status = stat()
        guard let stream = unsafe getenv("JOURNAL_STREAM"), unsafe fstat(STDERR_FILENO, &status) == 0 else {
            return false
        }
        return unsafe String(cString: stream) == "\(status.st_dev):\(status.st_ino)"
    }
}
