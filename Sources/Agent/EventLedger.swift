internal import AuditLog
internal import Compiler
internal import Control
internal import Policy

/// What became of the records of each policy, by its slot: across generations and agents, for as long as anything is
/// enforced.
///
/// A line counts when it is where it is to be: what only waits for the disk when an agent is killed is missing, and its
/// successor says so.
struct EventLedger {
    private let accounts: Accounts
    private let unsettled: UnsettledLines
    /// Records that are held, to stand in a line with others: an agent that is killed loses them.
    private var held: [Int: Int] = [:]

    typealias Place = UnsettledLines.Place

    init(_ accounts: Accounts, _ unsettled: UnsettledLines) {
        self.accounts = accounts
        self.unsettled = unsettled
    }

    /// A line was given to the log for as many records.
    mutating func write(_ slot: Int, _ count: Int = 1, _ place: Place) {
        unsettled.add(slot, [.written: 1, .aggregated: count - 1], place)
    }

    /// A record is held.
    mutating func hold(_ slot: Int) { held[slot, default: 0] += 1 }

    /// As many records are held no longer.
    mutating func release(_ slot: Int, _ count: Int) { held[slot, default: 0] -= count }

    /// As many records become no line.
    mutating func drop(_ slot: Int, _ count: Int, _ cause: Cause) {
        accounts.add([cause.dropped: count], to: slot)
    }

    /// No line is wanted for a record.
    mutating func omit(_ slot: Int) { accounts.add([.unreported: 1], to: slot) }

    /// A gap was given to the log for records that nobody has accounted for.
    mutating func abandon(_ slot: Int, _ count: Int, _ place: Place) {
        unsettled.add(slot, [.restart: count], place)
    }

    /// A slot becomes another policy's: what is known of it is added to another's.
    mutating func clear(_ slot: Int, into other: Int) {
        unsettled.move(from: slot, to: other)
        held[other, default: 0] += held.removeValue(forKey: slot) ?? 0
    }

    /// A generation goes, whose counters will be another's. Where an agent was killed while it went, that was counted.
    mutating func retire(_ slot: Int, _ kernel: EventCounts, of generation: UInt32) {
        if isRetired(slot, generation) { return }
        accounts.set(
            slot,
            [
                .decided: accounts[slot, .decided] + kernel.decided,
                .submitted: accounts[slot, .submitted] + kernel.submitted,
                .lost: accounts[slot, .lost] + kernel.ring, .quiet: accounts[slot, .quiet] + kernel.quiet,
                .retiredBefore: accounts[slot, .retired], .retired: Int(generation),
            ])
    }

    /// Whether anything was ever counted for a slot.
    func isUsed(_ slot: Int) -> Bool { accounts[slot, .decided] > 0 }

    /// Whether what the kernel counted for a generation is in the accounts.
    func isRetired(_ slot: Int, _ generation: UInt32) -> Bool {
        accounts[slot, .retired] == Int(generation) || accounts[slot, .retiredBefore] == Int(generation)
    }

    private func all(_ slot: Int, _ field: Accounts.Field) -> Int {
        unsettled.total(slot, field)
    }

    /// Everything about a slot, of which the generations that are there counted `kernel`.
    func counts(of slot: Int, _ kernel: EventCounts) -> EventCounts {
        var sum = kernel
        sum.decided += accounts[slot, .decided]
        sum.submitted += accounts[slot, .submitted]
        sum.ring += accounts[slot, .lost]
        sum.quiet += accounts[slot, .quiet]
        sum.written = all(slot, .written)
        sum.aggregated = all(slot, .aggregated)
        sum.unreported = accounts[slot, .unreported]
        sum.rate = accounts[slot, .rate]
        sum.disk = accounts[slot, .disk]
        sum.restart = all(slot, .restart)
        // In the ring, held, or taken by an agent that was killed.
        sum.waiting = max(0, sum.submitted - sum.handled)
        return sum
    }

    /// How many records were handed over that nobody holds or has accounted for, when none is in the ring.
    func unaccounted(_ slot: Int, _ counts: EventCounts) -> Int {
        max(0, counts.waiting - (held[slot] ?? 0))
    }

    /// When an agent was last there, in seconds since 1970.
    func lookedAt(_ slot: Int) -> Int { accounts[slot, .lookedAt] }
    func look(_ slot: Int, at seconds: Int) { accounts.set(slot, [.lookedAt: seconds]) }

    /// Why records become no line, which gaps tell of afterwards.
    enum Cause: CaseIterable {
        /// The kernel counts these.
        case ring
        case rate, disk

        fileprivate var dropped: Accounts.Field {
            switch self {
            case .ring: .lost
            case .rate: .rate
            case .disk: .disk
            }
        }

        fileprivate var told: Accounts.Field {
            switch self {
            case .ring: .toldRing
            case .rate: .toldRate
            case .disk: .toldDisk
            }
        }

        var reason: GapRecord.Reason {
            switch self {
            case .ring: .ring
            case .rate: .rate
            case .disk: .disk
            }
        }
    }

    /// How many records were dropped of which no gap has told.
    func untold(_ slot: Int, _ cause: Cause, of counts: EventCounts) -> Int {
        let dropped =
            switch cause {
            case .ring: counts.ring
            case .rate: counts.rate
            case .disk: counts.disk
            }
        return max(0, dropped - all(slot, cause.told))
    }

    /// The same of what is not the kernel's to count.
    func untold(_ slot: Int, _ cause: Cause) -> Int {
        untold(slot, cause, of: counts(of: slot, EventCounts()))
    }

    /// A gap was given to the log for some of them.
    mutating func tell(_ slot: Int, _ count: Int, _ cause: Cause, _ place: Place) {
        unsettled.add(slot, [cause.told: count], place)
    }

    /// Goes on where the agent before ended, whose lines are in the log and perhaps not in the accounts.
    ///
    /// - Parameters:
    ///   - last: The number of the log's last line.
    ///   - slot: For which slot a line is accounted.
    ///   - records: Reads what the log has behind a line.
    func goOn(
        inLog path: String?, last: UInt64, slot: (LogRecord) -> Int?, _ records: (UInt64) -> [LogRecord]
    ) {
        let log = Self.number(of: path ?? "")
        if path != nil, let line = accounts.lastLine(of: log), line < last {
            for record in records(line) {
                guard let slot = slot(record), let amounts = Self.amounts(of: record),
                    let line = UInt64(record.sequence)
                else { continue }
                accounts.add(amounts, to: slot, line: line)
            }
        }
        accounts.begin(log, after: last)
    }

    /// What a line that is in the log adds.
    static func amounts(of record: LogRecord) -> [Accounts.Field: Int]? {
        switch record.kind {
        case "denial", "grant", "tamper": [.written: 1, .aggregated: record.count - 1]
        case "gap":
            switch record.json["reason"]?.stringValue {
            case "ring": [.toldRing: record.count]
            case "rate": [.toldRate: record.count]
            case "disk": [.toldDisk: record.count]
            case "restart": [.restart: record.count]
            default: nil
            }
        default: nil
        }
    }

    /// FNV-1a (draft-eastlake-fnv), of 64 bits.
    private static func number(of path: String) -> UInt64 {
        path.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

extension EventCounts {
    /// What the kernel counted for some rules.
    init(_ counts: [Count]) {
        self.init()
        for count in counts {
            decided += Int(clamping: count.decided)
            submitted += Int(clamping: count.submitted)
            ring += Int(clamping: count.lost)
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
