internal import AuditLog
internal import BPF
internal import CLinux
internal import CSwguardBPF
internal import Compiler
internal import Control
private import Glibc
public import Policy

/// The host-wide agent, in the foreground: loads policies into the kernel and writes what is denied. What it enforces
/// outlives it.
///
/// One thread, one loop over the ring buffer, clients, the policy directory and signals.
public struct Agent: ~Copyable {
    /// What the agent needs of whoever starts it.
    public struct Context {
        /// Reads policies: what the agent was started with, or, of a client, files.
        public var read: ([String]?) -> PolicyReading
        /// Reads the policies of a command as a client has told them; no file is looked at.
        public var readRun: (JSON) -> PolicyReading
        /// The directory that all policies are read from; nil: they were named one by one.
        public var directory: String?
        /// The files that it was started with: nobody who is confined changes them.
        public var files: [String]
        /// Whether nobody is to change what is enforced until the machine starts again.
        public var isSealed: Bool
        /// What it is told besides; nil: it cannot be used, and it has been said why.
        public var configuration: () -> AgentConfiguration?
        public var log: AgentLog
        public var version: String
        /// Where clients ask it: an absolute path.
        public var socket: String

        public init(
            read: @escaping ([String]?) -> PolicyReading,
            readRun: @escaping (JSON) -> PolicyReading, directory: String?, files: [String] = [],
            isSealed: Bool = false,
            configuration: @escaping () -> AgentConfiguration?,
            log: AgentLog, version: String, socket: String
        ) {
            self.read = read
            self.readRun = readRun
            self.directory = directory
            self.files = files
            self.isSealed = isSealed
            self.configuration = configuration
            self.log = log
            self.version = version
            self.socket = socket
        }
    }

    /// How it ended.
    public enum Outcome: Hashable, Sendable {
        /// It was asked to.
        case ended
        /// The policies cannot be used; what was enforced still is.
        case rejected
        /// The kernel or the privileges do not allow it; it has been said why.
        case cannot
    }

    /// Enforces until TERM or INT; what is enforced then still is.
    public static func run(_ context: Context) -> Outcome {
        let signals = swguard_agent_signals()
        guard signals >= 0 else {
            context.log.error("cannot take signals: \(text(of: errno))")
            return .cannot
        }
        defer { close(signals) }
        guard let configuration = context.configuration() else { return .rejected }
        do throws(StartError) {
            // Without it a sealed agent's successor may not even listen.
            try succeedSealed(context, configuration)
        } catch {
            if let text = error.text { context.log.error("cannot enforce: \(text)") }
            return error.outcome
        }
        let server: ControlServer
        do throws(ControlError) {
            // First of all: where another agent runs, this one touches nothing.
            server = try ControlServer(
                ControlSocket(path: context.socket),
                ControlService(version: context.version))
        } catch {
            context.log.error(error.description)
            return .cannot
        }
        if BootGuard.isOff(commandLine: BootGuard.commandLine) {
            context.log.warning("not enforcing: the kernel's command line says swguard=off")
            return .ended
        }
        do throws(StartError) {
            var agent = try begin(context, configuration, server)
            agent.service = .ofEnvironment()
            agent.metrics = MetricsFile(configuration.metrics)
            agent.service.tell(.ready, agent.summary)
            agent.loop(signals)
            return .ended
        } catch {
            if let text = error.text { context.log.error("cannot enforce: \(text)") }
            return error.outcome
        }
    }

    let context: Context
    let pins: PinDirectory
    let build: ProgramBuild
    /// Nobody but this agent and its successors changes anything, and they change no policy.
    var isSealed = false
    let places: OwnPlaces
    /// Programs that were found to be missing.
    var missingPrograms: [String] = []
    let shared: SharedMaps
    let state: StateDirectory
    var enforcement: Enforcement
    var server: ControlServer
    var slots: Slots
    /// The highest number that a generation has had.
    var lastNumber: UInt32
    /// The policies in force; nil: an agent before this one placed them.
    var models: [Policy]?
    /// What was compiled of them, and what was before; nil: another agent placed it.
    var base: Compiled?
    var previousBase: Compiled?
    /// The number of the generation that an agent before this one had in force.
    var formerNumber: UInt32?
    /// The policies that `swguard run` brought.
    var runs = RunLayers()
    private var nextReclaim: UInt64 = 0
    /// The files of those that clients have loaded.
    var loaded: [GenerationRecord.Loaded] = []
    var writer: AuditTrail
    var aggregator = EventAggregator()
    /// Generations that are gone and may have events in the ring, oldest first.
    var past: [(number: UInt32, legends: [PolicyLegend?])] = []
    var ledger: EventLedger
    var names = ProcessNames()
    var rate: RateLimit
    /// Slots of which an agent that was killed may have taken records that it did not account for, and when it was seen last.
    var owed: Set<Int> = []
    var seen: [Int: AuditTime] = [:]
    /// Of the records of no policy, how many were told to be lost.
    var toldOwnLost = 0
    /// How many objects that could not be bound.
    var toldUnbound: UInt64 = 0
    var lastLook = AuditTime.now()
    /// By the clock of `ControlServer.now`.
    private var nextLook: UInt64 = 0
    var watch: DirectoryWatch?
    private var service = ServiceManager.none
    private var metrics: MetricsFile?
    /// This boot, until it has lasted.
    var trial: BootGuard.Trial?
    /// When it began, and when the generation in force did.
    let since = AuditTime.now()
    var changed = AuditTime.now()
    /// Tasks that had no room for a policy, when policies were loaded last.
    var refused = 0

    /// An agent for a set of programs, of which nothing has been read yet.
    init(
        _ context: Context, _ configuration: AgentConfiguration, _ enforcement: consuming Enforcement,
        _ server: consuming ControlServer, pins: PinDirectory, build: ProgramBuild, places: OwnPlaces,
        shared: consuming SharedMaps, state: StateDirectory
    ) throws(StartError) {
        let slots = try StartError.unless { () throws(KernelError) in try Slots(of: shared.slots) }
        let accounts = try StartError.unless { () throws(KernelError) in try shared.makeAccounts() }
        let unsettled = UnsettledLines(accounts)
        let writer: AuditTrail
        do throws(LogError) {
            writer = try AuditTrail(
                AuditTrail.Settings(configuration.audit), boot: ProcessFile.bootID(),
                host: ProcessFile.hostName(), done: unsettled.settle(upTo:))
        } catch {
            throw StartError(.cannot, error.description)
        }
        self.slots = slots
        ledger = EventLedger(accounts, unsettled)
        rate = RateLimit(limit: configuration.audit.rate)
        let lines = LineAccounts(slots, Self.legends(of: enforcement))
        ledger.goOn(
            inLog: configuration.audit.file, last: writer.firstBehind, slot: lines.slot(of:)
        ) { line in
            configuration.audit.file.map { LogPlace($0).records(after: line) } ?? []
        }
        if shared.areNew {
            context.log.warning(
                "what events were counted until now was another version's: they are counted from here on")
        }
        self.writer = writer
        self.context = context
        self.enforcement = enforcement
        self.server = server
        self.pins = pins
        self.build = build
        self.places = places
        self.shared = shared
        self.state = state
        lastNumber = state.highestNumber
    }

    /// What is said of a kernel where tasks' storage can be busy.
    static let busyStorage =
        "this kernel is preempted where it looks for a task's policies: what cannot be decided is denied"

    /// How often counters are looked at, in milliseconds.
    private static let interval: UInt64 = 1000
    /// How often layers are looked for that nobody uses, in milliseconds.
    private static let reclaimInterval: UInt64 = 15_000

    private mutating func loop(_ signals: CInt) {
        let epoll = swguard_epoll_create()
        defer { if epoll >= 0 { close(epoll) } }
        guard epoll >= 0, swguard_epoll_add(epoll, signals) == 0,
            swguard_epoll_add(epoll, server.descriptor) == 0,
            watch.map({ swguard_epoll_add(epoll, $0.descriptor) == 0 }) ?? true
        else {
            context.log.error("cannot wait for events: \(Self.text(of: errno))")
            return end("cannot wait for events")
        }
        var events: CInt = -1
        while true {
            // Another set of programs has another ring; the one before was open beside it, so that its number is another.
            if enforcement.eventDescriptor != events {
                events = enforcement.eventDescriptor
                guard swguard_epoll_add(epoll, events) == 0 else {
                    context.log.error("cannot wait for events: \(Self.text(of: errno))")
                    return end("cannot wait for events")
                }
            }
            let ready = swguard_epoll_wait(epoll, patience)
            // Also when nothing woke it: records of a storm come without.
            writeEvents()
            let now = ControlServer.now
            writeHeld(aggregator.due(now: now))
            let isTime = now >= nextLook
            if isTime {
                // A change of policies takes its time.
                if now > nextLook + Self.interval, nextLook > 0 { server.excuse(now - nextLook) }
                nextLook = now + Self.interval
                tellLosses()
                noticeMissing()
                for text in writer.turn() { context.log.warning(text) }
                noteTold()
                service.turn(now: now)
                if trial?.isOver(now: now) ?? false { endTrial() }
                if metrics?.isDue(now: now) ?? false { writeMetrics(now: now) }
                if now >= nextReclaim {
                    nextReclaim = now + Self.reclaimInterval
                    reclaim(now: now)
                    // What many clients and long answers took is given back.
                    swguard_release_memory()
                }
            }
            if isTime || ready == server.descriptor { server.turn(now: now) }
            endSessions()
            // One call, and then events again: who asks much does not keep them waiting.
            if let call = server.nextCall(now: now) {
                if case .confine(let request) = call.request {
                    confine(request, call)
                } else {
                    let answer = answer(call.request, from: call.peer)
                    server.answer(call, answer, now: ControlServer.now)
                }
            }
            if watch?.isSettled(now: now) ?? false { reloadChanged() }
            while ready == signals {
                let signal = swguard_agent_next_signal(signals)
                if signal == 0 { break }
                switch signal {
                case SIGHUP:
                    service.tell(.reloading, "reading the policies anew")
                    reloadAll()
                    service.tell(.ready, summary)
                case SIGUSR1: writer.reopen()
                default: return end(nil)
                }
            }
        }
    }

    /// How long there is nothing to do but what wakes it, in milliseconds.
    private var patience: CInt {
        if server.hasCalls { return 0 }
        let next = min(nextLook, aggregator.nextEnd ?? .max, watch?.settles ?? .max)
        let now = ControlServer.now
        return next <= now ? 0 : CInt(clamping: next - now)
    }

    /// Leaves everything in the kernel as it is.
    private mutating func end(_ reason: String?) {
        service.tell(.stopping, "what is enforced still is")
        writeAllEvents()
        writeHeld(aggregator.flush())
        tellLosses()
        write(.agent(AgentRecord(state: .stopped, reason: reason)))
        endTrail()
        context.log.info(
            isSealed
                ? "what is enforced still is, and \(Self.sealedText)"
                : "what is enforced still is; 'swguard agent --teardown' takes it out")
    }

    private mutating func endTrial() {
        if let reason = trial?.end() { context.log.error("cannot note that this boot has lasted: \(reason)") }
        trial = nil
    }

    private mutating func writeMetrics(now: UInt64) {
        let (status, policies) = report
        if let reason = metrics?.write(status.metrics(policies), now: now) { context.log.error(reason) }
    }

    mutating func endTrail() {
        for text in writer.end() { context.log.warning(text) }
    }

    static func text(of code: CInt) -> String { unsafe String(cString: strerror(code)) }
}

/// Policies as they were read.
public struct PolicyReading {
    /// All that were asked for, where all are good.
    public var policies: [Policy]
    public var diagnostics: [Diagnostic]
    /// Why some could not be read at all: `cannot read policy 'x': …`.
    public var refusals: [String]
    /// Whether policies are missing.
    public var isIncomplete: Bool

    public init(
        policies: [Policy] = [], diagnostics: [Diagnostic] = [], refusals: [String] = [],
        isIncomplete: Bool = false
    ) {
        self.policies = policies
        self.diagnostics = diagnostics
        self.refusals = refusals
        self.isIncomplete = isIncomplete
    }
}

/// Why an agent does not begin.
struct StartError: Error {
    var outcome: Agent.Outcome
    /// nil: it has been said.
    var text: String?

    init(_ outcome: Agent.Outcome, _ text: String? = nil) {
        self.outcome = outcome
        self.text = text
    }

    /// What `body` makes; its error is why no agent begins.
    static func unless<Made: ~Copyable, Failure: StartFailure>(
        _ body: () throws(Failure) -> Made
    ) throws(StartError) -> Made {
        do throws(Failure) { return try body() } catch { throw StartError(.cannot, error.text) }
    }
}

/// An error for which an agent does not begin.
protocol StartFailure: Error {
    var text: String { get }
}

extension PinError: StartFailure {}
extension ArenaError: StartFailure {}
extension KernelError: StartFailure {
    var text: String {
        description.hasPrefix("cannot ") ? "the kernel did not \(description.dropFirst(7))" : description
    }
}
