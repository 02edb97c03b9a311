extension Policy {
    /// The policy as YAML: includes in place, variables expanded, braces apart. Reading it gives an equal policy,
    /// up to places and the ids that were not written.
    ///
    /// Throws where a path is not UTF-8, which no YAML can say.
    public func yaml() throws(PolicyTextError) -> String {
        var printer = PolicyPrinter(policy: self)
        try printer.print()
        return printer.text
    }
}

/// Writes one policy.
private struct PolicyPrinter {
    let policy: Policy
    var text = ""
    /// For each rule's id what it is called in the text.
    private var printedIDs: [String: String] = [:]
    private var writtenIDs: Set<String> = []

    init(policy: Policy) { self.policy = policy }

    mutating func print() throws(PolicyTextError) {
        line("apiVersion: swguard/v1")
        line("kind: Policy")
        line("metadata:")
        line("  name: \(scalar(policy.name))")
        if let description = policy.description { line("  description: \(scalar(description))") }
        if policy.mode != .enforce { line("mode: \(policy.mode.rawValue)") }
        try printSubjects()
        try printFiles()
        try printNetwork()
        if let section = policy.capabilities { print(section, "capabilities") { $0.name } }
        if let section = policy.operations { print(section, "operations") { $0.name } }
        printSyscalls()
        try printTests()
    }

    private mutating func line(_ line: String) { text += line + "\n" }

    private func scalar(_ text: String) -> String { YAMLScalar.text(text, inFlow: false) }

    private func list(_ words: [String]) -> String {
        "[" + words.map { YAMLScalar.text($0, inFlow: true) }.joined(separator: ", ") + "]"
    }

    private func scalar(_ pattern: PathPattern, prefix: String = "") throws(PolicyTextError) -> String {
        scalar(prefix + (try utf8(pattern.bytes)))
    }

    private func utf8(_ bytes: [UInt8]) throws(PolicyTextError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw PolicyTextError(
                "\(quoted(String(decoding: bytes, as: UTF8.self))) is not UTF-8", at: 0, length: bytes.count,
                hint: "no policy file can name it")
        }
        return text
    }

    // MARK: Sections

    private mutating func printSubjects() throws(PolicyTextError) {
        if policy.subjects.isEmpty { return }
        line("subjects:")
        for subject in policy.subjects {
            switch subject.value {
            case .exec(let pattern): line("  - exec: \(try scalar(pattern))")
            case .cgroup(let pattern): line("  - cgroup: \(try scalar(pattern))")
            case .unit(let name): line("  - unit: \(scalar(name))")
            case .user(let name): line("  - user: \(scalar(name))")
            }
        }
    }

    private mutating func printFiles() throws(PolicyTextError) {
        guard let section = policy.files else { return }
        if section.rules.isEmpty, section.defaultVerdict == .deny { return line("files: {}") }
        line("files:")
        printDefault(section.defaultVerdict)
        if section.rules.isEmpty { return }
        line("  rules:")
        for (index, rule) in section.rules.enumerated() {
            let accesses = rule.accesses == .all ? "all" : list(rule.accesses.members.map(\.name))
            printHeader(rule.header, place: "files.rules[\(index)]", list: accesses)
            line("      paths:")
            for pattern in withoutRepeats(rule.patterns) { line("        - \(try scalar(pattern))") }
        }
    }

    private mutating func printNetwork() throws(PolicyTextError) {
        guard let section = policy.network else { return }
        let families = withoutRepeats(section.families)
        let isDefault = families == SocketFamily.defaults
        if section.rules.isEmpty, section.defaultVerdict == .deny, isDefault { return line("network: {}") }
        line("network:")
        printDefault(section.defaultVerdict)
        if !isDefault { line("  families: \(list(families.map(\.word)))") }
        if section.rules.isEmpty { return }
        line("  rules:")
        for (index, rule) in section.rules.enumerated() {
            let accesses = rule.accesses == .all ? "all" : list(rule.accesses.members.map(\.name))
            printHeader(rule.header, place: "network.rules[\(index)]", list: accesses)
            line("      endpoints:")
            for endpoint in withoutRepeats(rule.endpoints) {
                switch endpoint {
                case .inet: line("        - \(scalar(endpoint.description))")
                case .unixPath(let pattern): line("        - \(try scalar(pattern, prefix: "unix:"))")
                case .unixAbstract(let pattern): line("        - \(try scalar(pattern, prefix: "unix:@"))")
                }
            }
        }
    }

    private mutating func print<Item>(
        _ section: ListSection<Item>, _ key: String, name: (Item) -> String
    ) {
        if section.entries.isEmpty, section.defaultVerdict == .deny { return line("\(key): {}") }
        line("\(key):")
        printDefault(section.defaultVerdict)
        var verdicts: [Verdict] = []
        for entry in section.entries where !verdicts.contains(entry.header.verdict) {
            verdicts.append(entry.header.verdict)
        }
        for verdict in verdicts {
            let entries = section.entries.filter { $0.header.verdict == verdict }
            let place = "\(key).\(verdict.rawValue)"
            // A list that an include and the policy both wrote names an item once, and `all` says it all.
            if entries.contains(where: { $0.item == nil }) {
                for entry in entries { printedIDs[entry.header.id] = place }
                line("  \(verdict.rawValue): all")
                continue
            }
            var words: [String] = []
            for entry in entries {
                guard let word = entry.item.map(name) else { continue }
                let index = words.firstIndex(of: word) ?? words.count
                if index == words.count { words.append(word) }
                printedIDs[entry.header.id] = "\(place)[\(index)]"
            }
            line("  \(verdict.rawValue): \(list(words))")
        }
    }

    private mutating func printSyscalls() {
        guard let section = policy.syscalls else { return }
        let isEmpty = section.rules.isEmpty && section.architectures.isEmpty
        if isEmpty, section.defaultVerdict == .deny { return line("syscalls: {}") }
        line("syscalls:")
        printDefault(section.defaultVerdict)
        if !section.architectures.isEmpty {
            line("  architectures: \(list(withoutRepeats(section.architectures)))")
        }
        if section.rules.isEmpty { return }
        line("  rules:")
        for (index, rule) in section.rules.enumerated() {
            let selectors = withoutRepeats(rule.selectors)
            let words = selectors.contains(.all) ? "all" : list(selectors.map(\.description))
            printHeader(rule.header, place: "syscalls.rules[\(index)]", list: words)
            if !rule.conditions.isEmpty { line("      when:") }
            for condition in withoutRepeats(rule.conditions) {
                line("        - \(scalar(condition.description))")
            }
            // errno:EPERM is what the language says where nothing is written.
            if rule.action != .errno(1) { line("      action: \(scalar(rule.action.description))") }
        }
    }

    // MARK: Rules

    private mutating func printDefault(_ verdict: Verdict) {
        if verdict == .allow { line("  default: allow") }
    }

    private mutating func printHeader(_ header: RuleHeader, place: String, list: String) {
        let keepsID =
            header.hasWrittenID && PolicyShape.isRuleID(header.id) && !BuiltInRules.ids.contains(header.id)
            && writtenIDs.insert(header.id).inserted
        printedIDs[header.id] = keepsID ? header.id : place
        if !keepsID, header.hasWrittenID || header.location.file != policy.file {
            line("    # \(DiagnosticFormatter.printable("\(header.id) (\(header.location.fileAndLine))"))")
        }
        if keepsID { line("    - id: \(scalar(header.id))") }
        line("    \(keepsID ? " " : "-") \(header.verdict.rawValue): \(list)")
        if let reason = header.reason { line("      reason: \(scalar(reason))") }
        if header.log != (header.verdict == .deny) { line("      log: \(header.log)") }
        if header.isCoarse { line("      coarse: true") }
    }

    private func withoutRepeats<Value: Hashable>(_ list: [Located<Value>]) -> [Value] {
        var seen: Set<Value> = []
        return list.map(\.value).filter { seen.insert($0).inserted }
    }

    // MARK: Tests

    private mutating func printTests() throws(PolicyTextError) {
        var lines: [String] = []
        for test in policy.tests {
            guard var fields = try fields(of: test.request) else {
                lines.append(
                    "  # the test of \(DiagnosticFormatter.printable(test.location.fileAndLine)) cannot be written"
                )
                continue
            }
            if let rule = test.rule { fields.append("rule: \(flow(printedIDs[rule.value] ?? rule.value))") }
            lines.append("  - \(test.expected.rawValue): { \(fields.joined(separator: ", ")) }")
        }
        // A list must have items: comments alone are none.
        if lines.contains(where: { $0.hasPrefix("  -") }) { line("tests:") }
        for test in lines { line(test) }
    }

    private func flow(_ text: String) -> String { YAMLScalar.text(text, inFlow: true) }

    /// nil for what the section `tests` has no words for.
    private func fields(of request: Request) throws(PolicyTextError) -> [String]? {
        switch request {
        case .file(let path, let accesses):
            let text = try utf8(path)
            if text.contains("${") { return nil }
            return ["file: \(flow(text))", "access: \(list(accesses.members.map(\.name)))"]
        case .network(let access, let address):
            var text = address.description
            if case .unixPath(let path) = address { text = "unix:" + (try utf8(path)) }
            if case .unixAbstract(let name) = address { text = "unix:@" + (try utf8(name)) }
            if text.contains("${") { return nil }
            return ["\(access.name): \(flow(text))"]
        case .socket: return nil
        case .capability(let capability): return ["capability: \(flow(capability.name))"]
        case .operation(let operation): return ["operation: \(flow(operation.name))"]
        case .syscall(let name, let arguments):
            let words = arguments.map { "\($0)" }
            return ["syscall: \(flow(name))"]
                + (words.isEmpty ? [] : ["args: [\(words.joined(separator: ", "))]"])
        }
    }
}

extension SyscallSelector: CustomStringConvertible {
    /// The selector as policies write it.
    public var description: String {
        switch self {
        case .name(let name): name
        case .optionalName(let name): "\(name)?"
        case .group(let group): "@\(group)"
        case .all: "all"
        }
    }
}

extension SyscallAction: CustomStringConvertible {
    /// The action as policies write it.
    public var description: String {
        switch self {
        case .kill: "kill"
        case .errno(let number): "errno:\(ErrnoNames.name(of: number) ?? "\(number)")"
        }
    }
}
