internal import CLinux
internal import Policy

/// The calls whose files and addresses can be observed.
public enum ObservedCalls {
    /// The names, as the kernel has them, of those that exist on this architecture: what a filter must hand over for
    /// `--explain` and `--complain`.
    public static let names: [String] = numbers.map(\.name)

    /// The number of a call on this architecture.
    public static func number(of name: String) -> Int32? { numbers.first { $0.name == name }?.number }

    /// The name of a call of this architecture.
    public static func name(of number: Int32) -> String? { numbers.first { $0.number == number }?.name }

    private static let numbers: [(name: String, number: Int32)] = (0..<swguard_observed_call_count()).map {
        index in
        let call = unsafe swguard_observed_call_at(index)
        return unsafe (String(cString: call.name), call.number)
    }

    /// How a call's arguments say what it asks for. Numbers are argument positions.
    enum Shape: Hashable {
        /// open(2) and its kin.
        case open(directory: Int?, path: Int, flags: Int)
        /// openat2(2): the flags are in memory.
        case openHow(directory: Int, path: Int, how: Int)
        case creat(path: Int)
        /// A new name.
        case make(directory: Int?, path: Int)
        /// A new name, of a kind that the mode tells.
        case makeNode(directory: Int?, path: Int, mode: Int)
        /// A name that goes.
        case remove(directory: Int?, path: Int)
        /// A name that becomes another.
        case rename(fromDirectory: Int?, from: Int, toDirectory: Int?, to: Int, flags: Int?)
        case link(fromDirectory: Int?, from: Int, toDirectory: Int?, to: Int, flags: Int?)
        /// One access to what a path leads to. `flags` may say AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH.
        case path(FileAccess, directory: Int?, path: Int, flags: Int?, follows: Bool)
        /// One access to what a descriptor is open on.
        case descriptor(FileAccess, Int)
        case execute(directory: Int?, path: Int, flags: Int?)
        /// mmap(2): executable mappings of files.
        case map
        /// fanotify_mark(2).
        case mark
        /// A socket and an address with its length.
        case address(NetworkAccess, address: Int, length: Int)
        case listen
        /// A message with the address in it.
        case message
        case messages
    }

    /// Calls that ask for an access that Landlock has a right for, and that no hook of Landlock's sees.
    static let unseenByLandlock: Set<String> = ["inotify_add_watch", "fanotify_mark"]

    /// What each call asks for. The language page's table of accesses, from the side of the calls.
    static let shapes: [String: Shape] = [
        "open": .open(directory: nil, path: 0, flags: 1),
        "openat": .open(directory: 0, path: 1, flags: 2),
        "openat2": .openHow(directory: 0, path: 1, how: 2),
        "creat": .creat(path: 0),
        "mkdir": .make(directory: nil, path: 0),
        "mkdirat": .make(directory: 0, path: 1),
        "mknod": .makeNode(directory: nil, path: 0, mode: 1),
        "mknodat": .makeNode(directory: 0, path: 1, mode: 2),
        "symlink": .make(directory: nil, path: 1),
        "symlinkat": .make(directory: 1, path: 2),
        "unlink": .remove(directory: nil, path: 0),
        "unlinkat": .remove(directory: 0, path: 1),
        "rmdir": .remove(directory: nil, path: 0),
        "rename": .rename(fromDirectory: nil, from: 0, toDirectory: nil, to: 1, flags: nil),
        "renameat": .rename(fromDirectory: 0, from: 1, toDirectory: 2, to: 3, flags: nil),
        "renameat2": .rename(fromDirectory: 0, from: 1, toDirectory: 2, to: 3, flags: 4),
        "link": .link(fromDirectory: nil, from: 0, toDirectory: nil, to: 1, flags: nil),
        "linkat": .link(fromDirectory: 0, from: 1, toDirectory: 2, to: 3, flags: 4),
        "truncate": .path(.write, directory: nil, path: 0, flags: nil, follows: true),
        "execve": .execute(directory: nil, path: 0, flags: nil),
        "execveat": .execute(directory: 0, path: 1, flags: 4),
        "mmap": .map,
        "inotify_add_watch": .path(.read, directory: nil, path: 1, flags: nil, follows: true),
        "fanotify_mark": .mark,
        "chmod": .path(.metadata, directory: nil, path: 0, flags: nil, follows: true),
        "fchmod": .descriptor(.metadata, 0),
        "fchmodat": .path(.metadata, directory: 0, path: 1, flags: nil, follows: true),
        "fchmodat2": .path(.metadata, directory: 0, path: 1, flags: 3, follows: true),
        "chown": .path(.metadata, directory: nil, path: 0, flags: nil, follows: true),
        "lchown": .path(.metadata, directory: nil, path: 0, flags: nil, follows: false),
        "fchown": .descriptor(.metadata, 0),
        "fchownat": .path(.metadata, directory: 0, path: 1, flags: 4, follows: true),
        "utime": .path(.metadata, directory: nil, path: 0, flags: nil, follows: true),
        "utimes": .path(.metadata, directory: nil, path: 0, flags: nil, follows: true),
        "futimesat": .path(.metadata, directory: 0, path: 1, flags: nil, follows: true),
        "utimensat": .path(.metadata, directory: 0, path: 1, flags: 3, follows: true),
        "setxattr": .path(.metadata, directory: nil, path: 0, flags: nil, follows: true),
        "lsetxattr": .path(.metadata, directory: nil, path: 0, flags: nil, follows: false),
        "fsetxattr": .descriptor(.metadata, 0),
        "removexattr": .path(.metadata, directory: nil, path: 0, flags: nil, follows: true),
        "lremovexattr": .path(.metadata, directory: nil, path: 0, flags: nil, follows: false),
        "fremovexattr": .descriptor(.metadata, 0),
        "setxattrat": .path(.metadata, directory: 0, path: 1, flags: 2, follows: true),
        "removexattrat": .path(.metadata, directory: 0, path: 1, flags: 2, follows: true),
        "connect": .address(.connect, address: 1, length: 2),
        "bind": .address(.bind, address: 1, length: 2),
        "sendto": .address(.connect, address: 4, length: 5),
        "listen": .listen,
        "sendmsg": .message,
        "sendmmsg": .messages,
    ]
}
