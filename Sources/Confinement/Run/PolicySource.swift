internal import AuditLog
internal import Compiler
private import Glibc
internal import Landlock
internal import Policy

/// Where the policies of one run come from: references, rules on the command line, and the host.
struct PolicySource {
    private let options: RunOptions
    private let host: HostEnvironment

    init(_ options: RunOptions, host: HostEnvironment) {
        self.options = options
        self.host = host
    }

    /// Policies ready to be compiled.
    struct Loaded {
        /// Includes in place, links resolved; oldest layer first.
        var policies: [Policy] = []
        var inputs = PlanInputs()
        /// The files themselves, built-in ones, too.
        var files: [PolicyInput] = []
        /// Literal beginnings of patterns that lead elsewhere, through links.
        var detours: [[UInt8]: [UInt8]] = [:]
    }

    /// Standard input can be read once, and nothing that was read there can be looked at again.
    var readsStandardInput: Bool { options.policies.contains { $0.bytes == [UInt8(ascii: "-")] } }

    /// Reads everything; says on standard error what is wrong with it.
    func load() throws(CommandRun.Refused) -> Loaded {
        let loader = PolicyLoader(
            vocabulary: SyscallTable.vocabulary, variables: host.variables, files: BuiltInPolicies(),
            searchPath: host.policyPath)
        var loaded = Loaded()
        for reference in options.policies {
            let name = String(decoding: reference.bytes, as: UTF8.self)
            try take(loader.load(name), named: name, into: &loaded)
        }
        loaded.policies = PolicyAssembly.eachOnce(loaded.policies)
        if !options.rules.isEmpty || options.policies.isEmpty { try addRules(to: &loaded, loader: loader) }
        for index in loaded.policies.indices {
            let linked = LinkedPolicy(loaded.policies[index])
            loaded.policies[index] = linked.policy
            loaded.inputs.links += linked.links
            loaded.detours.merge(linked.detours) { first, _ in first }
        }
        return loaded
    }

    private func addRules(to loaded: inout Loaded, loader: PolicyLoader) throws(CommandRun.Refused) {
        for rule in options.rules where rule.kind.isPath {
            loaded.inputs.links.append(
                .init(path: rule.value.bytes, target: LinkedPolicy.target(of: rule.value.bytes)))
        }
        var assembly = PolicyAssembly(loader)
        do throws(CommandLinePolicy.Failure) {
            try assembly.addRules(
                options.rules, to: loaded.policies, isBare: options.isBare,
                protecting: ProtectedPlaces.of(host))
        } catch {
            throw CommandRun.Refused(error.text)
        }
        if let result = assembly.completed {
            try take(result, named: CommandLinePolicy.name, into: &loaded)
        } else {
            loaded.policies = assembly.policies
        }
    }

    private func take(
        _ result: LoadedPolicy, named name: String, into loaded: inout Loaded
    ) throws(CommandRun.Refused) {
        let name = AuditText(Array(name.utf8)).string
        if let reason = result.unreadable {
            throw CommandRun.Refused("cannot read policy '\(name)': \(AuditText(Array(reason.utf8)).string)")
        }
        let formatter = DiagnosticFormatter(usesColour: Self.usesColour)
        for diagnostic in result.diagnostics where diagnostic.severity != .note {
            StandardError.write(formatter.text(diagnostic))
        }
        guard let policy = result.policy else {
            throw CommandRun.Refused("cannot use policy '\(name)': it has errors")
        }
        loaded.policies.append(policy)
        loaded.files += result.inputs
        loaded.inputs.files += result.inputs.map(\.path).filter { !$0.hasPrefix(BuiltInPolicies.directory) }
        loaded.inputs.missing += result.missing.filter { !$0.hasPrefix(BuiltInPolicies.directory) }
    }

    /// All that the agent needs to make the same policies; nil: it cannot be told, since a file is no text.
    func told(_ loaded: Loaded) -> JSON? {
        let resolved = options.rules.map { rule in
            var rule = rule
            if rule.kind.isPath { rule.value.bytes = HostEnvironment.realPath(rule.value.bytes) ?? [] }
            return rule
        }
        return RunRequest(
            references: options.policies.map { String(decoding: $0.bytes, as: UTF8.self) },
            files: loaded.files, search: host.policyPath, variables: host.variables,
            links: loaded.detours, rules: resolved, protected: ProtectedPlaces.of(host),
            isBare: options.isBare, complains: options.complains
        ).json
    }

    static var usesColour: Bool {
        isatty(STDERR_FILENO) == 1 && (HostEnvironment.variable("NO_COLOR") ?? "").isEmpty
    }

    /// What a cached plan for the same command line must have in common with this one, as a hash: everything but the
    /// contents of files.
    func identity(features: KernelFeatures, isThroughAgent: Bool) -> [UInt8] {
        var identity = PlanIdentity()
        identity.add(BuildIdentity.bytes)
        identity.add(UInt64(options.policies.count))
        for reference in options.policies { identity.add(reference.bytes) }
        identity.add(UInt64(options.rules.count))
        for rule in options.rules {
            identity.add(rule.kind.rawValue)
            identity.add(rule.value.bytes)
        }
        host.add(to: &identity)
        identity.add(options.isStrict)
        identity.add(options.allowsPartial)
        identity.add(options.isBare)
        identity.add(options.isExecOnly)
        identity.add(isThroughAgent)
        let landlock = features.landlock
        identity.add(landlock?.fileRights.rawValue ?? 0)
        identity.add(landlock?.networkRights.rawValue ?? 0)
        identity.add(landlock?.scopes.rawValue ?? 0)
        identity.add(UInt64(landlock?.abi ?? 0))
        identity.add(features.hasUserNotification)
        identity.add(UInt64(features.notificationFlags))
        identity.add(features.isPrivileged)
        identity.add(features.isFiltered)
        return identity.hash
    }
}
