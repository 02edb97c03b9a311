import Testing

@testable import Confinement

@Suite struct RunScannerTests {
    private func scan(_ arguments: String...) throws -> RunOptions? {
        try RunScanner.scan(arguments.map { Array($0.utf8) })
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `every option reaches its field`() throws {
        let options = try #require(
            try scan(
                "--policy", "a.yaml", "--read=/etc", "--exec", "/usr", "--write", ".", "--deny-read", "/s",
                "--deny", "/d",
                "--connect", "tcp:*:443", "--bind", "tcp:*:80", "--no-network", "--allow-syscall", "mkdir",
                "--deny-syscall", "@mount", "--bare", "--print-policy", "--backend", "landlock", "--strict",
                "--allow-partial", "--keep-fd", "5", "--keep-fd=7", "--audit", "fd:9", "--explain",
                "--complain",
                "--exec-only", "-v", "--policy", "-", "--", "make", "--read", "-v"))
        #expect(options.policies == [.init(bytes("a.yaml"), argument: 1), .init(bytes("-"), argument: 36)])
        #expect(
            options.rules.map(\.kind) == [
                .read, .exec, .write, .denyRead, .deny, .connect, .bind, .noNetwork, .allowSyscall,
                .denySyscall,
            ])
        #expect(options.rules.map(\.value.argument) == [3, 4, 6, 8, 10, 12, 14, 16, 17, 19])
        #expect(options.rules[0].value.bytes == bytes("/etc"))
        #expect(options.isBare && options.printsPolicy && options.isStrict && options.allowsPartial)
        #expect(options.explains && options.complains && options.isExecOnly && options.isVerbose)
        #expect(options.backend == .landlock)
        #expect(options.keptDescriptors == [5, 7])
        #expect(options.audit == .descriptor(9))
        #expect(options.command == ["make", "--read", "-v"].map(bytes))
    }

    @Test(arguments: [
        (["--read"], "--read needs a value"),
        // As the argument parser has it: nothing behind the sign is no sign.
        (["--read=", "--", "a"], "--read needs a value"),
        (["--read", "--exec", "/x", "--", "a"], "--read needs a value"),
        (["--read", "--", "a"], "--read needs a value"),
        (["--strict=yes", "--", "a"], "--strict takes no value"),
        (["--keep-fd", "-1", "--", "a"], "--keep-fd needs a value"),
        (["--keep-fd=-1", "--", "a"], "--keep-fd cannot be '-1'"),
        (["--backend", "bpf", "--", "a"], "--backend cannot be 'bpf'"),
        (["--audit", "fd:x", "--", "a"], "--audit cannot be 'fd:x'"),
        (["--polcy", "x", "--", "a"], "unknown option '--polcy'; did you mean '--policy'?"),
        (["-x", "--", "a"], "unknown option '-x'"),
        (["-vx", "--", "a"], "unknown option '-vx'"),
        (["make"], "unexpected argument 'make': the command is written behind '--'"),
        (["--bell\u{7}"], "unknown option '--bell\\x07'"),
        (["--"], "no command to run: write '-- COMMAND [ARG…]' at the end"),
        ([], "no command to run: write '-- COMMAND [ARG…]' at the end"),
    ]) func `what is wrong is named`(_ arguments: [String], _ text: String) {
        #expect(throws: RunScanner.UsageError(text: text)) {
            try RunScanner.scan(arguments.map { Array($0.utf8) })
        }
    }

    @Test(arguments: [["--help"], ["-h"], ["-vh"], ["--strict", "--help", "--what"]])
    func `help is asked for`(_ arguments: [String]) throws {
        #expect(try RunScanner.scan(arguments.map { Array($0.utf8) }) == nil)
    }

    @Test func `bytes that are not UTF-8 are kept`() throws {
        let options = try #require(
            try RunScanner.scan([Array("--read".utf8), [0x2f, 0xff], Array("--".utf8), [0xfe]]))
        #expect(options.rules[0].value.bytes == [0x2f, 0xff])
        #expect(options.command == [[0xfe]])
    }

    @Test func `the table has no name twice`() {
        let names = RunOption.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { !$0.contains("=") && !$0.isEmpty })
    }
}
