internal import AuditLog
internal import BPF
internal import Compiler
internal import Control
private import Glibc
internal import Policy

/// Changes of what is enforced: all of one, or nothing.
extension Agent {
    /// Policies as the kernel takes them.
    struct Compiled {
        var tables: KernelTables
        var held: HeldObjects
        /// Those of before, and one for each that is new.
        var slots: Slots
        var models: [Policy]
        var loaded: [GenerationRecord.Loaded]

        /// Of each policy, in the order of their slots.
        var digests: [String] { tables.policies.compactMap { $0?.digest } }
    }

    /// Why nothing was changed.
    struct Rejection: Error {
        var diagnostics: [Diagnostic] = []
        /// What else is wrong with what was asked for, in whole sentences.
        var reasons: [String] = []
        /// It is not what was asked for: the kernel refuses.
        var isKernels = false

        var answer: ControlAnswer {
            isKernels
                ? .failed(reasons.joined(separator: "; ")) : .rejected(diagnostics, reasons: reasons)
        }

        func tell(_ context: Context) {
            context.report(diagnostics)
            for reason in reasons { context.say(reason) }
        }
    }

    // MARK: What clients ask for

    /// Adds policies, in place of those of the same names.
    mutating func load(_ files: [String], by peer: ControlPeer) -> ControlAnswer {
        change(by: peer) { agent throws(Rejection) in
            let reading = agent.context.read(files)
            agent.context.report(reading.diagnostics.filter { $0.severity == .warning })
            if reading.isIncomplete {
                throw Rejection(diagnostics: reading.diagnostics, reasons: reading.refusals)
            }
            let names = Set(reading.policies.map(\.name))
            for policy in reading.policies where policy.subjects.isEmpty {
                throw Rejection(reasons: [
                    "policy '\(policy.name)' has no subjects: it is for 'swguard run' only"
                ])
            }
            let models = try agent.present()
            return try agent.compile(
                models.filter { !names.contains($0.name) } + reading.policies,
                loaded: agent.loaded.filter { !names.contains($0.policy) }
                    + reading.policies.map { GenerationRecord.Loaded(policy: $0.name, file: $0.file) })
        }
    }

    /// Takes policies out.
    mutating func unload(_ names: [String], by peer: ControlPeer) -> ControlAnswer {
        change(by: peer) { agent throws(Rejection) in
            let known = Set(agent.policyNames).union(agent.loaded.map(\.policy))
            for name in names where !known.contains(name) {
                throw Rejection(reasons: ["no policy '\(name)' is loaded"])
            }
            let loaded = agent.loaded.filter { !names.contains($0.policy) }
            let models =
                if let models = agent.models { models } else {
                    try Self.readAll(agent.context, loaded: loaded)
                }
            return try agent.compile(models.filter { !names.contains($0.name) }, loaded: loaded)
        }
    }

    /// Reads all policies anew.
    mutating func reload(by peer: ControlPeer) -> ControlAnswer {
        change(by: peer) { agent throws(Rejection) in
            try agent.compile(
                try Self.readAll(agent.context, loaded: agent.loaded), loaded: agent.loaded)
        }
    }

    /// Puts the generation before the present one into force again.
    mutating func rollBack(by peer: ControlPeer) -> ControlAnswer {
        let previous = enforcement.arena.generations.last?.legends ?? []
        if let before = previousBase {
            // The one before may lack layers that commands are under by now: it is put into force anew, with these.
            return change(by: peer, isRollback: true) { _ throws(Rejection) in before }
        }
        let former = enforcement.arena.generations.first
        guard former?.number == formerNumber, carriesAllRuns(former), enforcement.rollBack() else {
            return .failed("there is no generation before this one any more")
        }
        let inForce = enforcement.arena.generations.last
        models = nil
        (previousBase, base) = (base, nil)
        loaded = inForce?.record.loaded ?? []
        changed = .now()
        _ = takeRunning()
        let changes = tellChanges(since: previous, isRollback: true, by: peer)
        tellPolicies()
        return .changed(generation: generation, changes, refused: refused)
    }

    /// Whether a generation that another agent placed has the policies of all commands that run.
    private func carriesAllRuns(_ placed: PlacedGeneration?) -> Bool {
        runs.runs.allSatisfy { run in placed?.policy(inSlot: run.slot)?.run?.layer == run.layer }
    }

    private mutating func change(
        by peer: ControlPeer, isRollback: Bool = false,
        _ compile: (borrowing Agent) throws(Rejection) -> Compiled
    ) -> ControlAnswer {
        do throws(Rejection) {
            let changes = try enforce(try compile(self), isRollback: isRollback, by: peer)
            tellPolicies()
            return .changed(generation: generation, changes, refused: refused)
        } catch {
            return error.answer
        }
    }

    // MARK: What comes without a client

    /// HUP: takes policies anew, all of them or none.
    mutating func reloadAll() {
        // What changed until now is read now.
        watch?.forget()
        reload { _ in true }
    }

    /// The directory has changed: the same, unless what is in it has not.
    mutating func reloadChanged() {
        watch?.forget()
        let known = hostLegends.map(\.digest)
        let isKnown = enforcement.arena.isKnown
        reload { !isKnown || $0.digests != known }
    }

    private mutating func reload(where isWanted: (Compiled) -> Bool) {
        do throws(Rejection) {
            let compiled = try compile(try Self.readAll(context, loaded: loaded), loaded: loaded)
            guard isWanted(compiled) else { return }
            _ = try enforce(compiled, by: nil)
            tellPolicies()
        } catch {
            error.tell(context)
            context.say("cannot reload the policies: what was enforced still is")
        }
    }

    // MARK: How

    /// The policies in force; where another agent placed them, as they are read now.
    private func present() throws(Rejection) -> [Policy] {
        if let models { return models }
        return try Self.readAll(context, loaded: loaded)
    }

    /// What the agent was started with, and what clients have loaded in its place or besides.
    static func readAll(
        _ context: Context, loaded: [GenerationRecord.Loaded]
    ) throws(Rejection) -> [Policy] {
        let reading = context.read(nil)
        var rejection = Rejection(diagnostics: reading.diagnostics, reasons: reading.refusals)
        var isIncomplete = reading.isIncomplete
        var policies = reading.policies
        for item in loaded {
            let reading = context.read([item.file])
            rejection.diagnostics += reading.diagnostics
            rejection.reasons += reading.refusals
            if reading.isIncomplete {
                isIncomplete = true
                rejection.reasons.append(
                    "policy '\(item.policy)' was loaded from '\(item.file)'; 'swguard unload \(item.policy)' gives it up"
                )
            }
            for policy in reading.policies {
                policies.removeAll { $0.name == policy.name }
                policies.append(policy)
            }
        }
        if isIncomplete { throw rejection }
        context.report(rejection.diagnostics.filter { $0.severity == .warning })
        return policies
    }

    private func compile(
        _ policies: [Policy], loaded: [GenerationRecord.Loaded]
    ) throws(Rejection) -> Compiled {
        guard let configuration = context.configuration() else {
            throw Rejection(reasons: ["the agent's configuration cannot be used"])
        }
        return try Self.compile(policies, loaded: loaded, slots: slots, configuration, context)
    }

    static func compile(
        _ policies: [Policy], loaded: [GenerationRecord.Loaded], slots: Slots,
        _ configuration: AgentConfiguration, _ context: Context
    ) throws(Rejection) -> Compiled {
        var slots = slots
        var entries: [KernelTables.Entry] = []
        var known: [String: String] = [:]
        for policy in policies {
            if policy.subjects.isEmpty {
                context.say("policy '\(policy.name)' has no subjects: not loaded, for 'swguard run' only")
                continue
            }
            if let other = known.updateValue(policy.file, forKey: policy.name) {
                throw Rejection(diagnostics: [
                    Diagnostic(
                        "a second policy '\(policy.name)'", at: SourceLocation(file: policy.file, line: 1),
                        hint: "the other is \(other)")
                ])
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
            return Compiled(
                tables: tables, held: held, slots: slots, models: entries.map(\.policy), loaded: loaded)
        } catch {
            throw Rejection(diagnostics: [error.diagnostic])
        }
    }

    /// Puts policies into force: beside those of before in their maps, or, where these have no room or are of other
    /// programs, in new ones.
    mutating func enforce(
        _ compiled: Compiled, isRollback: Bool = false, by peer: ControlPeer?
    ) throws(Rejection) -> [PolicyChange] {
        let previous = enforcement.arena.generations.last?.legends ?? []
        let isFirst = enforcement.generation == 0
        var whole = compiled
        do throws(KernelTablesError) {
            whole.tables = try whole.tables.adding(runs.runs, limit: Enforcement.Sizes.limit)
        } catch {
            throw Rejection(diagnostics: [error.diagnostic])
        }
        do throws(StartError) {
            // Before a task can carry them.
            try Self.keep(compiled.slots, in: shared)
        } catch {
            throw Rejection(reasons: [error.text ?? "cannot load the policies"], isKernels: true)
        }
        slots = compiled.slots
        slots.taken = runs.slots
        try place(whole, mayReplace: true)
        guard
            let changes = settle(compiled, after: previous, began: isFirst, isRollback: isRollback, by: peer)
        else {
            throw Rejection(reasons: ["what runs already cannot be confined"], isKernels: true)
        }
        return changes
    }

    /// Puts policies into force, those that commands have brought among them.
    mutating func place(_ compiled: Compiled, mayReplace: Bool) throws(Rejection) {
        keepLegends()
        let number = lastNumber + 1
        lastNumber = number
        let isSameBuild = enforcement.name?.digest == build.digest && enforcement.arena.isKnown
        if isSameBuild {
            retire()
            do throws(ArenaError) {
                try enforcement.enforce(
                    compiled.tables, compiled.held, number: number, loaded: compiled.loaded)
            } catch {
                guard error.isWantOfRoom, mayReplace else {
                    throw Rejection(reasons: [error.text], isKernels: true)
                }
                try replacePrograms(compiled, number)
            }
        } else {
            try replacePrograms(compiled, number)
        }
    }

    private mutating func replacePrograms(_ compiled: Compiled, _ number: UInt32) throws(Rejection) {
        do throws(StartError) {
            succeed(
                by: try Self.makeSet(
                    compiled, number: number, build, pins, state, after: enforcement.name?.number ?? 0,
                    isFirst: false))
        } catch {
            throw Rejection(reasons: [error.text ?? "cannot load the policies"], isKernels: true)
        }
    }

    /// How many generations that are gone can have events in the ring that are named by their rules.
    private static let pastLimit = 16

    /// The events of the generation that goes are named by its rules, however late they are read: in a storm there is no
    /// time to read them first.
    private mutating func keepLegends() {
        if past.count >= Self.pastLimit { state.forget(past.removeFirst().number) }
        for generation in enforcement.arena.generations.dropLast() {
            past.append((generation.number, generation.legends))
        }
    }

    /// What is to be done when policies have come into force; nil: it could not be done, and nothing was enforced before.
    mutating func settle(
        _ compiled: Compiled, after previous: [PolicyLegend?], began isFirst: Bool, isRollback: Bool = false,
        by peer: ControlPeer?
    ) -> [PolicyChange]? {
        slots = compiled.slots
        slots.taken = runs.slots
        models = compiled.models
        (previousBase, base) = (base, compiled)
        loaded = compiled.loaded
        changed = .now()
        settlePlaces()
        for policy in (enforcement.arena.generations.last?.legends ?? []).compactMap({ $0 }) {
            for path in policy.executables { names.note(executable: path) }
        }
        // Fail closed: nobody is told that policies are in force which some tasks escape.
        if !takeRunning(), isFirst { return nil }
        return tellChanges(since: previous, isRollback: isRollback, by: peer)
    }

    /// Keeps what is known of the generations that are there, and forgets what is gone.
    mutating func settlePlaces() {
        lastNumber = max(lastNumber, enforcement.generation)
        state.keep(only: enforcement.arena.generations.map(\.number), past: past.map(\.number))
        if let failure = enforcement.arena.stateFailure {
            context.say("an agent that comes after this one cannot name the rules of events: \(failure)")
        }
    }

    /// The host's policies in force, not those of commands.
    var hostLegends: [PolicyLegend] {
        (enforcement.arena.generations.last?.legends ?? []).compactMap { $0 }.filter { $0.run == nil }
    }

    /// Puts tasks that run already under the policies in force. False: it cannot, and it has been said why.
    mutating func takeRunning() -> Bool {
        do throws(KernelError) {
            let found = try enforcement.takeRunning()
            refused = 0
            if found.refused > 0 { try tellRefused() }
            if found.unknown > 0 {
                context.say(
                    "\(found.unknown) running tasks could not be looked at to the end (an exec that takes long?): what was "
                        + "seen of them decides which policies they are under")
            }
            return true
        } catch {
            context.say("cannot confine what runs already: \(error)")
            return false
        }
    }

    /// Writes what has changed, and says it.
    private mutating func tellChanges(
        since previous: [PolicyLegend?], isRollback: Bool, by peer: ControlPeer?
    ) -> [PolicyChange] {
        let present = hostLegends
        let previous = previous.compactMap { $0 }.filter { $0.run == nil }
        let names = Set(present.map(\.name))
        let before = Dictionary(previous.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var changes: [PolicyChange] = []
        for policy in present {
            let known = before[policy.name]
            if let known, known.digest == policy.digest { continue }
            let change: PolicyChange.Kind = isRollback ? .rolledBack : known == nil ? .loaded : .replaced
            tell(policy, change, by: peer)
            changes.append(PolicyChange(policy: policy.name, kind: change))
        }
        for policy in previous where !names.contains(policy.name) {
            tell(policy, .removed, by: peer)
            changes.append(PolicyChange(policy: policy.name, kind: .removed))
        }
        for policy in present { writeEnforcement(of: policy, previous.isEmpty ? .began : .changed) }
        for policy in previous where !names.contains(policy.name) {
            writeEnforcement(of: policy, .ended)
        }
        return changes
    }

    mutating func tell(_ policy: PolicyLegend, _ kind: PolicyChange.Kind, by peer: ControlPeer?) {
        let change: AuditLog.PolicyRecord.Change =
            switch kind {
            case .loaded: .loaded
            case .replaced: .replaced
            case .removed: .removed
            case .rolledBack: .rolledBack
            }
        writer.write(
            .policy(
                AuditLog.PolicyRecord(
                    change: change, policy: reference(policy), uid: peer?.uid ?? getuid(),
                    pid: peer?.pid ?? getpid())))
    }

    mutating func writeEnforcement(of policy: PolicyLegend, _ state: EnforcementRecord.State) {
        writer.write(
            .enforcement(
                EnforcementRecord(
                    state: state, backend: .lsm, reported: .full, policies: [reference(policy)],
                    sections: policy.sections.map { section in
                        EnforcementRecord.Section(
                            name: section.name,
                            extent: EnforcementRecord.Extent(rawValue: section.extent.rawValue) ?? .none,
                            layers: section.extent == .none ? [] : [.lsm], gaps: section.gaps)
                    })))
    }

    private func reference(_ policy: PolicyLegend) -> PolicyReference {
        PolicyReference(
            name: policy.name, digest: policy.digest,
            generation: UInt64(enforcement.arena.generations.last?.number ?? enforcement.generation),
            mode: policy.mode == .complain ? .complain : .enforce)
    }
}
