/// Follows a path as the kernel does, and gives the name of what it leads to.
///
/// Pure: what the file system holds comes from `lookup`. The directories of the process itself in procfs are called
/// `/proc/self` in the result, as policies call them.
struct PathResolver {
    /// What is at a path that has no symbolic links in its directories.
    enum Entry: Hashable {
        case missing
        /// A symbolic link, with its text.
        case link([UInt8])
        case other
        /// It cannot be looked at.
        case unreadable
    }

    /// Where a path leads.
    enum Resolution: Hashable {
        case existing([UInt8])
        /// The directory is there, the last name is not.
        case missing([UInt8])
        /// The kernel gives up before it asks for anything: no such directory, too many links.
        case nowhere
        /// Something without a name: a pipe, a socket, a memfd, a deleted file, reached through procfs.
        case anonymous
        case unreadable
    }

    /// The most symbolic links in one path (MAXSYMLINKS, include/linux/namei.h).
    static let linkLimit = 40

    /// The caller's process, and the thread that asks.
    let process: Int32
    let thread: Int32
    /// The caller's root directory; `/` unless it is in a chroot.
    var root: [UInt8] = [slash]
    let lookup: (_ path: [UInt8]) -> Entry

    private static let slash = UInt8(ascii: "/")

    /// Where `path` leads, seen from the directory `base`.
    ///
    /// - Parameter followsLast: Whether a symbolic link in the last place is followed.
    func resolve(_ path: [UInt8], from base: [UInt8], followsLast: Bool) -> Resolution {
        if path.isEmpty { return .nowhere }
        var current = path[0] == Self.slash ? root : base
        // What is still to be walked, the next name last.
        var rest = Self.names(path)
        let mustFollow = followsLast || path.last == Self.slash
        var links = 0
        while let name = rest.popLast() {
            if name == [UInt8(ascii: ".")] { continue }
            if name == Array("..".utf8) {
                current = parent(of: current)
                continue
            }
            let step = self.step(from: current, to: name)
            switch lookup(step) {
            case .missing: return rest.isEmpty ? .missing(canonical(step)) : .nowhere
            case .unreadable: return .unreadable
            case .other: current = step
            case .link(let text):
                if rest.isEmpty, !mustFollow {
                    current = step
                    continue
                }
                links += 1
                if links > Self.linkLimit || text.isEmpty { return .nowhere }
                if isMagic(step) {
                    guard let target = magicTarget(text) else { return .anonymous }
                    current = target
                    continue
                }
                rest += Self.names(text)
                if text[0] == Self.slash { current = root }
            }
        }
        return .existing(canonical(current))
    }

    /// The names of a path, the first one last; empty ones (`a//b`) are none.
    private static func names(_ path: [UInt8]) -> [[UInt8]] {
        path.split(separator: slash).map(Array.init).reversed()
    }

    private func step(from directory: [UInt8], to name: [UInt8]) -> [UInt8] {
        let proc = Array("/proc".utf8)
        // These two mean another directory in each process: ours is not the caller's.
        if directory == proc, name == Array("self".utf8) { return proc + Array("/\(process)".utf8) }
        if directory == proc, name == Array("thread-self".utf8) {
            return proc + Array("/\(process)/task/\(thread)".utf8)
        }
        return (directory == [Self.slash] ? [] : directory) + [Self.slash] + name
    }

    private func parent(of directory: [UInt8]) -> [UInt8] {
        if directory == root { return root }
        guard let last = directory.lastIndex(of: Self.slash), last > 0 else { return [Self.slash] }
        return Array(directory[..<last])
    }

    /// Whether a link is one of procfs that jumps to an object instead of being read (proc_pid_get_link).
    private func isMagic(_ path: [UInt8]) -> Bool {
        var names = Self.names(path)
        guard names.popLast() == Array("proc".utf8), let number = names.popLast(),
            number.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
        else { return false }
        if names.last == Array("task".utf8) { names.removeLast(min(2, names.count)) }
        guard let kind = names.last.map({ String(decoding: $0, as: UTF8.self) }) else { return false }
        return ["fd", "ns", "map_files"].contains(kind) && names.count == 2
            || ["exe", "cwd", "root"].contains(kind) && names.count == 1
    }

    /// What procfs says that such a link leads to, if that has a name.
    private func magicTarget(_ text: [UInt8]) -> [UInt8]? {
        guard text.first == Self.slash, !text.starts(with: Array("/memfd:".utf8)) else { return nil }
        let deleted = Array(" (deleted)".utf8)
        return text.suffix(deleted.count).elementsEqual(deleted) ? nil : text
    }

    private func canonical(_ path: [UInt8]) -> [UInt8] {
        let own = Array("/proc/\(process)".utf8)
        guard path.starts(with: own), path.count == own.count || path[own.count] == Self.slash else {
            return path
        }
        return Array("/proc/self".utf8) + path[own.count...]
    }
}
