/// A minimal deterministic automaton over bytes, with a verdict at every state.
///
/// Two inputs lead to the same state if and only if every continuation of both leads to the same verdict.
/// Equal patterns and verdicts give equal automata, byte for byte.
public struct Automaton: Hashable, Sendable {
    /// The state in which no pattern can match any more; there, whether or not an input leads to it.
    public static let dead: UInt32 = 0

    public let classes: ByteClasses
    /// Where every input begins.
    public let start: UInt32
    /// What is said at each state.
    public let verdicts: [UInt32]
    /// Where the classes lead that are not named below.
    let rests: [UInt32]
    /// Where the exceptions of each state begin in the two arrays below; one entry more than states.
    let exceptionStarts: [UInt32]
    /// The classes that lead elsewhere, ascending within a state.
    let exceptionClasses: [UInt8]
    let exceptionTargets: [UInt32]

    public var stateCount: Int { verdicts.count }

    /// The transitions that are kept one by one.
    public var exceptionCount: Int { exceptionClasses.count }

    /// The state that `byte` leads to.
    public func step(_ state: UInt32, _ byte: UInt8) -> UInt32 { next(state, classes[byte]) }

    /// The state that `bytes` lead to.
    public func run(_ bytes: some Sequence<UInt8>, from state: UInt32? = nil) -> UInt32 {
        var state = state ?? start
        for byte in bytes { state = step(state, byte) }
        return state
    }

    /// What is said at `state`.
    public func verdict(_ state: UInt32) -> UInt32 { verdicts[Int(state)] }

    /// Whether whatever comes leads nowhere else.
    public func isSettled(_ state: UInt32) -> Bool {
        rests[Int(state)] == state && exceptions(of: state).isEmpty
    }

    /// The state that a class of bytes leads to.
    func next(_ state: UInt32, _ number: UInt8) -> UInt32 {
        for index in exceptions(of: state) {
            if exceptionClasses[index] == number { return exceptionTargets[index] }
            if exceptionClasses[index] > number { break }
        }
        return rests[Int(state)]
    }

    func exceptions(of state: UInt32) -> Range<Int> {
        Int(exceptionStarts[Int(state)])..<Int(exceptionStarts[Int(state) + 1])
    }
}

extension Automaton: CustomStringConvertible {
    /// The counts: `17 states, 9 byte classes, 21 exceptions, 5 verdicts`.
    public var description: String {
        "\(stateCount) states, \(classes.count) byte classes, \(exceptionCount) exceptions, "
            + "\(Set(verdicts).count) verdicts"
    }
}
