import Compiler
import Policy
import Testing

/// What a service manager makes of the lines, as systemd.exec(5) has it: the first list says whether what is not listed is
/// allowed; later lists add, or with `~` the other way round take away; an empty one forgets what was said.
private struct UnitFilter {
    private(set) var isAllowList: Bool?
    private var listed: [String: String] = [:]
    private(set) var isAnsweringEPERM = false

    init(_ settings: [String]) {
        for line in settings {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts[0] == "SystemCallErrorNumber" { isAnsweringEPERM = parts[1] == "EPERM" }
            if parts[0] == "SystemCallFilter" { add(parts[1]) }
        }
    }

    private mutating func add(_ value: Substring) {
        guard !value.isEmpty else {
            isAllowList = nil
            listed = [:]
            return
        }
        let isAllowing = !value.hasPrefix("~")
        if isAllowList == nil {
            isAllowList = isAllowing
            if isAllowing { for name in SyscallTable.members(of: "default") { listed[name] = "" } }
        }
        for word in value.drop(while: { $0 == "~" }).split(separator: " ") {
            if word == "@default" { continue }
            let parts = word.split(separator: ":").map(String.init)
            listed[parts[0]] = isAllowing == isAllowList ? (parts.count > 1 ? parts[1] : "") : nil
        }
    }

    /// nil: allowed; otherwise an error's number, `kill`, or nothing for the unit's own answer.
    func answer(_ name: String) -> String? {
        switch isAllowList {
        case nil: nil
        case true?: listed[name] == nil ? "" : nil
        case false?: listed[name]
        }
    }
}

@Suite struct SystemdFilterTests {
    private func filter(_ policy: Policy) throws -> SystemdFilter {
        SystemdFilter(try #require(policy.syscalls), mode: policy.mode)
    }

    @Test func `a list of what is allowed answers EPERM, and has all that starting needs`() throws {
        let filter = try filter(.syscalls([.allow(.name("mkdir")), .deny(.name("futex"))]))
        #expect(filter.findings.isEmpty)
        #expect(
            filter.settings.prefix(3) == [
                "SystemCallArchitectures=native", "SystemCallErrorNumber=EPERM", "SystemCallFilter=",
            ])
        let unit = UnitFilter(filter.settings)
        #expect(unit.isAnsweringEPERM)
        #expect(
            unit.answer("mkdir") == nil && unit.answer("execve") == nil && unit.answer("exit_group") == nil)
        // It is in systemd's own @default, which a list of what is allowed has in it.
        #expect(unit.answer("futex") == "" && unit.answer("rmdir") == "")
    }

    @Test func `a list of what is denied keeps each call's answer`() throws {
        let filter = try filter(
            .syscalls(
                [.deny(.name("mkdir"), action: .errno(38)), .deny(.name("ptrace"), action: .kill)],
                default: .allow))
        let unit = UnitFilter(filter.settings)
        #expect(
            unit.answer("mkdir") == "38" && unit.answer("ptrace") == "kill" && unit.answer("rmdir") == nil)
        #expect(filter.findings.isEmpty)
    }

    @Test func `where nothing is allowed, nothing is`() throws {
        let unit = UnitFilter(try filter(.syscalls([.deny(.all)])).settings)
        #expect(unit.answer("openat") == "" && unit.answer("execve") == "")
    }

    @Test func `a policy that denies nothing leaves the unit's own filter`() throws {
        #expect(try filter(.syscalls([], default: .allow)).settings == ["SystemCallArchitectures=native"])
    }

    @Test func `the ABIs are called as systemd calls them`() throws {
        let policy = Policy.syscalls([], default: .allow, architectures: ["x86_64", "i386", "x32"])
        #expect(try filter(policy).settings == ["SystemCallArchitectures=x86-64 x86 x32"])
    }

    @Test(arguments: [["z80", "x86_64"], ["i386"]])
    func `ABIs of which no filter can be made are impossible`(_ architectures: [String]) throws {
        let findings = try filter(.syscalls([.allow(.name("read"))], architectures: architectures)).findings
        #expect(findings.map(\.kind) == [.impossible])
    }

    @Test func `a policy that only complains has its denials logged`() throws {
        var policy = Policy.syscalls([.deny(.name("mkdir"))], default: .allow)
        policy.mode = .complain
        #expect(try filter(policy).settings.last == "SystemCallLog=mkdir")
        policy = .syscalls([.allow(.name("mkdir"))])
        policy.mode = .complain
        let settings = try filter(policy).settings.dropFirst()
        #expect(settings.allSatisfy { $0.hasPrefix("SystemCallLog=~") })
        #expect(settings.contains { $0.contains("mkdir") } && !settings.contains { $0.contains("rmdir") })
    }

    @Test func `conditions are an excess in a deny and narrow an allow`() throws {
        let unix = ArgumentCondition(argument: 0, mask: .max, comparison: .equal, value: 1)
        let filter = try filter(
            .syscalls([
                .allow(.name("bind"), .name("connect")), .deny(.name("bind"), when: unix),
                .allow(.name("socket"), when: unix),
            ]))
        #expect(filter.findings.map(\.kind) == [.excess, .narrowed])
        #expect(filter.findings.map(\.subject) == ["syscalls.rules[1]", "syscalls.rules[2]"])
        let unit = UnitFilter(filter.settings)
        #expect(unit.answer("bind") == nil && unit.answer("socket") == "")
    }

    @Test(arguments: syscallSeeds(100))
    func `nothing is granted that the evaluator denies, and nothing denied that it grants, without a finding`(
        _ seed: UInt64
    ) throws {
        var random = SyscallRandomPolicy(seed: seed)
        var policy = random.policy("random")
        guard policy.syscalls != nil else { return }
        policy.mode = .enforce
        policy.syscalls?.architectures = []
        let filter = try filter(policy)
        let unit = UnitFilter(filter.settings)
        let evaluator = Evaluator(policy, vocabulary: SyscallTable.vocabulary)
        let isExcessive = filter.findings.contains { $0.kind == .excess }
        let isNarrowed = filter.findings.contains { $0.kind == .narrowed }
        for call in SyscallTable.calls(of: .native) {
            let arguments = (0..<6).map { _ in
                random.random.pick([0, 1, 2, 16, 0x5412, 0xffff_ffff] as [UInt64])
            }
            let verdict = evaluator.decide(.syscall(name: call.name, arguments: arguments)).verdict
            let isGranted = unit.answer(call.name) == nil
            if isGranted && !isExcessive { #expect(verdict == .allow, "\(call.name) \(arguments)") }
            if !isGranted && !isNarrowed { #expect(verdict == .deny, "\(call.name) \(arguments)") }
        }
    }
}
