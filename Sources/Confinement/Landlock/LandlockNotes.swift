import Compiler
import Policy

/// What was met while a ruleset was filled, by rule: one finding a kind, with the paths.
struct LandlockNotes {
    enum Kind: Hashable {
        /// The path does not exist.
        case missing
        /// The path leads through a symbolic link that was none when the policy was resolved.
        case becameLink
        /// The path cannot be opened, with the kernel's answer.
        case unreachable(Int32)
        /// A directory that a pattern matches and what is beneath it does not.
        case directoryItself
        /// A directory that is granted in parts: its own entries as they are now.
        case carved(FileAccessSet)
        /// A directory that cannot be listed.
        case unreadable
        /// Directories beneath are too deep.
        case tooDeep
        /// A directory of `/proc/self` that is another for each process.
        case changing
        /// A denied file with other names that are not known.
        case hardLinks
        /// A granted file that a deny covers by another of its names.
        case severalNames
        /// The mount table does not show the mount of a denied object, so its other names are not known.
        case mountsUnknown
        /// A name that a mount gives to something that a pattern with wildcards denies.
        case mountedElsewhere
        /// A limit was reached, with what it was used up for.
        case tooMany(Limit, because: String)
    }

    /// What there is only so much of.
    enum Limit: Hashable {
        case entries, rules
    }

    private struct Key: Hashable {
        var kind: Kind
        var origin: Int
    }

    /// How many paths a finding names.
    private static let shown = 5

    private var order: [Key] = []
    private var paths: [Key: [[UInt8]]] = [:]

    /// Whether anything of `kind` was noted.
    func contains(_ kind: Kind) -> Bool { order.contains { $0.kind == kind } }

    mutating func add(_ kind: Kind, _ path: [UInt8], origin: Int) {
        let key = Key(kind: kind, origin: origin)
        if paths[key] == nil { order.append(key) }
        paths[key, default: []].append(path)
    }

    /// The notes as findings, in the order met.
    func findings(origins: [LandlockRecipe.Origin]) -> [Coverage.Finding] {
        order.map { key in
            let origin = origins[key.origin]
            let all = paths[key] ?? []
            var names = all.prefix(Self.shown).map { String(decoding: $0, as: UTF8.self) }
                .joined(separator: ", ")
            if all.count > Self.shown { names += " and \(all.count - Self.shown) more" }
            let (kind, text) = Self.describe(key.kind, names)
            return Coverage.Finding(
                kind, section: origin.section, subject: origin.subject, location: origin.location, text: text)
        }
    }

    private static func describe(_ kind: Kind, _ names: String) -> (Coverage.Finding.Kind, String) {
        switch kind {
        case .missing: (.narrowed, "does not exist: \(names)")
        case .becameLink: (.narrowed, "leads through a symbolic link, which is not followed: \(names)")
        case .unreachable(let code):
            (.narrowed, "cannot be opened (\(SystemError.text(code))): \(names)")
        case .directoryItself:
            (.narrowed, "a directory cannot be granted without what is beneath it: \(names); say 'P/**'")
        case .carved(let accesses):
            (
                .narrowed,
                "\(accesses.members.map(\.name).joined(separator: ", ")) only of what exists beneath now, since a "
                    + "deny can match there: \(names)"
            )
        case .unreadable: (.narrowed, "cannot be listed, so nothing in it is granted: \(names)")
        case .tooDeep: (.narrowed, "too many directories above, nothing in it is granted: \(names)")
        case .changing: (.narrowed, "differs from process to process, nothing in it is granted: \(names)")
        case .hardLinks:
            (
                .excess,
                "has other names (hard links) that may be granted: \(names); deny the directories that hold them"
            )
        case .severalNames:
            (
                .narrowed,
                "has other names (hard links) that a deny covers, so what that withholds is not granted: \(names)"
            )
        case .mountsUnknown:
            (
                .excess,
                "may have other names that are granted, since /proc/self/mountinfo does not show its mount: \(names); the root "
                    + "of a chroot must be a mount point ('mount --bind DIR DIR' before it)"
            )
        case .mountedElsewhere:
            (
                .excess,
                "what the pattern denies may be granted where a mount shows it: \(names); deny that directory as well, "
                    + "or by paths without wildcards"
            )
        case .tooMany(.entries, let reason):
            (
                .impossible,
                "more than \(LandlockRecipe.maximumEntries) directory entries to look at: \(reason)"
            )
        case .tooMany(.rules, let reason):
            (.impossible, "more than \(LandlockRecipe.maximumRules) rules to make: \(reason)")
        }
    }
}
