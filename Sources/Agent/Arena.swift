internal import BPF
internal import CLinux
internal import Compiler

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
    /// Oldest first; the last one is in force.
    private(set) var generations: [PlacedGeneration] = []
    private var number: UInt32 = 0

    init(tables: consuming MappedMap, counters: consuming MappedMap) {
        self.tables = tables
        self.counters = counters
    }

    /// Puts `tables` into force.
    ///
    /// Where there is no room beside the one before the present one, that is given up.
    mutating func place(_ tables: KernelTables) throws(ArenaError) {
        if generations.count > 1 {
            // Nothing runs by it any more: the swap after it waited for that.
            generations.removeFirst(generations.count - 1)
        }
        let capacity = self.tables.size / 4
        let used = generations.map(\.words)
        guard let first = Self.gap(of: tables.wordCount, beside: used, from: Self.reserved, capacity) else {
            throw ArenaError(
                what: "words of tables", needed: tables.wordCount,
                free: capacity - Self.reserved - used.reduce(0) { $0 + $1.count })
        }
        let countersUsed = generations.map(\.counters)
        let counterCapacity = counters.size / Self.counterSize
        guard
            let firstCounter = Self.gap(
                of: tables.counterCount, beside: countersUsed, from: 0, counterCapacity)
        else {
            throw ArenaError(
                what: "counters", needed: tables.counterCount,
                free: counterCapacity - countersUsed.reduce(0) { $0 + $1.count })
        }
        number += 1
        let placed = PlacedGeneration(
            number: number, tables: tables, words: first..<(first + tables.wordCount),
            counters: firstCounter..<(firstCounter + tables.counterCount))
        counters.clear(tables.counterCount * Self.counterSize, at: firstCounter * Self.counterSize)
        self.tables.store(
            tables.words(at: UInt32(first), number: number, countingFrom: UInt32(firstCounter)), at: first)
        self.tables.publish(UInt32(first), at: 0)
        generations.append(placed)
        // What began before the swap decides by the one before, whose place is not written to until the next swap.
        // Where the call is not there (nohz_full), a swap later everything has ended all the same.
        _ = swguard_grace_period()
    }

    /// The first place for `count` beside what is used.
    static func gap(of count: Int, beside used: [Range<Int>], from first: Int, _ capacity: Int) -> Int? {
        var place = first
        for range in used.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound - place >= count { return place }
            place = max(place, range.upperBound)
        }
        return capacity - place >= count ? place : nil
    }

    /// What the programs counted for a policy's defaults and rules.
    func counts(of counters: Range<Int>) -> [Count] {
        counters.map { index in
            let offset = index * Self.counterSize
            return Count(
                decided: self.counters.counter(at: offset), submitted: self.counters.counter(at: offset + 8),
                lost: self.counters.counter(at: offset + 16),
                quiet: self.counters.counter(at: offset + 24))
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
}

/// The kernel's array has no room for a generation beside the one in force.
struct ArenaError: Error {
    var what: String
    var needed: Int
    var free: Int

    var text: String { "\(needed) \(what) are needed and \(free) are free" }
}
