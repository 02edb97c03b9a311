internal import AuditLog
internal import BPF
internal import CLinux
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
            context.log.error(error.description)
        }
        // Of what is gone there is nothing behind these.
        defer { if !isMore { forgetPast() } }
        if events.isEmpty { return isMore }
        names.beginReading()
        writer.isGathering = true
        defer { writer.isGathering = false }
        let bootTime = swguard_boot_time()
        let now = ControlServer.now
        for event in events {
            let legend = legend(of: event.record)
            let slot = slot(of: event.record.policy)
            let report = EventReport(policy: legend ?? unknown(event.record), bootTime: bootTime)
            guard let (told, time) = report.event(of: event, &names) else {
                ledger.omit(slot)
                continue
            }
            tell(told, at: time, reason: report.reason(of: event), of: event.record)
            if aggregator.holds(told, at: time, now: now) {
                ledger.hold(slot)
            } else {
                writeLine(told, at: time, slot, 1, now)
            }
        }
        return isMore
    }

    /// Writes an event that stands for as many records, or counts them as dropped.
    private mutating func writeLine(
        _ event: AuditEvent, at time: AuditTime, _ slot: Int, _ count: Int, _ now: UInt64
    ) {
        if !rate.admits(slot, now: now) {
            ledger.drop(slot, count, .rate)
        } else if let place = write(event.named, at: time) {
            ledger.write(slot, count, place)
        } else {
            ledger.drop(slot, count, .disk)
        }
    }

    /// Gives an event to the log; nil: it has no room.
    @discardableResult
    mutating func write(_ event: AuditEvent, at time: AuditTime = .now()) -> EventLedger.Place? {
        let isTaken = writer.write(event, at: time)
        let place = EventLedger.Place(line: writer.line, step: writer.steps)
        noteTold()
        return isTaken ? place : nil
    }

    /// Notes what the log has told of by itself, before the line that came behind that.
    mutating func noteTold() {
        for told in writer.takeTold() {
            // A user can have brought several policies of one name.
            var rest = Int(clamping: told.count)
            for (slot, name) in accounted where name == told.policy && rest > 0 {
                let count = min(rest, ledger.untold(slot, .disk))
                rest -= count
                ledger.tell(slot, count, .disk, EventLedger.Place(line: told.line, step: told.step))
            }
        }
    }

    /// What the numbers of a record stand for; nil: it is not known any more.
    private func legend(of record: EventRecord) -> PolicyLegend? {
        // The agent's own rule alone decided.
        if record.policy == SWGUARD_NO_POLICY { return PolicyLegend(unknown: "") }
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
    private func slot(of layer: UInt32) -> Int {
        if layer == SWGUARD_NO_POLICY { return Int(SWGUARD_NO_POLICY) }
        return KernelRun.isRun(layer) ? runs.account(of: layer) : Int(layer)
    }

    /// All slots that something is accounted for, and their policies.
    var accounted: [(slot: Int, name: String)] {
        slots.all + runs.accounts
    }

    private mutating func forgetPast() {
        for (number, _) in past { state.forget(number) }
        past = []
    }

    /// Writes events that stand for several.
    mutating func writeHeld(_ due: [EventAggregator.Due]) {
        let now = ControlServer.now
        for held in due {
            let count = Int(clamping: held.count)
            // All that is held is of requests. What is of no policy is in no account.
            let slot = slot(of: held.event.policyLayer ?? SWGUARD_NO_POLICY)
            ledger.release(slot, count)
            writeLine(held.event, at: held.time, slot, count, now)
        }
    }

    /// Keeps what was counted for the generations that go with the next one; with `all`, for all that are there.
    mutating func retire(all: Bool = false) {
        let generations = enforcement.arena.generations
        for generation in generations.dropLast(all ? 0 : 1) {
            for (slot, _, range) in generation.policies {
                ledger.retire(
                    slot, EventCounts(enforcement.arena.counts(of: range)), of: generation.number)
            }
        }
    }

    /// Everything that is known to have been counted for the slots that policies have or had.
    func countsBySlot() -> [Int: EventCounts] {
        var kernel: [Int: EventCounts] = [:]
        for generation in enforcement.arena.generations {
            for (slot, _, range) in generation.policies where !ledger.isRetired(slot, generation.number) {
                kernel[slot, default: EventCounts()] += EventCounts(enforcement.arena.counts(of: range))
            }
        }
        return Dictionary(
            uniqueKeysWithValues: accounted.map { slot, _ in
                (slot, ledger.counts(of: slot, kernel[slot] ?? EventCounts()))
            })
    }

    /// Says how many records became no line, and how many an agent has lost that was killed.
    mutating func tellLosses() {
        let now = AuditTime.now()
        tellAbandoned(now)
        let counts = countsBySlot()
        for (slot, name) in accounted {
            // What the log had no room for, it tells by itself.
            for cause in [EventLedger.Cause.ring, .rate] {
                let lost = ledger.untold(slot, cause, of: counts[slot] ?? EventCounts())
                // Where the log has no room, it is told later.
                if lost > 0, let place = tellGap(cause.reason, lost, name, since: lastLook, now) {
                    ledger.tell(slot, lost, cause, place)
                }
            }
            ledger.look(slot, at: Int(now.seconds))
        }
        let ownLost = isSealed ? enforcement.own.lost : 0
        if ownLost > toldOwnLost, tellGap(.ring, ownLost - toldOwnLost, nil, since: lastLook, now) != nil {
            toldOwnLost = ownLost
        }
        lastLook = now
        let unbound = enforcement.arena.unboundObjects
        if unbound > toldUnbound {
            context.log.warning(
                "\(unbound - toldUnbound) objects came under names that are denied and could not be bound: they are denied by "
                    + "their paths alone")
            toldUnbound = unbound
        }
    }

    /// Goes on where an agent before ended: what it lost is told by this one.
    mutating func succeedLedger() {
        let counts = countsBySlot()
        let now = AuditTime.now()
        for (slot, name) in accounted {
            let since = AuditTime(seconds: Int64(ledger.lookedAt(slot)), nanoseconds: 0)
            owed.insert(slot)
            seen[slot] = since
            let lost = ledger.untold(slot, .disk, of: counts[slot] ?? EventCounts())
            if lost > 0 { writer.owe(UInt64(lost), of: name, min(since, now)...now) }
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
            let count = ledger.unaccounted(slot, counts)
            if count > 0 {
                guard
                    let place = tellGap(
                        .restart, count, accounted.first { $0.slot == slot }?.name,
                        since: seen[slot] ?? now, now)
                else { continue }
                ledger.abandon(slot, count, place)
            }
            owed.remove(slot)
        }
    }

    private mutating func tellGap(
        _ reason: GapRecord.Reason, _ count: Int, _ policy: String?, since: AuditTime, _ now: AuditTime
    ) -> EventLedger.Place? {
        write(
            .gap(
                GapRecord(
                    reason: reason, count: UInt64(count), policy: policy, span: min(since, now)...now)))
    }
}

extension AuditEvent {
    /// The event as the log calls it: a denial by the rule that guards the agent is a hand on the agent.
    fileprivate var named: Self {
        guard case .denial(let record) = self, record.rule == RuleReference(id: OwnFiles.rule, source: nil)
        else { return self }
        return .tamper(TamperRecord(record))
    }
}
