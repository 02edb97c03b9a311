/// What a receiver of messages is told of a line besides the line itself.
struct EventMessage {
    /// As syslog(3) counts.
    enum Severity: Int {
        case alert = 1
        case error = 3
        case warning = 4
        case notice = 5
        case info = 6
    }

    var severity: Severity
    var kind: String
    var time: String?
    var host: String?
    /// Names and texts, in the order of the event's own.
    var fields: [(name: String, text: String)]
    /// The line without its newline.
    var line: [UInt8]

    /// The names under which receivers find what they filter by, and where an event has it.
    private static let names: [(name: String, path: @Sendable (EventFields) -> String?)] = [
        ("seq", { $0["seq"] }), ("action", { $0["action"] }), ("verdict", { $0["verdict"] }),
        ("policy", { $0["policy", "name"] }), ("rule", { $0["rule", "id"] }),
        ("pid", { $0["process", "pid"] }),
        ("exe", { $0["process", "exe"] }), ("path", { $0["object", "path"] }), ("count", { $0["count"] }),
    ]

    /// The message of a line that a writer wrote.
    init(_ line: [UInt8]) {
        let content = Array(line.prefix { $0 != UInt8(ascii: "\n") })
        let event = EventFields(content)
        kind = event?["kind"] ?? "event"
        severity =
            switch kind {
            case "tamper": .alert
            case "gap": .error
            case "denial": .warning
            case "enforcement", "policy", "agent": .notice
            default: .info
            }
        time = event?["time"]
        host = event?["host"]
        fields = Self.names.compactMap { name, path in event.flatMap(path).map { (name, $0) } }
        self.line = content
    }
}
