import Glibc
import Policy

/// The mounts of this process's namespace, to find the other names that bind mounts give an object.
struct MountTable: Hashable, Sendable {
    /// One line of /proc/self/mountinfo (proc_pid_mountinfo(5)), as pieces of its text: read at each start.
    struct Mount: Hashable, Sendable {
        /// What tells file systems apart: the device; the type for those of which every mount shows the same.
        var fileSystem: ArraySlice<UInt8>
        /// The path of the mount's root in its file system.
        var root: ArraySlice<UInt8>
        /// Where it is mounted.
        var point: ArraySlice<UInt8>
    }

    /// File systems that are the kernel's own tables: each mount may have a device of its own.
    private static func isKernelTable(_ type: ArraySlice<UInt8>) -> Bool {
        type.elementsEqual("proc".utf8) || type.elementsEqual("sysfs".utf8)
            || type.elementsEqual("cgroup".utf8)
            || type.elementsEqual("cgroup2".utf8)
    }

    var mounts: [Mount] = []

    /// Reads `text` in the form of mountinfo; lines that are not are left out.
    init(_ text: [UInt8]) {
        var start = 0
        while start < text.count {
            let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
            if let mount = Self.mount(text[start..<end]) { mounts.append(mount) }
            start = end + 1
        }
    }

    /// `36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/root rw`; optional fields stand between the sixth and
    /// the dash.
    private static func mount(_ line: ArraySlice<UInt8>) -> Mount? {
        let space = UInt8(ascii: " ")
        var field = 0
        var start = line.startIndex
        var device = line[start..<start]
        var root = device
        var point = device
        var dash: Int?
        while start < line.endIndex {
            let end = line[start...].firstIndex(of: space) ?? line.endIndex
            switch field {
            case 2: device = line[start..<end]
            case 3: root = line[start..<end]
            case 4: point = line[start..<end]
            case 6... where dash == nil:
                if end == start + 1, line[start] == UInt8(ascii: "-") { dash = field }
            case _ where dash == field - 1 && dash != nil:
                let type = line[start..<end]
                return Mount(
                    fileSystem: isKernelTable(type) ? type : device, root: unescaped(root),
                    point: unescaped(point))
            default: break
            }
            field += 1
            start = end + 1
        }
        return nil
    }

    /// The table of this process; empty where it cannot be read.
    static func current() -> Self {
        let file = unsafe open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return Self([]) }
        defer { close(file) }
        // The kernel gives at most a page a call, whole lines of it.
        let step = 4096
        var text: [UInt8] = []
        while true {
            let end = text.count
            text.append(contentsOf: repeatElement(0, count: step))
            let count = unsafe text.withUnsafeMutableBytes { bytes in
                unsafe read(file, bytes.baseAddress! + end, step)
            }
            if count < 0 { return Self([]) }
            text.removeLast(step - count)
            if count == 0 { return Self(text) }
        }
    }

    /// Patterns for the other names of the object that a literal or `P/**` stands for.
    ///
    /// Nil where the table does not say where it is mounted, as in a chroot whose root is no mount, or without procfs:
    /// then nobody knows its other names.
    func aliases(of pattern: PathPattern) -> [PathPattern]? {
        let subtree = pattern.literalSubtree
        let isSubtree = subtree != nil
        guard let bytes = subtree ?? (pattern.isLiteral ? pattern.literalBytes : nil) else { return [] }
        let path = bytes[...]
        guard let home = home(of: path), let rest = Self.rest(of: path, beneath: mounts[home].point) else {
            return nil
        }
        let inside = Self.join(mounts[home].root, rest)
        var aliases: [PathPattern] = []
        for mount in mounts where mount.fileSystem == mounts[home].fileSystem {
            var alias: ArraySlice<UInt8>
            if let rest = Self.rest(of: inside, beneath: mount.root) {
                alias = Self.join(mount.point, rest)
            } else if isSubtree, Self.rest(of: mount.root, beneath: inside) != nil {
                alias = mount.point
            } else {
                continue
            }
            if alias == path || (isSubtree && Self.rest(of: alias, beneath: path) != nil) { continue }
            let found =
                isSubtree ? PathPattern(subtree: Array(alias)) : PathPattern(literal: Array(alias))
            if !aliases.contains(found) { aliases.append(found) }
        }
        return aliases
    }

    /// The mount that shows what is at `path`: the one with the longest point above it, and of several the last, which
    /// hides the others.
    func home(of path: ArraySlice<UInt8>) -> Int? {
        var home: Int?
        var length = 0
        for (index, mount) in mounts.enumerated()
        where mount.point.count >= length && Self.isBeneath(path, mount.point) {
            home = index
            length = mount.point.count
        }
        return home
    }

    /// What of `path` follows `directory`, with its leading `/`; empty for itself, nil where it is elsewhere.
    static func rest(
        of path: ArraySlice<UInt8>, beneath directory: ArraySlice<UInt8>
    ) -> ArraySlice<UInt8>? {
        guard isBeneath(path, directory) else { return nil }
        return isRoot(directory) && !isRoot(path) ? path : path.dropFirst(directory.count)
    }

    /// Whether `path` is `directory` or beneath it. Asked for each mount and deny, at each start.
    private static func isBeneath(_ path: ArraySlice<UInt8>, _ directory: ArraySlice<UInt8>) -> Bool {
        if isRoot(directory) { return true }
        return unsafe path.withUnsafeBytes { path in
            unsafe directory.withUnsafeBytes { directory in
                let count = directory.count
                guard path.count >= count, let start = path.baseAddress, let other = directory.baseAddress
                else { return false }
                let isWhole = unsafe path.count == count || path[count] == UInt8(ascii: "/")
                return unsafe isWhole && memcmp(start, other, count) == 0
            }
        }
    }

    static func isRoot(_ path: ArraySlice<UInt8>) -> Bool {
        path.count == 1 && path.first == UInt8(ascii: "/")
    }

    static func join(_ directory: ArraySlice<UInt8>, _ rest: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        if rest.isEmpty { return directory }
        return isRoot(directory) ? rest : directory + rest
    }

    /// `\040` and the like are bytes in octal.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard field.contains(UInt8(ascii: "\\")) else { return field }
        let field = Array(field)
        var bytes: [UInt8] = []
        var index = 0
        while index < field.count {
            let digits = field[index...].dropFirst().prefix(3)
            if field[index] == UInt8(ascii: "\\"), digits.count == 3,
                digits.allSatisfy({ (0x30...0x37).contains($0) })
            {
                bytes.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * 8 + Int($1 - 0x30) }))
                index += 4
            } else {
                bytes.append(field[index])
                index += 1
            }
        }
        return bytes[...]
    }
}
