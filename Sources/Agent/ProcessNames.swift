internal import AuditLog
internal import CLinux
private import Glibc

/// The paths of executables and cgroups, which the kernel reports by their numbers: a process that was denied something
/// may be gone when its record is read.
///
/// A cgroup's number is never another's (kernfs gives each a new one), so its path is asked for once. An inode's number may
/// become another's: a path that is known is used only while it leads there, which is looked at once for records that are
/// read together.
struct ProcessNames {
    /// A file by what the kernel calls it.
    struct FileNumber: Hashable {
        var device: UInt32
        var inode: UInt64
    }

    /// How many paths of each kind are kept.
    private static let limit = 4096

    private struct Executable {
        var path: [UInt8]
        /// When it was seen to lead there, in `readings`.
        var seen: UInt64
    }

    private var executables: [FileNumber: Executable] = [:]
    private var readings: UInt64 = 0
    private var cgroups: [UInt64: [UInt8]] = [:]
    private let hierarchy = CgroupHierarchy()

    /// The path of the executable `file`, which a process had when it was called `pid`.
    mutating func executable(_ file: FileNumber, pid: Int32) -> [UInt8]? {
        if file.inode == 0 { return nil }
        if let known = executables[file] {
            if known.seen == readings { return known.path }
            if Self.number(of: known.path) == file {
                note(known.path, for: file)
                return known.path
            }
            executables[file] = nil
        }
        // The link leads to the file itself, whatever it is called by now.
        let link = "/proc/\(pid)/exe"
        guard Self.number(of: Array(link.utf8)) == file, let path = ProcessFile.link(link) else { return nil }
        note(path, for: file)
        return path
    }

    /// More records are read, later than those before.
    mutating func beginReading() { readings += 1 }

    /// Remembers a path, so that what is executed there has a name however soon it ends.
    mutating func note(executable path: [UInt8]) {
        if let number = Self.number(of: path) { note(path, for: number) }
    }

    private mutating func note(_ path: [UInt8], for file: FileNumber) {
        if executables.count >= Self.limit, executables[file] == nil { executables = [:] }
        executables[file] = Executable(path: path, seen: readings)
    }

    private static func number(of path: [UInt8]) -> FileNumber? {
        var status = stat()
        let result = unsafe (path + [0]).withUnsafeBytes { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text -> CInt in
                guard let base = text.baseAddress else { return -1 }
                return unsafe stat(base, &status)
            }
        }
        guard result == 0 else { return nil }
        return FileNumber(
            device: HeldObjects.kernelNumber(of: UInt64(status.st_dev)), inode: UInt64(status.st_ino))
    }

    /// The path of the cgroup with that number; nil: it is gone, and was not seen before.
    mutating func cgroup(_ number: UInt64) -> [UInt8]? {
        if let known = cgroups[number] { return known }
        guard let path = hierarchy?.path(of: number) else { return nil }
        if cgroups.count >= Self.limit { cgroups = [:] }
        cgroups[number] = path
        return path
    }
}

/// The tree of cgroups, version 2, where it is mounted. Its end closes it.
private final class CgroupHierarchy {
    /// Where it is mounted: alone, or beside version 1.
    private static let places = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]

    private let root: CInt
    private let place: String

    init?() {
        for place in Self.places {
            let opened = unsafe swguard_open_cgroup_root(place)
            if opened < 0 { continue }
            root = opened
            self.place = place
            return
        }
        return nil
    }

    deinit { close(root) }

    /// `/system.slice/nginx.service`.
    func path(of number: UInt64) -> [UInt8]? {
        let opened = swguard_open_cgroup(root, number)
        guard opened >= 0 else { return nil }
        defer { close(opened) }
        guard let path = ProcessFile.link("/proc/self/fd/\(opened)"), path.starts(with: place.utf8) else {
            return nil
        }
        let rest = Array(path.dropFirst(place.utf8.count))
        return rest.isEmpty ? [UInt8(ascii: "/")] : rest
    }
}
