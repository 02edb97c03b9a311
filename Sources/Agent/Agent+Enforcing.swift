internal import AuditLog
internal import BPF
internal import CLinux
internal import Compiler
internal import Control

/// How policies come into force.
extension Agent {
    /// Puts policies into force: beside those of before in their maps, or, where these have no room or are of other
    /// programs, in new ones.
    mutating func enforce(
        _ compiled: Compiled, isRollback: Bool = false, by peer: ControlPeer?
    ) throws(Rejection) -> [PolicyChange] {
        let previous = enforcement.arena.generations.last?.legends ?? []
        let isFirst = enforcement.generation == 0
        let whole = try withRuns(compiled)
        do throws(StartError) {
            // Before a task can carry them.
            try Self.keep(compiled.slots, in: shared)
        } catch {
            throw Rejection(reasons: [error.text ?? "cannot load the policies"], isKernels: true)
        }
        slots = compiled.slots
        slots.taken = runs.slots
        for slot in runs.yield(to: slots) { ledger.clear(slot, into: RunLayers.goneSlot) }
        try place(whole, mayReplace: true)
        guard
            let changes = settle(compiled, after: previous, began: isFirst, isRollback: isRollback, by: peer)
        else {
            throw Rejection(reasons: ["what runs already cannot be confined"], isKernels: true)
        }
        return changes
    }

    /// The host's policies, and those that commands have brought by now.
    func withRuns(_ compiled: Compiled) throws(Rejection) -> Compiled {
        var whole = compiled
        whole.slots.taken = runs.slots
        do throws(KernelTablesError) {
            whole.tables = try whole.tables.adding(runs.runs, limit: Enforcement.Sizes.limit)
        } catch {
            throw Rejection(diagnostics: [error.diagnostic])
        }
        return whole
    }

    /// Puts a generation into force. Without `mayReplace`, where there is no room for it, there is none.
    mutating func place(_ whole: Compiled, mayReplace: Bool) throws(Rejection) {
        keepLegends()
        let number = lastNumber + 1
        lastNumber = number
        let isSameBuild =
            enforcement.name?.digest == build.digest && enforcement.arena.isKnown && missingPrograms.isEmpty
        guard isSameBuild || !mayReplace else { return try replacePrograms(whole, number) }
        guard isSameBuild else {
            throw Rejection(reasons: ["the programs in the kernel are not this agent's"], isKernels: true)
        }
        retire()
        do throws(ArenaError) {
            try enforcement.enforce(whole.tables, whole.held, number: number, loaded: whole.loaded)
        } catch {
            guard error.isWantOfRoom, mayReplace else {
                throw Rejection(reasons: [error.text], isKernels: true)
            }
            try replacePrograms(whole, number)
        }
    }

    private mutating func replacePrograms(_ whole: Compiled, _ number: UInt32) throws(Rejection) {
        do throws(StartError) {
            succeed(
                by: try Self.makeSet(
                    whole, number: number, build, pins, state, places,
                    after: enforcement.name?.number ?? 0, isFirst: false))
            missingPrograms = []
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
        // Loading programs takes megabytes, for the kernel's types: they are not kept until the next time.
        swguard_release_memory()
        // Fail closed: nobody is told that policies are in force which some tasks escape.
        if !takeRunning(), isFirst { return nil }
        return tellChanges(since: previous, isRollback: isRollback, by: peer)
    }

    /// Keeps what is known of the generations that are there, and forgets what is gone.
    mutating func settlePlaces() {
        lastNumber = max(lastNumber, enforcement.generation)
        state.keep(only: enforcement.arena.generations.map(\.number), past: past.map(\.number))
        if let failure = enforcement.arena.stateFailure {
            context.log.warning(
                "an agent that comes after this one cannot name the rules of events: \(failure)")
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
                context.log.warning(
                    "\(found.unknown) running tasks could not be looked at to the end (an exec that takes long?): what was "
                        + "seen of them decides which policies they are under")
            }
            return true
        } catch {
            context.log.error("cannot confine what runs already: \(error)")
            return false
        }
    }
}
