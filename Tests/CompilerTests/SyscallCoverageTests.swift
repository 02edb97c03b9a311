import Compiler
import Policy
import Testing

/// What is printed of a filter.
@Suite struct SyscallCoverageTests {
    private func coverage(_ policy: Policy, _ change: (inout SyscallLayerInputs) -> Void = { _ in })
        -> Coverage
    {
        var inputs = SyscallLayerInputs(policy: policy)
        change(&inputs)
        return SyscallDecisions.lower(inputs).coverage
    }

    static let policies: [Policy] = [
        Policy(name: "plain", file: "plain.yaml"), .allowingOperations(),
        .allowingOperations(.mount, .ioUring),
        .denyingOperations(.writableCode, .anonymousExec, .rawSocket), .syscalls([]),
    ]

    @Test(arguments: policies)
    func `every operation has one row`(policy: Policy) {
        let rows = coverage(policy).rows.filter { $0.section == "operations" }
        #expect(Set(rows.map(\.subject)) == Set(Operation.allCases.map(\.name)))
        #expect(rows.count == Operation.allCases.count)
        for row in rows {
            #expect(!row.mechanism.isEmpty)
            #expect(
                row.layers.isEmpty == (row.mechanism == "granted" || row.extent == .none), "\(row.subject)")
        }
    }

    @Test func `every rule has a row, the default too, and what is always allowed is listed`() throws {
        let rows = coverage(
            .syscalls([.allow(.group("system-service")), .deny(.name("ptrace"), .optionalName("nothing"))])
        ).rows.filter { $0.section == "syscalls" }
        #expect(
            rows.map(\.subject) == [
                "syscalls.rules[0]", "syscalls.rules[1]", "syscalls.default", "syscalls.always",
                "syscalls.unknown",
            ])
        #expect(rows.allSatisfy { $0.extent == .full && $0.layers == [.seccomp] })
        #expect(rows[1].mechanism == "denies 1 call")
        #expect(rows[3].mechanism.contains(" execve "))
    }

    @Test func `what a rule denies is not listed as always allowed`() {
        let rows = coverage(
            .syscalls(
                [.deny(.name("exit_group"), .name("mkdir")), .deny(.group("default"))], default: .allow)
        ).rows
        func mechanism(_ subject: String) -> String { rows.first { $0.subject == subject }?.mechanism ?? "" }
        #expect(
            mechanism("syscalls.rules[0]")
                == "denies 2 calls; of these every command may need exit_group; not reported: exit_group")
        #expect(mechanism("syscalls.rules[1]").hasPrefix("denies "))
        #expect(!mechanism("syscalls.always").contains("exit_group"))
        #expect(!mechanism("syscalls.always").contains("execve"))
    }

    @Test func `without a section nothing is said of it`() {
        #expect(!coverage(.allowingOperations()).rows.contains { $0.section == "syscalls" })
    }

    @Test func `a written denial that is enforced in part is a gap, a default one only a row`() {
        let written = coverage(.denyingOperations(.anonymousExec))
        #expect(written.findings.map(\.kind) == [.gap])
        #expect(written.findings.first?.subject == "operations.deny")
        let byDefault = coverage(Policy(name: "plain", file: "plain.yaml"))
        #expect(byDefault.findings.isEmpty)
        #expect(byDefault.rows.contains { $0.subject == "raw-io" && $0.extent == .partial })
    }

    @Test func `a filter that lets everything through is not refused`() {
        var policy = Policy.syscalls([.deny(.name("execve"))])
        policy.mode = .complain
        #expect(!coverage(policy).findings.contains { $0.kind == .impossible || $0.kind == .excess })
    }

    @Test func `an unknown ABI is impossible`() {
        let findings = coverage(.syscalls([], default: .allow, architectures: ["x86_64", "vax"])).findings
        #expect(findings.contains { $0.kind == .impossible && $0.text == "unknown ABI 'vax'" })
    }
}
