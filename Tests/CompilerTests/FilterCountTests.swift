import Compiler
import Policy
import Seccomp
import Testing

/// How long programs get.
@Suite struct FilterCountTests {
    @Test func `a policy without sections stays short`() throws {
        let (decisions, _) = SyscallDecisions.lower(
            SyscallLayerInputs(policy: Policy(name: "p", file: "p.yaml")))
        let program = try FilterCompiler.compile([decisions], flavor: .errno)
        #expect(program.defect == nil)
        print(program.instructions.count)
        print(program.disassembled { SyscallTable.name(of: $0, abi: .native) }.joined(separator: "\n"))
        #expect(program.instructions.count < 120)
    }
}
