/// The places that a pattern can stand at behind its literal beginning: the states of a nondeterministic automaton.
///
/// The places of one pattern are consecutive, in the order of its steps, and patterns are in order: an ascending list
/// of places is a set of places, pattern after pattern.
struct Places {
    /// The classes of bytes on which a place moves: a run to itself, another to the place behind it.
    private(set) var moves: [ByteMask] = []
    /// Whether the place is a run, and what follows it is reached with it.
    private(set) var isRun: [Bool] = []
    /// Whether the pattern matches there.
    private(set) var isMatch: [Bool] = []
    /// Whether the pattern matches there and whatever comes.
    private(set) var isSettled: [Bool] = []
    /// The pattern that each place is of.
    private(set) var pattern: [UInt32] = []
    /// For a run: the first place of its pattern that adds nothing to a set that has the run.
    ///
    /// Where all steps from there to the run take bytes that the run takes too, whatever matches from there matches
    /// from the run. This keeps `/**/a*b**` from remembering every `a` that it saw.
    private(set) var covers: [UInt32] = []
    /// Whether the place lies behind the first run of its pattern: it remembers a choice made before.
    private(set) var isBehindRun: [Bool] = []

    var count: Int { moves.count }

    /// Adds the places of `steps`, which are not empty, and returns the first.
    mutating func append(_ steps: [Pattern.Step], of number: UInt32, _ classes: ByteClasses)
        -> UInt32
    {
        let first = count
        var hasRun = false
        let everyClass = classes.classes(of: .all)
        let slash = classes.classes(of: ByteMask([UInt8(ascii: "/")]))
        func add(_ mask: ByteMask, isRun: Bool = false, isMatch: Bool = false) {
            var covered = count
            if isRun { while covered > first, moves[covered - 1].isSubset(of: mask) { covered -= 1 } }
            moves.append(mask)
            self.isRun.append(isRun)
            self.isMatch.append(isMatch)
            isSettled.append(isRun && isMatch && mask == everyClass)
            pattern.append(number)
            covers.append(UInt32(covered))
            isBehindRun.append(hasRun)
            if isRun { hasRun = true }
        }
        for (index, step) in zip(steps.indices, steps) {
            let isLast = index == steps.endIndex - 1
            switch step {
            case .byte(let byte): add(classes.classes(of: ByteMask([byte])))
            case .oneOf(let mask): add(classes.classes(of: mask))
            case .run(let mask):
                add(classes.classes(of: mask), isRun: true, isMatch: isLast)
                if isLast { return UInt32(first) }
            case .subtree:
                add(slash, isMatch: true)
                add(everyClass, isRun: true, isMatch: true)
                return UInt32(first)
            }
        }
        add(ByteMask(), isMatch: true)
        return UInt32(first)
    }

    /// Adds `place`, and what is reached from it without a byte, to an ascending list.
    @inline(__always)
    func append(_ place: UInt32, to list: inout [UInt32]) {
        var place = place
        while true {
            // From an earlier place of the list the same ones are reached.
            if list.last.map({ $0 < place }) ?? true { list.append(place) }
            guard isRun[Int(place)], !isMatch[Int(place)] else { return }
            place += 1
        }
    }

    /// Removes from an ascending list what runs in it cover.
    func removeCovered(from list: inout [UInt32]) {
        guard list.count > 1 else { return }
        var covered = UInt32.max
        var write = list.count
        for read in list.indices.reversed() {
            let place = list[read]
            let isCovered = place >= covered
            if isRun[Int(place)] { covered = min(covered, covers[Int(place)]) }
            if isCovered { continue }
            write -= 1
            list[write] = place
        }
        list.removeSubrange(..<write)
    }
}
