internal import Compiler
internal import Confinement
internal import Policy

/// What every command that reads policies needs: the loader on this machine's files, environment and tables.
final class Workspace {
    let vocabulary = SyscallTable.vocabulary
    private let loader: PolicyLoader
    /// Everything that loading said so far.
    private(set) var diagnostics: [Diagnostic] = []

    init() {
        let host = HostEnvironment.read()
        loader = PolicyLoader(
            vocabulary: vocabulary, variables: host.variables, files: BuiltInPolicies(),
            searchPath: host.policyPath)
    }

    /// Loads one policy; its diagnostics are the caller's to print. What cannot be read at all is said at once.
    func load(_ reference: String) -> LoadedPolicy {
        let loaded = read(reference)
        if let reason = loaded.unreadable {
            let name = DiagnosticFormatter.printable(reference)
            Output.diagnose("swguard: cannot read policy '\(name)': \(DiagnosticFormatter.printable(reason))")
        }
        return loaded
    }

    /// The same; nothing is said.
    func read(_ reference: String) -> LoadedPolicy { loader.load(reference) }

    /// Loads policies that must be good: prints what is wrong and throws `.usage` otherwise.
    func policies(_ references: [String], for command: String, format: OutputFormat) throws -> [Policy] {
        var policies: [Policy] = []
        for reference in references {
            let loaded = load(reference)
            diagnostics += loaded.diagnostics
            if format == .json, let reason = loaded.unreadable {
                diagnostics.append(
                    Diagnostic(
                        "cannot read the policy: \(reason)", at: SourceLocation(file: reference, line: 1)))
            }
            if let policy = loaded.policy { policies.append(policy) }
        }
        if policies.count < references.count {
            if format == .json { Output.result(of: command, .null, diagnostics: diagnostics) }
            if format == .text { Output.print(diagnostics) }
            throw ExitStatus.usage
        }
        if format == .text { Output.print(diagnostics.filter { $0.severity != .note }) }
        return policies
    }
}
