internal import CLinux
private import Glibc

/// Where a syslog daemon listens.
public enum SyslogAddress: Hashable, Sendable {
    /// A unix socket: `/dev/log`.
    case unix(String)
    /// A numeric address and a port.
    case udp(String, UInt16)
}

/// A syslog daemon, as an output: one message a line.
struct SyslogOutput: LogOutput, ~Copyable {
    private let address: SyslogAddress
    private var socket: LogDescriptor?
    private var isStream = false
    /// Of a message to a stream: what is left of it.
    private var rest: [UInt8] = []

    init(_ address: SyslogAddress) { self.address = address }

    mutating func perform(_ step: LogStep) throws(LogError) {
        guard case .line(let line) = step else { return }
        try connect()
        if rest.isEmpty {
            rest = SyslogMessage.bytes(line, pid: getpid())
            // Local daemons end messages on a stream at a newline, which no line has within it (RFC 6587, 3.4.2).
            if isStream { rest.append(UInt8(ascii: "\n")) }
        }
        while !rest.isEmpty {
            let number = socket?.number ?? -1
            let sent = unsafe rest.withUnsafeBytes {
                unsafe swguard_log_send(number, $0.baseAddress, UInt64($0.count))
            }
            if sent < 0 {
                // The daemon went away: another may come.
                if sent != -Int64(EAGAIN) { socket = nil }
                // What a stream's reader has of it is not taken back; the whole message goes to the next one.
                if socket == nil { rest = [] }
                throw failure(CInt(-sent))
            }
            rest.removeFirst(isStream ? Int(sent) : rest.count)
        }
    }

    private mutating func connect() throws(LogError) {
        if socket != nil { return }
        var stream: CInt = 0
        let opened =
            switch address {
            case .unix(let path): unsafe swguard_log_connect_unix(path, &stream)
            case .udp(let host, let port): unsafe swguard_log_connect_udp(host, port)
            }
        guard opened >= 0 else { throw failure(-opened) }
        socket = LogDescriptor(taking: opened)
        isStream = stream != 0
    }

    private func failure(_ code: CInt) -> LogError {
        let name =
            switch address {
            case .unix(let path): path
            case .udp(let host, let port): "udp:\(host):\(port)"
            }
        return LogError("send events to syslog at '\(name)'", code: code)
    }
}
