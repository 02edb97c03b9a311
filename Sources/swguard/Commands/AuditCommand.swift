internal import ArgumentParser
internal import AuditLog
internal import Policy

/// `swguard audit`: follow, filter and check the audit log.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Follow, filter and check the audit log.",
        subcommands: [AuditTailCommand.self, AuditQueryCommand.self, AuditVerifyCommand.self])
}

/// Which files of the log a command reads.
struct AuditFiles: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Files of the log, oldest first, compressed or not; \(LogPlace.standard) and what was rotated, unless named.",
            valueName: "file"))
    var files: [String] = []

    /// The files, oldest first; says what is wrong and ends where there are none.
    func paths(_ command: String, _ format: OutputFormat) throws -> [String] {
        if !files.isEmpty { return files }
        do throws(LogError) {
            let found = try LogPlace(LogPlace.standard).files()
            if !found.isEmpty { return found }
            Output.refuse(
                command, "cannot read '\(LogPlace.standard)': there is none", about: LogPlace.standard,
                format: format)
        } catch { Self.refuse(command, error, format) }
        throw ExitStatus.usage
    }

    /// Says why the log cannot be read.
    static func refuse(_ command: String, _ error: LogError, _ format: OutputFormat) {
        Output.refuse(
            command, DiagnosticFormatter.printable(error.description), about: LogPlace.standard,
            format: format)
    }
}
