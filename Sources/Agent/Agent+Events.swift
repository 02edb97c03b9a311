internal import AuditLog
internal import BPF
internal import CSwguardBPF
internal import Compiler
internal import Control
internal import Policy

/// From the kernel's records to lines, every record accounted for.
extension Agent {
    /// Everything that was there when this began: a ring of 1 MiB holds no more than 9,000 records.
    mutating func writeAllEvents() {
        for _ in 0..<(9_000 / Enforcement.drainedAtOnce + 1) {
            if !writeEvents() { return }
        }
    }

    /// True: there may be more.
    @discardableResult
    mutating func writeEvents() -> Bool {
        var events: [KernelEvent] = []
        var isMore = false
        do throws(KernelError) {
            isMore = try enforcement.drain { events.append($0) }
        } catch {
            context.say(error.description)
        }
        // Of what is gone there is nothing behind these.
        defer { if !isMore { forgetPast() } }
        if events.isEmpty { return isMore }
        let bootTime = EventReport.bootTimeNow()
        let now = ControlServer.now
        for event in events {
            let legend = legend(of: event.record)
            let slot = slot(of: event.record.policy, legend)
            let report = EventReport(policy: legend ?? unknown(event.record), bootTime: bootTime)
            guard let (told, time) = report.event(of: event, &names) else {
                ledger.omit(slot)
                continue
            }
            tell(told, at: time, reason: report.reason(of: event), of: event.record)
            if aggregator.holds(told, at: time, now: now) {
                ledger.hold(slot)
            } else if writer.write(told, at: time) {
                ledger.write(slot, step: writer.steps)
            } else {
                ledger.drop(slot, 1)
            }
        }
        return isMore
    }

    /// What the numbers of a record stand for; nil: it is not known any more.
    private func legend(of record: EventRecord) -> PolicyLegend? {
        let slot = KernelRun.slot(of: record.policy)
        let generation = enforcement.arena.generations.first { $0.number == record.generation }
        let legends = generation?.legends ?? past.first { $0.number == record.generation }?.legends ?? []
        guard legends.indices.contains(slot), let legend = legends[slot], legend.isOf(record.policy) else {
            return nil
        }
        return legend
    }

    /// Then the policy has its name all the same.
    private func unknown(_ record: EventRecord) -> PolicyLegend {
        let slot = KernelRun.slot(of: record.policy)
        let name =
            KernelRun.isRun(record.policy)
            ? runs.layers[record.policy]?.legend.name ?? RunLayers.goneName : slots.name(of: slot)
        return PolicyLegend(unknown: name ?? "slot-\(slot)")
    }

    /// For which slot a record is accounted.
    private func slot(of layer: UInt32, _ legend: PolicyLegend?) -> Int {
        if KernelRun.isRun(layer), legend == nil, runs.layers[layer] == nil { return RunLayers.goneSlot }
        return KernelRun.slot(of: layer)
    }

    /// All slots that something is accounted for, and their policies.
    var accounted: [(slot: Int, name: String)] {
        slots.all + runs.layers.values.map { ($0.run.slot, $0.legend.listedName) }
            + (slots.name(of: RunLayers.goneSlot) == nil ? [(RunLayers.goneSlot, RunLayers.goneName)] : [])
    }

    private mutating func forgetPast() {
        for (number, _) in past { state.forget(number) }
        past = []
    }

    /// Writes events that stand for several.
    mutating func writeHeld(_ due: [EventAggregator.Due]) {
        for held in due {
            let isWritten = writer.write(held.event, at: held.time)
            // All that is held is of requests.
            guard let layer = held.event.policyLayer else { continue }
            let slot =
                KernelRun.isRun(layer) && runs.layers[layer] == nil
                ? RunLayers.goneSlot : KernelRun.slot(of: layer)
            if isWritten {
                ledger.release(slot, held.count, step: writer.steps)
            } else {
                ledger.dropHeld(slot, held.count)
            }
        }
    }

    /// Keeps what was counted for the generations that go with the next one; with `all`, for all that are there.
    mutating func retire(all: Bool = false) {
        let generations = enforcement.arena.generations
        for generation in generations.dropLast(all ? 0 : 1) {
            for (slot, _, range) in generation.policies {
                ledger.retire(slot, EventCounts(enforcement.arena.counts(of: range)))
            }
        }
    }

    /// Everything that is known to have been counted for the slots that policies have or had.
    func countsBySlot() -> [Int: EventCounts] {
        var kernel: [Int: EventCounts] = [:]
        for generation in enforcement.arena.generations {
            for (slot, _, range) in generation.policies {
                kernel[slot, default: EventCounts()] += EventCounts(enforcement.arena.counts(of: range))
            }
        }
        return Dictionary(
            uniqueKeysWithValues: accounted.map { slot, _ in
                (slot, ledger.counts(of: slot, kernel[slot] ?? EventCounts()))
            })
    }

    /// Says how many records found no room in the ring, and how many an agent has lost that was killed.
    mutating func tellLosses() {
        let now = AuditTime.now()
        tellAbandoned(now)
        let counts = countsBySlot()
        for (slot, name) in accounted {
            let lost = ledger.newlyLost(slot, of: counts[slot]?.lost ?? 0)
            // Where the log has no room, it is told later.
            if lost > 0, tellGap(.ring, lost, name, since: lastLook, now) {
                ledger.tell(slot, lost: lost, step: writer.steps)
            }
            ledger.look(slot, at: Int(now.seconds))
        }
        lastLook = now
        let unbound = enforcement.arena.unboundObjects
        if unbound > toldUnbound {
            context.say(
                "\(unbound - toldUnbound) objects came under names that are denied and could not be bound: they are denied by "
                    + "their paths alone")
            toldUnbound = unbound
        }
    }

    /// Of records that an agent took and did not account for before it was killed. Which of those that the kernel counted
    /// they are can be said as soon as none comes meanwhile.
    private mutating func tellAbandoned(_ now: AuditTime) {
        if owed.isEmpty { return }
        let before = countsBySlot()
        // In a storm there are always more.
        if writeEvents() { return }
        let after = countsBySlot()
        for slot in owed {
            guard let counts = after[slot], counts.submitted == before[slot]?.submitted else { continue }
            let count = EventLedger.unaccounted(counts)
            let since = AuditTime(seconds: Int64(seen[slot] ?? 0), nanoseconds: 0)
            if count > 0 {
                guard tellGap(.restart, count, slots.name(of: slot), since: since, now) else { continue }
                ledger.abandon(slot, count, step: writer.steps)
            }
            owed.remove(slot)
        }
    }

    private mutating func tellGap(
        _ reason: GapRecord.Reason, _ count: Int, _ policy: String?, since: AuditTime, _ now: AuditTime
    ) -> Bool {
        writer.write(
            .gap(
                GapRecord(
                    reason: reason, count: UInt64(count), policy: policy, span: min(since, now)...now)))
    }
}
