internal import ArgumentParser
internal import Control
private import Glibc
internal import Policy

/// `swguard load P…`: adds policies to what the agent enforces.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Have the agent enforce more policies, or others in place of those of the same names.",
        discussion: """
            All of them come into force at once, for running processes too, or none does. They stay beside those that the \
            agent was started with, and in place of those of the same names, also after 'reload' and in an agent that \
            comes after this one: each is read from its file again. 'unload' takes them out.
            """ + ChangeReport.discussion)

    @OptionGroup var format: FormatOption
    @Argument(
        help: ArgumentHelp("Policies: files, directories, or names on the policy path.", valueName: "policy"))
    var references: [String]

    func run() throws {
        let files = try references.map(file)
        try ChangeReport.make("load", format.format) { client throws(ControlClientError) in
            try client.load(files)
        }
    }

    /// The absolute path of what is named: the agent has another working directory, and another policy path.
    private func file(_ reference: String) throws -> String {
        var path = reference
        if !reference.contains("/"), !reference.hasSuffix(".yaml") {
            let loaded = Workspace().load(reference)
            // What is wrong with it, the agent says; of what cannot be read it has been said.
            if loaded.unreadable != nil { throw ExitStatus.usage }
            guard let file = loaded.policy?.file ?? loaded.diagnostics.first?.location.file else {
                throw ExitStatus.usage
            }
            path = file
        }
        guard let resolved = unsafe realpath(path, nil) else {
            let reason = unsafe String(cString: strerror(errno))
            Output.refuse(
                "load", "cannot read policy '\(DiagnosticFormatter.printable(reference))': \(reason)",
                about: reference, format: format.format)
            throw ExitStatus.usage
        }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}

/// `swguard unload NAME…`: takes policies out.
struct UnloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unload",
        abstract: "Have the agent enforce policies no more.",
        discussion: """
            One that was loaded is gone for good; one that the agent was started with comes back with 'reload', with a \
            change of the policy directory, and with the next agent. Processes that are under it go on under the others.
            """ + ChangeReport.discussion)

    @OptionGroup var format: FormatOption
    @Argument(help: ArgumentHelp("The names of policies.", valueName: "name"))
    var names: [String]

    func run() throws {
        try ChangeReport.make("unload", format.format) { client throws(ControlClientError) in
            try client.unload(names)
        }
    }
}

/// `swguard reload`: reads all policies anew.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the agent read all its policies anew.",
        discussion: """
            Those that it was started with, and those that were loaded. All of them come into force at once, or, where one \
            is not good, what was enforced stays.
            """ + ChangeReport.discussion)

    @OptionGroup var format: FormatOption

    func run() throws {
        try ChangeReport.make("reload", format.format) { client throws(ControlClientError) in
            try client.reload()
        }
    }
}

/// `swguard rollback`: back to what was enforced before.
struct RollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Have the agent enforce again what it enforced before the last change.",
        discussion: """
            One generation is kept for it: a second rollback undoes the first. It is in force until the next change; \
            'reload' and the next agent read the policies' files as they are.
            """ + ChangeReport.discussion)

    @OptionGroup var format: FormatOption

    func run() throws {
        try ChangeReport.make("rollback", format.format) { client throws(ControlClientError) in
            try client.rollBack()
        }
    }
}

/// Asks the agent for a change, and says what has become of it.
enum ChangeReport {
    static let discussion = """
         Asks the agent that runs, at $SWGUARD_SOCKET or /run/swguard/control; only root may. Exit status 2: what is \
        asked for cannot be used, and nothing was changed; 3: no agent answers, or it cannot.
        """

    /// How long a change may take, in milliseconds: compiling ten thousand rules, loading programs anew.
    private static let patience: UInt64 = 300_000

    static func make(
        _ command: String, _ format: OutputFormat,
        _ ask: (inout ControlClient) throws(ControlClientError) -> ChangeResult
    ) throws {
        do throws(ControlClientError) {
            var client = try ControlClient(path: ControlAddress.ofEnvironment(), patience: patience)
            report(try ask(&client), command, format)
        } catch {
            var diagnostics: [Diagnostic] = []
            var status = ExitStatus.cannot
            if case .rejected(let said, let reasons) = error {
                diagnostics = said
                status = .usage
                Output.print(said)
                for reason in reasons { Output.diagnose("swguard: \(DiagnosticFormatter.printable(reason))") }
                Output.diagnose("swguard: cannot \(command): what was enforced still is")
            } else {
                Output.diagnose("swguard: cannot ask the agent: \(DiagnosticFormatter.printable(error.text))")
            }
            if format == .json { Output.result(of: command, .null, diagnostics: diagnostics) }
            throw status
        }
    }

    private static func report(_ result: ChangeResult, _ command: String, _ format: OutputFormat) {
        if format == .json { return Output.result(of: command, result.json) }
        for change in result.changes {
            Output.line("\(DiagnosticFormatter.printable(change.policy)): \(words(change.kind))")
        }
        Output.line("generation \(result.generation)")
        if result.refused > 0 {
            Output.diagnose("swguard: \(result.refused) running tasks have no room for another policy")
        }
    }

    private static func words(_ kind: PolicyChange.Kind) -> String {
        switch kind {
        case .loaded: "loaded"
        case .replaced: "replaced"
        case .removed: "removed"
        case .rolledBack: "rolled back"
        }
    }
}
