internal import Policy

extension Translator {
    /// The section `files`.
    mutating func files(_ capabilities: ListSection<Capability>?) -> FilesSection {
        var section = FilesSection(location: profile.location)
        let makesDevices = capabilities?.entries.contains { $0.covers(.mknod) } ?? false
        var expanded: [(rule: ProfileRule, patterns: [ProfilePattern], permissions: ProfilePermissions)] = []
        for rule in profile.rules {
            switch rule.kind {
            case .everyFile where !rule.isOwner || rule.isDeny:
                let everything = Located(PathPattern(subtree: "/".utf8), at: rule.location)
                section.rules.append(
                    FileRule(header: header(rule, section: "files"), accesses: .all, patterns: [everything]))
            case .everyFile:
                leaveOut(rule, "who owns a file is not asked here")
            case .file(let path, let permissions, let hasTarget):
                do throws(ProfileError) {
                    var permissions = permissions
                    if hasTarget, permissions.execution == .inherited {
                        permissions.execution = .otherProfile
                    }
                    expanded.append((rule, try ProfilePattern.expand(path, variables), permissions))
                } catch {
                    // What cannot be read cannot be left out either: nobody knows what it was.
                    diagnostics.append(error.diagnostic)
                }
            default: break
            }
        }
        var executes = false
        for (rule, patterns, permissions) in expanded {
            if rule.isDeny {
                section.rules += denials(rule, patterns, permissions)
            } else if rule.isOwner, !patterns.contains(where: \.isOfProcesses),
                !isWidened(rule, "who owns a file is not asked here")
            {
                continue
            } else {
                let accesses = grantedAccesses(rule, permissions, makesDevices: makesDevices)
                executes = executes || accesses.contains(.execute)
                section.rules += grants(rule, patterns, accesses) { pattern in
                    expanded.contains { other in
                        !other.rule.isDeny && !other.rule.isOwner
                            && other.patterns.contains { !$0.isDirectory && $0.covers(pattern) }
                            && (permissions.reads ? other.permissions.reads : true)
                            && (permissions.writes ? other.permissions.writes : true)
                    }
                }
            }
        }
        if executes { section.rules.append(loader) }
        return section
    }

    /// Programs name the one that loads them, which execve(2) opens; AppArmor asks nothing of that.
    private var loader: FileRule {
        let paths = ["/usr/lib64/ld-linux*.so.*", "/usr/lib/ld-linux*.so.*", "/usr/lib/*/ld-linux*.so.*"]
        let header = RuleHeader(
            id: "loader", hasWrittenID: true, verdict: .allow, location: profile.location)
        let patterns = paths.compactMap { try? PathPattern.parse($0.utf8).first }
        return FileRule(
            header: header, accesses: .execute, patterns: patterns.map { Located($0, at: profile.location) })
    }

    // MARK: Allow

    private mutating func grantedAccesses(
        _ rule: ProfileRule, _ permissions: ProfilePermissions, makesDevices: Bool
    ) -> FileAccessSet {
        var accesses: FileAccessSet = []
        if permissions.reads { accesses.formUnion(.read) }
        if permissions.writes {
            accesses.formUnion([.write, .create, .remove, .metadata])
            if makesDevices { accesses.formUnion(.device) }
        }
        if permissions.maps { accesses.formUnion(.map) }
        if permissions.appends, !permissions.writes,
            isWidened(rule, "'a' would be 'write', not only at the end")
        {
            accesses.formUnion(.write)
        }
        if permissions.links, isWidened(rule, "'l' is about the new name, 'link' about the old one") {
            accesses.formUnion(.link)
        }
        switch permissions.execution {
        // 'ix' is 'm' too: seen in the kernel's answers.
        case .inherited: accesses.formUnion([.execute, .map])
        case .unconfined:
            accesses.formUnion(.execute)
            note(
                "what '\(rule.statement.text)' executes stays under this policy", at: rule.location,
                severity: .note)
        case .otherProfile:
            if isWidened(
                rule, "the program would have what this policy grants, not what its own profile does")
            {
                accesses.formUnion(.execute)
            }
        case .any: leaveOut(rule, "it does not say under what profile the program runs")
        case nil: break
        }
        return accesses
    }

    private mutating func grants(
        _ rule: ProfileRule, _ patterns: [ProfilePattern], _ accesses: FileAccessSet,
        isGrantedToFiles: (ProfilePattern) -> Bool
    ) -> [FileRule] {
        var ofFiles: [ProfilePattern] = []
        var ofDirectories: [ProfilePattern] = []
        for pattern in patterns {
            if pattern.isOfOwnProcess {
                leaveOut(rule, "AppArmor sees a process's number there, and this matches nothing")
            } else if rule.isOwner, pattern.isOfProcesses {
                // What a process owns there is its own before all.
                ofFiles.append(pattern.ofOwnProcess)
            } else if rule.isOwner, !isPartialAllowed {
                leaveOut(rule, "who owns a file is not asked here")
            } else if pattern.isDirectory {
                // What is in procfs is what its name says.
                let isSafe = pattern.isLiteral || pattern.isOfProcesses || isGrantedToFiles(pattern)
                if isSafe || isWidened(rule, "files of these names would be covered, not only directories") {
                    ofDirectories.append(pattern)
                    if pattern.isOfProcesses { ofDirectories.append(pattern.ofOwnProcess) }
                }
            } else {
                ofFiles.append(pattern)
                if pattern.isOfProcesses { ofFiles.append(pattern.ofOwnProcess) }
            }
        }
        // A directory is listed, made and removed; its bytes are no one's to write.
        let ofDirectory = accesses.intersection([.read, .create, .remove, .metadata])
        if accesses == ofDirectory {
            ofFiles += ofDirectories
        } else if !ofDirectory.isEmpty {
            return fileRules(rule, ofFiles, accesses) + fileRules(rule, ofDirectories, ofDirectory)
        }
        return fileRules(rule, ofFiles, accesses)
    }

    // MARK: Deny

    private mutating func denials(
        _ rule: ProfileRule, _ patterns: [ProfilePattern], _ permissions: ProfilePermissions
    ) -> [FileRule] {
        var accesses: FileAccessSet = []
        if permissions.reads { accesses.formUnion(.read) }
        if permissions.writes { accesses.formUnion([.write, .metadata]) }
        if permissions.appends { accesses.formUnion(.write) }
        if permissions.maps { accesses.formUnion(.map) }
        if permissions.execution != nil { accesses.formUnion(.execute) }
        // A name that cannot be made cannot be linked, and what cannot be opened cannot be locked.
        if permissions.links, !permissions.writes {
            lose(rule, "'link' is about the old name, 'l' about the new one")
        }
        if permissions.locks, !(permissions.reads && permissions.writes) {
            lose(rule, "locks are not mediated here")
        }
        let isWider = rule.isOwner || patterns.contains { $0.isDirectory && !$0.isLiteral }
        if isWider {
            note(
                "'\(rule.statement.text)' denies more here: whose a file is, and whether it is a directory, is not asked",
                at: rule.location, severity: .warning)
        }
        return fileRules(rule, patterns + patterns.filter(\.isOfProcesses).map(\.ofOwnProcess), accesses)
    }

    /// One rule; `P` and what is beneath it are `P/**`.
    private func fileRules(
        _ rule: ProfileRule, _ patterns: [ProfilePattern], _ accesses: FileAccessSet
    ) -> [FileRule] {
        var tokens: [PathPattern] = []
        for pattern in patterns.map(\.pathPattern) where !tokens.contains(pattern) { tokens.append(pattern) }
        for pattern in tokens where pattern.tokens.suffix(3) == Self.beneath {
            let top = PathPattern(tokens: pattern.tokens.dropLast(3))
            guard let at = tokens.firstIndex(of: top), !top.tokens.isEmpty else { continue }
            tokens[at].tokens.append(.subtree)
            tokens.removeAll { $0 == pattern }
        }
        if tokens.isEmpty || accesses.isEmpty { return [] }
        return [
            FileRule(
                header: header(rule, section: "files"), accesses: accesses,
                patterns: tokens.map { Located($0, at: rule.location) })
        ]
    }

    private static let beneath: ArraySlice<PathPattern.Token> = [
        .byte(UInt8(ascii: "/")), .anyByte, .anything,
    ]
}
