internal import ArgumentParser
internal import Compiler
internal import Confinement
internal import Policy

/// `swguard explain P… --file PATH --access read,write`: the verdict and the rule that gave it.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what policies decide about one request, by which rule, and which rules came close.")

    @Argument(help: "Policies; several are layers, all must grant.")
    var policies: [String]
    @OptionGroup var question: RequestOptions
    @OptionGroup var format: FormatOption

    func validate() throws { _ = try question.request(vocabulary: SyscallTable.vocabulary) }

    func run() throws {
        let workspace = Workspace()
        let request = try question.request(vocabulary: workspace.vocabulary)
        let loaded = try workspace.policies(policies, for: "explain", format: format.format)
        let explanations = loaded.map { policy in
            (
                policy: policy,
                text: Evaluator(LinkedPolicy(policy).policy, vocabulary: workspace.vocabulary).explain(
                    request)
            )
        }
        // The oldest layer that denies decides; if none does, all of them granted.
        let denying = explanations.first { $0.text.verdict == .deny }
        let shown = denying.map { [$0] } ?? explanations
        switch format.format {
        case .text:
            for explanation in shown { Output.write(explanation.text.text, to: 1) }
        case .json:
            Output.result(
                of: "explain",
                [
                    "verdict": .string(denying == nil ? "allow" : "deny"),
                    "parts": .array(
                        shown.flatMap { policy, text in text.parts.map { Self.json($0, of: policy) } }),
                ], diagnostics: workspace.diagnostics)
        }
        if denying != nil { throw ExitStatus.no }
    }

    private static func json(_ part: Explanation.Part, of policy: Policy) -> JSON {
        [
            "policy": .string(policy.name), "access": .string(part.access), "object": .string(part.object),
            "verdict": .string(part.verdict.rawValue), "rule": part.decidedBy.map(json) ?? .null,
            "near": .array(part.near.map(json)),
        ]
    }

    private static func json(_ rule: Explanation.Rule) -> JSON {
        [
            "id": .string(rule.rule.id),
            "source": JSON(rule.rule.location?.fileAndLine),
            "reason": JSON(rule.rule.reason), "text": .string(rule.text),
        ]
    }
}

/// The one request that `explain` asks about.
struct RequestOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A path, as the kernel would resolve it; with --access.", valueName: "path"))
    var file: String?
    @Option(help: ArgumentHelp("What is asked of the file: read,write,…", valueName: "accesses"))
    var access: String?
    @Option(help: ArgumentHelp("An address to connect to: tcp:192.0.2.1:443.", valueName: "endpoint"))
    var connect: String?
    @Option(help: ArgumentHelp("An address to bind to.", valueName: "endpoint"))
    var bind: String?
    @Option(help: ArgumentHelp("An address to listen on.", valueName: "endpoint"))
    var listen: String?
    @Option(help: "An operation: mount, ptrace, …")
    var operation: String?
    @Option(help: "A capability: net_admin, …")
    var capability: String?
    @Option(help: "A system call: mkdir, …")
    var syscall: String?

    func request(vocabulary: SyscallVocabulary) throws -> Request {
        let given = [file, connect, bind, listen, operation, capability, syscall].compactMap { $0 }
        guard given.count == 1 else {
            throw ValidationError(
                "ask about exactly one of --file, --connect, --bind, --listen, --operation, --capability, --syscall"
            )
        }
        guard access == nil || file != nil else { throw ValidationError("--access goes with --file") }
        if let file { return .file(path: try Self.path(file), try Self.accesses(access ?? "read")) }
        for (kind, text) in [(NetworkAccess.connect, connect), (.bind, bind), (.listen, listen)] {
            if let text { return .network(kind, try Self.address(text)) }
        }
        if let operation {
            guard let known = Operation(rawValue: operation) else {
                throw Self.unknown("operation", operation, Operation.allCases.map(\.name))
            }
            return .operation(known)
        }
        if let capability {
            guard let known = Capability(name: capability) else {
                throw Self.unknown("capability", capability, Capability.allCases.map(\.name))
            }
            return .capability(known)
        }
        let name = syscall ?? ""
        guard vocabulary.isKnown(name) else {
            throw Self.unknown("system call", name, vocabulary.names.sorted())
        }
        return .syscall(name: name, arguments: [])
    }

    private static func unknown(_ kind: String, _ text: String, _ known: [String]) -> ValidationError {
        let hint = nearest(to: text, in: known).map { "; did you mean '\($0)'?" } ?? ""
        return ValidationError("unknown \(kind) '\(DiagnosticFormatter.printable(text))'\(hint)")
    }

    private static func path(_ text: String) throws -> [UInt8] {
        let shown = DiagnosticFormatter.printable(text)
        guard text.hasPrefix("/") else {
            throw ValidationError(
                "'\(shown)' is no path of an object: it is not absolute, it must begin with '/'")
        }
        do throws(PolicyTextError) {
            // A path is a pattern in which every byte means itself.
            _ = try PathPattern.parse(PathPattern.escape(Array(text.utf8)), kind: .path)
        } catch {
            throw ValidationError(
                "'\(shown)' is no path of an object: \(error.text.replacing("pattern", with: "path"))")
        }
        return Array(text.utf8)
    }

    private static func accesses(_ text: String) throws -> FileAccessSet {
        var accesses: FileAccessSet = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let access = FileAccess(name: word) else {
                let known = FileAccess.allCases.map(\.name).joined(separator: ", ")
                throw ValidationError("unknown access '\(word)'; there are \(known)")
            }
            accesses.formUnion(FileAccessSet(access))
        }
        return accesses
    }

    private static func address(_ text: String) throws -> SocketAddress {
        let endpoint: Endpoint?
        do throws(PolicyTextError) {
            endpoint = try Endpoint.parse(text).first
        } catch {
            throw ValidationError("'\(text)' is no address: \(error.text)")
        }
        switch endpoint {
        case .unixPath(let pattern) where pattern.isLiteral: return .unixPath(pattern.literalBytes)
        case .unixAbstract(let pattern) where pattern.isLiteral: return .unixAbstract(pattern.literalBytes)
        case .inet(let protocols, .prefix(let address, let length), .range(let ports))
        where protocols.count == 1 && ports.count == 1 && Int(length) == address.bitCount:
            return .inet(protocols.first ?? .tcp, address, ports.lowerBound)
        default:
            throw ValidationError("'\(text)' is not one address: write tcp:192.0.2.1:443 or unix:/path")
        }
    }
}
