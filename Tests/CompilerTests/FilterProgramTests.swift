import Compiler
import Policy
import Seccomp
import Testing

/// Programs as data, and the emulator that runs them.
@Suite struct FilterProgramTests {
    typealias Instruction = FilterProgram.Instruction

    private let allow = Instruction(code: FilterCode.finish, constant: 0x7fff_0000)

    @Test func `bytes are what the kernel has in memory, and can be read back`() throws {
        let program = FilterProgram([
            Instruction(code: 0x20, constant: 4),
            Instruction(code: 0x15, whenTrue: 0, whenFalse: 1, constant: 0xc000_003e), allow, allow,
        ])
        #expect(program.bytes.prefix(16) == [0x20, 0, 0, 0, 4, 0, 0, 0, 0x15, 0, 0, 1, 0x3e, 0, 0, 0xc0])
        #expect(FilterProgram(bytes: program.bytes) == program)
        #expect(FilterProgram(bytes: program.bytes.dropLast()) == nil)
        let real = try TestFilter(FilterCountTests.containerList).program
        #expect(FilterProgram(bytes: real.bytes) == real)
    }

    @Test func `what the kernel would refuse is found`() {
        func defect(_ instructions: Instruction...) -> FilterProgram.Defect? {
            FilterProgram(instructions).defect
        }
        #expect(FilterProgram([]).defect == .length(0))
        #expect(FilterProgram(Array(repeating: allow, count: 4097)).defect == .length(4097))
        #expect(FilterProgram(Array(repeating: allow, count: 4096)).defect == nil)
        #expect(defect(Instruction(code: 0x28, constant: 0), allow) == .code(at: 0))  // half words
        #expect(defect(Instruction(code: 0x40, constant: 0), allow) == .code(at: 0))  // indirect loads
        #expect(defect(Instruction(code: 0x94, constant: 3), allow) == .code(at: 0))  // modulo
        #expect(defect(Instruction(code: 0x20, constant: 64), allow) == .load(at: 0))
        #expect(defect(Instruction(code: 0x20, constant: 2), allow) == .load(at: 0))
        #expect(defect(Instruction(code: 0x05, constant: 1), allow) == .jump(at: 0))
        #expect(defect(Instruction(code: 0x05, constant: .max), allow) == .jump(at: 0))
        #expect(defect(Instruction(code: 0x15, whenTrue: 1, constant: 0), allow) == .jump(at: 0))
        #expect(defect(Instruction(code: 0x34, constant: 0), allow) == .constant(at: 0))
        #expect(defect(Instruction(code: 0x64, constant: 32), allow) == .constant(at: 0))
        #expect(defect(Instruction(code: 0x02, constant: 16), allow) == .constant(at: 0))
        #expect(defect(Instruction(code: 0x60, constant: 3), allow) == .uninitialised(at: 0))
        #expect(defect(allow, Instruction(code: 0x20, constant: 0)) == .end)
    }

    @Test func `scratch memory must be written on every path`() {
        let store = Instruction(code: 0x02, constant: 1)
        let fetch = Instruction(code: 0x60, constant: 1)
        let skip = Instruction(code: 0x15, whenTrue: 1, constant: 0)
        #expect(FilterProgram([skip, store, fetch, allow]).defect == .uninitialised(at: 2))
        #expect(FilterProgram([store, skip, store, fetch, allow]).defect == nil)
    }

    @Test func `arithmetic is the machine's`() throws {
        func run(_ code: UInt16, _ start: UInt32, _ constant: UInt32) throws -> UInt32 {
            let program = FilterProgram([
                Instruction(code: 0x00, constant: start), Instruction(code: code, constant: constant),
                Instruction(code: 0x16, constant: 0),
            ])
            return try FilterEmulator(program).run(FilterInput(number: 0, architecture: 0)).returnValue
        }
        #expect(try run(0x04, .max, 2) == 1)
        #expect(try run(0x14, 1, 2) == .max)
        #expect(try run(0x24, 0x1_0001, 0x1_0000) == 0x1_0000)
        #expect(try run(0x34, 7, 2) == 3)
        #expect(try run(0x44, 5, 2) == 7)
        #expect(try run(0x54, 6, 3) == 2)
        #expect(try run(0x64, 1, 31) == 0x8000_0000)
        #expect(try run(0x74, 0x8000_0000, 31) == 1)
        #expect(try run(0x84, 1, 0) == .max)
        #expect(try run(0xa4, 5, 1) == 4)
    }

    @Test func `the emulator counts what it runs, and refuses what the kernel refuses`() throws {
        let program = FilterProgram([Instruction(code: 0x05, constant: 1), allow, allow])
        let result = try FilterEmulator(program).run(FilterInput(number: 0, architecture: 0))
        #expect(result.instructionCount == 2)
        #expect(result.action == .allow)
        #expect(throws: InvalidFilter.self) { try FilterEmulator(FilterProgram([])) }
    }

    @Test func `every word of the input is where the kernel has it`() {
        let input = FilterInput(
            number: 1, architecture: 2, arguments: [0x5_0000_0004, 0x7_0000_0006],
            instructionPointer: 0x9_0000_0008)
        #expect([0, 4, 8, 12, 16, 20, 24, 28, 60].map { input.word(at: $0) } == [1, 2, 8, 9, 4, 5, 6, 7, 0])
    }

    @Test func `the text names calls, arguments and answers`() throws {
        let filter = try TestFilter(
            .syscalls(
                [
                    .deny(
                        .name("ioctl"),
                        when: ArgumentCondition(argument: 1, comparison: .equal, value: 0x5412))
                ],
                default: .allow))
        let text = filter.program.disassembled { SyscallTable.name(of: $0, abi: .native) }
        #expect(text.count == filter.program.instructions.count)
        #expect(text.contains { $0.hasSuffix("load architecture") })
        #expect(text.contains { $0.contains("16 (ioctl)") })
        #expect(text.contains { $0.hasSuffix("load arg1 low") })
        #expect(text.contains { $0.contains("if == 0x5412") })
        #expect(text.contains { $0.hasSuffix("return errno 1") })
        #expect(text.contains { $0.hasSuffix("return kill") })
    }
}
