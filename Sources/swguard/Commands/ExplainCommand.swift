internal import ArgumentParser
internal import Policy

/// `swguard explain P… --file PATH --access read,write`: the verdict and the rule that gave it.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what policies decide about one request, by which rule, and which rules came close.")

    @Argument(help: "Policies; several are layers, all must grant.")
    var policies: [String]
    @Option(help: ArgumentHelp("A path as the kernel would resolve it; with --access.", valueName: "path"))
    var file: String?
    @Option(help: ArgumentHelp("What is asked of the file: read,write,…", valueName: "accesses"))
    var access: String?
    @Option(help: ArgumentHelp("An endpoint to connect to: tcp:10.0.0.1:443.", valueName: "endpoint"))
    var connect: String?
    @Option(help: ArgumentHelp("An endpoint to bind to.", valueName: "endpoint")) var bind: String?
    @Option(help: ArgumentHelp("An endpoint to listen on.", valueName: "endpoint")) var listen: String?
    @Option(help: "An operation: mount, ptrace, …") var operation: String?
    @Option(help: "A capability: net_admin, …") var capability: String?
    @Option(help: "A system call: mkdir, …") var syscall: String?
    @OptionGroup var format: FormatOption

    func run() throws {
        let request = try self.request()
        let workspace = Workspace()
        let loaded = try workspace.policies(policies, for: "explain", format: format.format)
        let explanations = loaded.map {
            Explanation(of: request, by: Evaluator($0.asApplied(), vocabulary: workspace.vocabulary))
        }
        // The oldest layer that denies decides; if none does, all of them granted.
        let denying = explanations.first { $0.verdict == .deny }
        let shown = denying.map { [$0] } ?? explanations
        switch format.format {
        case .text:
            for explanation in shown { Output.line(explanation.text) }
        case .json:
            Output.result(
                of: "explain",
                [
                    "verdict": .string(denying == nil ? "allow" : "deny"),
                    "explanations": .array(shown.map(\.json)),
                ], diagnostics: workspace.diagnostics)
        }
        if denying != nil { throw ExitStatus.no }
    }

    /// The one request that the options ask about.
    private func request() throws -> Request {
        let given = [file, connect, bind, listen, operation, capability, syscall].compactMap { $0 }
        guard given.count == 1 else {
            throw ValidationError(
                "ask about exactly one of --file, --connect, --bind, --listen, --operation, --capability, --syscall")
        }
        if access != nil, file == nil { throw ValidationError("--access goes with --file") }
        do throws(RequestTextError) {
            if let file { return try .file(text: file, accesses: access ?? "read") }
            if let connect { return try .network(.connect, text: connect) }
            if let bind { return try .network(.bind, text: bind) }
            if let listen { return try .network(.listen, text: listen) }
            if let operation { return try .operation(text: operation) }
            if let capability { return try .capability(text: capability) }
            return try .syscall(text: syscall ?? "", vocabulary: Workspace().vocabulary)
        } catch {
            throw ValidationError(error.text)
        }
    }
}
