internal import Policy

/// What a profile lets a program do with a file: the letters of apparmor.d(5).
struct ProfilePermissions: Hashable {
    /// Under what a program runs that is executed.
    enum Execution: Hashable {
        /// `ix`: the same profile.
        case inherited
        /// `ux`, `Ux`: none.
        case unconfined
        /// `px`, `cx` and what falls back on others: one of its own.
        case otherProfile
        /// `x` of a deny rule.
        case any
    }

    var reads = false, writes = false, appends = false, links = false, locks = false, maps = false
    var execution: Execution?

    /// nil: these are no permissions.
    init?(_ text: String) {
        if text.isEmpty { return nil }
        var kind = ""
        for letter in text {
            switch letter {
            case "x":
                guard let found = Self.executions[kind.lowercased()] else { return nil }
                execution = found
                kind = ""
            case "p", "P", "c", "C", "u", "U", "i": kind.append(letter)
            case _ where !kind.isEmpty: return nil
            case "r": reads = true
            case "w": writes = true
            case "a": appends = true
            case "l": links = true
            case "k": locks = true
            case "m": maps = true
            default: return nil
            }
        }
        if !kind.isEmpty { return nil }
    }

    private static let executions: [String: Execution] = [
        "": .any, "i": .inherited, "u": .unconfined, "p": .otherProfile, "c": .otherProfile,
        "pi": .otherProfile, "ci": .otherProfile, "pu": .otherProfile, "cu": .otherProfile,
    ]
}

/// One rule of a profile.
struct ProfileRule {
    enum Kind {
        /// A path, what is granted, and whether a program runs under a profile that is named.
        case file(path: Word, ProfilePermissions, hasTarget: Bool)
        /// `file,`
        case everyFile
        /// Names; none are all.
        case capability([Word])
        /// Family, type, protocol, as written; none are all.
        case network([Word])
        /// What has a name, and perhaps conditions: `signal`, `mount`.
        case other(String, conditions: [Word])
    }

    var kind: Kind
    var isDeny = false
    var isAudit = false
    var isOwner = false
    var statement: Statement

    var location: SourceLocation { statement.location }

    /// The rule that a statement is.
    init(_ statement: Statement) throws(ProfileError) {
        self.statement = statement
        kind = .everyFile
        var words = statement.words[...]
        qualifiers: while let word = words.first {
            switch word.text {
            case "audit": isAudit = true
            case "allow": break
            case "deny": isDeny = true
            case "owner": isOwner = true
            default: break qualifiers
            }
            words.removeFirst()
        }
        guard let first = words.first else {
            throw ProfileError("a rule is expected", at: statement.location)
        }
        switch first.text {
        case "capability": kind = .capability(Array(words.dropFirst()))
        case "network": kind = .network(Array(words.dropFirst()))
        case "file" where words.count == 1: kind = .everyFile
        case "file": kind = try Self.file(words.dropFirst())
        case _ where Self.others.contains(first.text):
            kind = .other(first.text, conditions: Array(words.dropFirst()))
        default: kind = try Self.file(words)
        }
    }

    /// `PATH PERMISSIONS [-> TARGET]`, the first two also in the other order.
    private static func file(_ words: ArraySlice<Word>) throws(ProfileError) -> Kind {
        let list = Array(words)
        let hasTarget = list.count == 4 && list[2].text == "->"
        if list.count == 2 || hasTarget {
            if isPath(list[0]), let permissions = ProfilePermissions(list[1].text) {
                return .file(path: list[0], permissions, hasTarget: hasTarget)
            }
            if isPath(list[1]), let permissions = ProfilePermissions(list[0].text) {
                return .file(path: list[1], permissions, hasTarget: hasTarget)
            }
        }
        throw ProfileError(
            "'\(list.map(\.text).joined(separator: " "))' is no rule of AppArmor that is known here",
            at: list.first?.location ?? SourceLocation(file: "", line: 1),
            hint: "a file rule is: PATH PERMISSIONS, with permissions of r w a l k m and ix px cx ux")
    }

    private static func isPath(_ word: Word) -> Bool {
        ["/", "@{", "\"/", "\"@{", "{"].contains { word.text.hasPrefix($0) }
    }

    /// Rules that are known, of which few can be translated.
    private static let others: Set = [
        "signal", "ptrace", "mount", "remount", "umount", "pivot_root", "unix", "dbus", "mqueue", "io_uring",
        "userns", "change_profile", "set", "link", "rlimit",
    ]
}
