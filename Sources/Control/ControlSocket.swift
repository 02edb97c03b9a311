internal import CLinux
private import Glibc

/// Where agent and clients meet.
public enum ControlAddress {
    public static let standard = "/run/swguard/control"
    public static let variable = "SWGUARD_SOCKET"

    /// What the environment says, else the standard place.
    public static func ofEnvironment() -> String {
        guard let value = unsafe getenv(variable), unsafe value.pointee != 0 else { return standard }
        return unsafe String(cString: value)
    }
}

/// The agent's listening socket, and the lock that says that no other agent has it.
///
/// The lock is a file beside it: who has it may replace a socket that a killed agent left. Its end removes the socket and
/// lets the lock go; the lock's file stays, since removing it would let two agents lock two files of one name.
public struct ControlSocket: ~Copyable {
    let descriptor: ControlDescriptor
    private let lock: ControlDescriptor
    /// Where it is.
    public let path: String
    private let inode: UInt64

    deinit {
        // Another's by now: it is not ours to remove.
        if Self.status(of: path)?.st_ino == ino_t(inode) { unsafe unlink(path) }
    }

    /// How many connections wait to be accepted.
    private static let waiting: CInt = 64

    /// Listens at `path`, an absolute path.
    public init(path: String) throws(ControlError) {
        let operation = "listen at '\(path)'"
        try Self.prepareDirectory(of: path, operation)
        let locked = unsafe swguard_control_lock(path + ".lock")
        if locked == -EWOULDBLOCK {
            throw ControlError(operation: operation, code: EADDRINUSE, reason: Self.runningAgent(at: path))
        }
        let lock = try ControlDescriptor(locked, operation)
        if let status = Self.status(of: path), status.st_mode & S_IFMT != S_IFSOCK {
            throw ControlError(operation: operation, code: EEXIST, reason: "it is there and is no socket")
        }
        // Made under another name and moved over what is there: a client finds the old one, dead, or the new one.
        let fresh = path + ".new"
        unsafe unlink(fresh)
        let descriptor = try ControlDescriptor(
            unsafe swguard_control_listen(fresh, Self.waiting), operation)
        guard let status = Self.status(of: fresh), unsafe rename(fresh, path) == 0 else {
            let code = errno
            unsafe unlink(fresh)
            throw ControlError(operation: operation, code: code)
        }
        self.descriptor = descriptor
        self.lock = lock
        self.path = path
        inode = UInt64(status.st_ino)
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status : nil
    }

    /// The socket's directory is made where it is missing. One in which others could replace the socket is refused.
    private static func prepareDirectory(of path: String, _ operation: String) throws(ControlError) {
        guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/"),
            path.index(after: slash) < path.endIndex
        else {
            throw ControlError(operation: operation, code: EINVAL, reason: "it is no absolute path of a file")
        }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        if unsafe mkdir(directory, 0o755) != 0, errno != EEXIST {
            throw ControlError(operation: "make '\(directory)'", code: errno)
        }
        var status = stat()
        guard unsafe stat(directory, &status) == 0 else {
            throw ControlError(operation: operation, code: errno)
        }
        let isSticky = status.st_mode & S_ISVTX != 0
        let isOwned = status.st_uid == 0 || status.st_uid == geteuid()
        guard status.st_mode & S_IFMT == S_IFDIR, isOwned, status.st_mode & 0o022 == 0 || isSticky else {
            throw ControlError(
                operation: operation, code: EPERM, reason: "others may change its directory '\(directory)'")
        }
    }

    /// What to say of the one who has the lock.
    private static func runningAgent(at path: String) -> String {
        let result = unsafe swguard_control_connect(path)
        guard let connection = try? ControlDescriptor(result, "connect"), let peer = try? connection.peer()
        else { return "another agent runs" }
        return "another agent runs, process \(peer.pid)"
    }
}
