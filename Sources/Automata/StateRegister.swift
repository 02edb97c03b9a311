/// The states made so far, no two of which are the same: same verdict, and each class leads to the same
/// states.
///
/// A row is kept as the state that most classes lead to, and the classes that lead elsewhere: of 60 classes,
/// the state behind a byte of a literal has one that leads on.
struct StateRegister {
    /// Where the classes lead from a state, and what is said there.
    struct Row: Equatable {
        var verdict: UInt32
        /// Where most classes lead, the lowest state of several.
        var rest: UInt32
        /// The classes that lead elsewhere, ascending, and where.
        var classes: [UInt8] = []
        var targets: [UInt32] = []

        /// The row in which class `n` leads to `dense[n]`.
        init(_ dense: [UInt32], verdict: UInt32) {
            self.init(verdict: verdict, rest: Self.mostFrequent(dense))
            for (number, target) in dense.enumerated() where target != rest { append(UInt8(number), target) }
        }

        /// A row in which every class leads to `rest`.
        init(verdict: UInt32, rest: UInt32) {
            self.verdict = verdict
            self.rest = rest
        }

        /// Makes it a row in which every class leads to `rest`.
        mutating func begin(verdict: UInt32, rest: UInt32) {
            self.verdict = verdict
            self.rest = rest
            classes.removeAll(keepingCapacity: true)
            targets.removeAll(keepingCapacity: true)
        }

        mutating func append(_ number: UInt8, _ target: UInt32) {
            classes.append(number)
            targets.append(target)
        }

        /// The state of `dense` that occurs most often, the lowest of several.
        static func mostFrequent(_ dense: [UInt32]) -> UInt32 {
            var best: (state: UInt32, count: Int) = (0, 0)
            var run: (state: UInt32, count: Int) = (0, 0)
            for state in dense.sorted() {
                run = state == run.state ? (state, run.count + 1) : (state, 1)
                if run.count > best.count { best = run }
            }
            return best.state
        }
    }

    private(set) var verdicts: [UInt32] = []
    private(set) var rests: [UInt32] = []
    /// Where the exceptions of each state begin; one entry more than states.
    private(set) var starts: [UInt32] = [0]
    private(set) var classes: [UInt8] = []
    private(set) var targets: [UInt32] = []
    private var slots: [UInt32] = Array(repeating: 0, count: 1024)

    var count: Int { verdicts.count }

    @inline(__always)
    func exceptions(of state: Int) -> Range<Int> { Int(starts[state])..<Int(starts[state + 1]) }

    /// The state with this row, which is new if there was none.
    mutating func intern(_ row: Row) -> UInt32 {
        if (count + 1) * 2 > slots.count { grow() }
        var slot = Int(truncatingIfNeeded: row.hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let state = slots[slot] - 1
            if has(state, row) { return state }
            slot = (slot + 1) & (slots.count - 1)
        }
        verdicts.append(row.verdict)
        rests.append(row.rest)
        classes.append(contentsOf: row.classes)
        targets.append(contentsOf: row.targets)
        starts.append(UInt32(classes.count))
        slots[slot] = UInt32(count)
        return UInt32(count - 1)
    }

    private func has(_ state: UInt32, _ row: Row) -> Bool {
        let range = exceptions(of: Int(state))
        guard verdicts[Int(state)] == row.verdict, rests[Int(state)] == row.rest,
            range.count == row.classes.count
        else { return false }
        for (index, exception) in zip(row.classes.indices, range)
        where classes[exception] != row.classes[index] || targets[exception] != row.targets[index] {
            return false
        }
        return true
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for state in 0..<count {
            var hash = Row.hash(verdicts[state], rests[state])
            for index in exceptions(of: state) { Row.mix(&hash, classes[index], targets[index]) }
            var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(state + 1)
        }
    }

}

extension StateRegister.Row {
    fileprivate var hash: UInt64 {
        var hash = Self.hash(verdict, rest)
        for index in classes.indices { Self.mix(&hash, classes[index], targets[index]) }
        return hash
    }

    /// The hash of a row without exceptions, into which these are mixed one by one.
    fileprivate static func hash(_ verdict: UInt32, _ rest: UInt32) -> UInt64 {
        var hash: UInt64 = 0x9e37_79b9_7f4a_7c15
        mix(&hash, UInt64(verdict))
        mix(&hash, UInt64(rest))
        return hash
    }

    fileprivate static func mix(_ hash: inout UInt64, _ number: UInt8, _ target: UInt32) {
        mix(&hash, UInt64(number) << 32 | UInt64(target))
    }

    private static func mix(_ hash: inout UInt64, _ value: UInt64) {
        hash = (hash ^ value) &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 32
    }
}
