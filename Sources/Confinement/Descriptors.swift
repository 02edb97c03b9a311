internal import CLinux
private import Glibc

/// The descriptors that swguard was started with.
public enum Descriptors {
    /// Hides every inherited descriptor above 2 from the command but `kept`. Call it before anything is opened: a
    /// descriptor of ours must not be taken for one that the caller meant, nor for a standard one that is closed (the
    /// command finds these closed all the same).
    ///
    /// - Throws: A kept descriptor that is not open (EBADF) or the table's own failure.
    public static func protect(keeping kept: [CInt]) throws(DescriptorError) {
        for descriptor in kept where fcntl(descriptor, F_GETFD) < 0 {
            throw DescriptorError(descriptor: descriptor, code: errno)
        }
        for standard in CInt(0)...2 where fcntl(standard, F_GETFD) < 0 {
            // The lowest free number is this one. Without /dev/null it stays free, and only we would suffer.
            _ = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        }
        if !forEachGap(between: kept, { swguard_close_on_exec($0, $1) == 0 }) {
            throw DescriptorError(descriptor: nil, code: errno)
        }
    }

    /// Lets go of everything above 2 but `kept`, and of standard input and output unless they are in `kept`: a pipe
    /// whose other end waits for the last writer must not wait for the supervisor.
    ///
    /// Standard error stays, for what the supervisor has to say.
    static func release(keeping kept: [CInt]) {
        _ = forEachGap(between: kept, { swguard_close($0, $1) == 0 })
        for standard in CInt(0)...1 where !kept.contains(standard) { _ = swguard_silence(standard) }
    }

    private static func forEachGap(between kept: [CInt], _ body: (UInt32, UInt32) -> Bool) -> Bool {
        var first: UInt32 = 3
        for descriptor in kept.sorted() {
            let number = UInt32(clamping: descriptor)
            if number < first { continue }
            if number > first, !body(first, number - 1) { return false }
            first = number + 1
        }
        return body(first, .max)
    }
}

/// Why descriptors cannot be arranged.
public struct DescriptorError: Error, Hashable, Sendable {
    /// The descriptor; nil: the table as a whole.
    public var descriptor: CInt?
    /// The errno.
    public var code: CInt
}
