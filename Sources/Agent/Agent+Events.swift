internal import AuditLog
internal import BPF
internal import CSwguardBPF
internal import Compiler
internal import Control
internal import Policy

/// From the kernel's records to lines, every record accounted for.
extension Agent {
    /// A policy of a generation.
    struct LossKey: Hashable {
        var generation: UInt32
        var slot: Int
    }

    /// Everything that was there when this began: the ring holds no more than some thousand records.
    mutating func writeAllEvents() {
        for _ in 0..<4 {
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
        if events.isEmpty { return isMore }
        let bootTime = EventReport.bootTimeNow()
        let now = ControlServer.now
        for event in events {
            guard
                let generation = enforcement.arena.generations.first(where: {
                    $0.number == event.record.generation
                }), let name = generation.tables.name(ofSlot: Int(event.record.policy))
            else {
                ledger.omit("")
                continue
            }
            let report = EventReport(tables: generation.tables, bootTime: bootTime)
            guard let (told, time) = report.event(of: event, &names) else {
                ledger.omit(name)
                continue
            }
            if aggregator.holds(told, at: time, now: now) {
                ledger.hold(name)
            } else if writer.write(told, at: time) {
                ledger.write(name)
            } else {
                ledger.drop(name, 1)
            }
        }
        return isMore
    }

    /// Writes events that stand for several.
    mutating func writeHeld(_ due: [EventAggregator.Due]) {
        for held in due {
            let isWritten = writer.write(held.event, at: held.time)
            guard let name = held.event.policyName else { continue }
            if isWritten { ledger.release(name, held.count) } else { ledger.dropHeld(name, held.count) }
        }
    }

    /// Keeps what was counted for the generations that go with the next one.
    mutating func retire() {
        retire(enforcement.arena.generations.dropLast())
    }

    /// Keeps what was counted for some.
    mutating func retire(_ generations: [PlacedGeneration]) {
        // The probe's records were read by the probe.
        for generation in generations where generation.number != Enforcement.probe {
            for (slot, policy, range) in generation.policies {
                ledger.retire(policy.policy.name, EventCounts(enforcement.arena.counts(of: range)))
                told[LossKey(generation: generation.number, slot: slot)] = nil
            }
        }
    }

    /// Says how many records found no room in the ring.
    mutating func tellLosses() {
        let now = AuditTime.now()
        for generation in enforcement.arena.generations {
            for (slot, policy, range) in generation.policies {
                let key = LossKey(generation: generation.number, slot: slot)
                let lost = enforcement.arena.counts(of: range).reduce(0) { $0 + $1.lost }
                let known = told[key] ?? 0
                if lost <= known { continue }
                told[key] = lost
                writer.write(
                    .gap(
                        GapRecord(
                            reason: .ring, count: lost - known, policy: policy.policy.name,
                            span: lastLook...now)))
            }
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
}
