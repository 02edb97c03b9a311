internal import AuditLog
internal import BPF
internal import CLinux
internal import CSwguardBPF
internal import Compiler
internal import Control
private import Glibc
public import Policy

/// The host-wide agent, in the foreground: loads policies into the kernel, writes what is denied, and takes everything out
/// when it ends.
///
/// One thread, one loop over the ring buffer, clients and signals.
public struct Agent: ~Copyable {
    /// What the agent needs of whoever starts it.
    public struct Context {
        /// The policies, resolved; nil: they cannot be used, and it has been said why.
        public var policies: () -> [Policy]?
        /// What it is told besides; nil: it cannot be used, and it has been said why.
        public var configuration: () -> AgentConfiguration?
        /// Prints diagnostics of policies.
        public var report: ([Diagnostic]) -> Void
        /// Says something on standard error: `swguard: …`.
        public var say: (String) -> Void
        public var version: String
        /// Where clients ask it: an absolute path.
        public var socket: String

        public init(
            policies: @escaping () -> [Policy]?, configuration: @escaping () -> AgentConfiguration?,
            report: @escaping ([Diagnostic]) -> Void,
            say: @escaping (String) -> Void, version: String, socket: String
        ) {
            self.policies = policies
            self.configuration = configuration
            self.report = report
            self.say = say
            self.version = version
            self.socket = socket
        }
    }

    /// How it ended.
    public enum Outcome: Hashable, Sendable {
        /// It was asked to.
        case ended
        /// The policies cannot be used; nothing was loaded.
        case rejected
        /// The kernel or the privileges do not allow it; it has been said why.
        case cannot
    }

    /// Enforces until TERM or INT.
    public static func run(_ context: Context) -> Outcome {
        let signals = swguard_agent_signals()
        guard signals >= 0 else {
            context.say("cannot take signals: \(text(of: errno))")
            return .cannot
        }
        defer { close(signals) }
        let server: ControlServer
        do throws(ControlError) {
            // First of all: where another agent runs, this one touches nothing.
            server = try ControlServer(
                ControlSocket(path: context.socket),
                ControlService(version: context.version, owner: geteuid()))
        } catch {
            context.say(error.description)
            return .cannot
        }
        guard let policies = context.policies() else { return .rejected }
        var slots = Slots()
        guard let configuration = context.configuration(),
            let (tables, held) = compile(policies, slots: &slots, configuration, context)
        else { return .rejected }
        let enforcement: Enforcement
        do throws(KernelError) {
            var started = try Enforcement(
                Enforcement.Sizes(for: tables), isCaching: configuration.isCaching)
            guard try started.probe() else {
                context.say(
                    "cannot enforce: the kernel runs no BPF LSM programs; add 'bpf' to its command line's lsm=, "
                        + "see /sys/kernel/security/lsm")
                return .cannot
            }
            enforcement = started
        } catch {
            context.say("cannot enforce: \(reason(of: error))")
            return .cannot
        }
        let trail: AuditTrail
        do throws(LogError) {
            trail = try AuditTrail(
                AuditTrail.Settings(configuration.audit), boot: ProcessFile.bootID(),
                host: ProcessFile.hostName())
        } catch {
            context.say(error.description)
            return .cannot
        }
        var agent = Agent(context, enforcement, server, trail, slots: slots)
        guard agent.begin(tables, held) else {
            agent.endTrail()
            return .cannot
        }
        agent.loop(signals)
        return .ended
    }

    let context: Context
    var enforcement: Enforcement
    private var server: ControlServer
    private var slots: Slots
    var writer: AuditTrail
    var aggregator = EventAggregator()
    var ledger = EventLedger()
    var names = ProcessNames()
    /// What was lost of each policy and has been told of.
    var told: [LossKey: UInt64] = [:]
    /// How many objects that could not be bound.
    var toldUnbound: UInt64 = 0
    var lastLook = AuditTime.now()
    /// What the loop waits for; less than 0: it does not yet.
    private var epoll: CInt = -1
    /// By the clock of `ControlServer.now`.
    private var nextLook: UInt64 = 0
    /// When it began, and when the generation in force did.
    let since = AuditTime.now()
    private(set) var changed = AuditTime.now()
    /// Tasks that had no room for a policy, when policies were loaded last.
    var refused = 0
    /// What is enforced of each policy in force, by its name.
    private(set) var sections: [String: [PolicyStatus.Section]] = [:]

    private init(
        _ context: Context, _ enforcement: consuming Enforcement, _ server: consuming ControlServer,
        _ writer: consuming AuditTrail, slots: Slots
    ) {
        self.context = context
        self.enforcement = enforcement
        self.server = server
        self.slots = slots
        self.writer = writer
    }

    /// What is said of a kernel where tasks' storage can be busy.
    static let busyStorage =
        "this kernel is preempted where it looks for a task's policies: what cannot be decided is denied"

    /// How often counters are looked at, in milliseconds.
    private static let interval: UInt64 = 1000

    /// How many policies are named when it begins.
    private static let namedAtMost = 32

    private mutating func begin(_ tables: KernelTables, _ held: HeldObjects) -> Bool {
        writer.write(.agent(AgentRecord(state: .started, version: context.version)))
        if enforcement.hasBusyStorage { context.say(Self.busyStorage) }
        for hook in enforcement.missing { context.say("this kernel has no hook \(hook)") }
        guard enforce(tables, held, replacing: nil) else { return false }
        let names = tables.policies.compactMap { $0?.policy.name }
        context.say(
            "enforcing \(names.count == 1 ? "1 policy" : "\(names.count) policies")"
                + (names.isEmpty ? "" : ": " + names.prefix(Self.namedAtMost).joined(separator: ", "))
                + (names.count > Self.namedAtMost ? ", \(names.count - Self.namedAtMost) more" : ""))
        return true
    }

    private mutating func loop(_ signals: CInt) {
        epoll = swguard_epoll_create()
        defer {
            if epoll >= 0 { close(epoll) }
            epoll = -1
        }
        guard epoll >= 0, swguard_epoll_add(epoll, signals) == 0,
            swguard_epoll_add(epoll, enforcement.eventDescriptor) == 0,
            swguard_epoll_add(epoll, server.descriptor) == 0
        else {
            context.say("cannot wait for events: \(Self.text(of: errno))")
            return end("cannot wait for events")
        }
        while true {
            let ready = swguard_epoll_wait(epoll, patience)
            // Also when nothing woke it: records of a storm come without.
            writeEvents()
            let now = ControlServer.now
            writeHeld(aggregator.due(now: now))
            let isTime = now >= nextLook
            if isTime {
                nextLook = now + Self.interval
                tellLosses()
                for text in writer.turn() { context.say(text) }
            }
            if isTime || ready == server.descriptor { server.turn(now: now) }
            // One call, and then events again: who asks much does not keep them waiting.
            if let call = server.nextCall(now: now) { server.answer(call, answer(call.request), now: now) }
            while ready == signals {
                let signal = swguard_agent_next_signal(signals)
                if signal == 0 { break }
                switch signal {
                case SIGHUP: reload()
                case SIGUSR1: writer.reopen()
                default: return end(nil)
                }
            }
        }
    }

    /// How long there is nothing to do but what wakes it, in milliseconds.
    private var patience: CInt {
        if server.hasCalls { return 0 }
        let next = min(nextLook, aggregator.nextEnd ?? .max)
        let now = ControlServer.now
        return next <= now ? 0 : CInt(clamping: next - now)
    }

    /// Takes policies anew: all of them, or none.
    private mutating func reload() {
        var slots = self.slots
        guard let policies = context.policies(), let configuration = context.configuration(),
            let (tables, held) = Self.compile(policies, slots: &slots, configuration, context)
        else { return context.say("cannot reload the policies: what was enforced still is") }
        let previous = enforcement.arena.generations.last?.tables
        // The events of the generation that goes are named by its rules.
        writeAllEvents()
        writeHeld(aggregator.flush())
        tellLosses()
        guard enforce(tables, held, replacing: previous) else { return }
        self.slots = slots
        context.say("enforcing \(policies.count == 1 ? "1 policy" : "\(policies.count) policies")")
    }

    private mutating func enforce(
        _ tables: KernelTables, _ held: HeldObjects, replacing previous: KernelTables?
    ) -> Bool {
        retire()
        do throws(ArenaError) {
            try enforcement.enforce(tables, held)
        } catch {
            guard error.isWantOfRoom, previous != nil, enlarge(for: tables, held) else {
                context.say("cannot load the policies: \(error.text)")
                return false
            }
        }
        changed = .now()
        for policy in tables.policies.compactMap({ $0 }) {
            sections[policy.policy.name] = Self.sections(of: policy)
            for path in policy.literalExecutables { names.note(executable: path) }
        }
        do throws(KernelError) {
            let found = try enforcement.takeRunning()
            refused = 0
            if found.refused > 0 { try tellRefused() }
            if found.unknown > 0 {
                context.say(
                    "\(found.unknown) running tasks could not be looked at to the end (an exec that takes long?): what was "
                        + "seen of them decides which policies they are under")
            }
        } catch {
            context.say("cannot confine what runs already: \(Self.reason(of: error))")
            // Fail closed: nobody is told that policies are in force which some tasks escape.
            if previous == nil { return false }
        }
        let old = Dictionary(
            (previous?.policies ?? []).compactMap { policy in policy.map { ($0.policy.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        for policy in tables.policies.compactMap({ $0 }) {
            let known = old[policy.policy.name]
            if known?.digest == policy.digest { continue }
            tell(policy, known == nil ? .loaded : .replaced)
        }
        let names = Set(tables.policies.compactMap { $0?.policy.name })
        for policy in (previous?.policies ?? []).compactMap({ $0 }) where !names.contains(policy.policy.name)
        {
            tell(policy, .removed)
        }
        for policy in tables.policies.compactMap({ $0 }) {
            writeEnforcement(of: policy, previous == nil ? .began : .changed)
        }
        return true
    }

    /// Puts `tables` into force by programs with larger maps. False: it cannot, and what was enforced still is.
    private mutating func enlarge(for tables: KernelTables, _ held: HeldObjects) -> Bool {
        let larger: Enforcement
        do throws(KernelError) {
            larger = try enforcement.enlarged(for: tables, held)
        } catch {
            context.say("the kernel's tables cannot be made larger: \(Self.reason(of: error))")
            return false
        }
        if epoll >= 0, swguard_epoll_add(epoll, larger.eventDescriptor) != 0 {
            context.say("cannot wait for events: \(Self.text(of: errno))")
            return false
        }
        // Both enforced until here.
        enforcement.detach()
        writeAllEvents()
        writeHeld(aggregator.flush())
        tellLosses()
        retire(enforcement.arena.generations)
        enforcement = larger
        toldUnbound = 0
        return true
    }

    private mutating func tell(_ policy: KernelPolicy, _ change: AuditLog.PolicyRecord.Change) {
        writer.write(
            .policy(
                AuditLog.PolicyRecord(change: change, policy: reference(policy), uid: getuid(), pid: getpid())
            ))
    }

    private mutating func writeEnforcement(of policy: KernelPolicy, _ state: EnforcementRecord.State) {
        writer.write(
            .enforcement(
                EnforcementRecord(
                    state: state, backend: .lsm, reported: .full, policies: [reference(policy)],
                    sections: KernelCoverage.sections(of: policy.policy).map { section in
                        EnforcementRecord.Section(
                            name: section.name,
                            extent: EnforcementRecord.Extent(rawValue: section.extent.rawValue) ?? .none,
                            layers: section.extent == .none ? [] : [.lsm], gaps: section.gaps)
                    })))
    }

    private func reference(_ policy: KernelPolicy) -> PolicyReference {
        PolicyReference(
            name: policy.policy.name, digest: policy.digest,
            generation: UInt64(enforcement.generation),
            mode: policy.policy.mode == .complain ? .complain : .enforce)
    }

    private mutating func end(_ reason: String?) {
        let last = enforcement.arena.generations.last?.tables
        // At once for every task; what detaching takes its time for decides nothing any more.
        enforcement.release()
        writeAllEvents()
        writeHeld(aggregator.flush())
        tellLosses()
        for policy in (last?.policies ?? []).compactMap({ $0 }) { writeEnforcement(of: policy, .ended) }
        writer.write(.agent(AgentRecord(state: .stopped, reason: reason)))
        endTrail()
    }

    private mutating func endTrail() {
        for text in writer.end() { context.say(text) }
    }

    /// The tables of `policies`; nil: they cannot be used, and it has been said why.
    private static func compile(
        _ policies: [Policy], slots: inout Slots, _ configuration: AgentConfiguration, _ context: Context
    ) -> (KernelTables, HeldObjects)? {
        var entries: [KernelTables.Entry] = []
        var known: [String: String] = [:]
        for policy in policies {
            if policy.subjects.isEmpty {
                context.say("policy '\(policy.name)' has no subjects: not loaded, for 'swguard run' only")
                continue
            }
            if let other = known.updateValue(policy.file, forKey: policy.name) {
                context.report([
                    Diagnostic(
                        "a second policy '\(policy.name)'", at: SourceLocation(file: policy.file, line: 1),
                        hint: "the other is \(other)")
                ])
                return nil
            }
            entries.append(KernelTables.Entry(slot: slots.slot(of: policy.name), policy: policy))
        }
        let launchers = Launchers.paths(configuration.launchers, say: context.say)
        let held = HeldObjects()
        do throws(KernelTablesError) {
            let tables = try KernelTables.compile(
                entries, limit: Enforcement.Sizes.limit, launchers: launchers, user: Users.number(of:),
                identify: held.object(at:))
            if let failure = held.failure { context.say("cannot guard \(failure)") }
            return (tables, held)
        } catch {
            context.report([error.diagnostic])
            return nil
        }
    }

    /// What to do about a refusal of the kernel.
    private static func reason(of error: KernelError) -> String {
        if error.code == EPERM, geteuid() != 0 {
            return "it needs root (CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN)"
        }
        return error.description.hasPrefix("cannot ")
            ? "the kernel did not \(error.description.dropFirst(7))" : error.description
    }

    private static func text(of code: CInt) -> String { unsafe String(cString: strerror(code)) }
}

/// The slots of policies, by name. A slot is never another policy's: tasks may still carry it.
struct Slots {
    private var known: [String: Int] = [:]

    mutating func slot(of name: String) -> Int {
        if let slot = known[name] { return slot }
        let slot = known.count
        known[name] = slot
        return slot
    }
}
