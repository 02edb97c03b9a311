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

    /// Puts the rows, classes and verdicts of `automaton` at the end, and fills its record at `record`.
    ///
    /// Rows that are equal are one. The size is looked at on the way: a table is at most states times classes.
    ///
    /// - Parameter verdicts: where what the automaton's verdicts stand for is; 0: nothing.
    /// - Returns: false where the image became larger than `limit` words.
    mutating func append(
        _ automaton: Automaton, verdicts: [Int], record: Int, limit: Int
    ) -> Bool {
        let numbers = automaton.classes.numbers
        var classes = Array(repeating: UInt32(0), count: KernelRecords.Automaton.classWords)
        var representatives = Array(repeating: UInt8(0), count: automaton.classes.count)
        for byte in UInt8.min...UInt8.max {
            let number = numbers[Int(byte)]
            classes[Int(byte) / 4] |= UInt32(number) << (UInt32(byte) % 4 * 8)
            representatives[Int(number)] = byte
        }
        refer(record + KernelRecords.Automaton.classes, to: append(classes))
        var known: [[UInt32]: Int] = [:]
        var rows: [UInt32] = []
        for state in 0..<UInt32(automaton.stateCount) {
            let row = representatives.map { automaton.step(state, $0) }
            if let place = known[row] {
                rows.append(UInt32(place))
                continue
            }
            let place = append(row)
            known[row] = place
            rows.append(UInt32(place))
            if words.count > limit { return false }
        }
        refer(record + KernelRecords.Automaton.rows, to: append(rows, arePlaces: true))
        refer(
            record + KernelRecords.Automaton.verdicts,
            to: append(automaton.verdicts.map { UInt32(verdicts[Int($0)]) }, arePlaces: true))
        words[record + KernelRecords.Automaton.start] = automaton.start
        return words.count <= limit
    }
}
