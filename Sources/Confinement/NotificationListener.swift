internal import CLinux
private import Glibc

/// A system call that waits for an answer.
public struct SystemCall: Hashable, Sendable {
    /// The number, of the architecture `architecture`.
    public var number: Int32
    /// `AUDIT_ARCH_*`.
    public var architecture: UInt32
    /// As the caller's registers hold them; wider than the kernel reads where an argument has 32 bits.
    public var arguments: [UInt64]
    /// The thread that called.
    public var thread: Int32

    public init(number: Int32, architecture: UInt32, arguments: [UInt64], thread: Int32) {
        self.number = number
        self.architecture = architecture
        self.arguments = arguments
        self.thread = thread
    }
}

/// The supervisor's end of a seccomp filter. Ending it closes the descriptor: calls that the filter would hand over
/// fail with ENOSYS from then on.
///
/// Minimum kernel version: 5.5 (`SECCOMP_USER_NOTIF_FLAG_CONTINUE`).
struct NotificationListener: ~Copyable {
    private let descriptor: CInt

    /// The listener that the launcher made.
    init(owning descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// The descriptor, for poll.
    var number: CInt { descriptor }

    /// One waiting call.
    struct Waiting {
        let id: UInt64
        let call: SystemCall
    }

    /// The next waiting call; nil if it has gone since poll told of it.
    func receive() throws(KernelFailure) -> Waiting? {
        var call = swguard_call()
        let result = unsafe swguard_receive_call(descriptor, &call)
        if result < 0 { throw KernelFailure(operation: "receive a system call", code: errno) }
        if result == 0 { return nil }
        let arguments = call.arguments
        return Waiting(
            id: call.id,
            call: SystemCall(
                number: call.number, architecture: call.architecture,
                arguments: [
                    arguments.0, arguments.1, arguments.2, arguments.3, arguments.4, arguments.5,
                ], thread: call.thread))
    }

    /// Whether the caller still waits: what was read from its process before was its own then.
    func isWaiting(_ id: UInt64) -> Bool { swguard_call_is_waiting(descriptor, id) != 0 }

    /// Makes the call fail with `code`.
    func refuse(_ id: UInt64, code: CInt) { _ = swguard_refuse_call(descriptor, id, code) }

    /// Lets the kernel go on with the call. It is no permission: its arguments can have changed since.
    func letGoOn(_ id: UInt64) { _ = swguard_continue_call(descriptor, id) }
}

/// What the kernel refused the supervisor.
public struct KernelFailure: Error, Hashable, Sendable {
    /// What was tried: `receive a system call`.
    public var operation: String
    /// The errno.
    public var code: CInt
}
