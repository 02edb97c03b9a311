/// Makes the model of one policy file from its document.
///
/// `ShapeCheck` has reported what does not fit the declared shape; here that is passed over in silence, and what
/// remains (the grammars of patterns, endpoints, conditions) is read and reported.
struct PolicyDecoder {
    let text: SourceText
    let vocabulary: SyscallVocabulary
    let variables: VariableScope
    let diagnostics: Diagnostics
    /// How many bytes the patterns of this load may still have.
    var patternBudget: Int
    var ids: [String: SourceLocation] = [:]

    /// The policy, with its own rules alone. Only meant to be used where no error was reported.
    mutating func decode(_ root: YAMLNode) -> Policy {
        var policy = Policy(name: root["metadata"]?["name"]?.text ?? "", file: text.file)
        policy.description = root["metadata"]?["description"]?.text
        policy.mode = root["mode"]?.text.flatMap { Policy.Mode(rawValue: $0) } ?? .enforce
        policy.includes = (root["include"]?.items ?? []).compactMap { item in
            item.text.map { Located($0, at: item.location) }
        }
        policy.subjects = subjects(root["subjects"])
        policy.files = root.entry("files").flatMap { files($0) }
        policy.network = root.entry("network").flatMap { network($0) }
        policy.capabilities = root.entry("capabilities").flatMap { entry in
            listSection(entry) { Capability(name: $0) }
        }
        policy.operations = root.entry("operations").flatMap { entry in
            listSection(entry) { Operation(rawValue: $0) }
        }
        policy.syscalls = root.entry("syscalls").flatMap { syscalls($0) }
        policy.tests = tests(root["tests"])
        return policy
    }

    // MARK: Subjects

    private mutating func subjects(_ node: YAMLNode?) -> [Located<Subject>] {
        var subjects: [Located<Subject>] = []
        for item in node?.items ?? [] {
            guard let entry = item.entries?.first, let word = entry.value.text else { continue }
            switch entry.key {
            case "exec": subjects += patterns(entry.value).map { Located(.exec($0.value), at: item.location) }
            case "cgroup":
                subjects += patterns(entry.value).map { Located(.cgroup($0.value), at: item.location) }
            case "unit": subjects.append(Located(.unit(word), at: item.location))
            case "user": subjects.append(Located(.user(word), at: item.location))
            default: break
            }
        }
        return withoutRepeats(subjects)
    }

    // MARK: Sections

    private mutating func files(_ entry: YAMLNode.Entry) -> FilesSection? {
        guard entry.value.entries != nil else { return nil }
        var section = FilesSection(
            defaultVerdict: defaultVerdict(entry.value), location: entry.keyLocation)
        for (index, node) in (entry.value["rules"]?.items ?? []).enumerated() {
            guard let header = header(node, place: "files.rules[\(index)]") else { continue }
            var accesses: FileAccessSet = []
            for word in words(node[header.verdict.rawValue]) {
                if let access = FileAccess(name: word.value) { accesses.formUnion(FileAccessSet(access)) }
            }
            if isAll(node[header.verdict.rawValue]) { accesses = .all }
            var list: [Located<PathPattern>] = []
            for item in node["paths"]?.items ?? [] { list += patterns(item) }
            list = withoutRepeats(list)
            section.rules.append(FileRule(header: header, accesses: accesses, patterns: list))
        }
        return section
    }

    private mutating func network(_ entry: YAMLNode.Entry) -> NetworkSection? {
        guard entry.value.entries != nil else { return nil }
        var families = SocketFamily.defaults.map { Located($0, at: entry.keyLocation) }
        if let list = entry.value["families"] {
            families = words(list).compactMap { word in
                SocketFamily(word: word.value).map { Located($0, at: word.location) }
            }
        }
        var section = NetworkSection(
            defaultVerdict: defaultVerdict(entry.value), families: families, location: entry.keyLocation)
        for (index, node) in (entry.value["rules"]?.items ?? []).enumerated() {
            guard let header = header(node, place: "network.rules[\(index)]") else { continue }
            var accesses: NetworkAccessSet = []
            for word in words(node[header.verdict.rawValue]) {
                if let access = NetworkAccess(name: word.value) {
                    accesses.formUnion(NetworkAccessSet(access))
                }
            }
            if isAll(node[header.verdict.rawValue]) { accesses = .all }
            var endpoints: [Located<Endpoint>] = []
            for item in node["endpoints"]?.items ?? [] {
                guard let word = item.text else { continue }
                endpoints += read(item) { decoder throws(PolicyTextError) in
                    try Endpoint.parse(
                        Array(word.utf8), variables: decoder.variables, budget: &decoder.patternBudget)
                }.map { Located($0, at: item.location) }
            }
            if header.verdict == .allow { note(endpoints, beyond: families, in: entry.value) }
            section.rules.append(
                NetworkRule(header: header, accesses: accesses, endpoints: withoutRepeats(endpoints)))
        }
        return section
    }

    /// Says which endpoints no socket that may be made can have.
    private func note(
        _ endpoints: [Located<Endpoint>], beyond families: [Located<SocketFamily>], in section: YAMLNode
    ) {
        // Words that are no families were reported; what they would have let in is not known.
        guard let list = section["families"]?.items, list.count == families.count else { return }
        var noted: Set<SourceLocation> = []
        for endpoint in endpoints {
            let numbers = endpoint.value.familyNumbers
            if families.contains(where: { numbers.contains($0.value.number) }) { continue }
            guard noted.insert(endpoint.location).inserted else { continue }
            let names = SocketFamily.defaults.filter { numbers.contains($0.number) }.map(\.word)
            diagnostics.add(
                "'families' lets no socket be made for this endpoint", at: endpoint.location, severity: .note,
                hint: "it needs \(names.joined(separator: " or "))")
        }
    }

    /// `capabilities` or `operations`: each name is a rule of its own, called `capabilities.allow[0]`.
    private func listSection<Item>(
        _ entry: YAMLNode.Entry, _ item: (String) -> Item?
    ) -> ListSection<Item>? {
        guard let entries = entry.value.entries else { return nil }
        var section = ListSection<Item>(
            defaultVerdict: defaultVerdict(entry.value), location: entry.keyLocation)
        for list in entries {
            guard let verdict = Verdict(rawValue: list.key) else { continue }
            let place = "\(entry.key).\(list.key)"
            if isAll(list.value) {
                let header = RuleHeader(id: place, verdict: verdict, location: list.value.location)
                section.entries.append(ListEntry(header: header, item: nil))
            }
            for (index, word) in words(list.value).enumerated() {
                guard let item = item(word.value) else { continue }
                let header = RuleHeader(id: "\(place)[\(index)]", verdict: verdict, location: word.location)
                section.entries.append(ListEntry(header: header, item: item))
            }
        }
        if entry.key == "capabilities", section.defaultVerdict == .allow,
            let list = entry.value.entry("allow")
        {
            diagnostics.add(
                "'allow' beside 'default: allow' changes nothing", at: list.keyLocation, severity: .warning,
                hint: "remove one of them")
        }
        return section
    }

    // MARK: What every rule has

    /// nil where the rule has no verdict, which was reported.
    mutating func header(_ node: YAMLNode, place: String) -> RuleHeader? {
        let verdict: Verdict
        switch (node["allow"], node["deny"]) {
        case (_?, nil): verdict = .allow
        case (nil, _?): verdict = .deny
        default: return nil
        }
        let id = node["id"]
        if let id, let word = id.text {
            if BuiltInRules.ids.contains(word) {
                diagnostics.add(
                    "the id \(quoted(word)) is taken: decisions without a rule are called by it",
                    at: id.location, hint: "give the rule another, or none")
            } else if let first = ids[word] {
                diagnostics.add(
                    "the id \(quoted(word)) is taken", at: id.location,
                    hint: "the rule in line \(first.line) has it")
            } else {
                ids[word] = id.location
            }
        }
        return RuleHeader(
            id: id?.text ?? place, hasWrittenID: id != nil, verdict: verdict, reason: node["reason"]?.text,
            log: node["log"]?.text.map { $0 == "true" }, isCoarse: node["coarse"]?.text == "true",
            location: node.location)
    }

    private func defaultVerdict(_ node: YAMLNode) -> Verdict {
        // Anything but a written `allow` is the default of the language: deny.
        node["default"]?.text.flatMap { Verdict(rawValue: $0) } ?? .deny
    }

    // MARK: Pieces

    func isAll(_ node: YAMLNode?) -> Bool { node?.text == "all" }

    /// The words of a list, with their places.
    func words(_ node: YAMLNode?) -> [Located<String>] {
        (node?.items ?? []).compactMap { item in item.text.map { Located($0, at: item.location) } }
    }

    /// `list` with each value where it stands first: braces may say one thing twice.
    private func withoutRepeats<Value: Hashable>(_ list: [Located<Value>]) -> [Located<Value>] {
        var seen: Set<Value> = []
        return list.filter { seen.insert($0.value).inserted }
    }

    mutating func patterns(_ node: YAMLNode) -> [Located<PathPattern>] {
        guard let word = node.text else { return [] }
        return read(node) { decoder throws(PolicyTextError) in
            try PathPattern.parse(
                Array(word.utf8), kind: .path, variables: decoder.variables, budget: &decoder.patternBudget)
        }.map { Located($0, at: node.location) }
    }

    /// What `parse` makes of the text of `node`; nothing where it does not accept it, which is reported.
    mutating func read<Value>(
        _ node: YAMLNode, _ parse: (inout Self) throws(PolicyTextError) -> [Value]
    ) -> [Value] {
        do throws(PolicyTextError) {
            return try parse(&self)
        } catch {
            report(error, in: node)
            return []
        }
    }

    func report(_ error: PolicyTextError, in node: YAMLNode) {
        diagnostics.add(
            error.text, at: text.location(in: node, offset: error.offset, length: error.length),
            hint: error.hint)
    }
}
