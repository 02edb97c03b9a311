internal import AuditLog
private import Glibc

/// Whole files.
public enum FileContents {
    /// The bytes of a regular file; nil where it cannot be read, and then errno says why.
    ///
    /// - Parameters:
    ///   - directory: What a relative path begins at; the working directory where none is given.
    ///   - onlyOwn: Also nil where somebody else owns it, or others may write it.
    public static func read(
        _ path: String, in directory: CInt? = nil, onlyOwn: Bool = false
    ) -> [UInt8]? {
        let descriptor = unsafe openat(
            directory ?? AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        guard status.st_mode & S_IFMT == S_IFREG else {
            errno = status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL
            return nil
        }
        if onlyOwn, status.st_uid != geteuid() || status.st_mode & 0o022 != 0 {
            errno = EACCES
            return nil
        }
        // One byte more, so that a file that has grown is seen not to be whole.
        let size = Int(status.st_size)
        var isWhole = false
        errno = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
            while true {
                let got = unsafe Glibc.read(descriptor, buffer.baseAddress! + count, size + 1 - count)
                if got < 0, errno == EINTR { continue }
                if got <= 0 {
                    isWhole = got == 0 && count == size
                    return
                }
                count += got
                if count > size { return }
            }
        }
        if !isWhole, errno == 0 { errno = EIO }
        return isWhole ? bytes : nil
    }

    /// Whether the group or everybody may write a file; true where that cannot be found out.
    public static func isWritableByOthers(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) != 0 || status.st_mode & 0o022 != 0
    }

    /// The first line of a small file of procfs, which has no size; nil where it cannot be read.
    static func readText(_ path: String) -> String? {
        let newline = UInt8(ascii: "\n")
        return ProcessFile.read(path, limit: 4096).map {
            String(decoding: $0.prefix { $0 != newline }, as: UTF8.self)
        }
    }

    /// Makes a new file with `bytes`, mode 0600; false where that cannot be done, and then there is none, and errno says
    /// why.
    public static func write(_ bytes: [UInt8], to path: String, in directory: CInt? = nil) -> Bool {
        unsafe unlinkat(directory ?? AT_FDCWD, path, 0)
        let descriptor = unsafe openat(
            directory ?? AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return false }
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if written < 0, errno == EINTR { continue }
            if written <= 0 { break }
            rest = rest.dropFirst(written)
        }
        let reason = errno
        if close(descriptor) == 0, rest.isEmpty { return true }
        unsafe unlinkat(directory ?? AT_FDCWD, path, 0)
        errno = reason
        return false
    }

    /// Gives the file `old` the name `new`, replacing what has it; false where that cannot be done.
    public static func move(_ old: String, to new: String, in directory: CInt? = nil) -> Bool {
        if unsafe renameat(directory ?? AT_FDCWD, old, directory ?? AT_FDCWD, new) == 0 { return true }
        let reason = errno
        unsafe unlinkat(directory ?? AT_FDCWD, old, 0)
        errno = reason
        return false
    }
}
