internal import CLinux
private import Glibc

/// Tells the service manager that started the agent how it is, as sd_notify(3) says; nothing where none did.
///
/// What it is told is never needed: where it cannot be, enforcement goes on.
struct ServiceManager {
    /// Of $NOTIFY_SOCKET: a path, or behind an `@` an abstract name. Others (`vsock:`) are not for this machine.
    private let address: String?
    /// How often it wants to hear that the agent is alive, in milliseconds, halved so that one can be late; nil: it does not.
    let interval: UInt64?
    private var next: UInt64 = 0

    /// What the environment says, which children do not get.
    static func ofEnvironment() -> Self {
        func take(_ name: String) -> String? {
            guard let value = unsafe getenv(name) else { return nil }
            defer { unsafe unsetenv(name) }
            return unsafe String(cString: value)
        }
        let manager = Self(
            address: take("NOTIFY_SOCKET"), watchdog: take("WATCHDOG_USEC"), process: take("WATCHDOG_PID"))
        return manager
    }

    /// Nobody.
    static let none = Self(address: nil, watchdog: nil, process: nil)

    init(address: String?, watchdog: String?, process: String?) {
        self.address = address.flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isOurs = process.map { $0 == String(getpid()) } ?? true
        let microseconds = isOurs && self.address != nil ? watchdog.flatMap { UInt64($0) } : nil
        interval = microseconds.flatMap { $0 > 0 ? max(1, $0 / 2000) : nil }
    }

    /// What it can be told.
    enum State {
        /// Policies are in force; never said before they are.
        case ready
        case reloading
        case stopping
    }

    /// Tells a state, and in a few words what that is.
    func tell(_ state: State, _ status: String) {
        let word =
            switch state {
            case .ready: "READY=1"
            case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(swguard_monotonic_milliseconds() * 1000)"
            case .stopping: "STOPPING=1"
            }
        send("\(word)\nSTATUS=\(Self.line(status))\n")
    }

    /// Says that the agent's loop goes round, when it is time to.
    mutating func turn(now: UInt64) {
        guard let interval, now >= next else { return }
        next = now + interval
        send("WATCHDOG=1\n")
    }

    /// A newline would begin another assignment.
    private static func line(_ text: String) -> String {
        String(decoding: text.utf8.map { $0 < 0x20 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    private func send(_ text: String) {
        guard let address else { return }
        unsafe _ = swguard_service_tell(address, text, UInt64(text.utf8.count))
    }
}
