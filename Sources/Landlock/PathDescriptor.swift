internal import CLinux
internal import Glibc

/// The owner of an `O_PATH` descriptor: an object found by name, neither read nor written.
///
/// Its end closes the descriptor.
public struct PathDescriptor: ~Copyable {
    let descriptor: CInt

    /// What an object is, as far as Landlock's rules tell objects apart.
    public enum Kind: Hashable, Sendable {
        case directory
        case symbolicLink
        case regular(links: UInt64)
        case other
    }

    private init(_ descriptor: CInt, _ action: @autoclosure () -> String) throws(LandlockError) {
        guard descriptor >= 0 else { throw LandlockError(action(), code: -descriptor) }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Opens the absolute `path`, through no symbolic link: where there is one, ELOOP.
    public init(path: [UInt8]) throws(LandlockError) {
        var terminated = path
        terminated.append(0)
        let descriptor = unsafe terminated.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                // A buffer with a terminator is never empty, so it has a base address.
                unsafe swguard_landlock_open(-1, text.baseAddress!)
            }
        }
        try self.init(descriptor, "open '\(String(decoding: path, as: UTF8.self))'")
    }

    /// Opens `name` in this directory; a symbolic link is opened itself.
    public func child(_ name: [UInt8]) throws(LandlockError) -> PathDescriptor {
        let child = unsafe (name + [0]).withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                unsafe swguard_landlock_open_child(descriptor, text.baseAddress!)
            }
        }
        return try PathDescriptor(child, "open '\(String(decoding: name, as: UTF8.self))'")
    }

    /// What it is.
    public func kind() throws(LandlockError) -> Kind {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw LandlockError("look at an open file", code: errno)
        }
        return switch status.st_mode & S_IFMT {
        case S_IFDIR: .directory
        case S_IFLNK: .symbolicLink
        case S_IFREG: .regular(links: UInt64(status.st_nlink))
        default: .other
        }
    }

    /// Which object it is, among all of this host.
    public func identity() throws(LandlockError) -> GrantLedger.Object {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw LandlockError("look at an open file", code: errno)
        }
        return .init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// Whether it is in one of the kernel's own file systems: procfs, sysfs or cgroups (statfs(2)).
    public var isOfKernel: Bool {
        var status = statfs()
        guard unsafe fstatfs(descriptor, &status) == 0 else { return false }
        return [0x9fa0, 0x6265_6572, 0x27e0eb, 0x6367_7270].contains(status.f_type)
    }

    /// The names in this directory, without `.` and `..`, sorted by bytes; at most `limit` of them, then nil.
    public func entries(limit: Int) throws(LandlockError) -> [DirectoryEntry]? {
        let listing = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard listing >= 0 else { throw LandlockError("list a directory", code: errno) }
        defer { close(listing) }
        var entries: [DirectoryEntry] = []
        var buffer = [UInt8](repeating: 0, count: 32 * 1024)
        while true {
            let size = buffer.count
            let filled = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe swguard_landlock_entries(listing, bytes.baseAddress!, size)
            }
            guard filled >= 0 else { throw LandlockError("list a directory", code: CInt(-filled)) }
            if filled == 0 { break }
            var offset = 0
            while let entry = DirectoryEntry(record: buffer[..<filled], at: &offset) {
                if entry.name != [0x2e], entry.name != [0x2e, 0x2e] { entries.append(entry) }
                if entries.count > limit { return nil }
            }
        }
        return entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }
}

/// One name of a directory, as getdents64(2) gives it.
public struct DirectoryEntry: Hashable, Sendable {
    public var name: [UInt8]
    /// `DT_*`; DT_UNKNOWN (0) where the file system does not say.
    public var type: UInt8

    public init(name: [UInt8], type: UInt8) {
        self.name = name
        self.type = type
    }

    /// The record at `offset`, which is moved behind it; nil at the end or where the record is broken.
    ///
    /// struct linux_dirent64: u64 inode, s64 offset, u16 length, u8 type, the name up to a NUL.
    init?(record bytes: ArraySlice<UInt8>, at offset: inout Int) {
        let header = 19
        guard offset + header < bytes.count else { return nil }
        let length = Int(bytes[offset + 16]) | Int(bytes[offset + 17]) << 8
        guard length > header, offset + length <= bytes.count else { return nil }
        type = bytes[offset + 18]
        name = Array(bytes[(offset + header)..<(offset + length)].prefix { $0 != 0 })
        offset += length
    }
}
