internal import Policy
internal import Seccomp

/// Makes one node of what several layers say of a call.
///
/// A kill before an error, else the error of the oldest layer that denies; layers in complain mode only have
/// the call observed.
struct LayerCombiner {
    let layers: [SyscallDecisions]
    let flavor: FilterFlavor
    private let observed: Set<String>
    /// Whether each list of each layer can kill.
    private let kills: [[Bool]]
    private var nodes: [Key: Int] = [:]
    /// Whether there were more branches than a program has room for.
    private(set) var isTooLong = false

    private struct Key: Hashable {
        var lists: [Int]
        var isNeverNotified: Bool
        var isObserved: Bool
    }

    /// What earlier layers came to.
    private enum Pending: Hashable {
        case nothing
        /// A complaint, or a grant that is to be reported: the supervisor lets it go on.
        case observation
        case action(FilterAction)
    }

    init(layers: [SyscallDecisions], flavor: FilterFlavor) {
        self.layers = layers
        self.flavor = flavor
        observed = flavor.observed
        kills = layers.map { layer in
            layer.lists.map { layer.mode == .enforce && $0.contains { $0.outcome == .kill } }
        }
    }

    /// The nodes of all calls of `abi`, by ascending number. A layer in complain mode that does not have the ABI would
    /// kill: each call is observed.
    mutating func nodes(of abi: SyscallABI, in graph: inout DecisionGraph) -> [(number: UInt32, node: Int)] {
        let tables = layers.map { layer in layer.tables.first { $0.abi == abi }?.calls }
        // Every table of an ABI has the same calls.
        let calls =
            tables.lazy.compactMap { $0 }.first?.map { ($0.number, $0.name) }
            ?? SyscallTable.calls(of: abi).map { ($0.number, $0.name) }
        let isForeign = isForeign(abi)
        return calls.indices.map { index in
            let (number, name) = calls[index]
            let key = Key(
                lists: tables.map { $0?[index].list ?? -1 },
                isNeverNotified: NeverNotified.names.contains(name),
                isObserved: observed.contains(name))
            if let node = nodes[key] { return (number, node) }
            let node = node(key, layer: 0, pending: isForeign ? .observation : .nothing, in: &graph)
            nodes[key] = node
            return (number, node)
        }
    }

    /// Whether a layer in complain mode would kill whatever calls `abi` makes.
    func isForeign(_ abi: SyscallABI) -> Bool {
        layers.contains { layer in
            layer.mode == .complain && !layer.tables.contains { $0.abi == abi }
        }
    }

    private mutating func node(
        _ key: Key, layer index: Int, pending: Pending, in graph: inout DecisionGraph
    ) -> Int {
        let remaining = index..<layers.count
        let canChange =
            switch pending {
            case .action: remaining.contains { key.lists[$0] >= 0 && kills[$0][key.lists[$0]] }
            case .nothing, .observation: !remaining.isEmpty
            }
        guard canChange else { return graph.leaf(action(pending, key)) }
        guard key.lists[index] >= 0 else { return node(key, layer: index + 1, pending: pending, in: &graph) }
        let layer = layers[index]
        let list = layer.lists[key.lists[index]]
        // What follows from each outcome; most lists have two.
        var following: [Pending: Int] = [:]
        var result: Int?
        for branch in list.reversed() {
            let outcome: Int
            if branch.outcome == .kill, layer.mode == .enforce {
                outcome = graph.leaf(.killProcess)
            } else {
                let next = self.pending(after: branch, of: layer, pending, key)
                if let known = following[next] {
                    outcome = known
                } else {
                    outcome = node(key, layer: index + 1, pending: next, in: &graph)
                    following[next] = outcome
                }
            }
            // The last branch of a list has no tests; were there one, what passes it would be killed.
            let otherwise = result ?? graph.leaf(.killProcess)
            result = graph.all(branch.tests, then: outcome, otherwise: otherwise)
            if graph.nodes.count > 4 * FilterProgram.maximumLength {
                isTooLong = true
                break
            }
        }
        return result ?? graph.leaf(.killProcess)
    }

    /// What is pending after a branch that does not kill.
    private func pending(
        after branch: SyscallDecisions.Branch, of layer: SyscallDecisions, _ pending: Pending, _ key: Key
    ) -> Pending {
        if case .action = pending { return pending }
        let isReported = branch.cause.map { layer.causes[$0].isReported } ?? false
        if branch.outcome == .allow || layer.mode == .complain { return isReported ? .observation : pending }
        guard case .errno(let code) = branch.outcome else { return .action(.killProcess) }
        if case .notify = flavor, isReported, !key.isNeverNotified { return .action(.notify) }
        // An error number is below 4,096 (MAX_ERRNO); what is not would not be one.
        guard let code = UInt16(exactly: code), code < 4096 else { return .action(.killProcess) }
        return .action(.errno(code))
    }

    /// What happens when no layer is left.
    private func action(_ pending: Pending, _ key: Key) -> FilterAction {
        switch pending {
        case .action(let action): action
        case .observation where flavor != .errno && !key.isNeverNotified: .notify
        case .nothing, .observation: key.isObserved ? .notify : .allow
        }
    }
}
