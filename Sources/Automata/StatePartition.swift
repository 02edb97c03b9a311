/// Merges the states of a complete automaton that no continuation tells apart: Hopcroft's algorithm, O(n log
/// n) in the states.
enum StatePartition {
    /// The block of each state; blocks are numbered by their first state.
    ///
    /// - Parameters:
    ///   - rows: where each class leads from each state, `classCount` entries a state.
    ///   - verdicts: what is said at each state.
    static func blocks(rows: [UInt32], classCount: Int, verdicts: [UInt32]) -> [UInt32] {
        let count = verdicts.count
        guard count > 1 else { return Array(repeating: 0, count: count) }
        let (rows, classCount) = withoutEqualColumns(rows, classCount)
        let sources = Sources(rows: rows, classCount: classCount, stateCount: count)
        var partition = Blocks(verdicts)
        var waiting = Array(0..<partition.count)
        var isWaiting = Array(repeating: true, count: partition.count)
        while let splitter = waiting.popLast() {
            isWaiting[splitter] = false
            // A copy: the splitter may itself be split, and still counts whole for this round.
            let members = Array(partition.members(of: splitter))
            for number in 0..<classCount {
                for member in members { sources.forEach(of: member, number) { partition.mark($0) } }
                partition.split { kept, new, isNewSmaller in
                    isWaiting.append(false)
                    // Either half will do as a splitter, unless the whole is still to come.
                    let next = isWaiting[kept] || isNewSmaller ? new : kept
                    isWaiting[next] = true
                    waiting.append(next)
                }
            }
        }
        return partition.numberedByFirstState()
    }

    /// The rows without the classes that lead from every state where one before them does: off the literals most classes do.
    private static func withoutEqualColumns(_ rows: [UInt32], _ classCount: Int) -> ([UInt32], Int) {
        var hashes = Array(repeating: UInt64(0), count: classCount)
        var number = 0
        for target in rows {
            hashes[number] = (hashes[number] ^ UInt64(target)) &* 0xff51_afd7_ed55_8ccd
            number = number + 1 == classCount ? 0 : number + 1
        }
        var kept: [Int] = []
        for number in 0..<classCount {
            let isKnown = kept.contains { other in
                hashes[other] == hashes[number]
                    && stride(from: 0, to: rows.count, by: classCount).allSatisfy {
                        rows[$0 + other] == rows[$0 + number]
                    }
            }
            if !isKnown { kept.append(number) }
        }
        if kept.count == classCount { return (rows, classCount) }
        var distinct: [UInt32] = []
        distinct.reserveCapacity(rows.count / classCount * kept.count)
        for row in stride(from: 0, to: rows.count, by: classCount) {
            for number in kept { distinct.append(rows[row + number]) }
        }
        return (distinct, kept.count)
    }

    /// For each state and class, the states that lead there.
    private struct Sources {
        private let classCount: Int
        private var starts: [UInt32]
        private var states: [UInt32]

        init(rows: [UInt32], classCount: Int, stateCount: Int) {
            self.classCount = classCount
            starts = Array(repeating: 0, count: stateCount * classCount + 1)
            states = Array(repeating: 0, count: rows.count)
            for (index, target) in zip(rows.indices, rows) {
                starts[Int(target) * classCount + index % classCount + 1] += 1
            }
            for index in 1..<starts.count { starts[index] += starts[index - 1] }
            var filled = starts
            for (index, target) in zip(rows.indices, rows) {
                let key = Int(target) * classCount + index % classCount
                states[Int(filled[key])] = UInt32(index / classCount)
                filled[key] += 1
            }
        }

        @inline(__always)
        func forEach(of state: UInt32, _ number: Int, _ body: (UInt32) -> Void) {
            let key = Int(state) * classCount + number
            for index in Int(starts[key])..<Int(starts[key + 1]) { body(states[index]) }
        }
    }
}

/// A partition of states into blocks, of which marked states can be split off in time proportional to their
/// number.
private struct Blocks {
    /// The states, block after block; marked ones first within theirs.
    private var states: [UInt32]
    private var places: [UInt32]
    private var blockOf: [UInt32]
    private var starts: [Int] = []
    private var ends: [Int] = []
    private var marked: [Int] = []
    /// The blocks that have marked states.
    private var touched: [Int] = []

    var count: Int { starts.count }

    /// A block for each verdict.
    init(_ verdicts: [UInt32]) {
        states = (0..<UInt32(verdicts.count)).sorted {
            (verdicts[Int($0)], $0) < (verdicts[Int($1)], $1)
        }
        places = Array(repeating: 0, count: verdicts.count)
        blockOf = places
        for (place, state) in states.enumerated() {
            if place == 0 || verdicts[Int(state)] != verdicts[Int(states[place - 1])] {
                if place > 0 { ends.append(place) }
                starts.append(place)
            }
            places[Int(state)] = UInt32(place)
            blockOf[Int(state)] = UInt32(starts.count - 1)
        }
        ends.append(verdicts.count)
        marked = Array(repeating: 0, count: starts.count)
    }

    func members(of block: Int) -> ArraySlice<UInt32> { states[starts[block]..<ends[block]] }

    mutating func mark(_ state: UInt32) {
        let block = Int(blockOf[Int(state)])
        let place = Int(places[Int(state)])
        let border = starts[block] + marked[block]
        guard place >= border else { return }
        if marked[block] == 0 { touched.append(block) }
        marked[block] += 1
        let other = states[border]
        states.swapAt(place, border)
        places[Int(other)] = UInt32(place)
        places[Int(state)] = UInt32(border)
    }

    /// Makes a block of its own of the marked states of each block that has others too; forgets the marks.
    mutating func split(_ didSplit: (_ kept: Int, _ new: Int, _ isNewSmaller: Bool) -> Void) {
        while let block = touched.popLast() {
            let border = starts[block] + marked[block]
            marked[block] = 0
            if border == ends[block] { continue }
            let new = count
            starts.append(starts[block])
            ends.append(border)
            marked.append(0)
            starts[block] = border
            for place in starts[new]..<border { blockOf[Int(states[place])] = UInt32(new) }
            didSplit(block, new, border - starts[new] <= ends[block] - border)
        }
    }

    func numberedByFirstState() -> [UInt32] {
        var numbers: [UInt32?] = Array(repeating: nil, count: count)
        var next: UInt32 = 0
        return blockOf.map { block in
            if let number = numbers[Int(block)] { return number }
            numbers[Int(block)] = next
            next += 1
            return next - 1
        }
    }
}
