internal import AuditLog
internal import BPF
internal import CLinux
internal import Compiler
internal import Control

/// How policies come into force.
extension Agent {
    /// Puts policies into force: beside those of before in their maps, or, where these have no room or are of other
    /// programs, in new ones.
    mutating func enforce(_ compiled: Compiled, by peer: ControlPeer?) throws(Rejection) -> [PolicyChange] {
        let previous = enforcement.arena.generations.last?.legends ?? []
        let isFirst = enforcement.generation == 0
        do throws(StartError) {
            // Before a task can carry them.
            try Self.keep(compiled.slots, in: shared)
        } catch {
            throw Rejection(reasons: [error.text ?? "cannot load the policies"], isKernels: true)
        }
        slots = compiled.slots
        keepLegends()
        let number = lastNumber + 1
        lastNumber = number
        let isSameBuild =
            enforcement.name?.digest == build.digest && enforcement.arena.isKnown && missingPrograms.isEmpty
        if isSameBuild {
            retire()
            do throws(ArenaError) {
                try enforcement.enforce(
                    compiled.tables, compiled.held, number: number, loaded: compiled.loaded)
            } catch {
                guard error.isWantOfRoom else {
                    throw Rejection(reasons: [error.text], isKernels: true)
                }
                try replacePrograms(compiled, number)
            }
        } else {
            try replacePrograms(compiled, number)
        }
        guard let changes = settle(compiled, after: previous, began: isFirst, by: peer) else {
            throw Rejection(reasons: ["what runs already cannot be confined"], isKernels: true)
        }
        return changes
    }

    private mutating func replacePrograms(_ compiled: Compiled, _ number: UInt32) throws(Rejection) {
        // For the way back, in the maps that come.
        let previous = compiledInForce()
        if previous != nil { lastNumber = number + 1 }
        do throws(StartError) {
            succeed(
                by: try Self.makeSet(
                    compiled, previous, number: number, build, pins, state, places,
                    after: enforcement.name?.number ?? 0, isFirst: false))
            missingPrograms = []
        } catch {
            throw Rejection(reasons: [error.text ?? "cannot load the policies"], isKernels: true)
        }
    }

    /// What is in force, to be placed in other maps; nil: nothing is, or an agent before this one placed it.
    private func compiledInForce() -> Compiled? {
        guard let models, enforcement.generation != 0 else { return nil }
        do throws(Rejection) {
            return try compile(models, loaded: loaded)
        } catch {
            context.say("there will be no way back to what is enforced now:")
            error.tell(context)
            return nil
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
        _ compiled: Compiled, after previous: [PolicyLegend?], began isFirst: Bool, by peer: ControlPeer?
    ) -> [PolicyChange]? {
        slots = compiled.slots
        models = compiled.models
        loaded = compiled.loaded
        lastNumber = max(lastNumber, enforcement.generation)
        changed = .now()
        state.keep(only: enforcement.arena.generations.map(\.number), past: past.map(\.number))
        if let failure = enforcement.arena.stateFailure {
            context.say("an agent that comes after this one cannot name the rules of events: \(failure)")
        }
        for policy in (enforcement.arena.generations.last?.legends ?? []).compactMap({ $0 }) {
            for path in policy.executables { names.note(executable: path) }
        }
        // Loading programs takes megabytes, for the kernel's types: they are not kept until the next time.
        swguard_release_memory()
        // Fail closed: nobody is told that policies are in force which some tasks escape.
        if !takeRunning(), isFirst { return nil }
        return tellChanges(since: previous, isRollback: false, by: peer)
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
}
