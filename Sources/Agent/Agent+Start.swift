internal import AuditLog
internal import BPF
internal import CSwguardBPF
internal import Compiler
internal import Control
private import Glibc
internal import Policy

/// How an agent comes to what it enforces: by taking over what is there, by loading it anew, or both.
extension Agent {
    static func begin(
        _ context: Context, _ configuration: AgentConfiguration, _ server: consuming ControlServer
    ) throws(StartError) -> Agent {
        guard geteuid() == 0 else {
            throw StartError(.cannot, "it needs root (CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN)")
        }
        let ground = try Ground(context, configuration)
        // Of another form, or damaged: it decides until another has taken its place.
        var unreadable: [PinDirectory.SetName] = []
        var readable: [PinDirectory.SetName] = []
        var oldest: Enforcement?
        for name in ground.sets {
            guard name.abi == Int(SWGUARD_ABI) else {
                unreadable.append(name)
                continue
            }
            // Those after the oldest are opened as its successors.
            readable.append(name)
        }
        while let name = readable.first {
            readable.removeFirst()
            do throws(PinError) {
                oldest = try Enforcement(of: name, in: ground.pins, state: ground.state, ground.places)
                break
            } catch {
                context.log.error("cannot take over '\(name.text)': \(error.text)")
                unreadable.append(name)
            }
        }
        // Whatever is wrong with it, it is not replaced.
        if ground.isSealed, oldest == nil { throw StartError(.cannot, sealedText) }
        try ground.clear()
        let shared = try ground.shared()
        guard let enforcement = oldest.take() else {
            return try beginAnew(context, configuration, server, ground, shared, replacing: unreadable)
        }
        var agent = try Agent(
            context, configuration, enforcement, server, pins: ground.pins, build: ground.build,
            places: ground.places, shared: shared, state: ground.state)
        agent.isSealed = ground.isSealed
        for name in readable {
            do throws(PinError) {
                agent.succeed(
                    by: try Enforcement(of: name, in: ground.pins, state: ground.state, ground.places))
            } catch {
                context.log.error("cannot take over '\(name.text)': \(error.text)")
                unreadable.append(name)
            }
        }
        try agent.takeOver(configuration, replacing: unreadable)
        return agent
    }

    /// What there is before there is an agent.
    private struct Ground {
        let pins: PinDirectory
        let sets: [PinDirectory.SetName]
        let state = StateDirectory()
        let build: ProgramBuild
        let places: OwnPlaces
        /// By an agent before this one.
        let isSealed: Bool

        init(_ context: Context, _ configuration: AgentConfiguration) throws(StartError) {
            places = OwnPlaces(context, configuration)
            (pins, sets) = try StartError.unless { () throws(PinError) in
                let pins = try PinDirectory()
                let contents = try pins.contents()
                return (pins, contents.sets)
            }
            let isSealed = try Agent.isSealed(sets, in: pins, Agent.digest(context, configuration))
            self.isSealed = isSealed
            build = try StartError.unless { () throws(KernelError) in
                try ProgramBuild(
                    isCaching: configuration.isCaching,
                    isSealed: isSealed || context.isSealed || configuration.isSealed)
            }
        }

        /// Takes away what was not finished: not all of its programs are there, and it has never decided alone.
        func clear() throws(StartError) {
            try StartError.unless { () throws(PinError) in
                if try pins.contents().hasUnfinished { try pins.removeUnfinished() }
            }
        }

        func shared() throws(StartError) -> SharedMaps {
            try StartError.unless { () throws(KernelError) in try SharedMaps(pins) }
        }
    }

    /// With no set that can be taken over.
    private static func beginAnew(
        _ context: Context, _ configuration: AgentConfiguration, _ server: consuming ControlServer,
        _ ground: Ground,
        _ shared: consuming SharedMaps, replacing unreadable: [PinDirectory.SetName]
    ) throws(StartError) -> Agent {
        let isFirst = unreadable.isEmpty
        do throws(StartError) {
            let slots = try StartError.unless { () throws(KernelError) in try Slots(of: shared.slots) }
            let compiled: Compiled
            do throws(Rejection) {
                compiled = try compile(
                    try readAll(context, loaded: []), loaded: [], slots: slots, configuration, context,
                    ground.places)
            } catch {
                error.tell(context)
                throw StartError(.rejected)
            }
            let trial = try BootGuard.admit(compiled.digests, boot: ground.state.boot, context.log.warning)
            try keep(compiled.slots, in: shared)
            let enforcement = try makeSet(
                compiled, number: ground.state.highestNumber + 1, ground.build, ground.pins, ground.state,
                ground.places, after: ground.sets.last?.number ?? 0, isFirst: isFirst)
            var agent = try Agent(
                context, configuration, enforcement, server, pins: ground.pins, build: ground.build,
                places: ground.places, shared: shared, state: ground.state)
            agent.trial = trial
            agent.forgetRuns()
            agent.write(.agent(AgentRecord(state: .started, version: context.version)))
            agent.tellFacts()
            agent.remove(unreadable)
            guard agent.settle(compiled, after: [], began: true, by: nil) != nil else {
                agent.endTrail()
                throw StartError(.cannot)
            }
            if ground.build.isSealed { try agent.seal(configuration) }
            agent.tellPolicies()
            if !agent.isSealed { agent.watch = context.directory.flatMap { DirectoryWatch($0) } }
            return agent
        } catch {
            // Nothing was enforced, and nothing is.
            if isFirst { try? ground.pins.remove() }
            throw error
        }
    }

    /// With what is there in force already.
    private mutating func takeOver(
        _ configuration: AgentConfiguration, replacing unreadable: [PinDirectory.SetName]
    ) throws(StartError) {
        write(.agent(AgentRecord(state: .tookOver, version: context.version)))
        trial = BootGuard.Trial(of: state.boot)
        tellFacts()
        let inForce = enforcement.arena.generations.last
        lastNumber = max(lastNumber, enforcement.generation, inForce?.number ?? 0)
        formerNumber = inForce?.number
        loaded = inForce?.record.loaded ?? []
        toldUnbound = enforcement.arena.unboundObjects
        toldOwnLost = enforcement.own.lost
        past = enforcement.arena.pastRecords.map { ($0.number, $0.policies) }
        restoreRuns()
        succeedLedger()
        if !enforcement.arena.isKnown {
            context.log.warning(
                "what is kept in '\(StateDirectory.path)' is missing, damaged or of another version: what is enforced "
                    + "still is, and its events name no rules")
        }
        tellMissing(enforcement.missingPrograms())
        if isSealed {
            context.log.info("what is enforced goes on: \(Self.sealedText)")
            _ = takeRunning()
            return tellPolicies()
        }
        do throws(Rejection) {
            let compiled = try Self.compile(
                try Self.readAll(context, loaded: loaded), loaded: loaded, slots: slots, configuration,
                context, places)
            _ = try enforce(compiled, by: nil)
            remove(unreadable)
        } catch {
            error.tell(context)
            // Nothing is enforced, and nothing would be.
            if enforcement.generation == 0 {
                endTrail()
                throw StartError(.rejected)
            }
            context.log.error("cannot load the policies: what was enforced still is")
            _ = takeRunning()
        }
        if build.isSealed { try seal(configuration) }
        tellPolicies()
        if !isSealed { watch = context.directory.flatMap { DirectoryWatch($0) } }
    }

    /// Loads and attaches the programs anew, with maps that `compiled` has room in, and puts it into force there. What is
    /// attached already goes on deciding beside them.
    static func makeSet(
        _ compiled: Compiled, number: UInt32, _ build: ProgramBuild, _ pins: PinDirectory,
        _ state: StateDirectory, _ places: OwnPlaces, after last: Int, isFirst: Bool
    ) throws(StartError) -> Enforcement {
        do throws(StartError) {
            return try makeUnfinished(
                compiled, number: number, build, pins, state, places, after: last, isFirst: isFirst)
        } catch {
            try? pins.removeUnfinished()
            throw error
        }
    }

    private static func makeUnfinished(
        _ compiled: Compiled, number: UInt32, _ build: ProgramBuild, _ pins: PinDirectory,
        _ state: StateDirectory, _ places: OwnPlaces, after last: Int, isFirst: Bool
    ) throws(StartError) -> Enforcement {
        let set = try StartError.unless { () throws(PinError) in try pins.makeUnfinished() }
        let programs = try StartError.unless { () throws(KernelError) in
            try LoadedPrograms(build, Enforcement.Sizes(for: compiled.tables), in: pins, as: set)
        }
        var enforcement = try StartError.unless { () throws(PinError) in
            try Enforcement(new: set, in: pins, state: state, places)
        }
        try StartError.unless { () throws(KernelError) in try enforcement.own.mark(places) }
        if isFirst {
            try StartError.unless { () throws(KernelError) in try programs.attach() }
            // Elsewhere the programs that decide already have shown it.
            guard try StartError.unless({ () throws(KernelError) in try enforcement.probe() }) else {
                throw StartError(
                    .cannot,
                    "the kernel runs no BPF LSM programs; add 'bpf' to its command line's lsm=, see "
                        + "/sys/kernel/security/lsm")
            }
        }
        try StartError.unless { () throws(ArenaError) in
            try enforcement.enforce(
                compiled.tables, compiled.held, number: number, loaded: compiled.loaded)
        }
        if !isFirst { try StartError.unless { () throws(KernelError) in try programs.attach() } }
        try StartError.unless { () throws(PinError) in
            try enforcement.finish(
                as: PinDirectory.SetName(number: last + 1, abi: Int(SWGUARD_ABI), digest: build.digest),
                in: pins)
        }
        return enforcement
    }

    static func keep(_ slots: Slots, in shared: borrowing SharedMaps) throws(StartError) {
        try StartError.unless { () throws(KernelError) in try slots.save(to: shared.slots) }
    }

    /// Another set of programs, which decides already, takes the place of the present one.
    mutating func succeed(by next: consuming Enforcement) {
        // At once for every task: what the old ones would say now, the new ones say too.
        enforcement.release()
        writeAllEvents()
        writeHeld(aggregator.flush())
        tellLosses()
        retire(all: true)
        let old = enforcement.name
        enforcement = next
        toldUnbound = 0
        remove(old.map { [$0] } ?? [])
    }

    /// Takes programs out whose place others have taken.
    private func remove(_ sets: [PinDirectory.SetName]) {
        for name in sets {
            do throws(PinError) { try pins.set(name).remove() } catch { context.log.error(error.text) }
        }
    }

    private func tellFacts() {
        if build.hasBusyStorage { context.log.warning(Self.busyStorage) }
        for hook in enforcement.missing { context.log.warning("this kernel has no hook \(hook)") }
    }

    /// Says what is in force.
    func tellPolicies() { context.log.info(summary) }

    /// What is in force, in a few words.
    var summary: String {
        let names = policyNames
        return
            "enforcing \(names.count == 1 ? "1 policy" : "\(names.count) policies")"
            + (names.isEmpty ? "" : ": " + names.prefix(Self.namedAtMost).joined(separator: ", "))
            + (names.count > Self.namedAtMost ? ", \(names.count - Self.namedAtMost) more" : "")
    }

    /// How many policies are named.
    private static let namedAtMost = 32

    /// The policies in force, as far as they are known.
    var policyNames: [String] {
        enforcement.arena.isKnown
            ? hostLegends.map(\.name) : slots.names
    }
}
