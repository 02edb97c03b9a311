/// Makes one state of all that no continuation tells apart.
struct StateMerging {
    private var subsets: SubsetConstruction
    private var register = StateRegister()
    /// The state of each set that is one, `UInt32.max` of others.
    private var stateOfSet: [UInt32]
    /// The row of each set beside tree nodes, but for the classes that the tree leads on.
    private var templates: [UInt32: StateRegister.Row] = [:]
    private let classCount: Int

    init(_ subsets: SubsetConstruction) {
        self.subsets = subsets
        classCount = subsets.sets.classCount
        stateOfSet = Array(repeating: .max, count: subsets.sets.count)
    }

    /// The state in which nothing can match any more.
    var dead: UInt32 { stateOfSet[Int(PlaceSets.empty)] }

    /// The states, and the one that every input begins at.
    mutating func run() -> (StateRegister, start: UInt32) {
        mergeSets()
        let start = mergeTree()
        return (register, start)
    }

    /// The states off the tree.
    private mutating func mergeSets() {
        var open: [UInt32] = []
        var settled: [(set: UInt32, verdict: UInt32)] = []
        // The verdicts with which a settled state can be the same as an open one, or be led to by one. 10,000
        // subtrees are 10,000 settled states, and seldom any of these.
        var involved: Set<UInt32> = []
        for set in subsets.reached {
            let verdict = subsets.verdict(ofSet: set)
            if subsets.sets.isSettled[Int(set)] {
                settled.append((set, verdict))
            } else {
                open.append(set)
                involved.insert(verdict)
            }
        }
        for set in open {
            for next in subsets.sets.targets(of: set) where subsets.sets.isSettled[Int(next)] {
                involved.insert(subsets.verdict(ofSet: next))
            }
        }
        // Settled states with one verdict are one.
        var settledOf: [UInt32: UInt32] = [:]
        var verdicts = open.map { subsets.verdict(ofSet: $0) }
        for (index, set) in open.enumerated() { stateOfSet[Int(set)] = UInt32(index) }
        for (set, verdict) in settled where involved.contains(verdict) {
            let state = settledOf[verdict] ?? UInt32(verdicts.count)
            if settledOf[verdict] == nil { verdicts.append(verdict) }
            settledOf[verdict] = state
            stateOfSet[Int(set)] = state
        }
        var rows: [UInt32] = []
        rows.reserveCapacity(verdicts.count * classCount)
        for set in open {
            for next in subsets.sets.targets(of: set) { rows.append(stateOfSet[Int(next)]) }
        }
        for state in open.count..<verdicts.count {
            rows.append(contentsOf: repeatElement(UInt32(state), count: classCount))
        }
        let blocks = StatePartition.blocks(rows: rows, classCount: classCount, verdicts: verdicts)
        for (state, block) in blocks.enumerated() where Int(block) == register.count {
            let row = rows[(state * classCount)..<((state + 1) * classCount)].map { blocks[Int($0)] }
            _ = register.intern(.init(row, verdict: verdicts[state]))
        }
        for set in subsets.reached where stateOfSet[Int(set)] != .max {
            stateOfSet[Int(set)] = blocks[Int(stateOfSet[Int(set)])]
        }
        for (set, verdict) in settled where !involved.contains(verdict) {
            let state = settledOf[verdict] ?? UInt32(register.count)
            if settledOf[verdict] == nil { _ = register.intern(.init(verdict: verdict, rest: state)) }
            settledOf[verdict] = state
            stateOfSet[Int(set)] = state
        }
    }

    /// The nodes of the tree, leaves first; the state of the root.
    private mutating func mergeTree() -> UInt32 {
        let trie = subsets.trie
        var stateOfNode = Array(repeating: UInt32.max, count: trie.count)
        var row = StateRegister.Row(verdict: 0, rest: 0)
        for node in (0..<trie.count).reversed() {
            fill(&row, of: node, trie, stateOfNode)
            stateOfNode[node] = register.intern(row)
        }
        return stateOfNode[0]
    }

    /// Makes `row` that of a node whose children have states; its memory is used again.
    private mutating func fill(
        _ row: inout StateRegister.Row, of node: Int, _ trie: LiteralTrie, _ stateOfNode: [UInt32]
    ) {
        let template = template(of: subsets.setOfNode[node])
        row.begin(verdict: subsets.verdictOfNode[node], rest: template.rest)
        var childCount = 0
        var index = 0
        trie.forEachChild(of: node) { child in
            let number = trie.classes[child]
            while index < template.classes.count, template.classes[index] < number {
                row.append(template.classes[index], template.targets[index])
                index += 1
            }
            if index < template.classes.count, template.classes[index] == number { index += 1 }
            if stateOfNode[child] != template.rest { row.append(number, stateOfNode[child]) }
            childCount += 1
        }
        while index < template.classes.count {
            row.append(template.classes[index], template.targets[index])
            index += 1
        }
        // The rest is still where most classes lead, or has to be counted anew.
        if (template.classes.count + childCount) * 2 < classCount { return }
        var dense = Array(repeating: row.rest, count: classCount)
        for (number, target) in zip(row.classes, row.targets) { dense[Int(number)] = target }
        row = .init(dense, verdict: row.verdict)
    }

    private mutating func template(of set: UInt32) -> StateRegister.Row {
        if let known = templates[set] { return known }
        var targets: [(number: UInt8, state: UInt32)] = []
        for number in 0..<classCount {
            let next = subsets.sets.next(set, number)
            // No state: at every node with this set the tree leads on there.
            if stateOfSet[Int(next)] != .max { targets.append((UInt8(number), stateOfSet[Int(next)])) }
        }
        var row = StateRegister.Row(
            verdict: 0, rest: StateRegister.Row.mostFrequent(targets.map(\.state)))
        for (number, state) in targets where state != row.rest { row.append(number, state) }
        templates[set] = row
        return row
    }
}
