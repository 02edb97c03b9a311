internal import BPF
internal import CSwguardBPF
internal import Synchronization

/// What became of the records of each slot, in memory that outlives the agent: its successor goes on counting.
///
/// Each change is made whole, also where the agent is killed in the middle of it: its results are written down beside the
/// accounts first, and whoever opens them next puts them in.
final class Accounts: Sendable {
    /// The numbers that are kept of a slot.
    enum Field: Int, CaseIterable {
        /// Of generations that are gone: what the kernel counted.
        case decided, submitted, lost, quiet
        /// The numbers of the generations that came to those last, and before.
        case retired, retiredBefore
        case written, aggregated, unreported
        /// Dropped, besides those that the kernel lost.
        case rate, disk, restart
        /// Of those that were dropped, how many have been told of.
        case toldRing, toldRate, toldDisk
        /// When an agent was last there, in seconds since 1970.
        case lookedAt

        /// Whether it means nothing to another slot.
        var isOfOneSlot: Bool {
            switch self {
            case .retired, .retiredBefore, .lookedAt: true
            default: false
            }
        }
    }

    /// Bytes for a slot: with room for numbers of later versions.
    static let size = 24 * 8
    /// One for each slot, one for `RunLayers.goneSlot`, and one for what is about all of them.
    static let capacity = Int(SWGUARD_POLICIES_MAX) + 2

    /// The numbers that are about all slots, behind the last slot's.
    private enum Common {
        /// Which log the next is about.
        static let log = 0
        /// The number of the log's last line that is in the accounts.
        static let line = 1
        /// 1: what follows is to be put in.
        static let isPending = 2
        static let slot = 3
        /// Bits of `Field`, and the new value of each; and that of `line`.
        static let fields = 4
        static let nextLine = 5
        static let values = 6
        /// The slot whose numbers become 0 besides, and one; 0: none.
        static let cleared = 23
    }

    private let map: MappedMap
    private let isChanging = Mutex(())

    /// Opens them, with the change that an agent was killed in.
    init(_ map: consuming MappedMap) {
        self.map = map
        if common(Common.isPending) == 1 { putIn() }
    }

    /// The most that a number is: sums of them are numbers, too. What is counted gets there in nine years of a million a
    /// second; lines of a log that somebody else wrote may say anything.
    static let most = 1 << 48

    private static func offset(_ slot: Int, _ number: Int) -> Int { slot * size + number * 8 }

    private func common(_ number: Int) -> Int {
        Int(clamping: map.counter(at: Self.offset(Self.capacity - 1, number)))
    }

    private func setCommon(_ number: Int, _ value: Int) {
        map.setCounter(UInt64(clamping: value), at: Self.offset(Self.capacity - 1, number))
    }

    private func has(_ slot: Int) -> Bool { (0..<(Self.capacity - 1)).contains(slot) }

    subscript(slot: Int, field: Field) -> Int {
        has(slot) ? min(Int(clamping: map.counter(at: Self.offset(slot, field.rawValue))), Self.most) : 0
    }

    /// Adds to numbers of a slot, of which `line` of the log tells; from any thread.
    func add(_ amounts: [Field: Int], to slot: Int, line: UInt64? = nil) {
        change(slot, line: line) {
            amounts.mapValues { min(max(0, $0), Self.most) }.map { ($0, self[slot, $0] + $1) }
        }
    }

    /// Sets numbers of a slot.
    func set(_ slot: Int, _ values: [Field: Int]) { change(slot, line: nil) { values.map { ($0, $1) } } }

    /// Adds all numbers of a slot to another's, and makes them 0.
    func move(from slot: Int, to other: Int) {
        guard has(slot), slot != other else { return }
        change(other, line: nil, clearing: slot) {
            Field.allCases.filter { !$0.isOfOneSlot }.map { ($0, self[other, $0] + self[slot, $0]) }
        }
    }

    private func change(
        _ slot: Int, line: UInt64?, clearing cleared: Int? = nil, _ values: () -> [(Field, Int)]
    ) {
        guard has(slot) else { return }
        isChanging.withLock { _ in
            setCommon(Common.slot, slot)
            setCommon(Common.nextLine, max(common(Common.line), line.map { Int(clamping: $0) } ?? 0))
            var fields = 0
            for (field, value) in values() {
                fields |= 1 << field.rawValue
                setCommon(Common.values + field.rawValue, value)
            }
            setCommon(Common.fields, fields)
            setCommon(Common.cleared, cleared.map { $0 + 1 } ?? 0)
            setCommon(Common.isPending, 1)
            putIn()
        }
    }

    /// The same, however often it is begun.
    private func putIn() {
        let slot = common(Common.slot)
        for field in Field.allCases where has(slot) && common(Common.fields) & 1 << field.rawValue != 0 {
            map.setCounter(
                UInt64(clamping: common(Common.values + field.rawValue)),
                at: Self.offset(slot, field.rawValue))
        }
        let cleared = common(Common.cleared) - 1
        for field in Field.allCases where has(cleared) {
            map.setCounter(0, at: Self.offset(cleared, field.rawValue))
        }
        setCommon(Common.line, common(Common.nextLine))
        setCommon(Common.isPending, 0)
    }

    /// The number of the last line of `log` that is in the accounts; nil: they know nothing of that log.
    func lastLine(of log: UInt64) -> UInt64? {
        isChanging.withLock { _ in
            UInt64(common(Common.log)) == log & Self.logMask ? UInt64(common(Common.line)) : nil
        }
    }

    /// From here on lines are those of `log`, which `line` is the last of.
    func begin(_ log: UInt64, after line: UInt64) {
        isChanging.withLock { _ in
            setCommon(Common.line, Int(clamping: line))
            setCommon(Common.log, Int(log & Self.logMask))
        }
    }

    /// What is an Int, too.
    private static let logMask = UInt64(Int.max)
}
