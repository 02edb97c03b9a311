internal import Seccomp

/// Writes decision graphs and the trees that lead to them.
struct GraphEmitter {
    var assembler = FilterAssembler()
    /// Where each node is tested, its word being in the accumulator.
    private var loaded: [Int: FilterAssembler.Label] = [:]
    /// Where each node begins, whatever is in the accumulator.
    private var entries: [Int: FilterAssembler.Label] = [:]

    /// The place where `node` begins; it is written if it is not there yet.
    mutating func entry(_ node: Int, of graph: DecisionGraph) -> FilterAssembler.Label {
        if let label = entries[node] { return label }
        let label: FilterAssembler.Label
        switch graph.nodes[node] {
        case .leaf(let value): label = assembler.finish(value)
        case .test(let word, _, _, _, _):
            // The load goes on with what was written last: the test is written again if that is another.
            if test(node, of: graph) != assembler.head {
                loaded[node] = nil
                _ = test(node, of: graph)
            }
            if word.mask != .max { _ = assembler.cut(mask: word.mask) }
            label = assembler.load(offset: word.offset)
        }
        entries[node] = label
        return label
    }

    /// The place where `node` is tested.
    private mutating func test(_ node: Int, of graph: DecisionGraph) -> FilterAssembler.Label {
        if let label = loaded[node] { return label }
        guard case .test(let word, let comparison, let value, let then, let otherwise) = graph.nodes[node]
        else {
            return entry(node, of: graph)
        }
        let thenLabel = way(to: then, holding: word, of: graph)
        let otherwiseLabel = way(to: otherwise, holding: word, of: graph)
        let code =
            switch comparison {
            case .equal: FilterCode.jumpIfEqual
            case .greater: FilterCode.jumpIfGreater
            case .greaterOrEqual: FilterCode.jumpIfGreaterOrEqual
            case .anySet: FilterCode.jumpIfAnySet
            }
        let label = assembler.branch(code, value, then: thenLabel, otherwise: otherwiseLabel)
        loaded[node] = label
        return label
    }

    /// The way to `node` with `word` in the accumulator: past its load, if it would load the same.
    private mutating func way(
        to node: Int, holding word: DecisionGraph.Word, of graph: DecisionGraph
    ) -> FilterAssembler.Label {
        if case .test(word, _, _, _, _) = graph.nodes[node] { return test(node, of: graph) }
        return entry(node, of: graph)
    }

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
    mutating func tree(_ ranges: [NumberRange], of graph: DecisionGraph) -> FilterAssembler.Label {
        let stretches = Self.stretches(ranges)
        let root = tree(stretches[...], of: graph)
        if root != assembler.head {
            // One range, whose code was there before: a jump to it that always goes the same way.
            _ = assembler.branch(FilterCode.jumpIfGreaterOrEqual, 0, then: root, otherwise: root)
        }
        return assembler.load(offset: 0)
    }

    private mutating func tree(_ stretches: ArraySlice<Stretch>, of graph: DecisionGraph)
        -> FilterAssembler.Label
    {
        if stretches.count == 1, let stretch = stretches.first {
            var label = entry(stretch.node, of: graph)
            for exception in stretch.exceptions {
                let then = entry(exception.node, of: graph)
                label = assembler.branch(
                    FilterCode.jumpIfEqual, exception.number, then: then, otherwise: label)
            }
            return label
        }
        let middle = stretches.startIndex + stretches.count / 2
        let upper = tree(stretches[middle...], of: graph)
        let lower = tree(stretches[..<middle], of: graph)
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
