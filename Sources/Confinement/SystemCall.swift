internal import Seccomp

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

    init(_ notification: CallNotification) {
        self.init(
            number: Int32(bitPattern: notification.input.number),
            architecture: notification.input.architecture,
            arguments: notification.input.arguments, thread: notification.thread)
    }
}
