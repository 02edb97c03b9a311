public import AuditLog
internal import CLinux
private import Glibc
internal import Policy
internal import Seccomp

/// Stays beside one confined command: sends signals on, answers the calls that the filter hands over, reports
/// denials, and ends as the command ended.
///
/// One thread, one loop. The command stays in the supervisor's process group and session and keeps the terminal, whose
/// modes nobody touches. Descendants that outlive the command stay confined: a process that stays behind gives their
/// calls the answers that the supervisor gave, and reports nothing. If the supervisor is killed, the command's process
/// dies with it, and calls of what is left that would have been reported fail with ENOSYS.
public struct Supervisor: ~Copyable {
    /// Everything the supervisor needs beside the request.
    public struct Context {
        /// Decides what the filter hands over, and says why a command may not be executed. Nil: the filter makes no
        /// listener; whatever one hands over all the same is denied.
        public var judge: (any DenialJudge)?
        /// The first record, but for the process; nil: none is written.
        public var enforcement: EnforcementRecord?
        /// Says what becomes of observed requests; nil: what the judge says of them.
        var domains: DomainJudge?
        /// Tells what the agent's programs deny; nil: the agent is not asked.
        var agent: AgentLink?

        public init(judge: (any DenialJudge)? = nil, enforcement: EnforcementRecord? = nil) {
            self.judge = judge
            self.enforcement = enforcement
        }
    }

    /// Runs the command and gives how it ended, with everything reported.
    public static func run(
        _ request: LaunchRequest, context: Context, reporter: consuming Reporter
    ) -> Outcome {
        let signals: TakenSignals
        do { signals = try TakenSignals.take() } catch { return .notStarted(error) }
        let descriptor = swguard_signal_descriptor()
        if descriptor < 0 {
            let failure = LaunchFailure(.signals, code: errno)
            signals.giveBack()
            return .notStarted(failure)
        }
        defer { close(descriptor) }
        let block = LaunchBlock(request, signals: signals)
        let command: StartedCommand
        do throws(LaunchFailure) {
            command = try Launcher.start(block)
        } catch {
            signals.giveBack()
            return .notStarted(error)
        }
        var supervisor = Supervisor(
            command: command, block: block, signals: descriptor, context: context, reporter: reporter,
            kept: request.supervisorDescriptors + request.layers.map(\.descriptor)
                + (context.agent.map { [$0.descriptor] } ?? []))
        return supervisor.supervise()
    }

    private let process: pid_t
    private let block: LaunchBlock
    private let signals: CInt
    private let context: Context
    private var reporter: Reporter
    private let kept: [CInt]
    private let relay: SignalRelay
    private var listener: CInt?
    private var ownedListener: NotificationListener?
    private var outcome: Outcome?
    private var hasBegun = false

    private init(
        command: StartedCommand, block: consuming LaunchBlock, signals: CInt, context: Context,
        reporter: consuming Reporter, kept: [CInt]
    ) {
        process = command.process
        listener = command.listener
        do throws(SeccompError) {
            if let descriptor = command.listener {
                ownedListener = try NotificationListener(owning: descriptor)
            }
        } catch {
            // Closed, every call that would be handed over fails, which denies.
            StandardError.say("\(error.description); denied system calls are not reported")
            if let descriptor = command.listener { close(descriptor) }
            listener = nil
        }
        self.kept = kept + [signals] + (command.listener.map { [$0] } ?? []) + reporter.descriptors
        self.block = block
        self.signals = signals
        var context = context
        if command.listenerWasTaken { context.enforcement?.reported = .none }
        self.context = context
        self.reporter = reporter
        self.reporter.isDeaf = command.listenerWasTaken
        relay = SignalRelay(leadsSession: getsid(0) == getpid())
    }

    /// How often a command that is not executed yet is looked at, in milliseconds.
    private static let startInterval: CInt = 5
    /// How often counted events are written, in milliseconds.
    private static let reportInterval: CInt = 1000

    private mutating func supervise() -> Outcome {
        // The first record stands before everything that happens, also before the command is executed.
        if block.failure == nil { begin() }
        var hasReleased = false
        while true {
            let isStarting = block.isStarting
            if !hasReleased, !isStarting {
                // Not earlier: until it is executed, the command's descriptors are ours.
                Descriptors.release(keeping: kept)
                hasReleased = true
            }
            if let outcome { return finish(outcome) }
            let timeout = isStarting ? Self.startInterval : reporter.isCounting ? Self.reportInterval : -1
            let ready = swguard_wait_readable(
                signals, listener ?? -1, context.agent?.openDescriptor ?? -1, timeout)
            if ready & 2 != 0 { answer() }
            if ready & 4 != 0 { listener = nil }
            if ready & 8 != 0 { takeEvents() }
            if ready & 1 != 0 { takeSignals(ignoringContinue: false) }
            if reporter.isCounting { reporter.tick(at: .now()) }
        }
    }

    private mutating func begin() {
        guard var record = context.enforcement else { return }
        record.process = reporter.wantsCommandProcess ? ProcessIdentity.read(tid: process) : nil
        reporter.began(record)
        hasBegun = true
    }

    /// Everything that was handed over before the command ended is answered and reported.
    private mutating func finish(_ ended: Outcome) -> Outcome {
        while listener != nil {
            let ready = swguard_wait_readable(-1, listener ?? -1, -1, 0)
            if ready & 2 == 0 { break }
            answer()
        }
        takeLastEvents()
        let outcome = block.failure.map { Outcome.notStarted($0) } ?? ended
        if case .notStarted(let failure) = outcome { explain(failure) }
        // The kernel does not say which call it was; only what ends a process so can be named.
        if outcome == .killed(signal: SIGSYS) { reporter.killers = context.judge?.killers ?? [] }
        reporter.finish(hasBegun ? context.enforcement : nil, outcome: outcome)
        leaveAnswering()
        return outcome
    }

    /// Where somebody outlives the command: leaves a process that answers until nobody has the filter any more. Closed, the
    /// listener would let such calls fail with ENOSYS, which programs take for another kernel. Nothing waits for it.
    private mutating func leaveAnswering() {
        guard let listener, let judge = context.judge, ownedListener?.tellsItsEnd() == true,
            swguard_wait_readable(-1, listener, -1, 0) & 4 == 0, swguard_stay_behind(listener) == 0
        else { return }
        while swguard_wait_readable(-1, listener, -1, -1) & 4 == 0 {
            do throws(SeccompError) {
                guard let waiting = try ownedListener?.receive() else { continue }
                switch judge.answer(to: SystemCall(waiting)) {
                case .refuse(let code, _): try ownedListener?.refuse(waiting.id, errno: code)
                case .letGoOn: try ownedListener?.letContinue(waiting.id)
                }
            } catch {
                // Closed, every such call fails, which denies.
                break
            }
        }
        _exit(0)
    }

    /// An execve that the policy forbids fails before anybody could report it: what the policy says of the file and of
    /// its interpreters is asked here.
    private mutating func explain(_ failure: LaunchFailure) {
        // Observed, it has been reported already.
        guard context.agent == nil, case .execute(let path) = failure.step, failure.code == EACCES,
            let judge = context.judge,
            !judge.observesRequests
        else { return }
        let target = TargetProcess(thread: getpid())
        let base = target.workingDirectory ?? []
        guard case .existing(let file) = target.resolver.resolve(path, from: base, followsLast: true) else {
            return
        }
        for executed in Executable.chain(from: file, resolver: target.resolver, base: base) {
            guard let judgement = judge.judge(.file(path: executed, .execute)),
                judgement.decision.verdict == .deny
            else { continue }
            let report = DenialReport(judgement: judgement, code: EACCES)
            var identity = ProcessIdentity.read(tid: getpid())
            identity.pid = process
            identity.tid = process
            reporter.report(report, key: report.key(executable: identity.exe), process: identity, at: .now())
            return
        }
    }

    // MARK: What the agent's programs deny

    private mutating func takeEvents() {
        while var event = context.agent?.next() {
            event.report.judgement.standing = context.judge?.standing(
                of: event.report.judgement.policy, for: event.report.rule)
            reporter.report(
                event.report, key: event.report.key(executable: event.process.exe), process: event.process,
                at: event.time)
        }
    }

    /// How long the agent may take to tell the last, in milliseconds.
    private static let lastEvents = 10_000

    /// The kernel has decided everything by now; the agent may not have told it.
    private mutating func takeLastEvents() {
        guard let agent = context.agent else { return }
        agent.hangUp()
        let end = swguard_monotonic_milliseconds() + UInt64(Self.lastEvents)
        while agent.openDescriptor >= 0 {
            let now = swguard_monotonic_milliseconds()
            if now >= end { break }
            _ = swguard_wait_readable(-1, -1, agent.openDescriptor, CInt(end - now))
            takeEvents()
        }
        if agent.missed > 0 {
            StandardError.say(
                "\(agent.missed) denials came faster than they were read; the agent's log has them")
        }
    }

    // MARK: Signals and the command's state

    private mutating func takeSignals(ignoringContinue: Bool) {
        var signal = swguard_signal()
        while unsafe swguard_next_signal(signals, &signal) > 0 {
            let number = CInt(bitPattern: signal.number)
            if number == SIGCHLD {
                takeChanges()
            } else if number == SIGCONT, ignoringContinue {
                continue
            } else if outcome == nil, relay.relays(number, from: origin(of: signal)) {
                // It can have ended by itself: then nobody is left to be told.
                _ = unsafe swguard_relay_signal(process, &signal)
            }
        }
    }

    private func origin(of signal: swguard_signal) -> SignalRelay.Origin {
        if signal.origin == SWGUARD_SIGNAL_FROM_KERNEL { return .kernel }
        return ProcessTree.isProcess(signal.sender, inTreeOf: process) ? .command : .process
    }

    private mutating func takeChanges() {
        var change = swguard_change()
        while unsafe swguard_next_change(&change) == 0, change.kind != SWGUARD_CHANGE_NONE {
            // Children that somebody left to us before swguard was executed are reaped and no more.
            if change.process != process { continue }
            switch change.kind {
            case SWGUARD_CHANGE_EXITED: outcome = .exited(status: change.status)
            case SWGUARD_CHANGE_KILLED: outcome = .killed(signal: change.status)
            case SWGUARD_CHANGE_STOPPED: stop(as: change.status)
            default: break
            }
        }
    }

    /// Stops as the command stopped, so that a shell sees its job stop; and wakes the command where only the
    /// supervisor was woken. Who stops and continues the command's process alone, past its process group, must continue
    /// the supervisor too: a stopped process is not told of that. Calls that are handed over wait meanwhile.
    private mutating func stop(as signal: CInt) {
        _ = swguard_stop(signal)
        takeSignals(ignoringContinue: true)
        if outcome == nil, ProcessTree.isStopped(process) { kill(process, SIGCONT) }
    }

    // MARK: Calls that the filter handed over

    private mutating func answer() {
        guard let judge = context.judge else { return refuseUnjudged() }
        let waiting: CallNotification
        do throws(SeccompError) {
            guard let received = try ownedListener?.receive() else { return }
            waiting = received
        } catch {
            return stopListening(error)
        }
        let call = SystemCall(waiting)
        let now = AuditTime.now()
        let refusal: CInt?
        var judgements: [Judgement] = []
        switch judge.answer(to: call) {
        case .refuse(let code, let judgement):
            refusal = code
            if let judgement { judgements = [judgement] }
        case .letGoOn(let judgement):
            refusal = nil
            if let judgement { judgements = [judgement] }
            if judge.observesRequests, let name = judge.name(of: call) {
                judgements += observe(ObservedCall(call, name: name), judge)
            }
        }
        let reports = judgements.map { look(at: $0, of: call.thread, code: refusal, now: now) }
        // Gone, or taken out of the call by a signal: then it has not been refused, and comes again if it was
        // restarted. What was read may have been of another process.
        guard ownedListener?.isWaiting(waiting.id) == true else { return }
        // Said before the caller goes on, so that the line stands before whatever it says of its failure.
        for report in reports {
            reporter.report(report.report, key: report.key, process: report.process, at: now)
        }
        reply(to: waiting.id, refusing: refusal)
    }

    /// What is to be reported of what a call that goes on asks for.
    private func observe(_ call: ObservedCall, _ judge: any DenialJudge) -> [Judgement] {
        let requests = call.requests()
        guard let domains = context.domains else { return requests.compactMap(judge.judge) }
        let asker = LandlockDomain.Asker(
            process: call.target.process, isFirst: call.target.process == process)
        let isSeen = !ObservedCalls.unseenByLandlock.contains(call.name)
        let judgements = requests.compactMap { domains.judge($0, by: asker, isSeen: isSeen) }
        // What is denied for a name is said of that name; only then the two are compared.
        if judgements.contains(where: { $0.decision.verdict == .deny }) { return judgements }
        return judgements
            + (call.move(asking: requests).flatMap { domains.judge($0, by: asker) }.map { [$0] } ?? [])
    }

    /// Makes a call fail with `code`; nil lets the kernel go on with it.
    private mutating func reply(to id: UInt64, refusing code: CInt?) {
        do throws(SeccompError) {
            if let code {
                try ownedListener?.refuse(id, errno: code)
            } else {
                try ownedListener?.letContinue(id)
            }
        } catch {
            stopListening(error)
        }
    }

    /// Nothing can be received or answered any more: closed, every such call fails, which denies.
    private mutating func stopListening(_ error: SeccompError) {
        StandardError.say("\(error.description); it is denied, and later ones are not reported")
        ownedListener = nil
        listener = nil
    }

    private func look(
        at judgement: Judgement, of thread: Int32, code: CInt?, now: AuditTime
    ) -> (report: DenialReport, key: DenialKey, process: ProcessIdentity?) {
        let report = DenialReport(
            judgement: judgement,
            code: code ?? judgement.code ?? judgement.request.usualError)
        let key = report.key(executable: ProcessFile.link("/proc/\(thread)/exe"))
        return (report, key, reporter.wantsProcess(of: key) ? ProcessIdentity.read(tid: thread) : nil)
    }

    /// A filter that hands calls over without anybody to judge them is a bug of the caller: they are denied.
    private mutating func refuseUnjudged() {
        guard let waiting = try? ownedListener?.receive() else { return }
        reply(to: waiting.id, refusing: EPERM)
    }
}
