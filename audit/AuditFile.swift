private import Glibc

/// Where lines go. Ending it closes the descriptor, if it was opened here.
public struct AuditFile: ~Copyable {
    private let descriptor: CInt
    private let isOwned: Bool

    /// The file at `path`, to be appended to; made with mode 0640 if it is missing.
    ///
    /// A symbolic link in the last place is an error (ELOOP): what may write the directory could have the lines
    /// appended to a file that something else obeys. The links of /dev and /proc are the kernel's, and are followed.
    /// - Throws: `AuditFileError` with the errno of open(2).
    public init(appendingTo path: [UInt8]) throws(AuditFileError) {
        let opened = unsafe (path + [0]).withUnsafeBytes { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text -> CInt in
                guard let base = text.baseAddress else { return -1 }
                let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY
                let isKernels = path.starts(with: "/dev/".utf8) || path.starts(with: "/proc/".utf8)
                return unsafe open(base, isKernels ? flags : flags | O_NOFOLLOW, 0o640)
            }
        }
        if opened < 0 { throw AuditFileError(operation: "open", code: errno) }
        descriptor = opened
        isOwned = true
    }

    /// A descriptor that is somebody else's: standard output, `fd:N`.
    public init(borrowing descriptor: CInt) {
        self.descriptor = descriptor
        isOwned = false
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// The descriptor, for whoever must not close it.
    public var number: CInt { descriptor }

    /// Writes whole lines: in one call where the kernel takes them in one, so that lines of several writers to one
    /// file do not mix.
    ///
    /// - Returns: The errno of what went wrong; nil when everything is written.
    public func write(_ lines: [UInt8]) -> CInt? {
        var offset = 0
        while offset < lines.count {
            let written = unsafe lines.withUnsafeBytes { bytes in
                unsafe Glibc.write(
                    descriptor, bytes.baseAddress.map { unsafe $0 + offset }, bytes.count - offset)
            }
            if written > 0 {
                offset += written
            } else if written == 0 {
                return EIO
            } else if errno == EAGAIN {
                // A non-blocking descriptor that somebody handed us: give its reader a second.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                if unsafe poll(&ready, 1, 1000) <= 0 { return EAGAIN }
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }
}

/// Why the audit log cannot be written.
public struct AuditFileError: Error, Hashable, Sendable {
    /// `open`, `write`.
    public var operation: String
    /// The errno.
    public var code: CInt

    public init(operation: String, code: CInt) {
        self.operation = operation
        self.code = code
    }
}

extension AuditTime {
    /// Now.
    public static func now() -> Self {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Self(seconds: Int64(time.tv_sec), nanoseconds: Int32(truncatingIfNeeded: time.tv_nsec))
    }
}
