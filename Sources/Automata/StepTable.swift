/// The distinct steps of many patterns, by number, with the classes of bytes that they take.
struct StepTable {
    private struct Step: Hashable {
        var mask: ByteMask
        var isRun: Bool
    }

    /// The classes that the steps take, ascending within a step.
    private(set) var classes: [UInt8] = []
    /// Where those of each step begin; one entry more than steps.
    private(set) var classStarts: [Int] = [0]
    private(set) var isRun: [Bool] = []
    /// Whether the step takes every byte.
    private(set) var takesAll: [Bool] = []
    private var masks: [ByteMask] = []
    private var numbers: [Step: UInt32] = [:]
    private let byteClasses: ByteClasses

    init(_ byteClasses: ByteClasses) { self.byteClasses = byteClasses }

    /// The number of a step that takes a byte of `mask`, or a run of such bytes.
    mutating func number(_ mask: ByteMask, isRun: Bool) -> UInt32 {
        let step = Step(mask: mask, isRun: isRun)
        if let known = numbers[step] { return known }
        let taken = byteClasses.classes(of: mask)
        numbers[step] = UInt32(masks.count)
        masks.append(mask)
        self.isRun.append(isRun)
        for number in 0..<byteClasses.count where taken.contains(UInt8(number)) {
            classes.append(UInt8(number))
        }
        classStarts.append(classes.count)
        takesAll.append(mask == .all)
        return UInt32(masks.count - 1)
    }

    /// Whether every byte that `other` takes is taken by `step`.
    func takes(_ step: UInt32, allOf other: UInt32) -> Bool {
        masks[Int(other)].isSubset(of: masks[Int(step)])
    }
}
