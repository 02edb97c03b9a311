internal import Automata

/// Words that can be put anywhere in the kernel's array: which of them are numbers of others is known.
///
/// The first word is the record that all is reached from; so 0 in the place of a word number says that there is none.
struct KernelImage: Hashable, Sendable {
    private(set) var words: [UInt32] = []
    /// Where word numbers are, counted from the first word.
    private var places: [Range<Int>] = []
    /// Where numbers of counters are, counted from the first counter.
    private var counters: [Int] = []

    /// Puts `words` at the end; says where.
    mutating func append(_ words: some Collection<UInt32>, arePlaces: Bool = false) -> Int {
        let first = self.words.count
        self.words += words
        if arePlaces, !words.isEmpty { places.append(first..<self.words.count) }
        return first
    }

    /// Makes the word at `index` the number of the word at `target`.
    mutating func refer(_ index: Int, to target: Int) {
        words[index] = UInt32(target)
        places.append(index..<(index + 1))
    }

    /// The same, where it may be the number of another word already.
    mutating func repoint(_ index: Int, to target: Int) {
        if words[index] == 0 { return refer(index, to: target) }
        words[index] = UInt32(target)
    }

    /// Makes the word at `index` the number of a counter.
    mutating func count(_ index: Int, from counter: Int) {
        words[index] = UInt32(counter)
        counters.append(index)
    }

    subscript(index: Int) -> UInt32 {
        get { words[index] }
        set { words[index] = newValue }
    }

    /// The low word first.
    mutating func setWide(_ index: Int, _ value: UInt64) {
        words[index] = UInt32(truncatingIfNeeded: value)
        words[index + 1] = UInt32(truncatingIfNeeded: value >> 32)
    }

    /// The words for an array where the first of them is the word number `base`, which is not 0, and the first counter
    /// is `counter`.
    func words(at base: UInt32, countingFrom counter: UInt32) -> [UInt32] {
        var placed = words
        for range in places {
            for index in range where placed[index] != 0 { placed[index] += base }
        }
        for index in counters { placed[index] += counter }
        return placed
    }

    /// Puts the cells, classes and verdicts of `automaton` at the end, and fills its record at `record`.
    ///
    /// - Parameter verdicts: where what the automaton's verdicts stand for is; 0: nothing.
    mutating func append(_ automaton: Automaton, verdicts: [Int], record: Int) {
        append(LookupTable(automaton), verdicts: verdicts, record: record)
    }

    /// The same of one that is laid out already.
    mutating func append(_ table: LookupTable, verdicts: [Int], record: Int) {
        typealias Fields = KernelRecords.Automaton
        var classes = Array(repeating: UInt32(0), count: Fields.classWords)
        for (byte, number) in table.classes.enumerated() {
            classes[byte / 4] |= UInt32(number) << (UInt32(byte) % 4 * 8)
        }
        refer(record + Fields.classes, to: append(classes))
        // A cell is two words at an even place: it is never on both sides of an end of the map's elements.
        if words.count % 2 != 0 { words.append(0) }
        refer(record + Fields.cells, to: append(table.cells))
        refer(record + Fields.verdicts, to: append(verdicts.map { UInt32($0) }, arePlaces: true))
        words[record + Fields.start] = table.start
    }
}
