internal import Compiler
private import Glibc
internal import Landlock
internal import Policy

/// What a layer's Landlock domain denies, found without asking the kernel, which neither tells nor lets itself be asked.
///
/// The kernel grants a right where the object, or any directory above it up to the root, has a rule with it
/// (is_access_to_paths_allowed, security/landlock/fs.c); the same walk is made here over the rules that were made. It
/// is as right as what the names lead to at this moment: good enough to report, never to permit.
struct LandlockDomain {
    /// What is at a path.
    struct Object {
        var identity: GrantLedger.Object
        var isDirectory: Bool
    }

    let fileRights: FileRights
    let networkRights: NetworkRights
    let scopes: Scopes
    let ledger: GrantLedger
    /// What the command's process granted itself beneath `/proc/self`: nobody else's directory is meant.
    let ownGrants: [PreparedRuleset.OwnGrant]
    /// Files that an operation keeps, with the rule that denies it.
    let keptFiles: [(pattern: PathPattern, rights: FileRights, rule: DecidingRule)]
    /// What a path leads to, links not followed; nil: nothing that can be looked at.
    var lookup: (_ path: [UInt8]) -> Object? = Self.object(at:)

    /// The domain of a ruleset that was made from `recipe`; nil where its grants were not kept.
    init?(_ prepared: borrowing PreparedRuleset, recipe: LandlockRecipe) {
        guard let ledger = prepared.ruleset.ledger else { return nil }
        self.ledger = ledger
        fileRights = prepared.ruleset.fileRights
        networkRights = prepared.ruleset.networkRights
        scopes = prepared.ruleset.scopes
        ownGrants = prepared.ownGrants
        keptFiles = recipe.denies.compactMap { deny in
            let origin = recipe.origins[deny.origin]
            guard origin.section == "operations" else { return nil }
            return (deny.pattern, deny.rights, DecidingRule(id: origin.subject, location: origin.location))
        }
    }

    /// Who asks: paths beneath `/proc/self` are its own.
    struct Asker {
        var process: Int32
        /// Whether it is the process that the command began as.
        var isFirst: Bool
    }

    // MARK: Files

    /// The rights that `access` asks for at `path` and that are not granted there; none where Landlock does not see
    /// the access.
    func missing(_ access: FileAccess, at path: [UInt8], by asker: Asker) -> FileRights {
        var asked = FileRights(FileAccessSet(access))
        var place = path
        switch access {
        case .create, .remove, .device:
            place = Self.parent(of: path)
            // Names of sockets are granted apart: `network` can have a say in them.
            asked.remove(.makeSocket)
        case .read, .write, .execute:
            // execve opens the file for reading, too.
            if access == .execute { asked.insert(.readFile) }
            if isDirectory(path, asker) {
                asked.formIntersection(.readDirectory)
            } else {
                asked.formIntersection(.ofFiles)
            }
        case .map, .metadata, .link: return []
        }
        asked.formIntersection(fileRights)
        return asked.isEmpty ? [] : asked.subtracting(granted(at: place, by: asker))
    }

    /// Whether giving the object at `old` the name `new`, in another directory, is refused though both names may be
    /// changed: what the new directory grants and the old name does not would be gained
    /// (current_check_refer_path). The answer is EXDEV, so that programs copy instead.
    func refusesMove(of old: [UInt8], to new: [UInt8], by asker: Asker) -> Bool {
        let (from, to) = (Self.parent(of: old), Self.parent(of: new))
        if fileRights.isEmpty || from == to { return false }
        let (before, after) = (granted(at: from, by: asker), granted(at: to, by: asker))
        // A domain that does not handle `refer` refuses all of them.
        guard before.contains(.refer), after.contains(.refer) else { return true }
        var gained = after.subtracting(before)
        if let object = lookup(Self.named(old, asker)) {
            gained.subtract(ledger.rights(on: object.identity))
            if !object.isDirectory { gained.formIntersection(.ofFiles) }
        }
        return !gained.isEmpty
    }

    /// What is granted on what is at `path` and on all that is beneath it.
    func granted(at path: [UInt8], by asker: Asker) -> FileRights {
        var rights: FileRights = []
        if asker.isFirst {
            for own in ownGrants where Self.isAtOrBeneath(path, own.path) { rights.formUnion(own.rights) }
        }
        var place = Self.named(path, asker)
        while true {
            if let object = lookup(place) { rights.formUnion(ledger.rights(on: object.identity)) }
            if place == [Self.slash] { return rights }
            place = Self.parent(of: place)
        }
    }

    /// The rule of the operation for which Landlock keeps the file at `path` from being given `rights`.
    func operationRule(keeping path: [UInt8], from rights: FileRights) -> DecidingRule? {
        keptFiles.first { !$0.rights.isDisjoint(with: rights) && $0.pattern.matches(path) }?.rule
    }

    func isDirectory(_ path: [UInt8], _ asker: Asker) -> Bool {
        lookup(Self.named(path, asker))?.isDirectory ?? false
    }

    // MARK: Sockets

    /// Whether no socket may be bound to the name `path`.
    func deniesSocket(at path: [UInt8], by asker: Asker) -> Bool {
        fileRights.contains(.makeSocket)
            && !granted(at: Self.parent(of: path), by: asker).contains(.makeSocket)
    }

    /// Whether the ports that are granted leave out what is asked.
    func denies(_ access: NetworkAccess, port: UInt16) -> Bool {
        let asked: NetworkRights =
            switch access {
            case .connect: .connectTCP
            case .bind: .bindTCP
            case .listen: []
            }
        return !asked.intersection(networkRights).subtracting(ledger.rights(onPort: port)).isEmpty
    }

    // MARK: Paths

    private static let slash = UInt8(ascii: "/")

    static func parent(of path: [UInt8]) -> [UInt8] {
        guard let last = path.lastIndex(of: slash), last > 0 else { return [slash] }
        return Array(path[..<last])
    }

    /// The path as this process must say it.
    private static func named(_ path: [UInt8], _ asker: Asker) -> [UInt8] {
        let own = LandlockRecipe.ownDirectory
        guard isAtOrBeneath(path, own) else { return path }
        return Array("/proc/\(asker.process)".utf8) + path[own.count...]
    }

    private static func isAtOrBeneath(_ path: [UInt8], _ directory: [UInt8]) -> Bool {
        path.starts(with: directory) && (path.count == directory.count || path[directory.count] == slash)
    }

    private static func object(at path: [UInt8]) -> Object? {
        var status = stat()
        let isFound = unsafe (path + [0]).withUnsafeBytes { bytes in
            // A buffer with a terminator is never empty, so it has a base address.
            unsafe lstat(bytes.baseAddress!.assumingMemoryBound(to: CChar.self), &status) == 0
        }
        guard isFound else { return nil }
        return Object(
            identity: .init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)),
            isDirectory: status.st_mode & S_IFMT == S_IFDIR)
    }
}
