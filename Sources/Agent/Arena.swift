internal import BPF
internal import CLinux
internal import CSwguardBPF
internal import Compiler
private import Glibc
internal import Policy

/// The kernel's array of words, and which generations are where in it.
///
/// A new generation is filled beside those that are there; then one word is written, and programs that begin after that
/// see the new one. The one before stays, for the way back.
struct Arena: ~Copyable {
    /// Where the generation without policies is, number 0, always: behind the number of the one in force.
    private static let nothing = Int(SWGUARD_NOTHING)
    /// The first word that other generations may have: that one is a few hundred words.
    private static let reserved = 4096
    /// Bytes of `struct swguard_count`.
    private static let counterSize = 32

    private let tables: MappedMap
    private let counters: MappedMap
    private let guards: GuardMaps
    private let state: StateDirectory
    private let place: GenerationRecord.Place
    /// The one before, if it is there still, and the one in force.
    private(set) var generations: [PlacedGeneration] = []
    /// Whether it is known where what is in force lies, and what its numbers stand for.
    private(set) var isKnown = true
    /// Why what is known of the last generation that was placed could not be kept.
    private(set) var stateFailure: String?

    /// The maps of programs of which none runs yet: these always find a generation.
    init(
        making tables: consuming MappedMap, map: UInt32, counters: consuming MappedMap,
        guards: consuming GuardMaps, state: StateDirectory
    ) throws(ArenaError) {
        guard let nothing = try? KernelTables.compile([Policy](), isClosing: false),
            nothing.wordCount <= Self.reserved - Self.nothing
        else { throw ArenaError(text: "the generation without policies has no room") }
        tables.store(
            nothing.words(at: UInt32(Self.nothing), number: 0, countingFrom: 0), at: Self.nothing)
        tables.publish(UInt32(Self.nothing), at: 0)
        self.tables = tables
        self.counters = counters
        self.guards = guards
        self.state = state
        place = GenerationRecord.Place(boot: state.boot, map: map)
    }

    /// The maps of programs that run.
    init(
        adopting tables: consuming MappedMap, map: UInt32, counters: consuming MappedMap,
        guards: consuming GuardMaps, state: StateDirectory
    ) {
        let first = Int(tables.word(0))
        let words = tables.size / 4
        let number = first < words ? tables.word(first) : 0
        var records = state.records(inMap: map, inForce: number).filter {
            $0.words.upperBound <= words && $0.counters.upperBound <= counters.size / Self.counterSize
                && $0.words.lowerBound >= Self.reserved
        }
        // The one in force last.
        records.sort { ($0.number == number ? 1 : 0, $0.number) < ($1.number == number ? 1 : 0, $1.number) }
        if first != Self.nothing {
            isKnown = records.last.map { $0.number == number && $0.words.lowerBound == first } ?? false
        }
        if isKnown {
            generations = records.suffix(2).map { PlacedGeneration($0) }
            guards.removeAll(but: generations.map(\.number))
            if first != Self.nothing { state.confirm(number) }
        }
        self.tables = tables
        self.counters = counters
        self.guards = guards
        self.state = state
        place = GenerationRecord.Place(boot: state.boot, map: map)
    }

    /// Generations that were given up and may have events in the ring, as far as they are kept.
    var pastRecords: [GenerationRecord] { state.pastRecords(inMap: place.map) }

    /// The number of the generation in force; 0: nothing is.
    var numberInForce: UInt32 {
        let first = Int(tables.word(0))
        return first < tables.size / 4 ? tables.word(first) : 0
    }

    /// Puts `tables` into force; `number` is what events call them, `held` what they guard.
    ///
    /// The one before the present one is given up: nothing runs by it any more.
    mutating func place(
        _ tables: KernelTables, number: UInt32, held: HeldObjects? = nil,
        loaded: [GenerationRecord.Loaded] = [], isKept: Bool = true
    ) throws(ArenaError) {
        guard isKnown else { throw ArenaError(text: "it is not known what is in force", isWantOfRoom: true) }
        while generations.count > 1 {
            // Before its place can be another's.
            if isKept { state.giveUp(generations[0].number) }
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
            GenerationRecord(
                number: number, place: place, words: words, counters: counters, policies: tables.legends,
                guardedNames: tables.guardedNames(at: UInt32(words.lowerBound)).map {
                    GenerationRecord.GuardedName(path: $0.path, name: $0.name, word: $0.word)
                }, loaded: loaded),
            held: held)
        stateFailure = nil
        if isKept {
            // Enforcing it matters more than that its events can be told when this agent is gone.
            do throws(PinError) { try state.write(placed.record) } catch { stateFailure = error.text }
        }
        try `guard`(placed, tables)
        publish(placed)
        generations.append(placed)
        if isKept { state.confirm(number) }
    }

    /// Puts the generation before the present one into force again, which then is the one before.
    ///
    /// False: there is none.
    mutating func rollBack() -> Bool {
        guard isKnown, generations.count == 2 else { return false }
        let placed = generations[0]
        // Hooks have bound what came under names for the other one.
        guards.bindPresent(placed)
        publish(placed)
        generations.swapAt(0, 1)
        return true
    }

    private func publish(_ placed: PlacedGeneration) {
        self.tables.publish(UInt32(placed.words.lowerBound), at: 0)
        // What began before the swap decides by the one before, whose place is not written to until the next swap.
        // Where the call is not there (nohz_full), a swap later everything has ended all the same.
        _ = swguard_grace_period()
        // Until here, hooks bound what came under guarded names for the one before.
        guards.bindPresent(placed)
    }

    /// Puts the generation without policies into force: at once for every task. What was there stays, for its events.
    func release() { Self.release(tables) }

    /// The same for tables that nobody else has open.
    static func release(_ tables: borrowing MappedMap) {
        tables.publish(UInt32(nothing), at: 0)
        _ = swguard_grace_period()
    }

    /// Takes out a generation that is not in force and never was for anybody else.
    mutating func forget(_ number: UInt32) {
        guards.remove(number)
        generations.removeAll { $0.number == number }
    }

    private func `guard`(_ placed: PlacedGeneration, _ tables: KernelTables) throws(ArenaError) {
        do throws(KernelError) {
            try guards.add(tables, placed)
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
    let record: GenerationRecord
    /// Kept open as long as it is there; nil where another agent placed it.
    let held: HeldObjects?
    /// Found once: there is a place for every slot, and they are looked at every second.
    let policies: [Counted]

    typealias Counted = (slot: Int, policy: PolicyLegend, counters: Range<Int>)

    init(_ record: GenerationRecord, held: HeldObjects? = nil) {
        self.record = record
        self.held = held
        policies = Self.policies(of: record)
    }

    /// What events call it.
    var number: UInt32 { record.number }
    /// By slot.
    var legends: [PolicyLegend?] { record.policies }
    var words: Range<Int> { record.words }
    var counters: Range<Int> { record.counters }
}

/// Why a generation cannot be put beside the one in force.
struct ArenaError: Error {
    var text: String
    /// Its maps are too small.
    var isWantOfRoom = false
}
