internal import Glibc

/// An open file of this room. Its end closes it.
struct LogDescriptor: ~Copyable {
    let number: CInt

    /// - Throws: The errno of open(2).
    init(_ path: String, _ flags: CInt, mode: mode_t = 0) throws(LogError) {
        let opened = unsafe open(path, flags | O_CLOEXEC | O_NOCTTY, mode)
        if opened < 0 { throw LogError("open '\(path)'", code: errno) }
        number = opened
    }

    /// Takes over what C opened.
    init(taking descriptor: CInt) { number = descriptor }

    deinit { close(number) }

    /// A second descriptor of the same open file, for whoever closes it; -1 and errno where there is none.
    func duplicate() -> CInt { fcntl(number, F_DUPFD_CLOEXEC, 3) }

    func status() -> stat {
        var status = stat()
        // EBADF and EFAULT are all that it could fail for.
        if unsafe fstat(number, &status) != 0 { return stat() }
        return status
    }

    /// Writes as much of `bytes` as goes; an errno where nothing did.
    func write(_ bytes: ArraySlice<UInt8>) -> Result {
        while true {
            let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
            if count > 0 { return .taken(count) }
            if count == 0 { return .refused(EIO) }
            if errno != EINTR { return .refused(errno) }
        }
    }

    enum Result {
        case taken(Int)
        case refused(CInt)
    }

    /// `count` bytes from `offset`; fewer at the end of the file.
    func read(_ count: Int, at offset: UInt64) throws(LogError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var size = 0
        while size < count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(
                    number, buffer.baseAddress.map { unsafe $0 + size }, count - size,
                    off_t(offset) + off_t(size))
            }
            if got < 0, errno == EINTR { continue }
            if got < 0 { throw LogError("read the audit log", code: errno) }
            if got == 0 { break }
            size += got
        }
        return Array(bytes[..<size])
    }
}

extension stat {
    var isRegular: Bool { st_mode & S_IFMT == S_IFREG }
    var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
    var size: UInt64 { UInt64(max(0, st_size)) }

    /// Whether both are the same file.
    func isSame(as other: stat) -> Bool { st_dev == other.st_dev && st_ino == other.st_ino }
}
