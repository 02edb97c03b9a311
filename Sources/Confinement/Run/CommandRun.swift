internal import AuditLog
internal import Compiler
internal import Control
private import Glibc
internal import Landlock
internal import Policy
internal import Seccomp

/// One `swguard run`, from its options to the exit status.
struct CommandRun {
    /// The exit status of swguard's own failures; then the command was never started.
    static let failureStatus: Int32 = 125

    /// Why the command is not started: lines for standard error, without `swguard: `.
    struct Refused: Error {
        var lines: [String]

        init(_ lines: String...) { self.lines = lines }
        init(lines: [String]) { self.lines = lines }
    }

    private let options: RunOptions
    private let host: HostEnvironment
    /// What the user called the command, fit for a terminal.
    private var commandName: String { options.command.first.map { AuditText($0).string } ?? "" }

    init(_ options: RunOptions) {
        self.options = options
        host = HostEnvironment.read()
    }

    /// Prints the policy that the options stand for.
    func printPolicy() throws(Refused) {
        for (index, policy) in try source().load().policies.enumerated() {
            do throws(PolicyTextError) {
                if index > 0 { StandardOutput.write("---\n") }
                StandardOutput.write(try policy.yaml())
            } catch {
                throw Refused("cannot print the policy: \(error.text)")
            }
        }
    }

    /// Runs the command and gives the exit status.
    func run() throws(Refused) -> Int32 {
        if let agent = try agent(), let status = try run(through: agent) { return status }
        var prepared = try prepare()
        var (layers, findings, isStale, domains) = try applyLandlock(prepared)
        if prepared.isCached, isStale {
            // A granted path has become a link since the plan was kept: the rule covers what that leads to.
            prepared = try prepare(usingCache: false)
            (layers, findings, isStale, domains) = try applyLandlock(prepared)
        }
        try refuse(findings, obstacle: nil)
        var request = request(for: prepared.plan)
        let plan = prepared.plan
        request.layers = layers
        if options.isExecOnly {
            request.filter = SeccompFilter(bytes: plan.filterBytes)
            let failure = try execute(
                request, Supervision(options, plan: plan, findings: findings, commandName: commandName))
            StandardError.say(failure.message(command: commandName))
            return failure.status
        }
        let notifies = prepared.features.hasUserNotification
        prepared.addFilters(to: &request)
        let supervision = Supervision(options, plan: plan, findings: findings, commandName: commandName)
        if case .descriptor(let number) = options.audit { request.supervisorDescriptors = [number] }
        let judge =
            notifies
            ? PlanJudge(plan, observes: prepared.observes) { [self] in prepared.evaluators ?? evaluators() }
            : nil
        var context = Supervisor.Context(
            judge: judge, enforcement: supervision.record(hasLandlock: !layers.isEmpty, canNotify: notifies))
        if prepared.observes, let evaluators = prepared.evaluators {
            context.domains = DomainJudge(plan, evaluators: evaluators, domains: domains)
        }
        let outcome = Supervisor.run(
            request, context: context,
            reporter: try supervision.reporter(hasLandlock: !layers.isEmpty))
        if case .notStarted(let failure) = outcome {
            StandardError.say(failure.message(command: commandName))
        }
        return outcome.status
    }

    /// What is the same whatever enforces.
    private func request(for plan: Plan) -> LaunchRequest {
        let environment = unsafe RunEntry.strings(environ)
        var request = LaunchRequest(
            arguments: options.command, environment: environment,
            candidates: CommandLookup.candidates(
                for: options.command[0], path: CommandLookup.path(in: environment)))
        request.keptCapabilities = plan.keptCapabilities
        request.keptDescriptors = options.keptDescriptors
        return request
    }

    // MARK: the agent

    /// The agent, where it is to enforce; nil: Landlock does.
    private func agent() throws(Refused) -> AgentLink? {
        if options.backend == .landlock { return nil }
        do throws(ControlClientError) {
            return try AgentLink(isRequired: options.backend == .lsm)
        } catch {
            if options.backend == .lsm { throw Refused("cannot confine '\(commandName)': \(error.text)") }
            try doWithout(error)
            return nil
        }
    }

    /// Goes on with Landlock, where that may be: it enforces the same or refuses to.
    private func doWithout(_ error: ControlClientError) throws(Refused) {
        if options.backend == .lsm {
            throw Refused("cannot confine '\(commandName)' by the agent: \(error.text)")
        }
        StandardError.say("the agent does not confine '\(commandName)', and Landlock is used: \(error.text)")
    }

    /// What the agent says to being asked for layers.
    private enum Confining {
        case done(ConfineResult)
        /// It must be told what the policies are made from.
        case unknown
        /// It was said why.
        case unable
    }

    /// Runs the command under layers of the agent's, and gives the exit status; nil: the agent cannot confine it.
    private func run(through agent: AgentLink) throws(Refused) -> Int32? {
        var prepared = try prepare(throughAgent: true)
        var answer = try confine(prepared, agent)
        if case .unknown = answer, prepared.request == nil {
            // All that the policies are made from is told: they are read anew.
            prepared = try prepare(usingCache: false, throughAgent: true)
            answer = try confine(prepared, agent)
        }
        switch answer {
        case .done(let result): return try run(prepared, under: result, agent)
        case .unable: return nil
        case .unknown: throw Refused("cannot confine '\(commandName)' by the agent: a policy is no text")
        }
    }

    private func run(
        _ prepared: Prepared, under result: ConfineResult, _ agent: AgentLink
    ) throws(Refused) -> Int32 {
        let plan = prepared.plan
        var request = request(for: plan)
        request.agentLayers = result.layers
        request.session = result.session
        let supervision = Supervision(options, plan: plan, findings: [], commandName: commandName)
        if options.isExecOnly {
            request.filter = SeccompFilter(bytes: plan.filterBytes)
            let failure = try execute(request, supervision, generation: result.generation)
            StandardError.say(failure.message(command: commandName))
            return failure.status
        }
        prepared.addFilters(to: &request)
        if case .descriptor(let number) = options.audit { request.supervisorDescriptors = [number] }
        let notifies = prepared.features.hasUserNotification
        let judge =
            notifies
            ? PlanJudge(plan, observes: false) { [self] in prepared.evaluators ?? evaluators() } : nil
        var context = Supervisor.Context(
            judge: judge,
            enforcement: supervision.record(
                hasLandlock: false, canNotify: notifies, generation: result.generation))
        context.agent = agent
        let outcome = Supervisor.run(
            request, context: context, reporter: try supervision.reporter(hasLandlock: false))
        if case .notStarted(let failure) = outcome {
            StandardError.say(failure.message(command: commandName))
        }
        return outcome.status
    }

    /// Has the layers of the policies made, by all that these are made from, or by the digest of it.
    private func confine(_ prepared: Prepared, _ agent: AgentLink) throws(Refused) -> Confining {
        if prepared.plan.requestDigest.isEmpty { return .unknown }
        do throws(ControlClientError) {
            return try agent.confine(
                prepared.plan.requestDigest, policies: prepared.request, isFollowed: !options.isExecOnly
            ).map { .done($0) } ?? .unknown
        } catch {
            guard case .rejected(let diagnostics, let reasons) = error else {
                try doWithout(error)
                return .unable
            }
            let formatter = DiagnosticFormatter(usesColour: PolicySource.usesColour)
            for diagnostic in diagnostics { StandardError.write(formatter.text(diagnostic)) }
            throw Refused(
                lines: (reasons.isEmpty ? ["it does not take its policies"] : reasons).map {
                    "cannot confine '\(commandName)' by the agent: \($0)"
                })
        }
    }

    private static func digest(_ request: JSON) -> String {
        String(
            decoding: SHA256.hexadecimal(SHA256.hash(Array(request.text.utf8))[...]), as: UTF8.self)
    }

    /// Replaces this process by the command, with the first record for the last word: nobody stays to report more.
    /// Comes back where that fails.
    private func execute(
        _ request: LaunchRequest, _ supervision: Supervision, generation: Int? = nil
    ) throws(Refused) -> LaunchFailure {
        let hasLandlock = !request.layers.isEmpty
        guard
            var record = supervision.record(
                hasLandlock: hasLandlock, canNotify: false, generation: generation)
        else {
            return Launcher.execute(request)
        }
        var reporter = try supervision.reporter(hasLandlock: hasLandlock)
        record.process = reporter.wantsCommandProcess ? ProcessIdentity.read(tid: getpid()) : nil
        reporter.began(record)
        let failure = Launcher.execute(request)
        reporter.finish(record, outcome: .notStarted(failure))
        return failure
    }

    /// The policies, for what the plan alone cannot say; none where they cannot be read any more.
    private func evaluators() -> [Evaluator] {
        let policies = (try? source().load())?.policies ?? []
        return policies.map { Evaluator($0, vocabulary: SyscallTable.vocabulary) }
    }

    // MARK: the plan

    /// A plan that may be run, and what watches it.
    private struct Prepared {
        var plan: Plan
        var features: KernelFeatures
        var isCached = false
        /// Whether the requests of calls that go on are looked at.
        var observes = false
        /// The policies; nil: only the plan is at hand.
        var evaluators: [Evaluator]?
        /// All that the agent is to be told; nil: only the plan is at hand, or the agent is not asked.
        var request: JSON?

        /// The filter of a supervised command.
        func addFilters(to request: inout LaunchRequest) {
            request.filter = SeccompFilter(
                bytes: plan.filterBytes,
                flags: features.hasUserNotification ? features.notificationFlags : 0)
            if !plan.plainFilterBytes.isEmpty {
                request.filterWithoutListener = SeccompFilter(bytes: plan.plainFilterBytes)
            }
        }
    }

    private func source() throws(Refused) -> PolicySource {
        if options.policies.isEmpty, options.rules.isEmpty {
            throw Refused("no policy: give --policy P, or rules such as --read P; see 'swguard run --help'")
        }
        if options.policies.count > 1, !options.rules.isEmpty {
            throw Refused(
                "rules on the command line go with one --policy, and \(options.policies.count) are given")
        }
        if options.rules.contains(where: { $0.kind == .noNetwork }),
            let other = options.rules.first(where: { $0.kind == .connect || $0.kind == .bind })
        {
            throw Refused("--no-network and --\(other.kind.rawValue) contradict each other: give one of them")
        }
        return PolicySource(options, host: host)
    }

    private func prepare(
        usingCache: Bool = true, throughAgent: Bool = false
    ) throws(Refused) -> Prepared {
        let source = try source()
        let (features, obstacle) = KernelFeatures.probe()
        // The agent's programs tell what they deny, and what they would.
        let observes = (options.explains || options.complains) && !throughAgent
        let cache =
            observes || options.complains || source.readsStandardInput || !BuildIdentity.isKnown
            ? nil : PlanCache(host.cacheDirectory)
        let identity = cache == nil ? [] : source.identity(features: features, isThroughAgent: throughAgent)
        if usingCache, let plan = cache?.plan(for: identity) {
            return Prepared(plan: plan, features: features, isCached: true)
        }

        var loaded = try source.load()
        for index in loaded.policies.indices where options.complains {
            loaded.policies[index].mode = .complain
        }
        try refuseLayers(loaded.policies.count)
        let complains = loaded.policies.contains { $0.mode == .complain }
        if complains, throughAgent {
            StandardError.say("complain mode: nothing is denied")
        } else if complains {
            StandardError.say(
                "complain mode: nothing is denied; what would be is observed by notification, which is slow and "
                    + "open to races")
        }
        if observes || complains, options.isExecOnly, !throughAgent {
            throw Refused(
                "cannot observe '\(commandName)' with --exec-only: nobody stays to see what it does")
        }
        if observes || complains, !throughAgent, !features.hasUserNotification {
            throw Refused(
                "cannot observe '\(commandName)': the kernel has no seccomp notification (Linux 5.5)")
        }
        try refuse(
            loaded.policies.flatMap {
                ProtectedPlaces.findings(
                    in: $0, cacheDirectory: host.cacheDirectory, policyPath: host.policyPath)
            }, obstacle: nil)
        let isObserved = observes || complains && !throughAgent
        var plan: Plan
        do throws(FilterError) {
            plan = try PolicyCompiler.compile(
                loaded.policies, features: features,
                supervision: isObserved
                    ? .observing(FilterFlavor.observable(ObservedCalls.names))
                    : options.isExecOnly ? .none : .supervised,
                backend: throughAgent ? .lsm : .landlock)
        } catch {
            throw Refused(error.description)
        }
        // Without Landlock that is what is the matter, whatever else the findings name.
        try refuse(plan.coverage.flatMap(\.findings), obstacle: throughAgent ? nil : obstacle)
        let request = throughAgent ? source.told(loaded) : nil
        plan.requestDigest = request.map(Self.digest) ?? ""
        if !isObserved { cache?.store(plan, for: identity, madeFrom: loaded.inputs) }
        return Prepared(
            plan: plan, features: features, observes: isObserved,
            evaluators: loaded.policies.map { Evaluator($0, vocabulary: SyscallTable.vocabulary) },
            request: request)
    }

    /// How many policies a process carries at most, and how many of them users other than root put there.
    private static let maximumLayers = (all: 8, byUsers: 4)

    private func refuseLayers(_ count: Int) throws(Refused) {
        let isRoot = geteuid() == 0
        let limit = isRoot ? Self.maximumLayers.all : Self.maximumLayers.byUsers
        guard count > limit else { return }
        throw Refused(
            "cannot confine '\(commandName)': \(count) policies are given, and a process carries at most \(limit)"
                + (isRoot ? "" : " put there by a user who is not root"))
    }

    /// Throws where the findings stand against running.
    private func refuse(_ findings: [Coverage.Finding], obstacle: String?) throws(Refused) {
        guard
            let refusal = Refusal(
                findings, isStrict: options.isStrict, allowsPartial: options.allowsPartial)
        else { return }
        if let obstacle {
            throw Refused("cannot confine '\(commandName)': \(obstacle); run 'swguard doctor'")
        }
        throw Refused(
            lines: refusal.findings.map { "cannot confine '\(commandName)': \($0.line)" } + [refusal.hint])
    }

    /// - Returns: The rulesets, oldest first, and the domain of each policy that has one where requests are observed.
    private func applyLandlock(
        _ prepared: Prepared
    ) throws(Refused) -> (
        layers: [LandlockLayer], findings: [Coverage.Finding], isStale: Bool, domains: [Int: LandlockDomain]
    ) {
        var layers: [LandlockLayer] = []
        var domains: [Int: LandlockDomain] = [:]
        var findings: [Coverage.Finding] = []
        var isStale = false
        for (index, layer) in prepared.plan.layers.enumerated() where layer.recipe.isNeeded {
            do {
                let ruleset = try LandlockApplication.prepare(layer.recipe, keepsLedger: prepared.observes)
                findings += ruleset.findings
                isStale = isStale || ruleset.isStale
                if prepared.observes { domains[index] = LandlockDomain(ruleset, recipe: layer.recipe) }
                layers.append(LandlockLayer(ruleset))
            } catch {
                throw Refused("cannot confine '\(commandName)': \(error.description)")
            }
        }
        return (layers, findings, isStale, domains)
    }
}
