internal import CLinux
internal import Glibc

/// The file of a log, written by one process. Its end closes it, and leaves it as it is.
///
/// It is opened by the first line; what cannot be done now is done when it is asked for again.
struct LogFile: ~Copyable {
    private let place: LogPlace
    private var descriptor: LogDescriptor?
    /// Bytes of the file when it is opened first: what is behind them was torn by a power cut.
    private var whole: UInt64?
    /// How many bytes of the line that is being written are in the file.
    private var written = 0

    /// The log at `place`, of which `whole` bytes are to be kept; nil: all.
    init(_ place: LogPlace, keeping whole: UInt64?) {
        self.place = place
        self.whole = whole
    }

    /// Writes what is missing of the first of `lines`, and the others, and returns how many are whole in the file now;
    /// throws where not even the first is. What is there of the next one is not written again.
    mutating func write(_ lines: [[UInt8]]) throws(LogError) -> Int {
        if lines.isEmpty { return 0 }
        try open()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(lines.reduce(0) { $0 + $1.count })
        for line in lines { bytes.append(contentsOf: line) }
        var refused: CInt?
        while written < bytes.count, refused == nil {
            guard let result = descriptor?.write(bytes[written...]) else { break }
            switch result {
            case .taken(let count): written += count
            case .refused(let code): refused = code
            }
        }
        var whole = 0
        while whole < lines.count, written >= lines[whole].count {
            written -= lines[whole].count
            whole += 1
        }
        if whole == 0, let refused { throw error("write", refused) }
        return whole
    }

    /// Waits until what was written is on the disk.
    mutating func sync() throws(LogError) {
        guard let number = descriptor?.number else { return }
        if fdatasync(number) != 0 { throw error("sync", errno) }
    }

    /// Gives the file the name of its first line's number.
    mutating func rotate(first: UInt64) throws(LogError) {
        try cut()
        if let number = descriptor?.number, fdatasync(number) != 0, errno != EINVAL {
            throw error("sync", errno)
        }
        for copy in 0..<1000 {
            let name = place.name(first: first, copy: copy)
            // A name that is taken is another log's; nothing is ever replaced.
            if unsafe access(place.path(of: name + ".gz"), F_OK) == 0 { continue }
            let code = unsafe swguard_rename_new(place.path, place.path(of: name))
            // Missing: somebody else moved it, and what was written is where that one put it.
            if code == 0 || code == -ENOENT { break }
            if code != -EEXIST { throw error("rotate", -code) }
        }
        let directory = try LogDescriptor(place.directory, O_RDONLY | O_DIRECTORY)
        _ = fsync(directory.number)
        descriptor = nil
        whole = nil
    }

    /// Lets go of the file.
    mutating func reopen() throws(LogError) {
        try cut()
        descriptor = nil
        whole = nil
    }

    /// Whether the path leads to another file than the one that is written to, or to none.
    func isMoved() -> Bool {
        guard let open = descriptor?.status() else { return false }
        var there = stat()
        return unsafe stat(place.path, &there) != 0 || !there.isSame(as: open)
    }

    /// A torn end is cut off also where nothing is written behind it.
    private mutating func cut() throws(LogError) { if whole != nil { try open() } }

    private mutating func open() throws(LogError) {
        if descriptor != nil { return }
        let new = try LogFile.open(place)
        if let whole, new.status().size > whole, ftruncate(new.number, off_t(whole)) != 0 {
            throw error("cut the torn end off", errno)
        }
        whole = nil
        descriptor = consume new
    }

    private func error(_ verb: String, _ code: CInt) -> LogError {
        LogError("\(verb) the audit log '\(place.path)'", code: code)
    }

    /// The file, to be appended to; made with mode 0640 if it is missing, and so is its directory (0750).
    static func open(_ place: LogPlace) throws(LogError) -> LogDescriptor {
        let flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK
        var opened = unsafe Glibc.open(place.path, flags | O_CLOEXEC | O_NOCTTY)
        if opened < 0, errno == ENOENT {
            _ = unsafe mkdir(place.directory, 0o750)
            opened = unsafe Glibc.open(
                place.path, flags | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0o640)
            // The mode is what readers of logs count on, whatever this process was started with.
            if opened >= 0 { _ = fchmod(opened, 0o640) }
        }
        if opened < 0 {
            if errno == ELOOP { throw refusal(place, "it is a symbolic link") }
            throw LogError("open the audit log '\(place.path)'", code: errno)
        }
        let descriptor = LogDescriptor(taking: opened)
        try check(descriptor.status(), place)
        return descriptor
    }

    /// Refuses what somebody else has a hand in: a log that another can write tells what that one wants.
    static func check(_ status: stat, _ place: LogPlace) throws(LogError) {
        guard status.isRegular else { throw refusal(place, "it is no regular file") }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw refusal(place, "it belongs to user \(status.st_uid)")
        }
        guard status.st_mode & 0o022 == 0 else { throw refusal(place, "others can write it") }
        guard status.st_nlink <= 1 else { throw refusal(place, "it has another name besides") }
        var directory = stat()
        guard unsafe stat(place.directory, &directory) == 0 else {
            throw LogError("open the audit log '\(place.path)'", code: errno)
        }
        guard directory.st_uid == geteuid() || directory.st_uid == 0 else {
            throw refusal(place, "its directory belongs to user \(directory.st_uid)")
        }
        guard directory.st_mode & 0o022 == 0 || directory.st_mode & S_ISVTX != 0 else {
            throw refusal(place, "others can write its directory")
        }
    }

    private static func refusal(_ place: LogPlace, _ reason: String) -> LogError {
        LogError("use '\(place.path)' as the audit log", reason)
    }
}
