/// The reachable states of an automaton before any are merged, and their verdicts.
///
/// A state is a node of the literal tree with the set of places that the input to it leads to, or, off the
/// tree, such a set alone. The first kind is as many as the tree has nodes; only the second can be many, and
/// is bounded.
struct SubsetConstruction {
    let trie: LiteralTrie
    private(set) var sets: PlaceSets
    /// The set beside each node.
    private(set) var setOfNode: [UInt32]
    private(set) var verdictOfNode: [UInt32]
    /// The sets that are states of their own, in the order found.
    private(set) var reached: [UInt32] = []
    private var isReached: [Bool] = []
    private var verdictOfSet: [UInt32?] = []
    private let limits: AutomatonLimits
    private let verdict: ([Int]) -> UInt32

    init(
        _ patterns: [Pattern], _ classes: ByteClasses, claims: [Claim]?, limits: AutomatonLimits,
        verdict: @escaping ([Int]) -> UInt32
    ) throws(AutomatonError) {
        self.limits = limits
        self.verdict = verdict
        let beginnings = Beginnings(of: patterns, classes)
        let places = Places(beginnings.branches, beginnings.steps, claims: claims)
        trie = try LiteralTrie(beginnings.words(places), limit: limits.states)
        sets = PlaceSets(places, classCount: classes.count)
        setOfNode = Array(repeating: PlaceSets.empty, count: trie.count)
        verdictOfNode = Array(repeating: 0, count: trie.count)
        reach(PlaceSets.empty)
        try walkTree()
        var next = 0
        while next < reached.count {
            let set = reached[next]
            try expand(set)
            if sets.isSettled[Int(set)] {
                reach(set)
            } else {
                for next in sets.targets(of: set) { reach(next) }
            }
            next += 1
        }
    }

    /// What is said where `set` stands alone.
    mutating func verdict(ofSet set: UInt32) -> UInt32 {
        while verdictOfSet.count < sets.count { verdictOfSet.append(nil) }
        if let known = verdictOfSet[Int(set)] { return known }
        let number = verdict(sets.matches(of: set).map { Int($0) })
        verdictOfSet[Int(set)] = number
        return number
    }

    func isReached(_ set: UInt32) -> Bool { Int(set) < isReached.count && isReached[Int(set)] }

    private mutating func walkTree() throws(AutomatonError) {
        var nextEvent = 0
        var isChild = Array(repeating: false, count: sets.classCount)
        for node in 0..<trie.count {
            var matches: [Int] = []
            var entered: [UInt32] = []
            while nextEvent < trie.events.count, trie.events[nextEvent].node == node {
                switch trie.events[nextEvent].meaning {
                case .match(let pattern): matches.append(Int(pattern))
                case .enter(let place): entered.append(place)
                }
                nextEvent += 1
            }
            if !entered.isEmpty { setOfNode[node] = sets.union(setOfNode[node], entering: entered) }
            let set = setOfNode[node]
            if matches.isEmpty {
                verdictOfNode[node] = verdict(ofSet: set)
            } else {
                verdictOfNode[node] = verdict((sets.matches(of: set).map { Int($0) } + matches).sorted())
            }
            try expand(set)
            trie.forEachChild(of: node) { child in
                setOfNode[child] = sets.next(set, Int(trie.classes[child]))
                isChild[Int(trie.classes[child])] = true
            }
            // Where the set is a state itself, all that it leads to is reached from there.
            if !isReached(set) {
                if sets.isSettled[Int(set)] {
                    if isChild.contains(false) { reach(set) }
                } else {
                    for (number, next) in sets.targets(of: set).enumerated() where !isChild[number] {
                        reach(next)
                    }
                }
            }
            trie.forEachChild(of: node) { child in isChild[Int(trie.classes[child])] = false }
        }
    }

    private mutating func reach(_ set: UInt32) {
        while isReached.count <= Int(set) { isReached.append(false) }
        if isReached[Int(set)] { return }
        isReached[Int(set)] = true
        reached.append(set)
    }

    private mutating func expand(_ set: UInt32) throws(AutomatonError) {
        sets.expand(set)
        if trie.count + sets.count > limits.states {
            throw AutomatonError(limit: .states(limits.states), patterns: sets.patternsToBlame())
        }
        if sets.size > limits.transitions {
            throw AutomatonError(limit: .transitions(limits.transitions), patterns: sets.patternsToBlame())
        }
    }
}
