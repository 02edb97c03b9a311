internal import AuditLog
internal import Automata
internal import BPF
internal import CSwguardBPF
internal import Compiler
internal import Control
internal import Policy

/// `swguard run` through the agent: a command's policies become layers, under which its user's processes may come by
/// themselves, and the client is told what they deny.
///
/// Whoever asks is hostile: what he sends is bounded, no file is read for him, and nobody but himself comes under it.
extension Agent {
    /// The longest text of policies that a user who is not root may send, in bytes.
    private static let textLimit = 1 << 18
    /// How many layers one command has at most, of such a user.
    private static let layerLimit = Int(SWGUARD_RUN_LAYERS_MAX)

    /// Answers a client that runs a command.
    mutating func confine(_ request: ConfineRequest, _ call: ControlServer.Call) {
        let owner = call.peer.uid
        do throws(Rejection) {
            if request.isFollowed, let reason = runs.sessionRefusal(of: owner) {
                throw Rejection(reasons: [reason], isKernels: true)
            }
            let layers: [UInt32]
            if let known = runs.known(request.digest, of: owner) {
                layers = known
            } else if let policies = request.policies {
                layers = try bring(policies, request.digest, by: call.peer)
            } else {
                return server.answer(call, .unknownPolicies, now: ControlServer.now)
            }
            let client = request.isFollowed ? server.follow(call) : nil
            let session = runs.begin(client, of: owner, layers)
            runs.touch(layers, now: ControlServer.now)
            server.answer(
                call,
                .confined(ConfineResult(generation: generation, session: session, layers: layers)),
                now: ControlServer.now)
        } catch {
            server.answer(call, error.answer, now: ControlServer.now)
        }
    }

    /// Makes layers of policies that are not known yet.
    private mutating func bring(
        _ policies: JSON, _ digest: String, by peer: ControlPeer
    ) throws(Rejection) -> [UInt32] {
        let text = Array(policies.text.utf8)
        guard base != nil else {
            throw Rejection(
                reasons: ["the agent's own policies are not in force as they are read"], isKernels: true)
        }
        // Before anything is read: an attempt counts, whatever comes of it.
        if let reason = runs.refusal(of: peer.uid, 1, now: ControlServer.now) {
            throw Rejection(reasons: [reason], isKernels: true)
        }
        guard peer.uid == 0 || text.count <= Self.textLimit else {
            throw Rejection(reasons: [
                "the policies of a command are \(Self.textLimit) bytes at most, with all that they include"
            ])
        }
        guard digest.utf8.elementsEqual(SHA256.hexadecimal(SHA256.hash(text)[...])) else {
            throw Rejection(reasons: ["the policies are not those of the digest"])
        }
        let parts = try compile(policies, of: peer.uid)
        guard
            let layers = runs.add(
                parts, digest, of: peer.uid, besides: Set(slots.all.map(\.slot)), now: ControlServer.now)
        else { throw Rejection(reasons: ["there is no slot left for another policy"], isKernels: true) }
        for layer in layers { ledger.clear(KernelRun.slot(of: layer), into: RunLayers.goneSlot) }
        do throws(Rejection) {
            try place(mayReplace: peer.uid == 0)
        } catch {
            runs.remove(layers)
            slots.taken = runs.slots
            throw error
        }
        for (place, layer) in layers.enumerated() {
            state.keep(
                RunRecord(
                    layer: layer, owner: peer.uid, digest: digest, place: place, policies: policies))
            if let policy = runs.layers[layer]?.legend { tell(policy, .loaded, by: peer) }
        }
        return layers
    }

    /// The policies that a client has told, compiled.
    private func compile(_ policies: JSON, of owner: UInt32) throws(Rejection) -> [KernelPart] {
        let reading = context.readRun(policies)
        guard !reading.isIncomplete, !reading.policies.isEmpty else {
            throw Rejection(diagnostics: reading.diagnostics, reasons: reading.refusals)
        }
        let limit = owner == 0 ? Int(SWGUARD_LAYERS_MAX) : Self.layerLimit
        guard reading.policies.count <= limit else {
            throw Rejection(reasons: ["a command has \(limit) policies at most"])
        }
        do throws(KernelTablesError) {
            return try reading.policies.map { policy throws(KernelTablesError) in
                var policy = policy
                // Who comes under it is who asks for it.
                policy.subjects = []
                return try KernelPart(
                    policy, own: places.ownFiles,
                    limits: owner == 0 ? AutomatonLimits() : RunLayers.limits)
            }
        } catch {
            throw Rejection(diagnostics: [error.diagnostic])
        }
    }

    /// Puts the host's policies into force with the layers that there are now.
    private mutating func place(mayReplace: Bool) throws(Rejection) {
        guard let base else { return }
        slots.taken = runs.slots
        // Other programs would not be sealed.
        try place(try withRuns(base), mayReplace: mayReplace && !isSealed)
        settlePlaces()
    }

    // MARK: What commands are denied

    /// Tells an event to the client whose command it is of.
    mutating func tell(_ event: AuditEvent, at time: AuditTime, reason: String?, of record: EventRecord) {
        guard KernelRun.isRun(record.policy),
            let number = runs.session(for: record.policy, record.session),
            let session = runs.sessions[number]
        else { return }
        var encoder = AuditEncoder(boot: [], host: [])
        guard let json = try? JSON(parsing: encoder.line(event, at: time)) else { return }
        var members: [(String, JSON)] = [("event", json)]
        if let reason { members.append(("reason", .string(reason))) }
        if session.missed > 0 { members.append(("missed", .int(session.missed))) }
        runs.miss(number, server.tell(session.client, .object(members)) ? 0 : session.missed + 1)
    }

    /// Lets clients go that have hung up, with what their commands were denied by now.
    mutating func endSessions() {
        while let client = server.nextEnded() {
            writeAllEvents()
            guard let (number, session) = runs.sessions.first(where: { $0.value.client == client }) else {
                continue
            }
            server.finish(
                client, session.missed > 0 ? ["missed": .int(session.missed)] : .object([]),
                now: ControlServer.now)
            runs.end(number, now: ControlServer.now)
        }
    }

    // MARK: Those that stay and those that go

    /// Takes layers out that nobody has used for a while, and that no task carries.
    mutating func reclaim(now: UInt64) {
        let idle = Set(runs.idle(now: now))
        if idle.isEmpty || base == nil { return }
        var carried: Set<UInt32> = []
        do throws(KernelError) {
            // Twice: what forks while tasks are listed can be missing once.
            for _ in 0..<2 { carried.formUnion(try carriedLayers()) }
        } catch {
            return context.log.error(error.description)
        }
        let gone = idle.subtracting(carried)
        runs.touch(idle.intersection(carried), now: now)
        if gone.isEmpty { return }
        let legends = gone.compactMap { runs.layers[$0]?.legend }
        runs.remove(gone)
        do throws(Rejection) { try place(mayReplace: false) } catch { error.tell(context) }
        for layer in gone { state.forget(run: layer) }
        for policy in legends { tell(policy, .removed, by: nil) }
    }

    private func carriedLayers() throws(KernelError) -> Set<UInt32> {
        Set(try enforcement.confinedTasks(hasBusyStorage: build.hasBusyStorage).flatMap(\.layers))
    }

    /// Where nothing was taken over: what tasks carry all the same is nobody's, and denies them everything.
    mutating func forgetRuns() {
        for record in state.runs() { state.forget(run: record.layer) }
        runs.avoid((try? carriedLayers()) ?? [])
        noteFormerRuns()
    }

    /// Takes over the layers of an agent before this one: they are compiled anew from what it was told.
    ///
    /// One that cannot be is missing in every generation from here on, and whoever carries it is denied everything.
    mutating func restoreRuns() {
        for record in state.runs() {
            let parts: [KernelPart]
            do throws(Rejection) {
                parts = try compile(record.policies, of: record.owner)
            } catch {
                error.tell(context)
                context.log.error(
                    "cannot take over a policy of user \(record.owner)'s command: it is denied everything")
                continue
            }
            guard parts.indices.contains(record.place),
                let run = KernelRun(
                    layer: record.layer, owner: record.owner, part: parts[record.place]),
                !runs.slots.contains(run.slot), slots.name(of: run.slot) == nil
            else { continue }
            runs.add(
                run,
                RunLayers.Key(owner: record.owner, digest: record.digest, place: record.place),
                now: ControlServer.now)
        }
        // What tasks carry is nobody else's, whatever is known of it.
        runs.avoid((try? carriedLayers()) ?? [])
        runs.avoid(runs.layers.keys)
        slots.taken = runs.slots
        noteFormerRuns()
    }

    /// Notes what is accounted for layers that are gone.
    mutating func noteFormerRuns() {
        let taken = runs.slots.union(slots.all.map(\.slot))
        for slot in RunLayers.slots where ledger.isUsed(slot) && !taken.contains(slot) {
            runs.noteFormer(slot, nil)
        }
        for legend in Self.legends(of: enforcement).flatMap(\.legends).compactMap({ $0 }) {
            guard let slot = legend.run.map({ KernelRun.slot(of: $0.layer) }), !taken.contains(slot) else {
                continue
            }
            runs.noteFormer(slot, legend)
        }
    }

    /// Of the generations that are there, and of those that were: what events can speak of.
    static func legends(
        of enforcement: borrowing Enforcement
    ) -> [(number: UInt32, legends: [PolicyLegend?])] {
        enforcement.arena.pastRecords.map { ($0.number, $0.policies) }
            + enforcement.arena.generations.map { ($0.number, $0.legends) }
    }
}

extension RunLayers {
    /// Notes that somebody asks for layers.
    mutating func touch(_ words: some Sequence<UInt32>, now: UInt64) {
        for word in words { touch(word, now: now) }
    }
}

extension KernelRun {
    /// What its events are told with.
    var legend: PolicyLegend { part.policy.of(self).legend }
}

extension RunLayers.Layer {
    var legend: PolicyLegend { run.legend }
}

extension PolicyLegend {
    /// What a list calls it, where the host's policies stand, too: those have no `@` in their names.
    var listedName: String { run.map { "\(name)@\($0.owner)" } ?? name }

    /// Whether it is the policy of a task's layer.
    func isOf(_ layer: UInt32) -> Bool {
        run.map { $0.layer == layer } ?? !KernelRun.isRun(layer)
    }
}
