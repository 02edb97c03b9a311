private import Glibc

/// Errno values as text.
public enum SystemError {
    /// What strerror(3) says, as it stands behind `cannot read 'x': `: `permission denied`.
    public static func text(_ code: CInt) -> String {
        guard let text = unsafe strerror(code).map({ unsafe String(cString: $0) }) else {
            return "error \(code)"
        }
        return text.prefix(1).lowercased() + text.dropFirst()
    }

    /// Why the last call failed.
    public static var lastReason: String { text(errno) }

    /// The name in errno.h of an error that denials give; other numbers as they are.
    public static func name(_ code: CInt) -> String {
        names.first { $0.code == code }?.name ?? String(code)
    }

    /// The errors that a policy can ask for and a kernel layer gives.
    private static let names: [(code: CInt, name: String)] = [
        (EPERM, "EPERM"), (ENOENT, "ENOENT"), (ESRCH, "ESRCH"), (EINTR, "EINTR"), (EIO, "EIO"),
        (ENXIO, "ENXIO"),
        (E2BIG, "E2BIG"), (ENOEXEC, "ENOEXEC"), (EBADF, "EBADF"), (ECHILD, "ECHILD"), (EAGAIN, "EAGAIN"),
        (ENOMEM, "ENOMEM"), (EACCES, "EACCES"), (EFAULT, "EFAULT"), (EBUSY, "EBUSY"), (EEXIST, "EEXIST"),
        (EXDEV, "EXDEV"), (ENODEV, "ENODEV"), (ENOTDIR, "ENOTDIR"), (EISDIR, "EISDIR"), (EINVAL, "EINVAL"),
        (ENFILE, "ENFILE"), (EMFILE, "EMFILE"), (ENOTTY, "ENOTTY"), (EFBIG, "EFBIG"), (ENOSPC, "ENOSPC"),
        (EROFS, "EROFS"), (EMLINK, "EMLINK"), (EPIPE, "EPIPE"), (ERANGE, "ERANGE"), (EDEADLK, "EDEADLK"),
        (ENAMETOOLONG, "ENAMETOOLONG"), (ENOSYS, "ENOSYS"), (ENOTEMPTY, "ENOTEMPTY"), (ELOOP, "ELOOP"),
        (EOVERFLOW, "EOVERFLOW"), (EPROTONOSUPPORT, "EPROTONOSUPPORT"), (EOPNOTSUPP, "EOPNOTSUPP"),
        (EAFNOSUPPORT, "EAFNOSUPPORT"), (EADDRINUSE, "EADDRINUSE"), (EADDRNOTAVAIL, "EADDRNOTAVAIL"),
        (ENETUNREACH, "ENETUNREACH"), (ECONNABORTED, "ECONNABORTED"), (ECONNRESET, "ECONNRESET"),
        (ENOBUFS, "ENOBUFS"), (EISCONN, "EISCONN"), (ENOTCONN, "ENOTCONN"), (ETIMEDOUT, "ETIMEDOUT"),
        (ECONNREFUSED, "ECONNREFUSED"), (EHOSTUNREACH, "EHOSTUNREACH"), (EALREADY, "EALREADY"),
        (EINPROGRESS, "EINPROGRESS"), (EDQUOT, "EDQUOT"),
    ]
}
