internal import CLinux
private import Glibc

/// A line of the log in the form of the journal's own socket (systemd, "Native Journal Protocol").
struct JournalMessage {
    /// The message: fields, each with its newline.
    static func bytes(_ line: [UInt8]) -> [UInt8] {
        let message = EventMessage(line)
        var bytes: [UInt8] = []
        func add(_ name: String, _ text: [UInt8]) {
            bytes += name.utf8
            if text.contains(UInt8(ascii: "\n")) {
                // With its length before it a value may hold anything.
                bytes.append(UInt8(ascii: "\n"))
                bytes += (0..<8).map { UInt8(truncatingIfNeeded: UInt64(text.count) >> (8 * UInt64($0))) }
            } else {
                bytes.append(UInt8(ascii: "="))
            }
            bytes += text
            bytes.append(UInt8(ascii: "\n"))
        }
        add("MESSAGE", message.line)
        add("PRIORITY", Array(String(message.severity.rawValue).utf8))
        add("SYSLOG_IDENTIFIER", Array("swguard".utf8))
        // LOG_AUDIT of RFC 5424.
        add("SYSLOG_FACILITY", Array("13".utf8))
        add("SWGUARD_KIND", Array(message.kind.utf8))
        for field in message.fields { add("SWGUARD_" + field.name.uppercased(), Array(field.text.utf8)) }
        return bytes
    }
}

/// The journal, as an output.
struct JournalOutput: LogOutput, ~Copyable {
    static let standardPath = "/run/systemd/journal/socket"

    private let path: String
    private var socket: LogDescriptor?

    init(_ path: String = standardPath) { self.path = path }

    mutating func perform(_ step: LogStep) throws(LogError) {
        guard case .line(let line) = step else { return }
        if socket == nil {
            var isStream: CInt = 0
            let opened = unsafe swguard_log_connect_unix(path, &isStream)
            guard opened >= 0 else { throw failure(-opened) }
            socket = LogDescriptor(taking: opened)
        }
        let message = JournalMessage.bytes(line)
        let number = socket?.number ?? -1
        var sent = unsafe message.withUnsafeBytes {
            unsafe swguard_log_send(number, $0.baseAddress, UInt64($0.count))
        }
        if sent == -Int64(EMSGSIZE) || sent == -Int64(ENOBUFS) {
            // Longer than the socket's buffer.
            sent = unsafe message.withUnsafeBytes {
                unsafe Int64(swguard_log_send_sealed(number, $0.baseAddress, UInt64($0.count)))
            }
        }
        guard sent < 0 else { return }
        if sent != -Int64(EAGAIN) { socket = nil }
        throw failure(CInt(-sent))
    }

    private func failure(_ code: CInt) -> LogError { LogError("send events to the journal", code: code) }
}
