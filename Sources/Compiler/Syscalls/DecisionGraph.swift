internal import Policy
internal import Seccomp

/// Decisions on arguments as a graph of tests on 32-bit words, in which equal parts are one.
///
/// A node is made after what it leads to, so that every edge leads to a lower number. Equal nodes are made
/// once, and a test whose ways lead to the same node is none.
struct DecisionGraph {
    /// A word of the arguments, cut with a mask.
    struct Word: Hashable {
        /// Where it is in `seccomp_data`.
        var offset: UInt32
        var mask: UInt32
    }

    /// How a word and a constant are compared; what the machine has.
    enum Comparison: Hashable {
        case equal, greater, greaterOrEqual, anySet
    }

    enum Node: Hashable {
        /// Ends with a return value.
        case leaf(UInt32)
        case test(Word, Comparison, UInt32, then: Int, otherwise: Int)
    }

    private(set) var nodes: [Node] = []
    private var numbers: [Node: Int] = [:]

    /// The node that ends with `action`.
    mutating func leaf(_ action: FilterAction) -> Int { number(of: .leaf(action.returnValue)) }

    /// The node that leads to `then` if all `tests` hold, and to `otherwise` if not.
    mutating func all(_ tests: [SyscallDecisions.Test], then: Int, otherwise: Int) -> Int {
        var node = then
        for test in tests.reversed() { node = self.test(test, then: node, otherwise: otherwise) }
        return node
    }

    /// The node for one test of a whole argument.
    mutating func test(_ test: SyscallDecisions.Test, then: Int, otherwise: Int) -> Int {
        switch test.comparison {
        case .notEqual: equal(test, then: otherwise, otherwise: then)
        case .equal: equal(test, then: then, otherwise: otherwise)
        case .less: greater(test, orEqual: true, then: otherwise, otherwise: then)
        case .lessOrEqual: greater(test, orEqual: false, then: otherwise, otherwise: then)
        case .greater: greater(test, orEqual: false, then: then, otherwise: otherwise)
        case .greaterOrEqual: greater(test, orEqual: true, then: then, otherwise: otherwise)
        }
    }

    private mutating func equal(_ test: SyscallDecisions.Test, then: Int, otherwise: Int) -> Int {
        let (high, low) = test.words
        let inner = equalWord(low.word, low.value, then: then, otherwise: otherwise)
        return equalWord(high.word, high.value, then: inner, otherwise: otherwise)
    }

    private mutating func greater(
        _ test: SyscallDecisions.Test, orEqual: Bool, then: Int, otherwise: Int
    ) -> Int {
        let (high, low) = test.words
        let inner = greaterWord(low.word, low.value, orEqual: orEqual, then: then, otherwise: otherwise)
        let notGreater = equalWord(high.word, high.value, then: inner, otherwise: otherwise)
        return greaterWord(high.word, high.value, orEqual: false, then: then, otherwise: notGreater)
    }

    private mutating func equalWord(_ word: Word, _ value: UInt32, then: Int, otherwise: Int) -> Int {
        if value & ~word.mask != 0 { return otherwise }
        if word.mask == 0 { return then }
        if word.mask != .max, value == 0 || value == word.mask && value.nonzeroBitCount == 1 {
            // One instruction less than cutting: whether any of the bits is set.
            let whole = Word(offset: word.offset, mask: .max)
            return value == 0
                ? number(of: .test(whole, .anySet, word.mask, then: otherwise, otherwise: then))
                : number(of: .test(whole, .anySet, word.mask, then: then, otherwise: otherwise))
        }
        return number(of: .test(word, .equal, value, then: then, otherwise: otherwise))
    }

    private mutating func greaterWord(
        _ word: Word, _ value: UInt32, orEqual: Bool, then: Int, otherwise: Int
    ) -> Int {
        if orEqual, value == 0 { return then }
        if orEqual ? value > word.mask : value >= word.mask { return otherwise }
        return number(
            of: .test(word, orEqual ? .greaterOrEqual : .greater, value, then: then, otherwise: otherwise))
    }

    private mutating func number(of node: Node) -> Int {
        if case .test(_, _, _, let then, let otherwise) = node, then == otherwise { return then }
        if let number = numbers[node] { return number }
        nodes.append(node)
        numbers[node] = nodes.count - 1
        return nodes.count - 1
    }
}

extension SyscallDecisions.Test {
    /// The test's two halves: what is looked at and what it is compared with.
    fileprivate var words:
        (high: (word: DecisionGraph.Word, value: UInt32), low: (word: DecisionGraph.Word, value: UInt32))
    {
        let offset = FilterInput.offset(ofArgument: Int(argument))
        func half(_ shift: UInt64) -> (word: DecisionGraph.Word, value: UInt32) {
            (
                DecisionGraph.Word(
                    offset: offset + UInt32(shift) / 8, mask: UInt32(truncatingIfNeeded: mask >> shift)),
                UInt32(truncatingIfNeeded: value >> shift)
            )
        }
        return (half(32), half(0))
    }
}
