internal import Seccomp

/// Writes decision graphs and the trees that lead to them.
struct GraphEmitter {
    var assembler = FilterAssembler()
    private let graph: DecisionGraph
    /// Where each node is tested, its word being in the accumulator.
    private var tests: [FilterAssembler.Label]
    /// Where each node begins, whatever is in the accumulator.
    private var entries: [FilterAssembler.Label]

    /// Writes the nodes of `graph` that can be reached from `roots`, the last ones first.
    init(_ graph: DecisionGraph, roots: Set<Int>) {
        self.graph = graph
        tests = Array(repeating: -1, count: graph.nodes.count)
        entries = tests
        let use = Self.use(of: graph, roots: roots)
        // Every edge leads to a lower number: what a node leads to is written before it.
        for (number, node) in graph.nodes.enumerated() where use[number] != .none {
            switch node {
            case .leaf(let value):
                entries[number] = assembler.finish(value)
            case .test(let word, let comparison, let value, let then, let otherwise):
                tests[number] = assembler.branch(
                    comparison.code, value, then: way(to: then, holding: word),
                    otherwise: way(to: otherwise, holding: word))
                guard use[number] == .entered else { continue }
                if word.mask != .max { _ = assembler.cut(mask: word.mask) }
                entries[number] = assembler.load(offset: word.offset)
            }
        }
    }

    /// How a node is come to.
    private enum Use {
        case none
        /// With its word in the accumulator only: it needs no load.
        case tested
        case entered
    }

    private static func use(of graph: DecisionGraph, roots: Set<Int>) -> [Use] {
        var use = Array(repeating: Use.none, count: graph.nodes.count)
        for root in roots { use[root] = .entered }
        for (number, node) in graph.nodes.enumerated().reversed() where use[number] != .none {
            guard case .test(let word, _, _, let then, let otherwise) = node else { continue }
            for next in [then, otherwise] {
                if case .test(word, _, _, _, _) = graph.nodes[next] {
                    if use[next] == .none { use[next] = .tested }
                } else {
                    use[next] = .entered
                }
            }
        }
        return use
    }

    /// The way to `node` with `word` in the accumulator: past its load, if it would load the same.
    private func way(to node: Int, holding word: DecisionGraph.Word) -> FilterAssembler.Label {
        if case .test(word, _, _, _, _) = graph.nodes[node] { return tests[node] }
        return entries[node]
    }

    /// Where a root begins.
    func entry(_ root: Int) -> FilterAssembler.Label { entries[root] }

    // MARK: - Numbers

    /// Some ranges that are decided by one node but for single numbers among them.
    private struct Stretch {
        var first: UInt32
        var node: Int
        var exceptions: [(number: UInt32, node: Int)]
    }

    /// The most single numbers that are asked for one by one: each costs an instruction where a range of its
    /// own costs two, but is a step deeper.
    private static let maximumExceptions = 2

    /// Writes the tree over `ranges`, with the load of the number, and returns where it begins.
    mutating func tree(_ ranges: [NumberRange]) -> FilterAssembler.Label {
        let stretches = Self.stretches(ranges)
        let root = tree(stretches[...])
        if root != assembler.head {
            // One range, whose code was there before: a jump to it that always goes the same way.
            _ = assembler.branch(FilterCode.jumpIfGreaterOrEqual, 0, then: root, otherwise: root)
        }
        return assembler.load(offset: 0)
    }

    private mutating func tree(_ stretches: ArraySlice<Stretch>)
        -> FilterAssembler.Label
    {
        if stretches.count == 1, let stretch = stretches.first {
            var label = entry(stretch.node)
            for exception in stretch.exceptions {
                let then = entry(exception.node)
                label = assembler.branch(
                    FilterCode.jumpIfEqual, exception.number, then: then, otherwise: label)
            }
            return label
        }
        let middle = stretches.startIndex + stretches.count / 2
        let upper = tree(stretches[middle...])
        let lower = tree(stretches[..<middle])
        return assembler.branch(
            FilterCode.jumpIfGreaterOrEqual, stretches[middle].first, then: upper, otherwise: lower)
    }

    private static func stretches(_ ranges: [NumberRange]) -> [Stretch] {
        var result: [Stretch] = []
        var index = 0
        while index < ranges.count {
            var stretch = Stretch(first: ranges[index].first, node: ranges[index].node, exceptions: [])
            // A single number between two ranges of the same node.
            while stretch.exceptions.count < maximumExceptions, index + 2 < ranges.count,
                ranges[index + 2].node == stretch.node,
                ranges[index + 2].first == ranges[index + 1].first + 1
            {
                stretch.exceptions.append((ranges[index + 1].first, ranges[index + 1].node))
                index += 2
            }
            result.append(stretch)
            index += 1
        }
        return result
    }
}

extension DecisionGraph.Comparison {
    fileprivate var code: UInt16 {
        switch self {
        case .equal: FilterCode.jumpIfEqual
        case .greater: FilterCode.jumpIfGreater
        case .greaterOrEqual: FilterCode.jumpIfGreaterOrEqual
        case .anySet: FilterCode.jumpIfAnySet
        }
    }
}
