internal import Policy
public import Seccomp

/// Makes one program of several policies' decisions.
///
/// The program looks at the architecture, then finds the call in a balanced tree over ranges of numbers with
/// equal neighbours merged, then tests arguments where a decision needs them. Equal decisions are written once.
public struct FilterCompiler {
    /// The program for `layers`, oldest first: as restrictive as all of them, with the answers of
    /// `SyscallDecisions.decide`. The same input gives the same program.
    public static func compile(
        _ layers: [SyscallDecisions], flavor: FilterFlavor
    ) throws(FilterError) -> FilterProgram {
        guard !layers.isEmpty else { throw .empty }
        for name in flavor.observed.sorted()
        where NeverNotified.names.contains(name) && !NeverNotified.observable.contains(name) {
            throw .cannotObserve(name)
        }
        var compiler = Self(layers: layers, flavor: flavor)
        return try compiler.compile()
    }

    private let layers: [SyscallDecisions]
    private let flavor: FilterFlavor
    private var graph = DecisionGraph()

    private init(layers: [SyscallDecisions], flavor: FilterFlavor) {
        self.layers = layers
        self.flavor = flavor
    }

    private mutating func compile() throws(FilterError) -> FilterProgram {
        let enforcing = layers.filter { $0.mode == .enforce }
        let foreign = graph.leaf(enforcing.isEmpty ? .allow : .killProcess)
        var combiner = LayerCombiner(layers: layers, flavor: flavor)
        // Architectures in a fixed order, the native one first, with all ranges of their numbers.
        var trees: [(architecture: UInt32, ranges: [NumberRange])] = []
        for abi in SyscallABI.usable where !trees.contains(where: { $0.architecture == abi.architecture }) {
            let group = SyscallABI.usable.filter { $0.architecture == abi.architecture }
            guard group.contains(where: isAllowed) else { continue }
            var ranges: [NumberRange] = []
            let unknown = graph.leaf(
                enforcing.isEmpty ? .allow : .errno(UInt16(ErrorNumber.noSystemCall)))
            if group.contains(.x32) {
                // The number that is no call has x32's bit, and is nobody's.
                ranges.append(NumberRange(first: SyscallABI.x32Bit, node: foreign))
                ranges.append(NumberRange(first: SyscallABI.noCall, node: unknown))
            }
            for abi in group where isAllowed(abi) {
                let first = abi == .x32 ? SyscallABI.x32Bit : 0
                let calls = combiner.nodes(of: abi, in: &graph)
                ranges.removeAll { $0.first == first }
                let isWatched =
                    enforcing.isEmpty && flavor != .errno && combiner.isForeign(abi)
                let gap = isWatched ? graph.leaf(.notify) : unknown
                ranges.append(contentsOf: NumberRange.covering(calls, from: first, gap: gap))
            }
            if !group.contains(where: { isAllowed($0) && $0 != .x32 }) {
                ranges.append(NumberRange(first: 0, node: foreign))
            }
            ranges.sort { $0.first < $1.first }
            trees.append((abi.architecture, NumberRange.merged(ranges)))
        }
        guard isAllowed(.native) else { throw .noABI }
        try checkSize(combiner: combiner)
        return try emit(trees, foreign: foreign)
    }

    /// Whether every enforcing policy has the ABI or, if there is none, any policy; where a supervisor hears
    /// complaints, every ABI is one to look at.
    private func isAllowed(_ abi: SyscallABI) -> Bool {
        func has(_ layer: SyscallDecisions) -> Bool { layer.tables.contains { $0.abi == abi } }
        let enforcing = layers.filter { $0.mode == .enforce }
        if enforcing.isEmpty, flavor != .errno { return true }
        return enforcing.isEmpty ? layers.contains(where: has) : enforcing.allSatisfy(has)
    }

    private func emit(
        _ trees: [(architecture: UInt32, ranges: [NumberRange])], foreign: Int
    ) throws(FilterError) -> FilterProgram {
        var roots: [(architecture: UInt32, label: FilterAssembler.Label)] = []
        let nodes = trees.flatMap { $0.ranges.map(\.node) }
        var emitter = GraphEmitter(graph, roots: Set(nodes + [foreign]))
        let otherwise = emitter.entry(foreign)
        for tree in trees.reversed() {
            roots.append((tree.architecture, emitter.tree(tree.ranges)))
        }
        var next = otherwise
        for root in roots {
            next = emitter.assembler.branch(
                FilterCode.jumpIfEqual, root.architecture, then: root.label, otherwise: next)
        }
        _ = emitter.assembler.load(offset: 4)
        guard emitter.assembler.count <= FilterProgram.maximumLength else { throw tooLong() }
        return emitter.assembler.program
    }

    // MARK: - Too long

    /// A node is at least one instruction: what is too long is seen before it is written.
    private func checkSize(combiner: LayerCombiner) throws(FilterError) {
        if combiner.isTooLong || graph.nodes.count > 4 * FilterProgram.maximumLength { throw tooLong() }
    }

    /// Names the rule with the most tests.
    private func tooLong() -> FilterError {
        var blame = "the number of calls"
        var most = 0
        for layer in layers {
            var counts = Array(repeating: 0, count: layer.causes.count)
            for branch in layer.lists.joined() {
                if let cause = branch.cause { counts[cause] += branch.tests.count }
            }
            for (cause, count) in zip(layer.causes, counts) where count > most {
                most = count
                let place = cause.rule.location.map { " (\($0.fileAndLine))" } ?? ""
                blame = "\(cause.rule.id)\(place) of policy '\(layer.policy)'"
            }
        }
        return .tooLong(blame: blame)
    }
}
