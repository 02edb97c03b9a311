extension FilterProgram {
    /// Why the kernel would refuse a program.
    public enum Defect: Hashable, Sendable {
        /// No instruction, or more than `maximumLength`.
        case length(Int)
        /// An instruction that seccomp does not have.
        case code(at: Int)
        /// A jump to behind the end.
        case jump(at: Int)
        /// A load from outside `seccomp_data`, or not of an aligned word.
        case load(at: Int)
        /// A division by the constant 0, a shift by 32 or more, or scratch memory that there is not.
        case constant(at: Int)
        /// Scratch memory is read on some path before it is written.
        case uninitialised(at: Int)
        /// The last instruction does not end the program.
        case end
    }

    /// The first thing for which the kernel would refuse the program with EINVAL; nil if there is none.
    ///
    /// The same checks as `bpf_check_classic` and `check_load_and_stores` (net/core/filter.c) and
    /// `seccomp_check_filter` (kernel/seccomp.c). Running a program without a defect always ends: every jump
    /// is forward.
    public var defect: Defect? {
        let count = instructions.count
        guard (1...Self.maximumLength).contains(count) else { return .length(count) }
        for (index, instruction) in instructions.enumerated() {
            guard let shape = Shape(code: instruction.code) else { return .code(at: index) }
            let constant = instruction.constant
            switch shape {
            case .load where constant >= FilterInput.size || constant % 4 != 0: return .load(at: index)
            case .memory where constant >= 16: return .constant(at: index)
            case .divide where constant == 0: return .constant(at: index)
            case .shift where constant >= 32: return .constant(at: index)
            case .jump where UInt64(index) + 1 + UInt64(constant) >= UInt64(count): return .jump(at: index)
            case .branch
            where index + 1 + Int(max(instruction.whenTrue, instruction.whenFalse)) >= count:
                return .jump(at: index)
            default: break
            }
        }
        guard instructions[count - 1].code & 0x07 == 0x06 else { return .end }
        return memoryDefect
    }

    /// What the checks must know of an instruction.
    private enum Shape {
        case load, memory, divide, shift, jump, branch, plain

        /// nil: seccomp does not have it.
        init?(code: UInt16) {
            switch code {
            case 0x20: self = .load  // LD W ABS
            case 0x60, 0x61, 0x02, 0x03: self = .memory  // LD MEM, LDX MEM, ST, STX
            case 0x34: self = .divide  // DIV K
            case 0x64, 0x74: self = .shift  // LSH K, RSH K
            case 0x05: self = .jump
            case 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d: self = .branch
            case 0x80, 0x81,  // LD LEN, LDX LEN: the size of seccomp_data
                0x00, 0x01,  // LD IMM, LDX IMM
                0x06, 0x16,  // RET K, RET A
                0x07, 0x87,  // TAX, TXA
                0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x6c, 0x7c, 0x84, 0xa4,
                0xac:
                self = .plain
            default: return nil
            }
        }
    }

    private var memoryDefect: Defect? {
        // Which words of scratch memory are written on every path to an instruction.
        var written = Array(repeating: UInt16.max, count: instructions.count)
        var here: UInt16 = 0
        for (index, instruction) in instructions.enumerated() {
            here &= written[index]
            let bit: UInt16 = instruction.constant < 16 ? 1 << UInt16(instruction.constant) : 0
            switch instruction.code {
            case 0x02, 0x03: here |= bit
            case 0x60, 0x61: if here & bit == 0 { return .uninitialised(at: index) }
            case 0x05:
                written[index + 1 + Int(instruction.constant)] &= here
                here = .max
            case 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d:
                written[index + 1 + Int(instruction.whenTrue)] &= here
                written[index + 1 + Int(instruction.whenFalse)] &= here
                here = .max
            default: break
            }
        }
        return nil
    }
}
