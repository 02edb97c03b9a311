internal import Seccomp

/// Writes a program from its end to its beginning.
///
/// All jumps are forward, so that what they lead to is there already and its distance is known. A conditional
/// jump reaches 255 instructions: where that is not enough, a step is put in between, which from then on is
/// the nearest way to that place.
struct FilterAssembler {
    /// A place in the program, counted from its end.
    typealias Label = Int

    private var reversed: [FilterProgram.Instruction] = []
    /// The nearest step to a place that is further on.
    private var steps: [Label: Label] = [:]

    /// How many instructions there are.
    var count: Int { reversed.count }

    /// The place of the instruction that was written last, which will be run before all others.
    var head: Label { reversed.count - 1 }

    /// The program.
    var program: FilterProgram { FilterProgram(reversed.reversed()) }

    /// Ends with a value.
    mutating func finish(_ value: UInt32) -> Label {
        reversed.append(.init(code: FilterCode.finish, constant: value))
        return head
    }

    /// Loads a word of `seccomp_data`, and goes on with what was written last.
    mutating func load(offset: UInt32) -> Label {
        reversed.append(.init(code: FilterCode.load, constant: offset))
        return head
    }

    /// Cuts the accumulator, and goes on with what was written last.
    mutating func cut(mask: UInt32) -> Label {
        reversed.append(.init(code: FilterCode.and, constant: mask))
        return head
    }

    /// Goes to one place or the other.
    mutating func branch(_ code: UInt16, _ constant: UInt32, then: Label, otherwise: Label) -> Label {
        var (then, otherwise) = (nearest(then), nearest(otherwise))
        // A step moves everything behind it one further away, so that the second may then need one too.
        while distance(to: then) > 255 || distance(to: otherwise) > 255 {
            if distance(to: then) > 255 {
                then = step(to: then)
            } else {
                otherwise = step(to: otherwise)
            }
        }
        reversed.append(
            .init(
                code: code, whenTrue: UInt8(distance(to: then)), whenFalse: UInt8(distance(to: otherwise)),
                constant: constant))
        return head
    }

    /// How many instructions the next one must skip to get to `label`.
    private func distance(to label: Label) -> Int { reversed.count - 1 - label }

    private func nearest(_ label: Label) -> Label {
        guard let step = steps[label], distance(to: label) > 255 else { return label }
        return step
    }

    private mutating func step(to label: Label) -> Label {
        let end = reversed[label]
        if end.code == FilterCode.finish {
            reversed.append(end)
        } else {
            reversed.append(.init(code: FilterCode.jump, constant: UInt32(distance(to: label))))
        }
        steps[label] = head
        return head
    }
}
