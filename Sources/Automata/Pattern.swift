/// A set of byte strings, as a sequence of steps; an automaton is made from many.
public struct Pattern: Hashable, Sendable {
    /// One step of a pattern.
    public enum Step: Hashable, Sendable {
        /// This byte.
        case byte(UInt8)
        /// One byte of the set.
        case oneOf(ByteMask)
        /// Any run of bytes of the set, also none.
        case run(ByteMask)
        /// The end, or `/` and anything. What follows it is ignored.
        case subtree
    }

    /// The steps, in order.
    public var steps: [Step]

    /// A pattern of these steps.
    public init(_ steps: [Step]) { self.steps = steps }

    /// The bytes before the first step that is not a byte itself.
    var literalBeginning: ArraySlice<Step> {
        steps.prefix { if case .byte = $0 { true } else { false } }
    }
}
