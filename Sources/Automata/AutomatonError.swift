/// Why there is no automaton: it would be larger than its maker allows.
public struct AutomatonError: Error, Hashable, Sendable {
    /// What was exceeded.
    public enum Limit: Hashable, Sendable {
        /// The number of states.
        case states(Int)
        /// The number of transitions off the literals, and of places that sets of places have.
        case transitions(Int)
    }

    /// How many patterns are named at most.
    static let blamedCount = 5

    public var limit: Limit
    /// The patterns that most is due to, the worst first, as indices of the list that was compiled.
    public var patterns: [Int]
}

/// How large an automaton may become while it is made.
public struct AutomatonLimits: Hashable, Sendable {
    /// Nodes of literal beginnings and sets of places together: about the states before they are minimised.
    public var states: Int
    /// Sets of places times byte classes, and the members of the sets: four bytes of memory each, and eight
    /// more for some while states are merged.
    public var transitions: Int

    /// The texts of a policy's patterns end at 1 MiB, which is a million states of literals; the transitions
    /// are 64 MiB.
    public init(states: Int = 1_000_000, transitions: Int = 1 << 24) {
        self.states = states
        self.transitions = transitions
    }
}
