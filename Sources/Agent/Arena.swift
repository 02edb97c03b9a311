internal import BPF
internal import CLinux
internal import CSwguardBPF
internal import Compiler
private import Glibc

/// The kernel's array of words, and which generations are where in it.
///
/// A new generation is filled beside those that are there; then one word is written, and programs that begin after that
/// see the new one. The one before stays, for the way back.
struct Arena: ~Copyable {
    /// The first words: the number of the generation in force, and nothing.
    private static let reserved = 16
    /// Bytes of `struct swguard_count`.
    private static let counterSize = 32

    private let tables: MappedMap
    private let counters: MappedMap
    private let guards: GuardMaps
    /// Oldest first; the last one is in force.
    private(set) var generations: [PlacedGeneration] = []

    init(tables: consuming MappedMap, counters: consuming MappedMap, guards: consuming GuardMaps) {
        self.guards = guards
        self.tables = tables
        self.counters = counters
    }

    /// Puts `tables` into force; `number` is what events call them, `held` what they guard.
    ///
    /// The one before the present one is given up: nothing runs by it any more.
    mutating func place(
        _ tables: KernelTables, number: UInt32, held: HeldObjects? = nil
    ) throws(ArenaError) {
        while generations.count > 1 {
            // While it still keeps its objects open.
            guards.remove(generations[0].number)
            generations.removeFirst()
        }
        let words = try Self.gap(
            "words of tables", of: tables.wordCount, beside: generations.map(\.words),
            within: Self.reserved..<(self.tables.size / 4))
        let counters = try Self.gap(
            "counters", of: tables.counterCount, beside: generations.map(\.counters),
            within: 0..<(self.counters.size / Self.counterSize))
        self.counters.clear(counters.count * Self.counterSize, at: counters.lowerBound * Self.counterSize)
        self.tables.store(
            tables.words(
                at: UInt32(words.lowerBound), number: number, countingFrom: UInt32(counters.lowerBound)),
            at: words.lowerBound)
        let placed = PlacedGeneration(
            number: number, tables: tables, words: words, counters: counters, held: held)
        try `guard`(placed)
        self.tables.publish(UInt32(words.lowerBound), at: 0)
        generations.append(placed)
        // What began before the swap decides by the one before, whose place is not written to until the next swap.
        // Where the call is not there (nohz_full), a swap later everything has ended all the same.
        _ = swguard_grace_period()
        // Until here, hooks bound what came under guarded names for the one before.
        guards.bindPresent(placed)
    }

    private func `guard`(_ placed: PlacedGeneration) throws(ArenaError) {
        do throws(KernelError) {
            try guards.add(placed)
        } catch {
            guards.remove(placed.number)
            throw ArenaError(
                text: "the objects of its deny rules cannot be guarded: \(error)",
                isWantOfRoom: error.code == E2BIG)
        }
    }

    /// How many objects came under guarded names and could not be bound.
    var unboundObjects: UInt64 { guards.unboundObjects }

    /// The first place for `count` beside what is used, at an even number.
    static func gap(
        _ what: String, of count: Int, beside used: [Range<Int>], within whole: Range<Int>
    ) throws(ArenaError) -> Range<Int> {
        var place = whole.lowerBound
        for range in used.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound - place >= count { break }
            place = max(place, (range.upperBound + 1) / 2 * 2)
        }
        guard whole.upperBound - place >= count else {
            let free = whole.count - used.reduce(0) { $0 + $1.count }
            throw ArenaError(text: "\(count) \(what) are needed and \(free) are free", isWantOfRoom: true)
        }
        return place..<(place + count)
    }

    /// What the programs counted for a policy's defaults and rules.
    func counts(of counters: Range<Int>) -> [Count] {
        counters.map { index in
            let offset = index * Self.counterSize
            return Count(
                decided: self.counters.counter(at: offset), submitted: self.counters.counter(at: offset + 8),
                lost: self.counters.counter(at: offset + 16), quiet: self.counters.counter(at: offset + 24))
        }
    }
}

/// One element of `counters`.
struct Count: Hashable {
    var decided: UInt64
    var submitted: UInt64
    var lost: UInt64
    var quiet: UInt64
}

/// A generation in the kernel's array.
struct PlacedGeneration {
    /// What events call it.
    let number: UInt32
    let tables: KernelTables
    let words: Range<Int>
    let counters: Range<Int>
    /// Kept open as long as it is there.
    let held: HeldObjects?
}

/// Why a generation cannot be put beside the one in force.
struct ArenaError: Error {
    var text: String
    /// Its maps are too small.
    var isWantOfRoom = false
}
