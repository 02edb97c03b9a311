import Landlock
import Policy

// The `files` section under Landlock.
extension LoweringContext {
    private static let section = "files"

    /// The accesses that no hook of Landlock's sees.
    private static let unseen = FileAccessSet.all.subtracting(FileRights.seenAccesses)

    mutating func lowerFiles() {
        guard let section = policy.files else { return }
        guard features != nil else {
            refuseFiles(section)
            return
        }
        handledFiles.formUnion(FileRights(.all).withCompanions)
        addPatterns(of: section)
        if let socketNames { addSocketNames(socketNames) }
        judgeDenies(of: section)
        judgeExecute(of: section)
        judgeDefault(of: section)
        for rule in section.rules { addRow(rule, of: section) }
        addDefaultRow(section)
    }

    /// Hands the rules' patterns to the builder. `default: allow` is an allow of everything.
    private mutating func addPatterns(of section: FilesSection) {
        if section.defaultVerdict == .allow {
            let origin = builder.origin(
                .init(section: Self.section, subject: "files.default", location: section.location))
            builder.allows.append(
                .init(
                    pattern: PathPattern(subtree: [UInt8(ascii: "/")]), rights: fileRules(for: .all),
                    origin: origin))
        }
        for rule in section.rules {
            let origin = builder.origin(of: rule.header, section: Self.section)
            let rights = fileRules(for: rule.decidedAccesses)
            if rights.isEmpty { continue }
            var spellings: [SourceLocation: Int] = [:]
            for pattern in rule.patterns { spellings[pattern.location, default: 0] += 1 }
            for pattern in rule.patterns {
                let entry = RecipeBuilder.Entry(
                    pattern: pattern.value, rights: rights, origin: origin,
                    hasOtherSpelling: spellings[pattern.location, default: 0] > 1)
                if rule.header.verdict == .allow {
                    builder.allows.append(entry)
                } else {
                    builder.denies.append(entry)
                }
            }
        }
    }

    /// The rights for `accesses` that this kernel handles.
    private func fileRules(for accesses: FileAccessSet) -> FileRights {
        var rights = FileRights(accesses)
        if writeReachesSockets, accesses.contains(.write) { rights.formUnion(.resolveUnix) }
        return rights.intersection(fileRights)
    }

    /// The names of sockets are granted where `files` grants the name and `network` the binding: of two
    /// patterns of which one covers the other, the smaller one. Others that overlap grant nothing.
    private mutating func addSocketNames(
        _ names: (allows: [RecipeBuilder.Entry], denies: [RecipeBuilder.Entry])
    ) {
        let creates = builder.allows.filter { $0.rights.contains(.makeSocket) }
        for index in builder.allows.indices { builder.allows[index].rights.remove(.makeSocket) }
        for name in names.allows {
            for create in creates {
                if PatternCursor(create.pattern, at: name.pattern.walkRoot).coversSubtree {
                    builder.allows.append(name)
                } else if PatternCursor(name.pattern, at: create.pattern.walkRoot).coversSubtree {
                    var both = create
                    both.rights = .makeSocket
                    builder.allows.append(both)
                }
            }
        }
        builder.denies += names.denies
    }

    /// What a deny rule lists that Landlock does not see, and that what it does see does not keep from happening.
    private func unseenDenied(by rule: FileRule, in section: FilesSection) -> FileAccessSet {
        var unseen = rule.accesses.intersection(Self.unseen)
        // What cannot be opened for reading cannot be mapped.
        if rule.accesses.contains(.read) { unseen.remove(.map) }
        // A link takes a name that can be made beside it, or its directory's right to link elsewhere, which comes with
        // create and with remove.
        if rule.decidedAccesses.contains(.create),
            rule.decidedAccesses.contains(.remove) || effectivePattern(of: rule, .remove, in: section) == nil
        {
            unseen.remove(.link)
        }
        return unseen
    }

    /// A rule that lists an access that Landlock does not see is refused: it is granted everywhere, whatever the other
    /// rules say. `deny: all` is refused where an allow grants the access; else it says no more than the default,
    /// which Landlock is blind to as well.
    private mutating func judgeDenies(of section: FilesSection) {
        for rule in section.rules where rule.header.verdict == .deny {
            for access in unseenDenied(by: rule, in: section).members {
                let granted = effectivePattern(of: rule, FileAccessSet(access), in: section)
                if granted == nil, rule.accesses == .all { continue }
                let advice =
                    switch access {
                    case .map: "; deny read of it as well"
                    case .link: "; deny create and remove of it as well"
                    default: ""
                    }
                let what =
                    granted.map { "which an allow grants on \($0.description)" }
                    ?? "and so cannot deny it"
                find(
                    .excess, Self.section, rule.header.id, rule.header.location,
                    "Landlock does not see \(access.name), \(what)" + advice)
            }
            if rule.decidedAccesses.contains(.map), !rule.accesses.contains(.map),
                !rule.accesses.contains(.read),
                effectivePattern(of: rule, .map, in: section) != nil
                    || effectivePattern(of: rule, .read, in: section) != nil
            {
                find(
                    .gap, Self.section, rule.header.id, rule.header.location,
                    "denying execute keeps execve from starting it; what may be read can still be mapped, or run "
                        + "by an interpreter")
            }
        }
    }

    /// execve opens the file for reading, and Landlock asks for both (`get_required_file_open_access` in
    /// security/landlock/fs.c).
    private mutating func judgeExecute(of section: FilesSection) {
        if section.defaultVerdict == .allow { return }
        let readable = section.rules.filter { $0.header.verdict == .allow && $0.accesses.contains(.read) }
            .flatMap(\.patterns)
        for rule in section.rules
        where rule.header.verdict == .allow && rule.accesses.contains(.execute)
            && !rule.accesses.contains(.read)
        {
            let unreadable = rule.patterns.filter { pattern in
                !readable.contains { read in
                    read.value == pattern.value
                        || PatternCursor(read.value, at: pattern.value.walkRoot).coversSubtree
                }
            }
            guard let first = unreadable.first else { continue }
            find(
                .narrowed, Self.section, rule.header.id, rule.header.location,
                "Landlock starts a file only where it may also be read: \(first.value.description)"
                    + (unreadable.count > 1 ? " and \(unreadable.count - 1) more" : ""))
        }
    }

    /// The first pattern of a deny rule on which something grants `access`.
    private func effectivePattern(
        of deny: FileRule, _ access: FileAccessSet, in section: FilesSection
    ) -> PathPattern? {
        deny.patterns.first { pattern in
            section.defaultVerdict == .allow
                || section.rules.contains { rule in
                    rule.header.verdict == .allow && rule.accesses.contains(access)
                        && rule.patterns.contains { $0.value.intersects(pattern.value) }
                }
        }?.value
    }

    /// What Landlock is blind to, and so grants whatever the default says.
    private mutating func judgeDefault(of section: FilesSection) {
        let everything = PathPattern(subtree: [UInt8(ascii: "/")])
        func isGrantedEverywhere(_ access: FileAccessSet) -> Bool {
            section.defaultVerdict == .allow
                || section.rules.contains { rule in
                    rule.header.verdict == .allow && rule.accesses.contains(access)
                        && rule.patterns.contains { $0.value == everything }
                }
        }
        var blind = Self.unseen.members.filter { !isGrantedEverywhere(FileAccessSet($0)) }
        let makesNames =
            section.defaultVerdict == .allow
            || section.rules.contains { $0.header.verdict == .allow && $0.accesses.contains(.create) }
        if !makesNames { blind.removeAll { $0 == .link } }
        if !blind.isEmpty {
            find(
                .gap, Self.section, "files.default", section.location,
                "Landlock does not see \(blind.map(\.name).joined(separator: ", ")): granted on every path")
        }
        if !fileRights.contains(.deviceControl), !(isGrantedEverywhere([.read, .write])) {
            find(
                .gap, Self.section, "files.default", section.location,
                "below Landlock ABI 5 a device that no rule grants can be opened by openat2(2) with access mode 3, "
                    + "for ioctl"
            )
        }
        result.restrictsAccessMode =
            !(isGrantedEverywhere(.read) && isGrantedEverywhere(.write))
            || hasDeny(of: [.read, .write], in: section)
        if !fileRights.contains(.truncate), !isGrantedEverywhere(.write) || hasDeny(of: .write, in: section) {
            result.restrictsTruncation = DecidingRule(id: "files.default", location: section.location)
            find(
                .narrowed, Self.section, "files.default", section.location,
                "below Landlock ABI 3 truncate(2), and O_TRUNC without writing, are refused on every path")
        }
        if !fileRights.contains(.refer), makesNames {
            find(
                .narrowed, Self.section, "files.default", section.location,
                "Landlock ABI 1 refuses every rename and link between directories")
        }
    }

    private func hasDeny(of access: FileAccessSet, in section: FilesSection) -> Bool {
        section.rules.contains {
            $0.header.verdict == .deny && !$0.decidedAccesses.isDisjoint(with: access)
        }
    }

    /// Without Landlock no file rule holds: refused, but where all is granted anyway.
    private mutating func refuseFiles(_ section: FilesSection) {
        let everything =
            section.defaultVerdict == .allow && !section.rules.contains { $0.header.verdict == .deny }
        if !everything {
            find(
                .excess, Self.section, "files.default", section.location,
                "the kernel has no Landlock: no file rule can be enforced")
        }
        for rule in section.rules {
            row(Self.section, rule.header.id, rule.header.location, .none, [], "no Landlock")
        }
        row(Self.section, "files.default", section.location, everything ? .full : .none, [], "no Landlock")
    }

    private mutating func addRow(_ rule: FileRule, of section: FilesSection) {
        let seen = rule.accesses.intersection(FileRights.seenAccesses)
        let unseen = rule.accesses.subtracting(FileRights.seenAccesses)
        let subtrees = rule.patterns.filter { $0.value.literalSubtree != nil }.count
        let literals = rule.patterns.filter { $0.value.isLiteral }.count
        let globs = rule.patterns.count - subtrees - literals
        var parts: [String] = []
        if !seen.isEmpty {
            var places: [String] = []
            if subtrees > 0 { places.append(Self.counted(subtrees, "tree", "trees")) }
            if literals > 0 { places.append(Self.counted(literals, "path", "paths")) }
            if globs > 0 { places.append(Self.counted(globs, "pattern", "patterns")) }
            let verb = rule.header.verdict == .allow ? "path_beneath" : "carved out:"
            parts.append("\(verb) \(seen.names) on \(places.joined(separator: ", "))")
        }
        if rule.header.verdict == .allow, literals + globs > 0, !seen.isEmpty {
            parts.append("what exists at the start")
        }
        if !unseen.isEmpty {
            parts.append(
                "\(unseen.names) \(rule.header.verdict == .allow ? "granted everywhere" : "not seen")")
        }
        let isFull: Bool =
            if rule.header.verdict == .allow {
                (seen.isEmpty || literals + globs == 0)
                    && (fileRights.contains(.truncate) || !seen.contains(.write))
                    && (fileRights.contains(.refer) || seen.isDisjoint(with: [.create, .remove]))
            } else {
                !hasFinding([.excess, .gap], Self.section, rule.header.id)
                    && unseenDenied(by: rule, in: section).isEmpty
            }
        row(
            Self.section, rule.header.id, rule.header.location,
            isFull ? .full : (seen.isEmpty ? .none : .partial), seen.isEmpty ? [] : layers(for: seen),
            parts.joined(separator: "; "))
    }

    private func layers(for accesses: FileAccessSet) -> [Coverage.Layer] {
        accesses.contains(.write) && result.restrictsTruncation != nil ? [.landlock, .seccomp] : [.landlock]
    }

    private mutating func addDefaultRow(_ section: FilesSection) {
        let isPartial = hasFinding([.gap], Self.section, "files.default")
        let handled = fileRights.accesses.names
        row(
            Self.section, "files.default", section.location, isPartial ? .partial : .full,
            layers(for: .write),
            (section.defaultVerdict == .allow
                ? "everything is granted that no rule denies" : "denied unless granted: \(handled)")
                // security/landlock has no path_notify hook: names in directories that may not be read.
                + "; watching (inotify, fanotify) is not seen"
                + (result.restrictsAccessMode
                    ? "; access mode 3 is refused by the filter, but where openat2 or io_uring ask for it"
                    : ""))
    }

    static func counted(_ count: Int, _ one: String, _ many: String) -> String {
        "\(count) \(count == 1 ? one : many)"
    }
}
