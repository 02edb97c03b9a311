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
            Runs in the foreground until it gets TERM or INT. What it enforces outlives it: it is pinned in \
            /sys/fs/bpf/swguard until 'swguard agent --teardown' takes it out, and the next agent takes it over with no \
            moment in between. Events go to \(AuditConfiguration().file ?? "none"), one JSON object a line, and to what the configuration \
            names besides. USR1 begins a new log at its path, for logrotate. HUP, and a change of the directory, \
            read the policies anew: all of them, or none. What 'swguard load' has added is read again, too, and by the \
            next agent.

            Who is confined cannot touch the agent, whatever policies grant: its process, its pins and maps, \
            /etc/swguard, /var/lib/swguard, the log and the socket, where connecting is the policies' affair. Each try is \
            an event of the kind 'tamper'.

            With --sealed, or 'sealed: true' in the configuration, that holds for everybody until the machine starts again: \
            no signals but process 1's, no ptrace, no bpf(2) on its maps, programs and links, no unpinning, unmounting or \
            mounting over, no changes of policies, state, log or the agent's program, no load, unload, reload, rollback or \
            teardown. Nor does anybody change the kernel's memory: what lockdown=integrity denies is denied (modules \
            without a signature, kexec, /dev/mem, ports), and BPF programs that trace or decide are not loaded. An agent \
            that is started again goes on with the policies in force, with the same configuration and socket only; a new \
            version waits for the next start of the machine.

            What root can do still: start the machine anew (with 'swguard=off' on the kernel's command line nothing is \
            enforced), write to the disk beneath the files, use what it held open, had loaded or traced before the seal, \
            end the agent by process 1, by want of memory or by SysRq. What is enforced outlives the agent; events are \
            counted until there is one again. File systems above the agent's files are not unmounted but remounted \
            read-only at shutdown. Keep the log in a directory of its own.
            """)

    @Option(help: ArgumentHelp("Enforce every policy (*.yaml) of a directory.", valueName: "dir"))
    var policies: String?
    @Option(
        help: ArgumentHelp(
            "The agent's configuration; \(AgentConfiguration.standardPath) where that is there.",
            valueName: "file"))
    var config: String?
    @Flag(help: "Take everything out that is enforced, and end.")
    var teardown = false
    @Flag(
        help: """
            Seal: until the machine starts again nobody changes what is enforced, root included, nor the agent, its files or \
            the kernel's memory. It says what it seals, and what it cannot.
            """)
    var sealed = false
    @Argument(help: ArgumentHelp("Policies: files, or names on the policy path.", valueName: "policy"))
    var references: [String] = []

    func validate() throws {
        if teardown {
            guard policies == nil, references.isEmpty else {
                throw ValidationError("--teardown takes out all policies: name none")
            }
            guard !sealed else { throw ValidationError("--teardown and --sealed exclude each other") }
            return
        }
        if policies == nil, references.isEmpty {
            throw ValidationError("name policies, or a directory with --policies")
        }
        if policies != nil, !references.isEmpty {
            throw ValidationError("name policies or a directory, not both")
        }
    }

    func run() throws {
        let log = AgentLog(
            usesColour: Output.usesColour(STDERR_FILENO), hasLevels: AgentLog.isJournal,
            write: { Output.write($0, to: STDERR_FILENO) })
        let context = Agent.Context(
            read: read, readRun: Self.readRun, directory: policies,
            files: (config.map { [$0] } ?? []) + references, isSealed: sealed,
            configuration: { configuration(log) }, log: log,
            version: Build.version, socket: ControlAddress.ofEnvironment())
        switch teardown ? Agent.tearDown(context) : Agent.run(context) {
        case .ended: return
        case .rejected: throw ExitStatus.usage
        case .cannot: throw ExitStatus.cannot
        }
    }

    /// The configuration; nil: it cannot be used, and it has been said why.
    private func configuration(_ log: AgentLog) -> AgentConfiguration? {
        let path = config ?? AgentConfiguration.standardPath
        do throws(PolicyFileError) {
            let file = try HostPolicyFiles().read(path)
            let (configuration, diagnostics) = AgentConfiguration.decode(file.bytes, named: path)
            log.report(diagnostics)
            if let configuration { log.format = configuration.log }
            return configuration
        } catch {
            if config == nil, error.isMissing { return .standard }
            log.error("cannot read configuration '\(path)': \(error.reason)")
            return nil
        }
    }

    /// The policies with their links resolved: of files, or of what was named when it began.
    private func read(_ files: [String]?) -> PolicyReading {
        var reading = PolicyReading()
        let references: [String]
        do throws(Unreadable) {
            references = try named(files)
        } catch {
            return PolicyReading(refusals: [error.text], isIncomplete: true)
        }
        let workspace = Workspace()
        let paths = HostPaths()
        for reference in references {
            let result = workspace.read(reference)
            reading.diagnostics += result.diagnostics.filter { $0.severity != .note }
            if let reason = result.unreadable {
                reading.refusals.append("cannot read policy '\(reference)': \(reason)")
            }
            guard let policy = result.policy else {
                reading.isIncomplete = true
                continue
            }
            let linked = LinkedPolicy(policy, on: paths)
            reading.diagnostics += linked.notes.filter { $0.location.file == policy.file }
            reading.policies.append(linked.policy)
        }
        return reading
    }

    /// The policies of a command, as its client has told them.
    private static func readRun(_ told: JSON) -> PolicyReading {
        guard let request = RunRequest(told) else {
            return PolicyReading(
                refusals: ["the policies have another form: they are of another version"], isIncomplete: true)
        }
        let (policies, diagnostics, refusals) = request.policies()
        return PolicyReading(
            policies: policies, diagnostics: diagnostics, refusals: refusals, isIncomplete: !refusals.isEmpty)
    }

    private struct Unreadable: Error {
        var text: String
    }

    /// Everything that is named, directories as what is in them.
    private func named(_ files: [String]?) throws(Unreadable) -> [String] {
        var all: [String] = []
        for reference in files ?? policies.map({ [$0] }) ?? references {
            var status = stat()
            let isDirectory = unsafe stat(reference, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            guard isDirectory || files == nil && policies != nil else {
                all.append(reference)
                continue
            }
            all += try Self.files(of: reference)
        }
        return all
    }

    /// The policies in a directory, by name.
    private static func files(of directory: String) throws(Unreadable) -> [String] {
        guard let entries = unsafe opendir(directory) else {
            let reason = unsafe String(cString: strerror(errno))
            throw Unreadable(text: "cannot read policies '\(directory)': \(reason)")
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
