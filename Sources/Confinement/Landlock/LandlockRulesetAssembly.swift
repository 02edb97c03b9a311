import CLinux
import Compiler
import Glibc
import Landlock
import Policy

/// A ruleset being filled, with the limits and the notes of what could not be granted.
struct RulesetAssembly: ~Copyable {
    /// Deeper directories are left out: a path is at most PATH_MAX bytes, and each level holds a descriptor.
    private static let maximumDepth = 256
    /// Directories of `/proc/self` whose names differ from process to process.
    private static let changingDirectories: Set<[UInt8]> = Set(
        ["fd", "fdinfo", "map_files", "task"].map { Array($0.utf8) })
    private static let proc = Array("/proc".utf8)

    private let recipe: LandlockRecipe
    /// The denies that can cover a granted file by another of its names: those of root's operations are about the
    /// kernel's own file systems, which have no hard links.
    private let linkDenies: [LandlockRecipe.WalkPattern]
    /// Looked for when the first file with several names is granted.
    private lazy var deniedLinks = DeniedLinks(linkDenies)
    private let ruleset: Ruleset
    private var ownGrants: [PreparedRuleset.OwnGrant] = []
    private var notes = LandlockNotes()
    private var ruleCount = 0
    private var entryCount = 0
    private var cost = WalkCost()
    /// A limit was reached: nothing more is granted.
    private var isExhausted = false

    init(_ recipe: LandlockRecipe, keepsLedger: Bool = false) throws(LandlockError) {
        let ruleset = try Ruleset(
            handling: recipe.fileRights, network: recipe.networkRights, scopes: recipe.scopes,
            keepsLedger: keepsLedger)
        self.recipe = recipe
        linkDenies = recipe.denies.filter {
            recipe.origins[$0.origin].section != "operations" && !$0.pattern.isLiteral
        }
        self.ruleset = ruleset
    }

    consuming func finish() -> PreparedRuleset {
        let findings = notes.findings(origins: recipe.origins)
        return PreparedRuleset(
            ruleset: ruleset, ownGrants: ownGrants, findings: findings, isStale: notes.contains(.becameLink),
            ruleCount: ruleCount, entryCount: entryCount)
    }

    // MARK: What stands as it is

    mutating func grant(_ port: LandlockRecipe.PortGrant) throws(LandlockError) {
        if try ruleset.grant(port.rights, onPort: port.port) { ruleCount += 1 }
    }

    mutating func grant(_ grant: LandlockRecipe.Grant) throws(LandlockError) {
        guard let object = open(grant.path, as: grant.path, grant.origin, grant.hasOtherSpelling) else {
            return
        }
        if !grant.isSubtree, (try? object.kind()) == .directory {
            // Landlock would grant what is beneath as well.
            notes.add(.directoryItself, grant.path, origin: grant.origin)
            return
        }
        try add(grant.rights, on: object, path: grant.path, origin: grant.origin)
    }

    /// A grant beneath `/proc/self`. What is there is looked at in this process's own directory: the names are
    /// the same, and a link among them (`root`, `exe`, what is in `fd`) must not be granted as what it leads to.
    mutating func grantOwn(_ grant: LandlockRecipe.Grant) {
        let name = Self.ownName(grant.path)
        guard let object = open(Self.ownPath(beneath: grant.path), as: name, grant.origin, false) else {
            return
        }
        let isDirectory = (try? object.kind()) == .directory
        if isDirectory, !grant.isSubtree {
            notes.add(.directoryItself, name, origin: grant.origin)
            return
        }
        ownGrants.append(
            .init(path: name, rights: isDirectory ? grant.rights : grant.rights.intersection(.ofFiles)))
    }

    /// Opens `path`, or notes under the name `name` why it cannot be.
    private mutating func open(
        _ path: [UInt8], as name: [UInt8], _ origin: Int, _ hasOtherSpelling: Bool
    ) -> PathDescriptor? {
        do throws(LandlockError) {
            return try PathDescriptor(path: path)
        } catch {
            switch error.code {
            case ENOENT, ENOTDIR: notes.add(.missing, name, origin: origin)
            // The other spelling of the same rule grants what the link leads to.
            case ELOOP where hasOtherSpelling: break
            case ELOOP: notes.add(.becameLink, name, origin: origin)
            default: notes.add(.unreachable(error.code), name, origin: origin)
            }
            return nil
        }
    }

    /// Adds a rule; on anything but a directory, only what may be granted there.
    private mutating func add(
        _ rights: FileRights, on object: borrowing PathDescriptor, path: [UInt8], origin: Int
    ) throws(LandlockError) {
        if ruleCount >= LandlockRecipe.maximumRules {
            exhaust(.rules, path, origin: origin)
            return
        }
        var rights = rights
        if !linkDenies.isEmpty, case .regular(let links) = try? object.kind(), links > 1 {
            let withheld = deniedLinks.rights(on: object).intersection(rights)
            if !withheld.isEmpty {
                notes.add(.severalNames, path, origin: origin)
                rights.subtract(withheld)
                if rights.isEmpty { return }
            }
        }
        do throws(LandlockError) {
            if try ruleset.grant(rights, on: object) { ruleCount += 1 }
        } catch {
            // `P/**` also where P is a file: EINVAL for the rights of directories. EBADFD: an object without a
            // name in any file system (a pipe, a socket), which Landlock never denies.
            switch error.code {
            case EINVAL where !rights.isSubset(of: .ofFiles):
                if try ruleset.grant(rights.intersection(.ofFiles), on: object) { ruleCount += 1 }
            case EBADFD: break
            default: throw error
            }
        }
    }

    /// Whatever came last is seldom what used up the limit: the rule is named for which most was done.
    private mutating func exhaust(_ limit: LandlockNotes.Limit, _ path: [UInt8], origin: Int) {
        if !isExhausted {
            let blamed = cost.most(of: limit) ?? origin
            let reason = cost.reason(for: blamed, limit, in: recipe)
            notes.add(.tooMany(limit, because: reason), path, origin: blamed)
        }
        isExhausted = true
    }

    // MARK: What is denied

    /// The recipe's denies, followed by those of other names of the same objects.
    ///
    /// A literally denied file with several links is an excess: its other names are not known.
    mutating func deniesWithAliases() -> [LandlockRecipe.WalkPattern] {
        if recipe.denies.isEmpty { return [] }
        let mounts = MountTable.current()
        var aliases: [LandlockRecipe.WalkPattern] = []
        for deny in recipe.denies {
            if let names = names(of: deny, in: mounts) {
                for name in names {
                    var other = deny
                    other.pattern = name
                    aliases.append(other)
                }
            } else {
                // Fail closed: an object whose mounts are not shown may have names that would be granted.
                let path = deny.pattern.literalSubtree ?? deny.pattern.literalBytes
                notes.add(.mountsUnknown, path, origin: deny.origin)
            }
            guard deny.pattern.isLiteral, recipe.origins[deny.origin].section != "operations",
                let object = try? PathDescriptor(path: deny.pattern.literalBytes),
                case .regular(let links) = try? object.kind(), links > 1
            else { continue }
            notes.add(.hardLinks, deny.pattern.literalBytes, origin: deny.origin)
        }
        return recipe.denies + aliases
    }

    /// Patterns for the other names that mounts give to what is denied; nil where they are not known.
    private mutating func names(
        of deny: LandlockRecipe.WalkPattern, in mounts: MountTable
    ) -> [PathPattern]? {
        if deny.pattern.isLiteral || deny.pattern.literalSubtree != nil {
            return mounts.aliases(of: deny.pattern)
        }
        guard let names = mounts.globNames(of: deny.pattern) else { return nil }
        // Fail closed: what the pattern denies may be granted by these names.
        for name in names.elsewhere { notes.add(.mountedElsewhere, name, origin: deny.origin) }
        return names.aliases
    }

    // MARK: What is expanded

    /// Where a walk is: in the file system, or in the process's own directory, whose grants the child adds.
    private enum Place {
        case named
        case own([UInt8])
    }

    mutating func carve(
        _ carving: LandlockRecipe.Carving, denies: [LandlockRecipe.WalkPattern]
    ) throws(LandlockError) {
        let state = CarvingState(carving, denies: denies)
        guard !state.isDead, let origin = carving.allows.first?.origin else { return }
        let own = LandlockRecipe.ownPath(carving.root)
        guard
            let object = open(
                own.map(Self.ownPath(beneath:)) ?? carving.root, as: carving.root, origin,
                carving.allows.allSatisfy(\.hasOtherSpelling))
        else { return }
        try visit(
            object, path: carving.root, place: own.map { .own($0) } ?? .named, state: state, inherited: [],
            depth: 0, origin: origin)
    }

    /// This process's own directory: its names are those that the confined process will have.
    private static func ownPath(beneath path: [UInt8]) -> [UInt8] {
        proc + Array("/\(getpid())/".utf8) + path
    }

    /// How policies call it, and how the process will open it.
    private static func ownName(_ path: [UInt8]) -> [UInt8] {
        path == [UInt8(ascii: ".")]
            ? LandlockRecipe.ownDirectory : LandlockRecipe.ownDirectory + [0x2f] + path
    }

    private mutating func visit(
        _ object: borrowing PathDescriptor, path: [UInt8], place: Place, state: CarvingState,
        inherited: FileRights, depth: Int, origin: Int
    ) throws(LandlockError) {
        if isExhausted { return }
        let kind: PathDescriptor.Kind
        do throws(LandlockError) { kind = try object.kind() } catch { return }
        switch kind {
        case .symbolicLink: return
        case .directory: break
        default:
            // Fail closed: under another name it may be granted, and a rule is about the object, not its name.
            if case .regular(let links) = kind, links > 1, let denier = state.denierOfFile,
                recipe.origins[denier].section != "operations"
            {
                notes.add(.hardLinks, path, origin: denier)
            }
            let rights = state.file.subtracting(inherited)
            if !rights.isEmpty {
                let origin = state.origin(of: rights) ?? origin
                try give(rights, on: object, path: path, place: place, isDirectory: false, origin: origin)
            }
            return
        }
        var verdict = state.directory
        verdict.whole.subtract(inherited)
        if !verdict.whole.isEmpty {
            let origin = state.origin(of: verdict.whole) ?? origin
            try give(verdict.whole, on: object, path: path, place: place, isDirectory: true, origin: origin)
        }
        let granted = inherited.union(verdict.whole)
        let withheld = verdict.withheld.subtracting(granted)
        if !withheld.isEmpty {
            notes.add(.carved(withheld.accesses), path, origin: state.origin(of: withheld) ?? origin)
        }
        let itself = verdict.itself.subtracting(granted)
        if !itself.isEmpty { notes.add(.directoryItself, path, origin: state.origin(of: itself) ?? origin) }
        guard !verdict.beneath.subtracting(granted).isEmpty else { return }
        try visitEntries(
            of: object, path: path, place: place, state: state, inherited: granted, depth: depth,
            origin: state.origin(of: verdict.beneath.subtracting(granted)) ?? origin)
    }

    private mutating func visitEntries(
        of directory: borrowing PathDescriptor, path: [UInt8], place: Place, state: CarvingState,
        inherited: FileRights, depth: Int, origin: Int
    ) throws(LandlockError) {
        if case .own(let own) = place, Self.changingDirectories.contains(own) {
            notes.add(.changing, path, origin: origin)
            return
        }
        if depth >= Self.maximumDepth {
            notes.add(.tooDeep, path, origin: origin)
            return
        }
        let entries: [DirectoryEntry]?
        do throws(LandlockError) {
            entries = try directory.entries(limit: LandlockRecipe.maximumEntries - entryCount)
        } catch {
            notes.add(.unreadable, path, origin: origin)
            return
        }
        guard let entries else {
            cost.listed(LandlockRecipe.maximumEntries - entryCount, in: path, for: origin)
            exhaust(.entries, path, origin: origin)
            return
        }
        entryCount += entries.count
        cost.listed(entries.count, in: path, for: origin)
        for entry in entries {
            let child = state.child(entry.name)
            if child.isDead { continue }
            let childPath = path == [0x2f] ? path + entry.name : path + [0x2f] + entry.name
            var childPlace = place
            if case .own(let own) = place {
                childPlace = .own(own == [0x2e] ? entry.name : own + [0x2f] + entry.name)
            }
            if entry.type == DT_LNK {
                guard path == Self.proc, entry.name == Array("self".utf8) else { continue }
                try visitOwn(childPath, state: child, inherited: inherited, depth: depth, origin: origin)
                continue
            }
            if entry.type != DT_DIR, entry.type != DT_UNKNOWN, child.file.subtracting(inherited).isEmpty,
                child.denierOfFile == nil
            {
                continue
            }
            // A name that is gone, or may not be looked up, grants nothing.
            guard let object = try? directory.child(entry.name) else { continue }
            try visit(
                object, path: childPath, place: childPlace, state: child, inherited: inherited,
                depth: depth + 1, origin: origin)
        }
    }

    /// `/proc/self` met in a walk of `/proc`.
    private mutating func visitOwn(
        _ path: [UInt8], state: CarvingState, inherited: FileRights, depth: Int, origin: Int
    ) throws(LandlockError) {
        guard let object = try? PathDescriptor(path: Self.ownPath(beneath: [UInt8(ascii: ".")])) else {
            return
        }
        try visit(
            object, path: path, place: .own([UInt8(ascii: ".")]), state: state, inherited: inherited,
            depth: depth + 1, origin: origin)
    }

    private mutating func give(
        _ rights: FileRights, on object: borrowing PathDescriptor, path: [UInt8], place: Place,
        isDirectory: Bool, origin: Int
    ) throws(LandlockError) {
        let rights = rights.withCompanions.intersection(recipe.fileRights)
        switch place {
        case .named:
            cost.madeRule(for: origin)
            try add(
                isDirectory ? rights : rights.intersection(.ofFiles), on: object, path: path, origin: origin)
        case .own(let own):
            ownGrants.append(
                .init(
                    path: Self.ownName(own),
                    rights: isDirectory ? rights : rights.intersection(.ofFiles)))
        }
    }
}
