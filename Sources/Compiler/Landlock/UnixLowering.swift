import Landlock
import Policy

// Unix sockets under Landlock: names in directories, abstract names, and what is left to seccomp.
//
// Landlock judges connections to sockets of processes outside the domain; those that confined processes made
// themselves are always reachable for them, as socketpair(2) is.
extension LoweringContext {
    private static let section = "network"
    private static let everything = PathPattern(subtree: [UInt8(ascii: "/")])

    mutating func lowerUnixSockets() {
        guard let section = policy.network else {
            lowerUnixByFiles()
            return
        }
        guard section.families.contains(where: { $0.value.number == 1 }) else { return }
        let names = UnixRules(section)
        if !fileRights.contains(.resolveUnix), !names.grantsAnything {
            result.sockets.refusesUnix = cause(of: names, section)
            return
        }
        lowerConnect(names, section)
        lowerAbstract(names, section)
        lowerBind(names, section)
    }

    private func cause(of names: UnixRules, _ section: NetworkSection) -> DecidingRule {
        if section.defaultVerdict == .allow, let deny = names.denies.first {
            return DecidingRule(
                id: deny.header.id, location: deny.header.location, reason: deny.header.reason)
        }
        return DecidingRule(id: "network.default", location: section.location)
    }

    // MARK: Names in directories

    private mutating func lowerConnect(_ names: UnixRules, _ section: NetworkSection) {
        let paths = names.paths(.connect)
        if paths.isEverything { return }
        guard fileRights.contains(.resolveUnix) else {
            reportUnseen(
                paths, names, section, "below Landlock ABI 9 unix sockets cannot be told apart by path")
            return
        }
        handledFiles.formUnion(.resolveUnix)
        builder.allows += entries(paths.allows, .resolveUnix, section)
        builder.denies += entries(paths.denies, .resolveUnix, section)
    }

    /// Where some unix sockets are granted and others cannot be told from them, an unconfined process behind one
    /// of the others would act for the caller: refused, but where a rule says `coarse`.
    private mutating func reportUnseen(
        _ rules: UnixRules.OneKind, _ names: UnixRules, _ section: NetworkSection, _ what: String
    ) {
        for allow in rules.allows {
            find(
                allow.header.isCoarse ? .widened : .excess, Self.section, allow.header.id, allow.location,
                allow.header.isCoarse
                    ? "\(what): every one is granted"
                    : "\(what): grant all of them, or say 'coarse: true'")
        }
        for deny in rules.denies where rules.isEffective(deny) {
            find(.excess, Self.section, deny.header.id, deny.location, "\(what), so none can be denied")
        }
        if rules.allows.isEmpty, section.defaultVerdict == .deny {
            let coarse = names.allows.first { $0.header.isCoarse }
            find(
                coarse == nil ? .excess : .widened, Self.section, coarse?.header.id ?? "network.default",
                coarse?.location ?? section.location,
                "\(what): since a rule grants some unix sockets, a connection to any is granted")
        }
    }

    /// The name of a bound socket is made like a file: where `network` limits bind, only names that it grants
    /// may be sockets, beside what `files` says.
    private mutating func lowerBind(_ names: UnixRules, _ section: NetworkSection) {
        let paths = names.paths(.bind)
        if !paths.isEverything {
            if let coarse = paths.allows.first(where: { $0.header.isCoarse }) {
                find(
                    .widened, Self.section, coarse.header.id, coarse.location,
                    policy.files == nil
                        ? "every name may be bound" : "every name may be bound that files grants")
            } else if fileRights.contains(.makeSocket) {
                handledFiles.formUnion(.makeSocket)
                socketNames = (
                    entries(paths.allows, .makeSocket, section), entries(paths.denies, .makeSocket, section)
                )
                if policy.files == nil, let socketNames {
                    builder.allows += socketNames.allows
                    builder.denies += socketNames.denies
                }
            }
        }
        let abstract = names.abstract(.bind)
        for deny in abstract.denies where abstract.isEffective(deny) {
            find(
                .excess, Self.section, deny.header.id, deny.location,
                "Landlock does not see the binding of abstract names")
        }
        if section.defaultVerdict == .deny, !abstract.isEverything {
            find(
                .gap, Self.section, "network.default", section.location,
                "Landlock does not see the binding of abstract unix names: granted")
        }
    }

    private mutating func entries(
        _ rules: [UnixRules.Entry], _ rights: FileRights, _ section: NetworkSection
    ) -> [RecipeBuilder.Entry] {
        rules.map { rule in
            .init(
                pattern: rule.pattern, rights: rights,
                origin: builder.origin(of: rule.header, section: Self.section),
                hasOtherSpelling: rule.hasOtherSpelling)
        }
    }

    // MARK: Abstract names

    /// All or none: a domain either reaches the abstract sockets of others or it does not.
    private mutating func lowerAbstract(_ names: UnixRules, _ section: NetworkSection) {
        let abstract = names.abstract(.connect)
        if abstract.isEverything { return }
        guard features?.scopes.contains(.abstractUnixSocket) == true else {
            reportUnseen(
                abstract, names, section, "below Landlock ABI 6 abstract unix sockets cannot be refused")
            return
        }
        if abstract.allows.isEmpty || abstract.denies.contains(where: \.isUniversal) {
            result.recipe.scopes.formUnion(.abstractUnixSocket)
            return
        }
        reportUnseen(abstract, names, section, "Landlock reaches all abstract unix sockets or none")
    }

    // MARK: Without a network section

    /// Connecting to a named unix socket asks `files` for write.
    private mutating func lowerUnixByFiles() {
        guard let files = policy.files else { return }
        let writes = files.rules.filter { $0.decidedAccesses.contains(.write) }
        let isEverywhere =
            !writes.contains { $0.header.verdict == .deny }
            && (files.defaultVerdict == .allow
                || writes.contains { $0.patterns.contains { $0.value == Self.everything } })
        if isEverywhere { return }
        if fileRights.contains(.resolveUnix) {
            writeReachesSockets = true
            handledFiles.formUnion(.resolveUnix)
            return
        }
        result.sockets.refusesUnix = DecidingRule(id: "files.default", location: files.location)
        find(
            .narrowed, "files", "files.default", files.location,
            "below Landlock ABI 9 connecting to a unix socket cannot be judged by its path: unix sockets are refused"
        )
    }
}

/// What the rules of a section say of unix sockets.
struct UnixRules {
    /// One unix endpoint of one rule.
    struct Entry {
        var header: RuleHeader
        var accesses: NetworkAccessSet
        var location: SourceLocation
        var pattern: PathPattern
        var isAbstract: Bool
        var hasOtherSpelling: Bool

        /// Whether every name of its kind is meant.
        var isUniversal: Bool {
            pattern.tokens == (isAbstract ? [.anything] : [.subtree])
        }
    }

    /// The rules on one access of one kind of name.
    struct OneKind {
        var allows: [Entry]
        var denies: [Entry]
        var isDefaultAllow: Bool

        /// Whether all names are granted and none is denied.
        var isEverything: Bool {
            denies.isEmpty && (isDefaultAllow || allows.contains(where: \.isUniversal))
        }

        /// Whether something grants what `deny` denies.
        func isEffective(_ deny: Entry) -> Bool {
            isDefaultAllow || allows.contains { $0.pattern.intersects(deny.pattern) }
        }
    }

    private let entries: [Entry]
    private let isDefaultAllow: Bool

    init(_ section: NetworkSection) {
        isDefaultAllow = section.defaultVerdict == .allow
        entries = section.rules.flatMap { rule in
            var spellings: [SourceLocation: Int] = [:]
            for endpoint in rule.endpoints { spellings[endpoint.location, default: 0] += 1 }
            return rule.endpoints.compactMap { endpoint -> Entry? in
                let pattern: PathPattern
                let isAbstract: Bool
                switch endpoint.value {
                case .inet: return nil
                case .unixPath(let path): (pattern, isAbstract) = (path, false)
                case .unixAbstract(let name): (pattern, isAbstract) = (name, true)
                }
                return Entry(
                    header: rule.header, accesses: rule.accesses, location: endpoint.location,
                    pattern: pattern, isAbstract: isAbstract,
                    hasOtherSpelling: spellings[endpoint.location, default: 0] > 1)
            }
        }
    }

    var allows: [Entry] { entries.filter { $0.header.verdict == .allow } }
    var denies: [Entry] { entries.filter { $0.header.verdict == .deny } }

    /// Whether some unix name may be connected to or bound.
    var grantsAnything: Bool {
        [paths(.connect), paths(.bind), abstract(.connect), abstract(.bind)].contains { kind in
            (kind.isDefaultAllow || !kind.allows.isEmpty) && !kind.denies.contains(where: \.isUniversal)
        }
    }

    func paths(_ access: NetworkAccess) -> OneKind { kind(access, isAbstract: false) }
    func abstract(_ access: NetworkAccess) -> OneKind { kind(access, isAbstract: true) }

    private func kind(_ access: NetworkAccess, isAbstract: Bool) -> OneKind {
        let relevant = entries.filter {
            $0.isAbstract == isAbstract && $0.accesses.contains(NetworkAccessSet(access))
        }
        return OneKind(
            allows: relevant.filter { $0.header.verdict == .allow },
            denies: relevant.filter { $0.header.verdict == .deny }, isDefaultAllow: isDefaultAllow)
    }
}
