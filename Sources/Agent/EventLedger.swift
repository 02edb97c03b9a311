internal import Compiler
internal import Control

/// What became of the records of each policy, by its slot: across generations and agents, for as long as anything is
/// enforced.
///
/// A line counts when it is where it is to be: what only waits for the disk when an agent is killed is missing, and its
/// successor says so.
struct EventLedger {
    private let accounts: Accounts
    private let unsettled: UnsettledLines
    /// Records that are held, to stand in a line with others: an agent that is killed loses them.
    private var waiting: [Int: Int] = [:]
    /// Of those that were lost, how many have been told of, by this agent.
    private var toldLost: [Int: Int] = [:]

    init(_ accounts: Accounts, _ unsettled: UnsettledLines) {
        self.accounts = accounts
        self.unsettled = unsettled
    }

    /// A line was given to the log for a record: `step` is the last of the log's steps by then.
    mutating func write(_ slot: Int, step: UInt64) { unsettled.add(slot, [.written: 1], step: step) }

    /// A record is held.
    mutating func hold(_ slot: Int) { waiting[slot, default: 0] += 1 }

    /// A line was given to the log for as many records as were held.
    mutating func release(_ slot: Int, _ count: UInt64, step: UInt64) {
        let count = Int(clamping: count)
        waiting[slot, default: 0] -= count
        unsettled.add(slot, [.written: 1, .aggregated: count - 1], step: step)
    }

    /// As many records had no room in the log.
    mutating func drop(_ slot: Int, _ count: UInt64) {
        accounts.add(Int(clamping: count), to: slot, .dropped)
    }

    /// As many records that were held had no room in the log.
    mutating func dropHeld(_ slot: Int, _ count: UInt64) {
        waiting[slot, default: 0] -= Int(clamping: count)
        drop(slot, count)
    }

    /// No line is written for a record.
    mutating func omit(_ slot: Int) { accounts.add(1, to: slot, .unreported) }

    /// A gap was given to the log for records that nobody has accounted for.
    mutating func abandon(_ slot: Int, _ count: Int, step: UInt64) {
        unsettled.add(slot, [.unreported: count], step: step)
    }

    /// A slot becomes another policy's: what is known of it is added to another's.
    mutating func clear(_ slot: Int, into other: Int) {
        accounts.move(from: slot, to: other)
        toldLost[slot] = nil
        waiting[other, default: 0] += waiting.removeValue(forKey: slot) ?? 0
    }

    /// A generation goes, whose counters will be another's.
    mutating func retire(_ slot: Int, _ kernel: EventCounts) {
        accounts[slot, .decided] += kernel.decided
        accounts[slot, .submitted] += kernel.submitted
        accounts[slot, .lost] += kernel.lost
        accounts[slot, .quiet] += kernel.quiet
    }

    /// Everything about a slot, of which the generations that are there counted `kernel`.
    func counts(of slot: Int, _ kernel: EventCounts) -> EventCounts {
        var sum = kernel
        func all(_ field: Accounts.Field) -> Int { accounts[slot, field] + unsettled.sum(slot, field) }
        sum.decided += all(.decided)
        sum.submitted += all(.submitted)
        sum.lost += all(.lost)
        sum.quiet += all(.quiet)
        sum.written += all(.written)
        sum.aggregated += all(.aggregated)
        sum.unreported += all(.unreported)
        sum.dropped += all(.dropped)
        sum.waiting += waiting[slot] ?? 0
        return sum
    }

    /// How many records were handed over that nobody has accounted for.
    static func unaccounted(_ counts: EventCounts) -> Int {
        max(
            0,
            counts.submitted - counts.written - counts.aggregated - counts.unreported - counts.dropped
                - counts.waiting)
    }

    /// When an agent was last there, in seconds since 1970.
    func lookedAt(_ slot: Int) -> Int { accounts[slot, .lookedAt] }
    func look(_ slot: Int, at seconds: Int) { accounts[slot, .lookedAt] = seconds }

    /// How many more records have found no room than was told.
    func newlyLost(_ slot: Int, of lost: Int) -> Int {
        max(0, lost - (toldLost[slot] ?? accounts[slot, .toldLost]))
    }

    /// A gap was given to the log for some of them.
    mutating func tell(_ slot: Int, lost count: Int, step: UInt64) {
        toldLost[slot] = (toldLost[slot] ?? accounts[slot, .toldLost]) + count
        unsettled.add(slot, [.toldLost: count], step: step)
    }
}

extension EventCounts {
    /// What the kernel counted for some rules.
    init(_ counts: [Count]) {
        self.init()
        for count in counts {
            decided += Int(clamping: count.decided)
            submitted += Int(clamping: count.submitted)
            lost += Int(clamping: count.lost)
            quiet += Int(clamping: count.quiet)
        }
    }
}

extension PlacedGeneration {
    /// The policies, each with its slot and its counters: the host's, what stands in for those that are gone, and those that
    /// `swguard run` brought.
    static func policies(of record: GenerationRecord) -> [Counted] {
        var first = record.counters.lowerBound
        var all: [Counted] = []
        func add(_ slot: Int, _ policy: PolicyLegend, _ count: Int) {
            let range = first..<(first + count)
            first = range.upperBound
            all.append((slot, policy, range))
        }
        let known = record.policies.enumerated().compactMap { slot, policy in policy.map { (slot, $0) } }
        for (slot, policy) in known where policy.run == nil { add(slot, policy, policy.counterCount) }
        add(
            RunLayers.goneSlot, PolicyLegend(unknown: RunLayers.goneName), KernelTables.closedCounterCount)
        for (slot, policy) in known where policy.run != nil { add(slot, policy, policy.counterCount) }
        return all
    }

    /// The policy in a slot; nil: none is there.
    func policy(inSlot slot: Int) -> PolicyLegend? {
        legends.indices.contains(slot) ? legends[slot] : nil
    }
}
