internal import ArgumentParser
internal import Confinement
internal import Policy

/// `swguard check P…`: every diagnostic of every policy.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Parse and validate policies; print every diagnostic.")

    @Argument(help: "Policies: a file, a name on the policy path, or - for standard input.")
    var policies: [String]
    @OptionGroup var format: FormatOption

    func run() throws {
        let workspace = Workspace()
        var diagnostics: [Diagnostic] = []
        var verdicts: [JSON] = []
        var good: [String] = []
        var isUnreadable = false
        for reference in policies {
            let loaded = workspace.load(reference)
            diagnostics += loaded.diagnostics
            if let policy = loaded.policy {
                // What leads through links in an include is said where the include itself is checked.
                let notes = LinkedPolicy(policy).notes + policy.deniedNeeds(vocabulary: workspace.vocabulary)
                diagnostics += notes.filter { $0.location.file == policy.file }
            }
            isUnreadable = isUnreadable || loaded.unreadable != nil
            if loaded.policy != nil { good.append(reference) }
            verdicts.append([
                "policy": .string(reference), "name": JSON(loaded.policy?.name),
                "ok": .bool(loaded.policy != nil), "unreadable": JSON(loaded.unreadable),
            ])
        }
        switch format.format {
        case .json: Output.result(of: "check", ["policies": .array(verdicts)], diagnostics: diagnostics)
        case .text:
            Output.print(diagnostics)
            for reference in good { Output.line("\(DiagnosticFormatter.printable(reference)): ok") }
        }
        if isUnreadable { throw ExitStatus.usage }
        if good.count < policies.count { throw ExitStatus.no }
    }
}
