private import Glibc

/// A descriptor that somebody else opened, as an output: lines only.
struct StreamOutput: LogOutput {
    let descriptor: CInt
    private var written = 0

    init(descriptor: CInt) { self.descriptor = descriptor }

    /// How long it waits for a reader that is slow, in milliseconds, before it is said.
    private static let patience: CInt = 1000

    mutating func perform(_ step: LogStep) throws(LogError) {
        guard case .line(let line) = step else { return }
        while written < line.count {
            // Ready pipes take a page (pipe(7)): a reader that stands still does not hold this thread for ever.
            var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            if unsafe poll(&ready, 1, Self.patience) == 0 {
                throw LogError("write the audit log to standard output", code: EAGAIN)
            }
            let count = unsafe line[written...].withUnsafeBytes {
                unsafe write(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 {
                written += count
            } else if errno != EINTR {
                throw LogError("write the audit log to standard output", code: count == 0 ? EIO : errno)
            }
        }
        written = 0
    }
}
