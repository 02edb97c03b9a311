internal import Compiler
internal import Control
internal import Policy

/// What became of the records of each policy, by its name: across generations, for as long as the agent runs.
struct EventLedger {
    private var counts: [String: EventCounts] = [:]
    /// Of generations that are gone, by a policy's name: what the kernel counted.
    private var past: [String: EventCounts] = [:]

    /// A line was written for a record.
    mutating func write(_ policy: String) { counts[policy, default: EventCounts()].written += 1 }

    /// A record is held.
    mutating func hold(_ policy: String) { counts[policy, default: EventCounts()].waiting += 1 }

    /// A line was written for as many records as were held.
    mutating func release(_ policy: String, _ count: UInt64) {
        let count = Int(clamping: count)
        counts[policy, default: EventCounts()].waiting -= count
        counts[policy, default: EventCounts()].written += 1
        counts[policy, default: EventCounts()].aggregated += count - 1
    }

    /// As many records had no room in the log.
    mutating func drop(_ policy: String, _ count: UInt64) {
        counts[policy, default: EventCounts()].dropped += Int(clamping: count)
    }

    /// As many records that were held had no room in the log.
    mutating func dropHeld(_ policy: String, _ count: UInt64) {
        counts[policy, default: EventCounts()].waiting -= Int(clamping: count)
        drop(policy, count)
    }

    /// No line is written for a record.
    mutating func omit(_ policy: String) { counts[policy, default: EventCounts()].unreported += 1 }

    /// A generation goes, whose counters will be another's.
    mutating func retire(_ policy: String, _ kernel: EventCounts) {
        past[policy, default: EventCounts()] += kernel
    }

    /// Everything about a policy, of which the generations that are there counted `kernel`.
    func counts(of policy: String, _ kernel: EventCounts) -> EventCounts {
        var sum = counts[policy] ?? EventCounts()
        sum += past[policy] ?? EventCounts()
        sum += kernel
        return sum
    }

    /// The policies of which anything is known.
    var policies: Set<String> { Set(counts.keys).union(past.keys) }
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
    /// The policies, each with its slot and its counters.
    var policies: [(slot: Int, policy: KernelPolicy, counters: Range<Int>)] {
        var first = counters.lowerBound
        var all: [(slot: Int, policy: KernelPolicy, counters: Range<Int>)] = []
        for (slot, policy) in tables.policies.enumerated() {
            guard let policy else { continue }
            let range = first..<(first + policy.rules.count + 1)
            first = range.upperBound
            all.append((slot, policy, range))
        }
        return all
    }
}

extension KernelTables {
    /// The name of the policy in a slot; nil: none is there.
    func name(ofSlot slot: Int) -> String? {
        policies.indices.contains(slot) ? policies[slot]?.policy.name : nil
    }
}

extension KernelPolicy {
    /// The files that it confines by their one name.
    var literalExecutables: [[UInt8]] {
        policy.subjects.compactMap { subject -> [UInt8]? in
            guard case .exec(let pattern) = subject.value, pattern.isLiteral else { return nil }
            return pattern.literalBytes
        }
    }
}
