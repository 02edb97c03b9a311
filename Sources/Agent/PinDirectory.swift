internal import BPF
private import CLinux
internal import CSwguardBPF
private import Glibc

/// `/sys/fs/bpf/swguard`: what keeps programs and maps in the kernel when no agent runs.
///
///     layers                  the tasks' policies, for as long as anything is enforced
///     slots                   the policies' slots, by name
///     accounts                what became of the records of each slot
///     set-3-1-0123456789abcdef/{maps,links,parts}/…   a set of programs: its number, the form of its maps, the build
///     unfinished/             the same, not all of it there yet
///
/// A set is made as `unfinished` and gets its name by rename(2) when all its programs run. Of several sets the one with the
/// highest number is in force, and the others are on their way out; an unfinished one never decided alone.
struct PinDirectory {
    static let mount = "/sys/fs/bpf"
    static let path = mount + "/swguard"
    private static let unfinished = "unfinished"

    /// A set of programs by the name of its directory.
    struct SetName: Hashable {
        var number: Int
        /// `SWGUARD_ABI`.
        var abi: Int
        /// Of the programs and what they were loaded with.
        var digest: String

        var text: String { "set-\(number)-\(abi)-\(digest)" }

        init(number: Int, abi: Int, digest: String) {
            self.number = number
            self.abi = abi
            self.digest = digest
        }

        init?(_ text: String) {
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 4, parts[0] == "set", let number = Int(parts[1]), let abi = Int(parts[2]),
                number > 0, abi > 0
            else { return nil }
            self.init(number: number, abi: abi, digest: String(parts[3]))
            // Only what is written so.
            guard self.text == text else { return nil }
        }
    }

    /// What is there: sets by number, the last in force.
    struct Contents {
        var sets: [SetName] = []
        var hasUnfinished = false
    }

    /// Opens it, mounts and makes what is missing.
    ///
    /// - Throws: where it is not root's alone, or not in a bpffs, or holds what this version does not know.
    init() throws(PinError) {
        try Self.mountWhereMissing()
        if unsafe mkdir(Self.path, 0o700) != 0, errno != EEXIST {
            throw PinError("make '\(Self.path)'", errno)
        }
        guard try Self.isThere() else { throw PinError("open '\(Self.path)'", ENOENT) }
    }

    /// The same where it is there already; nil: nothing is pinned.
    static func existing() throws(PinError) -> Self? {
        guard try isMounted(), try isThere() else { return nil }
        return Self(checked: ())
    }

    private init(checked: Void) {}

    private static func isMounted() throws(PinError) -> Bool {
        let result = unsafe swguard_is_bpffs(mount)
        guard result >= 0 || result == -ENOENT else { throw PinError("look at '\(mount)'", -result) }
        return result == 1
    }

    private static func mountWhereMissing() throws(PinError) {
        if try isMounted() { return }
        let result = unsafe swguard_mount_bpffs(mount)
        guard result == 0 else { throw PinError("mount a bpffs at '\(mount)'", -result) }
    }

    /// Whether the directory is there, and nobody's but root's.
    private static func isThere() throws(PinError) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT { return false }
            throw PinError("look at '\(path)'", errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw PinError("'\(path)' is not a directory") }
        guard status.st_uid == 0, status.st_mode & 0o077 == 0 else {
            throw PinError("'\(path)' is not root's alone: remove it, or make it so")
        }
        guard unsafe swguard_is_bpffs(path) == 1 else {
            throw PinError("'\(path)' is not in a bpffs")
        }
        return true
    }

    var layers: String { Self.path + "/layers" }
    var slots: String { Self.path + "/slots" }
    var accounts: String { Self.path + "/accounts" }

    func set(_ name: SetName) -> PinnedSet { PinnedSet(path: "\(Self.path)/\(name.text)") }

    /// What is there. What this version does not know may be what enforces: it is not passed over.
    func contents() throws(PinError) -> Contents {
        var contents = Contents()
        for entry in try Directory.entries(of: Self.path) {
            if let set = SetName(entry) {
                contents.sets.append(set)
            } else if entry == Self.unfinished {
                contents.hasUnfinished = true
            } else if !["layers", "slots", "accounts"].contains(entry) {
                throw PinError(
                    "'\(Self.path)/\(entry)' is not this version's: remove it, or use the version that made it"
                )
            }
        }
        contents.sets.sort { $0.number < $1.number }
        return contents
    }

    /// A place for a set that is being made. What an agent that was killed left there goes.
    func makeUnfinished() throws(PinError) -> PinnedSet {
        let set = PinnedSet(path: "\(Self.path)/\(Self.unfinished)")
        try set.remove()
        for path in [set.path, set.path + "/maps", set.path + "/links", set.path + "/parts"]
        where unsafe mkdir(path, 0o700) != 0 {
            throw PinError("make '\(path)'", errno)
        }
        return set
    }

    /// Takes away what was not finished.
    func removeUnfinished() throws(PinError) {
        try PinnedSet(path: "\(Self.path)/\(Self.unfinished)").remove()
    }

    /// From here on the unfinished set is the one in force.
    func finish(as name: SetName) throws(PinError) -> PinnedSet {
        let set = set(name)
        guard unsafe rename("\(Self.path)/\(Self.unfinished)", set.path) == 0 else {
            throw PinError("rename '\(Self.path)/\(Self.unfinished)'", errno)
        }
        return set
    }

    /// Takes away everything that is known, and the directory.
    func remove() throws(PinError) {
        let contents = try contents()
        if contents.hasUnfinished { try removeUnfinished() }
        for name in contents.sets { try set(name).remove() }
        for path in [layers, slots, accounts] where unsafe unlink(path) != 0 && errno != ENOENT {
            throw PinError("remove '\(path)'", errno)
        }
        guard unsafe rmdir(Self.path) == 0 else { throw PinError("remove '\(Self.path)'", errno) }
    }
}

/// The pins of one set of programs.
struct PinnedSet {
    let path: String

    func map(_ name: String) -> String { "\(path)/maps/\(name)" }
    func link(_ program: String) -> String { "\(path)/links/\(program)" }
    func part(_ name: String) -> String { "\(path)/parts/\(name)" }

    /// The programs that are attached, iterators among them, and `parts/` those that are in others.
    func links() throws(PinError) -> Set<String> {
        Set(try Directory.entries(of: path + "/links"))
            .union(try Directory.entries(of: path + "/parts", isOptional: true).map { "parts/" + $0 })
    }

    /// Whether a program is attached, or an iterator is there.
    func has(link program: String) -> Bool {
        var status = stat()
        return unsafe lstat(link(program), &status) == 0
    }

    /// Takes the programs off their hooks.
    func removeLinks() throws(PinError) { try removeAll(in: path + "/links") }

    /// Takes it away; nothing where it is not there.
    ///
    /// The kernel lets go of links later, in no order, and hooks without their parts deny what is in force: first nothing is.
    func remove() throws(PinError) {
        release()
        try removeLinks()
        try removeAll(in: path + "/parts")
        try removeAll(in: path + "/maps")
        if unsafe rmdir(path) != 0, errno != ENOENT { throw PinError("remove '\(path)'", errno) }
    }

    private func release() {
        guard let map = try? open("tables"), let tables = try? MappedMap(mapping: map) else { return }
        Arena.release(tables)
    }

    private func removeAll(in directory: String) throws(PinError) {
        for entry in try Directory.entries(of: directory, isOptional: true)
        where unsafe unlink("\(directory)/\(entry)") != 0 && errno != ENOENT {
            throw PinError("remove '\(directory)/\(entry)'", errno)
        }
        if unsafe rmdir(directory) != 0, errno != ENOENT { throw PinError("remove '\(directory)'", errno) }
    }
}

/// Why pins cannot be used.
struct PinError: Error {
    /// To follow `cannot enforce: `.
    var text: String

    init(_ text: String) { self.text = text }

    init(_ operation: String, _ code: CInt) {
        text = "cannot \(operation): \(unsafe String(cString: strerror(code)))"
    }

    init(_ error: KernelError) { text = error.description }
}

/// Directories, read.
enum Directory {
    /// The names in a directory, in order. Where it is not there: none, if it `isOptional`.
    static func entries(of path: String, isOptional: Bool = false) throws(PinError) -> [String] {
        guard let directory = unsafe opendir(path) else {
            if isOptional, errno == ENOENT { return [] }
            throw PinError("read '\(path)'", errno)
        }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

extension PinnedSet {
    /// A map of the set.
    func open(_ name: String) throws(KernelError) -> Map { try Map(pinnedAt: map(name), named: name) }
}
