internal import CLinux
internal import Glibc

/// A call that waits for the supervisor's answer.
public struct CallNotification: Hashable, Sendable {
    /// Names the waiting call; never used twice by one listener.
    public var id: UInt64
    /// The thread that made the call, in the supervisor's pid namespace; 0 if it cannot be seen from there.
    public var thread: Int32
    /// The call.
    public var input: FilterInput
}

/// The supervisor's end of a filter with notifications. Ending its life closes it: every call that waits, and
/// every later one that the filter would have sent here, then returns ENOSYS.
///
/// Minimum kernel version: 5.0.
public struct NotificationListener: ~Copyable {
    private let descriptor: CInt
    private var request: [UInt64]
    private var response: [UInt64]

    /// Owns `descriptor`, which came from loading a filter. If this throws, the caller still owns it.
    ///
    /// Buffers have the sizes that the kernel names: a newer one may write more than was known here.
    public init(owning descriptor: CInt) throws(SeccompError) {
        var sizes = seccomp_notif_sizes()
        let result = unsafe swguard_seccomp_notification_sizes(&sizes)
        if result < 0 {
            throw SeccompError(operation: "ask for the sizes of notifications", code: -result)
        }
        let known = (
            request: MemoryLayout<seccomp_notif>.size, response: MemoryLayout<seccomp_notif_resp>.size
        )
        func words(_ bytes: Int) -> Int { (bytes + 7) / 8 }
        request = Array(repeating: 0, count: words(max(Int(sizes.seccomp_notif), known.request)))
        response = Array(repeating: 0, count: words(max(Int(sizes.seccomp_notif_resp), known.response)))
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    /// For poll(2) and epoll(7): readable when a call waits, hung up when no process has the filter any more.
    public var pollDescriptor: CInt { descriptor }

    /// Takes the next call that waits; blocks if there is none. nil: the call was gone before it could be
    /// taken (its process was killed, or a signal took it back), or a signal came; poll again.
    public mutating func receive() throws(SeccompError) -> CallNotification? {
        let size = UInt64(request.count * 8)
        let result = unsafe request.withUnsafeMutableBytes {
            unsafe swguard_seccomp_receive(descriptor, $0.baseAddress, size)
        }
        if result == -ENOENT || result == -EINTR { return nil }
        if result < 0 { throw SeccompError(operation: "receive a notification", code: -result) }
        // struct seccomp_notif: id, pid and flags, then seccomp_data: nr and arch, ip, six arguments.
        return CallNotification(
            id: request[0], thread: Int32(truncatingIfNeeded: request[1]),
            input: FilterInput(
                number: UInt32(truncatingIfNeeded: request[2]),
                architecture: UInt32(truncatingIfNeeded: request[2] >> 32),
                arguments: Array(request[4..<10]), instructionPointer: request[3]))
    }

    /// Answers with an error. false: the caller no longer waits.
    @discardableResult
    public mutating func refuse(_ id: UInt64, errno code: Int32) throws(SeccompError) -> Bool {
        try answer(id, error: -code, flags: 0)
    }

    /// Lets the kernel run the call. What was seen of its memory may have changed by then: only for calls that
    /// something else decides. Linux 5.5. false: the caller no longer waits.
    @discardableResult
    public mutating func letContinue(_ id: UInt64) throws(SeccompError) -> Bool {
        try answer(id, error: 0, flags: 1)
    }

    /// Whether the caller still waits, so that what was read of its process was its own.
    public borrowing func isWaiting(_ id: UInt64) -> Bool { swguard_seccomp_is_waiting(descriptor, id) == 0 }

    /// Whether it will be seen that no process has the filter any more: `pollDescriptor` is hung up then (Linux 5.9).
    public borrowing func tellsItsEnd() -> Bool { swguard_seccomp_tells_end(descriptor) != 0 }

    private mutating func answer(_ id: UInt64, error: Int32, flags: UInt32) throws(SeccompError) -> Bool {
        let size = UInt64(response.count * 8)
        let result = unsafe response.withUnsafeMutableBytes {
            unsafe swguard_seccomp_answer(descriptor, $0.baseAddress, size, id, error, flags)
        }
        if result == -ENOENT { return false }
        if result < 0 { throw SeccompError(operation: "answer a notification", code: -result) }
        return true
    }
}
