/// Runs filter programs as the kernel would, on values.
///
/// For tests, for `inspect`, and to say what a filter would answer without loading it.
public struct FilterEmulator: Sendable {
    /// What a run came to.
    public struct Result: Hashable, Sendable {
        /// `SECCOMP_RET_*`.
        public var returnValue: UInt32
        /// How many instructions were run.
        public var instructionCount: Int

        /// What the kernel would do.
        public var action: FilterAction { FilterAction(returnValue: returnValue) }
    }

    private let instructions: [FilterProgram.Instruction]

    /// Fails with the defect for which the kernel would refuse the program.
    public init(_ program: FilterProgram) throws(InvalidFilter) {
        if let defect = program.defect { throw InvalidFilter(defect: defect) }
        instructions = program.instructions
    }

    /// What the program returns for `input`.
    public func run(_ input: FilterInput) -> Result {
        var a: UInt32 = 0
        var x: UInt32 = 0
        var memory: [UInt32] = []
        var position = 0
        var count = 0
        while true {
            let instruction = instructions[position]
            let k = instruction.constant
            position += 1
            count += 1
            switch instruction.code {
            case 0x20: a = input.word(at: k)
            case 0x80: a = FilterInput.size
            case 0x81: x = FilterInput.size
            case 0x00: a = k
            case 0x01: x = k
            case 0x60: a = memory[Int(k)]
            case 0x61: x = memory[Int(k)]
            case 0x02, 0x03:
                if memory.isEmpty { memory = Array(repeating: 0, count: 16) }
                memory[Int(k)] = instruction.code == 0x02 ? a : x
            case 0x07: x = a
            case 0x87: a = x
            case 0x06: return Result(returnValue: k, instructionCount: count)
            case 0x16: return Result(returnValue: a, instructionCount: count)
            case 0x05: position += Int(k)
            case let code where code & 0x07 == 0x05:
                let operand = code & 0x08 == 0 ? k : x
                let holds: Bool =
                    switch code & 0xf0 {
                    case 0x10: a == operand
                    case 0x20: a > operand
                    case 0x30: a >= operand
                    default: a & operand != 0
                    }
                position += Int(holds ? instruction.whenTrue : instruction.whenFalse)
            case 0x84: a = 0 &- a
            case let code:
                let operand = code & 0x08 == 0 ? k : x
                switch code & 0xf0 {
                case 0x00: a = a &+ operand
                case 0x10: a = a &- operand
                case 0x20: a = a &* operand
                case 0x30:
                    // A division by a register that is 0 ends the program with 0, which kills.
                    if operand == 0 { return Result(returnValue: 0, instructionCount: count) }
                    a = a / operand
                case 0x40: a |= operand
                case 0x50: a &= operand
                case 0x60: a = a << (operand & 31)
                case 0x70: a = a >> (operand & 31)
                default: a ^= operand
                }
            }
        }
    }
}

/// A program that the kernel would refuse.
public struct InvalidFilter: Error, Hashable {
    public var defect: FilterProgram.Defect
}
