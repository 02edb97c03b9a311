internal import ArgumentParser

/// `swguard run`, for help, man pages and completions; the scanner of `Confinement` reads the arguments.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run one command confined, without privilege.",
        usage: "swguard run [--policy P]... [rules] [options] -- COMMAND [ARG...]",
        discussion: """
            Exit status: the command's own; 128+N if signal N ended it; 127 not found; 126 found but not executable; \
            125 swguard itself failed, and then the command was never started.
            """)

    @Option(
        help: ArgumentHelp(
            "A policy: a file, '-', or a name on the policy path; each is a layer.", valueName: "P"))
    var policy: [String] = []
    @Argument(help: "The command and its arguments.")
    var command: [String] = []

    func run() throws {}
}
