internal import AuditLog
internal import Compiler
public import Policy

/// All that the policies of one command are made from, as the agent is told it.
///
/// The agent reads no file for a user, and looks at no link: it makes the same policies from this, so that rules have
/// the names and places that the user knows.
public struct RunRequest {
    var references: [String]
    var files: [PolicyInput]
    var search: [String]
    var variables: PolicyVariables
    var links: [[UInt8]: [UInt8]]
    /// Paths are resolved.
    var rules: [RunOptions.CommandLineRule]
    var protected: [String]
    var isBare: Bool
    var complains: Bool

    /// As `CommandPolicies` of the agent's interface; nil: a file is no text.
    var json: JSON? {
        var texts: [JSON] = []
        // Which names are one file's, and not which file: the same policies are the same wherever they lie.
        var identities: [String: Int] = [:]
        for file in files {
            guard let text = String(validating: file.bytes, as: UTF8.self) else { return nil }
            let identity = identities[file.identity] ?? identities.count
            identities[file.identity] = identity
            texts.append([
                "path": .string(file.path), "identity": .string(String(identity)), "text": .string(text),
            ])
        }
        return [
            "references": .array(references.map { .string($0) }), "files": .array(texts),
            "search": .array(search.filter(isUsed).map { .string($0) }),
            "variables": .array(PolicyVariables.Name.allCases.filter(isUsed).map(json)),
            "links": .array(
                links.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map {
                    ["path": Self.text($0.key), "target": Self.text($0.value)]
                }),
            "rules": .array(
                rules.map {
                    [
                        "option": .string($0.kind.rawValue), "value": Self.text($0.value.bytes),
                        "argument": .int($0.value.argument),
                    ]
                }), "protected": .array(references.isEmpty ? protected.map { .string($0) } : []),
            "bare": .bool(isBare),
            "complain": .bool(complains),
        ]
    }

    // What no file speaks of is left out: else each working directory would have layers of its own.

    private func isUsed(_ directory: String) -> Bool {
        files.contains { $0.path.utf8.starts(with: directory.utf8) }
    }

    private func isUsed(_ name: PolicyVariables.Name) -> Bool {
        // As a letter, or a letter's number, in a quoted text of YAML.
        let spellings = ["${\(name.rawValue)}", "\\x", "\\u", "\\U"].map { Array($0.utf8) }
        return files.contains { file in spellings.contains { Self.mentions(file.bytes, $0) } }
    }

    private static func mentions(_ text: [UInt8], _ word: [UInt8]) -> Bool {
        text.indices.contains { text[$0] == word[0] && text[$0...].starts(with: word) }
    }

    private static func text(_ bytes: [UInt8]) -> JSON { .string(AuditText(bytes).string) }

    private func json(_ name: PolicyVariables.Name) -> JSON {
        switch variables.value(of: name) {
        case .set(let bytes): ["name": .string(name.rawValue), "value": Self.text(bytes)]
        case .unset(let reason): ["name": .string(name.rawValue), "reason": .string(reason)]
        }
    }
}

extension RunRequest {
    /// What a client has told; nil: it is of another form.
    public init?(_ json: JSON) {
        func strings(_ name: String) -> [String]? { Self.list(json[name]) { $0.stringValue } }
        guard let references = strings("references"), let search = strings("search"),
            let protected = strings("protected"), let isBare = json["bare"]?.boolValue,
            let complains = json["complain"]?.boolValue,
            let files = Self.list(json["files"], Self.file),
            let links = Self.list(json["links"], Self.link), let rules = Self.list(json["rules"], Self.rule),
            let variables = Self.list(json["variables"], Self.variable)
        else { return nil }
        self.references = references
        self.files = files
        self.search = search
        self.links = Dictionary(links, uniquingKeysWith: { first, _ in first })
        self.rules = rules
        self.protected = protected
        self.isBare = isBare
        self.complains = complains
        let values = Dictionary(variables, uniquingKeysWith: { first, _ in first })
        func value(_ name: PolicyVariables.Name) -> PolicyVariables.Value {
            values[name] ?? .unset("\(name.rawValue) is not set")
        }
        self.variables = PolicyVariables(
            home: value(.home), cwd: value(.cwd), user: value(.user), uid: value(.uid),
            tmpdir: value(.tmpdir),
            runtime: value(.runtime))
    }

    private static func list<Value>(_ json: JSON?, _ read: (JSON) -> Value?) -> [Value]? {
        guard let items = json?.items else { return nil }
        let values = items.compactMap(read)
        return values.count == items.count ? values : nil
    }

    private static func bytes(_ json: JSON?) -> [UInt8]? {
        let bytes = json?.stringValue.map(AuditText.bytes(of:))
        // The kernel and C end such a path there.
        return bytes?.contains(0) == true ? nil : bytes
    }

    private static func file(_ json: JSON) -> PolicyInput? {
        guard let path = json["path"]?.stringValue, let identity = json["identity"]?.stringValue,
            let text = json["text"]?.stringValue
        else { return nil }
        return PolicyInput(path: path, bytes: Array(text.utf8), identity: identity)
    }

    private static func link(_ json: JSON) -> ([UInt8], [UInt8])? {
        guard let path = bytes(json["path"]), let target = bytes(json["target"]) else { return nil }
        return (path, target)
    }

    private static func rule(_ json: JSON) -> RunOptions.CommandLineRule? {
        guard let kind = json["option"]?.stringValue.flatMap(RunOptions.CommandLineRule.Kind.init),
            let value = bytes(json["value"]), let argument = json["argument"]?.intValue, argument >= 0,
            !kind.isPath || value.first == UInt8(ascii: "/")
        else { return nil }
        return RunOptions.CommandLineRule(kind, RunOptions.Value(value, argument: argument))
    }

    private static func variable(_ json: JSON) -> (PolicyVariables.Name, PolicyVariables.Value)? {
        guard let name = json["name"]?.stringValue.flatMap(PolicyVariables.Name.init(rawValue:)) else {
            return nil
        }
        if let value = json["value"], !value.isNull {
            return bytes(value).map { (name, .set($0)) }
        }
        return (name, .unset(json["reason"]?.stringValue ?? "it is not set"))
    }
}

extension RunRequest {
    /// The policies, and what is wrong with them: then there may be none.
    public func policies() -> (policies: [Policy], diagnostics: [Diagnostic], refusals: [String]) {
        let loader = PolicyLoader(
            vocabulary: SyscallTable.vocabulary, variables: variables, files: ToldFiles(files),
            searchPath: search)
        var found: [Policy] = []
        var diagnostics: [Diagnostic] = []
        func take(_ result: LoadedPolicy, _ name: String) -> String? {
            diagnostics += result.diagnostics.filter { $0.severity != .note }
            if let reason = result.unreadable { return "cannot read policy '\(name)': \(reason)" }
            guard let policy = result.policy else { return "cannot use policy '\(name)': it has errors" }
            found.append(policy)
            return nil
        }
        for reference in references {
            if let refusal = take(loader.load(reference), reference) { return ([], diagnostics, [refusal]) }
        }
        found = PolicyAssembly.eachOnce(found)
        if !rules.isEmpty || found.isEmpty {
            guard found.count <= 1 else {
                return ([], diagnostics, ["rules on the command line go with one policy"])
            }
            var assembly = PolicyAssembly(loader)
            do throws(CommandLinePolicy.Failure) {
                try assembly.addRules(
                    rules, to: found, isBare: isBare, protecting: protected, resolve: { $0 })
            } catch {
                return ([], diagnostics, [error.text])
            }
            found = assembly.policies
            if let result = assembly.completed, let refusal = take(result, CommandLinePolicy.name) {
                return ([], diagnostics, [refusal])
            }
        }
        return (
            found.map { policy in
                var policy = LinkedPolicy(policy, links: links).policy
                if complains { policy.mode = .complain }
                return policy
            }, diagnostics, []
        )
    }
}

/// The files that somebody has told of, and no others.
private struct ToldFiles: PolicyFiles {
    private let files: [String: PolicyFile]

    init(_ inputs: [PolicyInput]) {
        files = Dictionary(
            inputs.map { ($0.path, PolicyFile(bytes: $0.bytes, identity: $0.identity)) },
            uniquingKeysWith: { first, _ in first })
    }

    func read(_ path: String) throws(PolicyFileError) -> PolicyFile {
        guard let file = files[path] else { throw .missing }
        return file
    }

    func read(_ name: String, beneath directory: String) throws(PolicyFileError) -> PolicyFile {
        switch directory {
        case ".": try read(name)
        case "/": try read("/\(name)")
        default: try read("\(directory)/\(name)")
        }
    }

    func readStandardInput() throws(PolicyFileError) -> [UInt8] { try read("-").bytes }
}
