internal import Glibc

/// A file that is there whole, as it was or as it is to be.
enum WholeFile {
    /// Puts `bytes` at `path`, in place of what is there. False: errno says why not, and what was there still is.
    ///
    /// - Parameter isDurable: also when the power goes behind its return.
    static func replace(_ path: String, with bytes: [UInt8], mode: mode_t, isDurable: Bool) -> Bool {
        let temporary = path + ".new"
        // Left by one that did not come to its end.
        unsafe unlink(temporary)
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        if descriptor < 0 { return false }
        let isWritten =
            fchmod(descriptor, mode) == 0 && write(bytes, to: descriptor)
            && (!isDurable || fsync(descriptor) == 0)
        let error = errno
        close(descriptor)
        if isWritten, unsafe rename(temporary, path) == 0 {
            return !isDurable || sync(directoryOf: path)
        }
        let reason = isWritten ? errno : error
        unsafe unlink(temporary)
        errno = reason
        return false
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(
                    descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
            }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return false }
            done += count
        }
        return true
    }

    private static func sync(directoryOf path: String) -> Bool {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let descriptor = unsafe open(
            end == path.startIndex ? "/" : String(path[..<end]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0 { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }
}
