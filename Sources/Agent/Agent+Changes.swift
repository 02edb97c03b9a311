internal import AuditLog
internal import Compiler
internal import Control
internal import Policy

/// Changes of what is enforced: all of one, or nothing.
extension Agent {
    // MARK: What clients ask for

    /// Adds policies, in place of those of the same names.
    mutating func load(_ files: [String], by peer: ControlPeer) -> ControlAnswer {
        change(by: peer) { agent throws(Rejection) in
            let reading = agent.context.read(files)
            agent.context.log.report(reading.diagnostics.filter { $0.severity == .warning })
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
        if var before = previousBase {
            // The one before may lack layers that commands are under by now: it is put into force anew, with these.
            before.slots = slots
            return change(by: peer, isRollback: true) { _ throws(Rejection) in before }
        }
        let former = enforcement.arena.generations.first
        guard former?.number == formerNumber, carriesAllRuns(former), enforcement.rollBack() else {
            return .failed(
                "there is no generation before this one: it is the first since policies are enforced, or since programs of another "
                    + "build took over, which read the policies' files anew")
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
        if isSealed { return context.log.error("cannot reload the policies: \(Self.sealedText)") }
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
            context.log.error("cannot reload the policies: what was enforced still is")
        }
    }
}
