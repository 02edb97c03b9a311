internal import Agent
internal import ArgumentParser
internal import Compiler
internal import Confinement
internal import Control
private import Glibc
internal import Policy

/// `swguard agent [P…|--policies DIR]`: the host-wide agent, in the foreground.
struct AgentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Confine, in the kernel and host-wide, the processes that policies name as their subjects.",
        discussion: """
            Runs in the foreground until it gets TERM or INT; then nothing is enforced any more. Events go to \
            \(AuditConfiguration().file ?? "none"), one JSON object a line, and to what the configuration names besides. HUP \
            reads the policies anew: all of them, or none. USR1 begins a new log at its path, for logrotate.
            """)

    @Option(help: ArgumentHelp("Enforce every policy (*.yaml) of a directory.", valueName: "dir"))
    var policies: String?
    @Option(
        help: ArgumentHelp(
            "The agent's configuration; \(AgentConfiguration.standardPath) where that is there.",
            valueName: "file"))
    var config: String?
    @Argument(help: ArgumentHelp("Policies: files, or names on the policy path.", valueName: "policy"))
    var references: [String] = []

    func validate() throws {
        if policies == nil, references.isEmpty {
            throw ValidationError("name policies, or a directory with --policies")
        }
        if policies != nil, !references.isEmpty {
            throw ValidationError("name policies or a directory, not both")
        }
    }

    func run() throws {
        let outcome = Agent.run(
            Agent.Context(
                policies: load, configuration: configuration, report: Output.print,
                say: { Output.diagnose("swguard: \(DiagnosticFormatter.printable($0))") },
                version: Build.version, socket: ControlAddress.ofEnvironment()))
        switch outcome {
        case .ended: return
        case .rejected: throw ExitStatus.usage
        case .cannot: throw ExitStatus.cannot
        }
    }

    /// The configuration; nil: it cannot be used, and it has been said why.
    private func configuration() -> AgentConfiguration? {
        let path = config ?? AgentConfiguration.standardPath
        do throws(PolicyFileError) {
            let file = try HostPolicyFiles().read(path)
            let (configuration, diagnostics) = AgentConfiguration.decode(file.bytes, named: path)
            Output.print(diagnostics)
            return configuration
        } catch {
            if config == nil, error.isMissing { return .standard }
            Output.diagnose(
                "swguard: cannot read configuration '\(DiagnosticFormatter.printable(path))': "
                    + DiagnosticFormatter.printable(error.reason))
            return nil
        }
    }

    /// The policies with their links resolved; nil: they cannot be used, and it has been said why.
    private func load() -> [Policy]? {
        guard let references = named() else { return nil }
        let workspace = Workspace()
        var loaded: [Policy] = []
        for reference in references {
            let result = workspace.load(reference)
            Output.print(result.diagnostics.filter { $0.severity != .note })
            guard let policy = result.policy else { continue }
            let linked = LinkedPolicy(policy)
            Output.print(linked.notes.filter { $0.location.file == policy.file })
            loaded.append(linked.policy)
        }
        return loaded.count == references.count ? loaded : nil
    }

    /// Everything that was named, directories as what is in them; nil: one cannot be read, and it has been said why.
    private func named() -> [String]? {
        var all: [String] = []
        for reference in policies.map({ [$0] }) ?? references {
            var status = stat()
            let isDirectory = unsafe stat(reference, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            guard policies != nil || isDirectory else {
                all.append(reference)
                continue
            }
            guard let files = Self.files(of: reference) else { return nil }
            all += files
        }
        return all
    }

    /// The policies in a directory, by name; nil: it cannot be read, and it has been said why.
    private static func files(of directory: String) -> [String]? {
        guard let entries = unsafe opendir(directory) else {
            let reason = unsafe String(cString: strerror(errno))
            Output.diagnose(
                "swguard: cannot read policies '\(DiagnosticFormatter.printable(directory))': \(reason)")
            return nil
        }
        defer { unsafe closedir(entries) }
        var names: [String] = []
        while let entry = unsafe readdir(entries) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".yaml"), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted().map { directory.hasSuffix("/") ? directory + $0 : "\(directory)/\($0)" }
    }
}
