/// A program of the classic BPF machine, as seccomp(2) takes it. Plain data; nothing is loaded by having it.
public struct FilterProgram: Hashable, Sendable {
    /// One instruction, field by field `struct sock_filter` of `include/uapi/linux/filter.h`.
    public struct Instruction: Hashable, Sendable {
        /// Class, size and mode, or operation.
        public var code: UInt16
        /// How many instructions a conditional jump skips if the condition holds.
        public var whenTrue: UInt8
        /// How many it skips if not.
        public var whenFalse: UInt8
        /// The constant.
        public var constant: UInt32

        public init(code: UInt16, whenTrue: UInt8 = 0, whenFalse: UInt8 = 0, constant: UInt32) {
            self.code = code
            self.whenTrue = whenTrue
            self.whenFalse = whenFalse
            self.constant = constant
        }
    }

    /// `BPF_MAXINSNS`: the kernel refuses a longer program.
    public static let maximumLength = 4096

    /// The size of an instruction in memory and in a file, in bytes.
    public static let bytesPerInstruction = 8

    public var instructions: [Instruction]

    public init(_ instructions: [Instruction]) {
        self.instructions = instructions
    }

    /// The program as the kernel has it in memory: eight little-endian bytes an instruction.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(instructions.count * Self.bytesPerInstruction)
        for instruction in instructions {
            bytes.append(UInt8(truncatingIfNeeded: instruction.code))
            bytes.append(UInt8(truncatingIfNeeded: instruction.code >> 8))
            bytes.append(instruction.whenTrue)
            bytes.append(instruction.whenFalse)
            for shift: UInt32 in [0, 8, 16, 24] {
                bytes.append(UInt8(truncatingIfNeeded: instruction.constant >> shift))
            }
        }
        return bytes
    }

    /// Reads what `bytes` wrote; nil if the length is no multiple of eight. The program may still be one that
    /// the kernel refuses: ask `defect`.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count.isMultiple(of: Self.bytesPerInstruction) else { return nil }
        instructions = []
        instructions.reserveCapacity(bytes.count / Self.bytesPerInstruction)
        var rest = bytes.makeIterator()
        func next() -> UInt32 { UInt32(rest.next() ?? 0) }
        for _ in 0..<bytes.count / Self.bytesPerInstruction {
            let code = UInt16(next() | next() << 8)
            let (whenTrue, whenFalse) = (UInt8(next()), UInt8(next()))
            let constant = next() | next() << 8 | next() << 16 | next() << 24
            instructions.append(
                Instruction(code: code, whenTrue: whenTrue, whenFalse: whenFalse, constant: constant))
        }
    }
}

/// The parts of an instruction's code that filters use (`include/uapi/linux/bpf_common.h`).
public enum FilterCode {
    /// The accumulator becomes the word of `seccomp_data` at the constant.
    public static let load: UInt16 = 0x20
    /// The accumulator is cut with the constant.
    public static let and: UInt16 = 0x54
    /// Skips as many instructions as the constant says.
    public static let jump: UInt16 = 0x05
    public static let jumpIfEqual: UInt16 = 0x15
    public static let jumpIfGreater: UInt16 = 0x25
    public static let jumpIfGreaterOrEqual: UInt16 = 0x35
    /// Jumps if accumulator and constant share a bit.
    public static let jumpIfAnySet: UInt16 = 0x45
    /// Ends with the constant.
    public static let finish: UInt16 = 0x06
}

/// What the kernel does with a call (`SECCOMP_RET_*` of `include/uapi/linux/seccomp.h`).
public enum FilterAction: Hashable, Sendable {
    /// The whole process is killed with SIGSYS. Linux 4.14.
    case killProcess
    /// The call returns this error and is not run.
    case errno(UInt16)
    /// The call waits for a supervisor. Linux 5.0.
    case notify
    /// The call is run.
    case allow
    /// Anything that swguard's own programs never return.
    case other(UInt32)

    /// What the return value of a program means.
    public init(returnValue: UInt32) {
        switch returnValue & 0xffff_0000 {
        case 0x8000_0000: self = .killProcess
        case 0x0005_0000: self = .errno(UInt16(truncatingIfNeeded: returnValue))
        case 0x7fc0_0000: self = .notify
        case 0x7fff_0000: self = .allow
        default: self = .other(returnValue)
        }
    }

    /// What a program must return for it.
    public var returnValue: UInt32 {
        switch self {
        case .killProcess: 0x8000_0000
        case .errno(let code): 0x0005_0000 | UInt32(code)
        case .notify: 0x7fc0_0000
        case .allow: 0x7fff_0000
        case .other(let value): value
        }
    }
}

/// What a program looks at: `struct seccomp_data`.
public struct FilterInput: Hashable, Sendable {
    /// The number of the call.
    public var number: UInt32
    /// `AUDIT_ARCH_*` of the way in which the call was made.
    public var architecture: UInt32
    /// Where the call was made, an address.
    public var instructionPointer: UInt64
    /// Six arguments; missing ones are 0.
    public var arguments: [UInt64]

    public init(
        number: UInt32, architecture: UInt32, arguments: [UInt64] = [], instructionPointer: UInt64 = 0
    ) {
        self.number = number
        self.architecture = architecture
        self.instructionPointer = instructionPointer
        self.arguments = arguments
    }

    /// The size of the structure, in bytes.
    public static let size: UInt32 = 64

    /// The word at byte `offset`, which must be a multiple of four and below `size`.
    public func word(at offset: UInt32) -> UInt32 {
        switch offset {
        case 0: return number
        case 4: return architecture
        case 8: return UInt32(truncatingIfNeeded: instructionPointer)
        case 12: return UInt32(truncatingIfNeeded: instructionPointer >> 32)
        default:
            let index = Int(offset - 16) / 8
            let argument = index < arguments.count ? arguments[index] : 0
            return UInt32(truncatingIfNeeded: offset & 4 == 0 ? argument : argument >> 32)
        }
    }

    /// Where the low half of argument `index` is; the high half is four bytes on. (Little endian.)
    public static func offset(ofArgument index: Int) -> UInt32 { 16 + 8 * UInt32(index) }
}
