internal import ArgumentParser
internal import Glibc

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
            ExplainCommand.self, TestCommand.self, SchemaCommand.self, DoctorCommand.self,
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
            let text = fullMessage(for: error)
            if exitCode(for: error) == .success {
                print(text)
                Glibc.exit(ExitStatus.yes.rawValue)
            }
            Output.diagnose(text)
            Glibc.exit(ExitStatus.usage.rawValue)
        }
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
