public import Policy

/// A line of the log as a reader sees it. Its texts are as the log has them: `TerminalText` makes them fit to be shown.
public struct LogRecord {
    let fields: EventFields
    /// The line without its newline.
    public let line: [UInt8]

    /// nil: the line is none of an event.
    public init?(_ line: [UInt8]) {
        let content = Array(line.prefix { $0 != UInt8(ascii: "\n") })
        guard let fields = EventFields(content), fields["kind"] != nil else { return nil }
        self.fields = fields
        self.line = content
    }

    public var json: JSON { fields.json }
    public var sequence: String { fields["seq"] ?? "?" }
    public var kind: String { fields["kind"] ?? "?" }
    public var time: AuditTime? { fields["time"].flatMap { AuditTime($0) } }
    public var timeText: String { fields["time"] ?? "?" }
    public var verdict: String? { fields["verdict"] }
    public var action: String? { fields["action"] }
    /// The policies it is about: one, or those that confine a process.
    public var policies: [String] {
        if let name = fields["policy", "name"] { return [name] }
        return fields.names(in: "policies")
    }
    public var rule: String? { fields["rule", "id"] }
    public var ruleSource: String? { fields["rule", "source"] }
    public var pid: String? { fields["process", "pid"] }
    public var command: String? { fields["process", "comm"] }
    public var executable: String? { fields["process", "exe"] }
    public var user: String? { fields["process", "uid"] }
    public var count: Int { max(1, fields.number("count") ?? 1) }

    /// What the request was about: a path, an address, a name.
    public var object: String? {
        if let path = fields["object", "path"] { return path }
        if let name = fields["object", "abstract"] { return "@" + name }
        if let address = fields["object", "address"] {
            let host = address.contains(":") ? "[\(address)]" : address
            let transport = fields["object", "protocol"] ?? fields["object", "family"] ?? "socket"
            return "\(transport):\(host)" + (fields["object", "port"].map { ":" + $0 } ?? "")
        }
        if fields["object", "type"] == "process" {
            return "\(fields["object", "comm"] ?? "process")[\(fields["object", "pid"] ?? "?")]"
        }
        return fields["object", "name"] ?? fields["object", "family"]
    }

    /// The bytes of the object's path.
    var path: [UInt8]? { fields["object", "path"].map { AuditText.bytes(of: $0) } }

    /// The event in words, without its time: `denied nginx[812]: write /etc/passwd by files.default (web.yaml:12)`.
    public var text: String {
        switch kind {
        case "denial", "grant", "tamper": accessText
        case "enforcement":
            "enforcement \(fields["state"] ?? "?"): \(policies.joined(separator: ", "))"
                + (fields["backend"].map { " by \($0)" } ?? "")
        case "policy":
            "policy \(policies.first ?? "?") \(fields["change"] ?? "?") by user \(fields["by", "uid"] ?? "?")"
        case "gap":
            "gap: \(fields["count"] ?? "?") events not written (\(fields["reason"] ?? "?"))"
                + (policies.first.map { ", policy \($0)" } ?? "")
        case "agent":
            "agent \(fields["state"] ?? "?")" + (fields["version"].map { ", version \($0)" } ?? "")
                + (fields["reason"].map { ": \($0)" } ?? "")
        case "seal": "seal of \(fields["lines"] ?? "?") lines: \(fields["sha256"] ?? "?")"
        default: kind
        }
    }

    private var accessText: String {
        let verb =
            switch verdict {
            case "deny": kind == "tamper" ? "tamper, denied" : "denied"
            case "would-deny": "would deny"
            case "allow": kind == "tamper" ? "tamper, allowed" : "granted"
            default: kind
            }
        let denied = fields.list("denied")
        let accesses = denied.isEmpty ? fields.list("access") : denied
        var text = "\(verb) \(command ?? "?")[\(pid ?? "?")]: "
        text += accesses.isEmpty ? action ?? "?" : accesses.joined(separator: ", ")
        if let object, object != accesses.first { text += " \(object)" }
        if let rule { text += " by \(rule)" }
        if let source = ruleSource { text += " (\(source))" }
        if let policy = policies.first { text += ", policy \(policy)" }
        if count > 1 { text += ", \(count) times" }
        return text
    }
}

extension EventFields {
    /// The names of the objects in a list.
    func names(in key: String) -> [String] { json[key]?.items?.compactMap { $0["name"]?.stringValue } ?? [] }
}
