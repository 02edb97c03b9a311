/// A line of the log as RFC 5424 wants it: the event's fields as structured data, the line itself as the message.
struct SyslogMessage {
    /// Log audit, of RFC 5424's facilities: what the kernel's own audit trail uses.
    private static let facility = 13
    /// What structured data is called. 32473 is the number that RFC 5612 keeps for those who have none of their own.
    private static let dataID = "swguard@32473"

    /// The message, without a frame.
    static func bytes(_ line: [UInt8], pid: Int32) -> [UInt8] {
        let message = EventMessage(line)
        let priority = facility * 8 + message.severity.rawValue
        var text = "<\(priority)>1 \(time(message.time)) \(name(message.host, limit: 255)) swguard \(pid) "
        text += "\(name(message.kind, limit: 32)) [\(dataID)"
        for field in message.fields { text += " \(field.name)=\"\(value(field.text))\"" }
        return Array((text + "] ").utf8) + message.line
    }

    /// RFC 5424 knows microseconds at most.
    private static func time(_ time: String?) -> String {
        guard let time, AuditTime(time) != nil, let dot = time.firstIndex(of: ".") else { return "-" }
        return time[..<dot] + "." + time[time.index(after: dot)...].prefix(6) + "Z"
    }

    /// PRINTUSASCII, and no more than the field has room for.
    private static func name(_ text: String?, limit: Int) -> String {
        let bytes = (text ?? "").utf8.prefix(limit).map { (33...126).contains($0) ? $0 : UInt8(ascii: "_") }
        return bytes.isEmpty ? "-" : String(decoding: bytes, as: UTF8.self)
    }

    private static func value(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" || scalar == "]" { escaped += "\\" }
            escaped.unicodeScalars.append(scalar)
        }
        return escaped
    }
}
