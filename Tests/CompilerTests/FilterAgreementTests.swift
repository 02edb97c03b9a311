import Compiler
import Policy
import Seccomp
import Testing

/// The program, the decisions and the reference evaluator say the same.
@Suite struct FilterAgreementTests {
    @Test(arguments: syscallSeeds(40))
    func `a random policy's program, decisions and evaluator agree`(seed: UInt64) throws {
        var random = SyscallRandomPolicy(seed: seed)
        try SyscallAgreement.check([random.inputs("one")], seed: seed)
    }

    @Test func `an ABI that one of two complaining policies lists is observed`() throws {
        var listing = Policy.syscalls(
            [.deny(.name("umask"))], default: .allow, architectures: ["x86_64", "i386"])
        var plain = Policy(name: "plain", file: "plain.yaml")
        (listing.mode, plain.mode) = (.complain, .complain)
        let layers = [plain, listing].map { SyscallLayerInputs(policy: $0) }
        try SyscallAgreement.check(layers)
        #expect(try TestFilter(layers, flavor: .notify()).answer(syscall("umask", .i386)) == .notify)
    }

    @Test(arguments: syscallSeeds(30))
    func `random layers make one program that is as restrictive as all`(seed: UInt64) throws {
        var random = SyscallRandomPolicy(seed: seed &* 7919)
        let count = 2 + Int(seed % 3)
        try SyscallAgreement.check((0..<count).map { random.inputs("layer-\($0)") }, seed: seed)
    }

    @Test(arguments: syscallSeeds(20))
    func `the same input gives the same program`(seed: UInt64) throws {
        var random = SyscallRandomPolicy(seed: seed)
        let inputs = [random.inputs("one"), random.inputs("two")]
        #expect(try TestFilter(inputs).program == TestFilter(inputs).program)
        #expect(try TestFilter(inputs).decisions == TestFilter(inputs).decisions)
    }
}
