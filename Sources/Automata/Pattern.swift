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

    /// The bytes that every match begins with: the steps before the first that is not a byte.
    ///
    /// Apart from the others, since most patterns are little else: a step takes sixty times a byte's memory.
    public let beginning: [UInt8]
    /// The steps behind the beginning; the first is not a byte.
    public let rest: [Step]

    /// A pattern of these steps.
    public init(_ steps: some Collection<Step>) { self.init(beginning: [], steps) }

    /// A pattern of these bytes, and then these steps.
    public init(beginning bytes: [UInt8], _ steps: some Collection<Step>) {
        var beginning = bytes
        var rest = steps[...]
        while case .byte(let byte)? = rest.first {
            beginning.append(byte)
            rest = rest.dropFirst()
        }
        self.beginning = beginning
        self.rest = Array(rest)
    }

    /// All steps, in order.
    public var steps: [Step] { beginning.map { .byte($0) } + rest }
}
