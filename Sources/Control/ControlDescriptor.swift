internal import CLinux
private import Glibc

/// A descriptor of this room: a socket, an epoll set, a lock. Its end closes it.
struct ControlDescriptor: ~Copyable {
    let number: CInt

    /// Of what C gave: the negative errno of a refusal is thrown.
    init(_ result: CInt, _ operation: String) throws(ControlError) {
        guard result >= 0 else { throw ControlError(operation: operation, code: -result) }
        number = result
    }

    deinit { close(number) }

    /// What is there to be read, up to `size` bytes; empty: the other end writes no more. nil: nothing yet.
    func read(_ size: Int) throws(ControlError) -> [UInt8]? {
        var failure: CInt = 0
        // The kernel writes as many bytes as it says.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let result = unsafe swguard_control_read(number, buffer.baseAddress, UInt64(size))
            count = max(0, Int(result))
            if result < 0 { failure = CInt(-result) }
        }
        if failure == EAGAIN || failure == EINTR { return nil }
        guard failure == 0 else { throw ControlError(operation: "read", code: failure) }
        return bytes
    }

    /// Writes as much as goes now, and says how much that was.
    func write(_ bytes: ArraySlice<UInt8>) throws(ControlError) -> Int {
        let result = unsafe bytes.withUnsafeBytes { buffer in
            unsafe swguard_control_write(number, buffer.baseAddress, UInt64(buffer.count))
        }
        if result == -Int64(EAGAIN) || result == -Int64(EINTR) { return 0 }
        guard result >= 0 else { throw ControlError(operation: "write", code: CInt(-result)) }
        return Int(result)
    }

    /// Who is at the other end, as it was when it connected.
    func peer() throws(ControlError) -> ControlPeer {
        var peer = swguard_peer()
        let result = unsafe swguard_control_peer(number, &peer)
        guard result == 0 else { throw ControlError(operation: "see who connected", code: -result) }
        return ControlPeer(pid: peer.process, uid: peer.user)
    }
}

/// A refusal by the kernel.
public struct ControlError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted: `listen at '/run/swguard/control'`.
    public var operation: String
    /// An `errno`.
    public var code: CInt
    /// What is known better than by the errno.
    public var reason: String?

    init(operation: String, code: CInt, reason: String? = nil) {
        self.operation = operation
        self.code = code
        self.reason = reason
    }

    /// `cannot listen at '/run/swguard/control': Permission denied`.
    public var description: String {
        "cannot \(operation): \(reason ?? Self.text(of: code))"
    }

    static func text(of code: CInt) -> String { unsafe String(cString: strerror(code)) }
}
