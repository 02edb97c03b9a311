internal import ArgumentParser
internal import Confinement
internal import Glibc
internal import Policy
internal import RunDeclaration

/// The whole command line, as help, man pages and completions show it.
struct SwguardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swguard",
        abstract: "Confine programs by policies that people can read.",
        discussion: """
            Exit status: 0 done, and the answer is yes; 1 done, and the answer is no; 2 usage, unreadable or invalid \
            input; 3 the kernel, the privileges or the agent cannot do it. `run` has its own: the command's.
            """,
        version: Build.version,
        subcommands: [
            RunCommand.self, CheckCommand.self, PlanCommand.self, CompileCommand.self, InspectCommand.self,
            ExplainCommand.self, TestCommand.self, AgentCommand.self, StatusCommand.self,
            PoliciesCommand.self, PsCommand.self, LoadCommand.self, UnloadCommand.self, ReloadCommand.self,
            RollbackCommand.self, AuditCommand.self, ImportCommand.self, ExportCommand.self,
            SchemaCommand.self,
            DoctorCommand.self,
        ])

    /// Parses the arguments, runs the command, and ends the process with the status that the page gives.
    static func start() -> Never {
        do {
            var command = try parseAsRoot()
            try command.run()
            Glibc.exit(ExitStatus.yes.rawValue)
        } catch let status as ExitStatus {
            Glibc.exit(status.rawValue)
        } catch {
            if let name = unknownCommand {
                Output.diagnose(name)
                Glibc.exit(ExitStatus.usage.rawValue)
            }
            if exitCode(for: error) == .success {
                Output.line(fullMessage(for: error))
                Glibc.exit(ExitStatus.yes.rawValue)
            }
            Output.diagnose(usageText(of: error))
            if let command = commandOfObject {
                let said = Diagnostic(
                    summary(of: error), at: SourceLocation(file: "command-line", line: 1))
                Output.result(of: command, .null, diagnostics: [said])
            }
            // What is left of `run` by its scanner: help was asked for, and something is wrong all the same.
            let isRun = CommandLine.arguments.dropFirst().first == "run"
            Glibc.exit(isRun ? RunEntry.failureStatus : ExitStatus.usage.rawValue)
        }
    }

    /// What to say where the first argument should be a command and is none.
    private static var unknownCommand: String? {
        guard CommandLine.arguments.count > 1 else { return nil }
        let name = CommandLine.arguments[1]
        let known = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        if name.hasPrefix("-") || known.contains(name) { return nil }
        let hint = nearest(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ""
        return """
            swguard: unknown command '\(DiagnosticFormatter.printable(name))'\(hint)
            usage: swguard \(known.joined(separator: "|")) ...
              See 'swguard --help' for more information.
            """
    }

    /// The command that was asked for its result as an object; nil: none was.
    private static var commandOfObject: String? {
        let arguments = CommandLine.arguments.dropFirst()
        let commands = [
            "check", "plan", "compile", "inspect", "explain", "test", "import", "export", "doctor",
        ]
        guard let name = arguments.first, commands.contains(name) else { return nil }
        let isAsked =
            arguments.contains("--format=json")
            || zip(arguments, arguments.dropFirst()).contains { $0 == "--format" && $1 == "json" }
        return isAsked ? name : nil
    }

    /// `swguard: what is wrong`, what would be right, and how the command is written.
    private static func usageText(of error: any Error) -> String {
        let rest = fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: true)
            .drop { !$0.hasPrefix("Usage:") }
            .map { $0.hasPrefix("Usage:") ? "usage:" + $0.dropFirst(6) : String($0) }
        return (["swguard: " + summary(of: error)] + rest).joined(separator: "\n")
    }

    /// What is wrong with the command line, as this program says such things.
    private static func summary(of error: any Error) -> String {
        let message = message(for: error)
        let first = message.prefix(1)
        // The argument parser writes sentences; a name that stands first keeps its case.
        let isSentence = message.dropFirst().first.map { $0.isLowercase || $0 == " " } ?? false
        let text = (isSentence ? first.lowercased() : String(first)) + message.dropFirst()
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}

/// How a command ends, `run` excepted.
enum ExitStatus: Int32, Error {
    /// Done, and the answer is yes.
    case yes = 0
    /// Done, and the answer is no.
    case no = 1
    /// Usage, unreadable or invalid input.
    case usage = 2
    /// The kernel, the privileges or the agent cannot do it.
    case cannot = 3
}

/// What build this is: part of every cache key, since another build may compile otherwise.
enum Build {
    static let version = "0.1.0"
}
