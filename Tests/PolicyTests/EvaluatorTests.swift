import Policy
import Testing

/// What a policy says of one request: `allow` or `deny`, and the rule that decided.
struct Verdicts: Sendable, CustomTestStringConvertible {
    var request: Request
    var verdict: Verdict
    /// The id of the deciding rule; nil where nothing decides.
    var rule: String?
    var testDescription: String { "\(request)" }

    init(_ request: Request, _ verdict: Verdict, _ rule: String?) {
        self.request = request
        self.verdict = verdict
        self.rule = rule
    }
}

private func file(_ path: String, _ accesses: FileAccessSet) -> Request {
    .file(path: Array(path.utf8), accesses)
}
private func tcp(_ access: NetworkAccess, _ address: String, _ port: UInt16) -> Request {
    .network(access, .inet(.tcp, IPAddress(address) ?? .v4(0), port))
}
private func unix(_ access: NetworkAccess, _ path: String) -> Request {
    .network(access, .unixPath(Array(path.utf8)))
}

private let full = """
    files:
      rules:
        - {id: late, allow: all, paths: [/etc/**]}
        - {id: secret, deny: [write, execute], paths: [/etc/secret]}
        - {id: more, deny: all, paths: [/etc/secret]}
        - {id: logs, allow: [read], paths: [/var/log/**], log: true}
    network:
      families: [inet, "netlink:route", packet]
      rules:
        - {id: db, allow: [connect], endpoints: ["tcp:10.0.0.0/8:5432"]}
        - {id: no-ten, deny: [connect], endpoints: ["ip:10.9.0.0/16:*"]}
    capabilities: {allow: all, deny: [kill]}
    operations: {allow: [mount, signal], deny: [signal, writable-code]}
    syscalls:
      rules:
        - {id: service, allow: ["@system-service"]}
        - {id: tiocsti, deny: [ioctl], when: [arg1 == TIOCSTI], action: "errno:EACCES"}
        - {id: unix-only, deny: [socket], when: [arg0 != AF_UNIX], action: kill}
    """

private let decisions: [Verdicts] = [
    Verdicts(file("/etc/passwd", .read), .allow, "late"),
    Verdicts(file("/etc/secret", .read), .deny, "more"),
    // Denying write denies create and remove, denying execute denies map; the first such rule is named.
    Verdicts(file("/etc/secret", .create), .deny, "secret"),
    Verdicts(file("/etc/secret", .remove), .deny, "secret"),
    Verdicts(file("/etc/secret", .map), .deny, "secret"),
    Verdicts(file("/var/log/x", [.read, .write]), .deny, "files.default"),
    Verdicts(file("/var/log/x", .read), .allow, "logs"),
    Verdicts(tcp(.connect, "10.1.2.3", 5432), .allow, "db"),
    Verdicts(tcp(.connect, "::ffff:10.1.2.3", 5432), .allow, "db"),
    Verdicts(tcp(.connect, "10.9.2.3", 5432), .deny, "no-ten"),
    Verdicts(tcp(.bind, "10.1.2.3", 5432), .deny, "network.default"),
    Verdicts(unix(.connect, "/etc/passwd"), .deny, "network.default"),
    Verdicts(.socket(family: 2, protocolNumber: 0), .allow, "network.families"),
    Verdicts(.socket(family: 1, protocolNumber: 0), .deny, "network.families"),
    Verdicts(.socket(family: 16, protocolNumber: 0), .allow, "network.families"),
    Verdicts(.socket(family: 16, protocolNumber: 9), .deny, "network.families"),
    Verdicts(.socket(family: 17, protocolNumber: 768), .allow, "network.families"),
    Verdicts(.capability(.chown), .allow, "capabilities.allow"),
    Verdicts(.capability(.kill), .deny, "capabilities.deny[0]"),
    Verdicts(.operation(.mount), .allow, "operations.allow[0]"),
    Verdicts(.operation(.signal), .deny, "operations.deny[0]"),
    Verdicts(.operation(.chroot), .deny, "operations.default"),
    Verdicts(.operation(.perf), .deny, "operations.default"),
    Verdicts(.operation(.writableCode), .deny, "operations.deny[1]"),
    Verdicts(.operation(.anonymousExec), .allow, "operations.default"),
    Verdicts(.syscall(name: "read", arguments: []), .allow, "service"),
    Verdicts(.syscall(name: "mount", arguments: []), .deny, "syscalls.default"),
    Verdicts(.syscall(name: "execve", arguments: []), .allow, "syscalls.always"),
    Verdicts(.syscall(name: "ioctl", arguments: [0, 0x5412]), .deny, "tiocsti"),
    // The kernel reads 32 bits of it, and so does the comparison.
    Verdicts(.syscall(name: "ioctl", arguments: [0, 0x1_0000_5412]), .deny, "tiocsti"),
    Verdicts(.syscall(name: "socket", arguments: [1]), .allow, "service"),
    Verdicts(.syscall(name: "socket", arguments: [1 << 32 | 1]), .allow, "service"),
    Verdicts(.syscall(name: "socket", arguments: [2]), .deny, "unix-only"),
]

private let withoutSections: [Verdicts] = [
    Verdicts(file("/etc/passwd", .all), .allow, nil),
    Verdicts(tcp(.connect, "10.1.2.3", 1), .allow, nil),
    Verdicts(.socket(family: 38, protocolNumber: 0), .allow, nil),
    Verdicts(.capability(.sys_admin), .allow, nil),
    Verdicts(.operation(.signal), .allow, nil),
    Verdicts(.operation(.anonymousExec), .allow, nil),
    // Starred: denied to every confined process.
    Verdicts(.operation(.mount), .deny, "operations.default"),
    Verdicts(.operation(.kernelHelper), .deny, "operations.default"),
    Verdicts(.syscall(name: "mount", arguments: []), .allow, nil),
]

private let allowing = """
    files: {default: allow, rules: [{deny: [read], paths: [/a]}]}
    network: {default: allow, rules: [{deny: [connect], endpoints: ["tcp:*:25"]}]}
    capabilities: {default: allow, deny: [kill]}
    operations: {default: allow, deny: [signal]}
    syscalls: {default: allow, rules: [{deny: [ptrace]}]}
    """

private let defaultAllow: [Verdicts] = [
    Verdicts(file("/a", [.read, .write]), .deny, "files.rules[0]"),
    Verdicts(file("/b", .all), .allow, "files.default"),
    Verdicts(tcp(.connect, "1.2.3.4", 25), .deny, "network.rules[0]"),
    Verdicts(tcp(.connect, "1.2.3.4", 26), .allow, "network.default"),
    Verdicts(.socket(family: 17, protocolNumber: 0), .deny, "network.families"),
    Verdicts(.socket(family: 16, protocolNumber: 0), .allow, "network.families"),
    Verdicts(.capability(.kill), .deny, "capabilities.deny[0]"),
    Verdicts(.capability(.chown), .allow, "capabilities.default"),
    Verdicts(.operation(.signal), .deny, "operations.deny[0]"),
    Verdicts(.operation(.perf), .allow, "operations.default"),
    Verdicts(.operation(.mount), .deny, "operations.default"),
    Verdicts(.operation(.writableCode), .allow, "operations.default"),
    Verdicts(.syscall(name: "ptrace", arguments: []), .deny, "syscalls.rules[0]"),
    Verdicts(.syscall(name: "mount", arguments: []), .allow, "syscalls.default"),
]

private let onlyFiles: [Verdicts] = [
    // Without a network section a named socket is a file, and connecting to it asks for `write`.
    Verdicts(unix(.connect, "/run/x"), .allow, "files.rules[0]"),
    Verdicts(unix(.connect, "/run/y"), .deny, "files.default"),
    Verdicts(unix(.listen, "/run/y"), .allow, nil),
    Verdicts(.network(.connect, .unixAbstract(Array("x".utf8))), .allow, nil),
]

private let loopback = """
    network:
      rules:
        - {allow: all, endpoints: ["ip:*:*"]}
        - {id: four, deny: [connect], endpoints: ["ip:127.0.0.0/8:*"]}
        - {id: six, deny: [connect], endpoints: ["ip:[::1]:*"]}
        - {id: unspecified, deny: all, endpoints: ["ip:0.0.0.0:7"]}
    """

private let unspecified: [Verdicts] = [
    Verdicts(tcp(.connect, "0.0.0.0", 80), .deny, "four"),
    Verdicts(tcp(.connect, "::ffff:0.0.0.0", 80), .deny, "four"),
    Verdicts(tcp(.connect, "::", 80), .deny, "six"),
    Verdicts(.network(.connect, .inet(.udp, .v4(0), 53)), .deny, "four"),
    Verdicts(.network(.connect, .inet(.udp, .v6(0, 0xffff_0000_0000), 53)), .deny, "four"),
    Verdicts(.network(.connect, .inet(.udp, .v6(0, 0), 53)), .deny, "six"),
    // No socket is connected to it.
    Verdicts(tcp(.connect, "0.0.0.0", 7), .deny, "four"),
    // A local address is no destination.
    Verdicts(tcp(.bind, "0.0.0.0", 80), .allow, "network.rules[0]"),
    Verdicts(tcp(.listen, "::", 80), .allow, "network.rules[0]"),
    Verdicts(tcp(.bind, "0.0.0.0", 7), .deny, "unspecified"),
]

private func abstract(_ access: NetworkAccess) -> Request { .network(access, .unixAbstract(Array("x".utf8))) }

/// Sections, a request, and what decides on all of it.
private let wholes: [(sections: String, Verdicts)] = [
    (
        "network: {families: [unix], default: allow}",
        Verdicts(tcp(.connect, "1.2.3.4", 443), .deny, "network.families")
    ),
    (
        "network: {families: [unix], default: allow}",
        Verdicts(tcp(.bind, "::1", 443), .deny, "network.families")
    ),
    (
        "network: {families: [unix], default: allow}",
        Verdicts(unix(.connect, "/x"), .allow, "network.default")
    ),
    ("network: {families: []}", Verdicts(abstract(.listen), .deny, "network.families")),
    (
        "network: {families: [inet], default: allow}",
        Verdicts(tcp(.connect, "::1", 443), .deny, "network.families")
    ),
    (
        "network: {families: [inet], default: allow}",
        Verdicts(tcp(.connect, "::ffff:1.2.3.4", 443), .allow, "network.default")
    ),
    // A socket of inet6 reaches it as a mapped address.
    (
        "network: {families: [inet6], default: allow}",
        Verdicts(tcp(.connect, "1.2.3.4", 443), .allow, "network.default")
    ),
    ("network: {families: [packet], default: allow}", Verdicts(unix(.bind, "/x"), .deny, "network.families")),
    ("files: {}", Verdicts(tcp(.connect, "1.2.3.4", 443), .allow, nil)),
    // The name of a bound socket is a new file.
    ("{files: {}, network: {default: allow}}", Verdicts(unix(.bind, "/x"), .deny, "files.default")),
    ("{files: {}, network: {}}", Verdicts(unix(.bind, "/x"), .deny, "network.default")),
    (
        "{files: {default: allow}, network: {default: allow}}",
        Verdicts(unix(.bind, "/x"), .allow, "network.default")
    ),
    ("files: {}", Verdicts(unix(.bind, "/x"), .deny, "files.default")),
    (
        "files: {rules: [{allow: [create], paths: [/x]}]}",
        Verdicts(unix(.bind, "/x"), .allow, "files.rules[0]")
    ),
    ("network: {default: allow}", Verdicts(unix(.bind, "/x"), .allow, "network.default")),
    ("{files: {}, network: {default: allow}}", Verdicts(unix(.connect, "/x"), .allow, "network.default")),
    ("{files: {}, network: {default: allow}}", Verdicts(unix(.listen, "/x"), .allow, "network.default")),
    ("{files: {}, network: {default: allow}}", Verdicts(abstract(.bind), .allow, "network.default")),
    ("files: {}", Verdicts(unix(.connect, "/x"), .deny, "files.default")),
]

@Suite struct EvaluatorTests {
    private func check(_ body: String, _ expected: Verdicts) throws {
        let policy = try #require(decode(head + body).policy)
        let decision = Evaluator(policy, vocabulary: testVocabulary).decide(expected.request)
        #expect(decision.verdict == expected.verdict)
        #expect(decision.decidingPart.rule?.id == expected.rule)
    }

    @Test(arguments: decisions)
    func `a request is decided by the first deny, else an allow, else the default`(
        _ expected: Verdicts
    ) throws { try check(full, expected) }

    @Test(arguments: withoutSections)
    func `an absent section decides nothing, but for the starred operations`(
        _ expected: Verdicts
    ) throws { try check("", expected) }

    @Test(arguments: defaultAllow)
    func `a default of allow turns a section round, but for the starred operations`(
        _ expected: Verdicts
    ) throws { try check(allowing, expected) }

    @Test(arguments: onlyFiles) func `without network, named unix sockets are files`(_ expected: Verdicts)
        throws
    {
        try check("files: {rules: [{allow: [write], paths: [/run/x]}]}", expected)
    }

    @Test(arguments: unspecified) func `an unspecified destination is loopback`(_ expected: Verdicts) throws {
        try check(loopback, expected)
    }

    @Test(arguments: wholes)
    func `a socket must have been made, and its name is a file`(
        _ row: (sections: String, Verdicts)
    ) throws {
        let sections = row.sections.hasPrefix("{") ? row.sections.dropFirst().dropLast() : row.sections[...]
        let lines = sections.replacing(", network:", with: "\nnetwork:")
        let policy = try #require(decode(head + lines).policy)
        let decision = Evaluator(policy, vocabulary: testVocabulary).decideWhole(row.1.request)
        #expect(decision.verdict == row.1.verdict)
        #expect(decision.decidingPart.rule?.id == row.1.rule)
        // `tests` asks the same.
        var asking = policy
        asking.tests = [
            PolicyTest(
                expected: row.1.verdict, request: row.1.request, rule: nil,
                location: SourceLocation(file: "", line: 1))
        ]
        let failed = asking.runTests(vocabulary: testVocabulary).filter { !$0.isPassed }
        #expect(failed.isEmpty)
    }

    @Test func `the access named first is the first denied of the table`() throws {
        let policy = try #require(
            decode(head + "files: {rules: [{deny: [map, remove], paths: [/**]}, {allow: all, paths: [/**]}]}")
                .policy)
        let decision = Evaluator(policy, vocabulary: testVocabulary).decide(file("/x", .all))
        #expect(decision.parts.map(\.access) == FileAccess.allCases.map(\.name))
        #expect(decision.decidingPart.access == "remove")
    }

    @Test func `the order of rules never changes a verdict`() throws {
        for seed in caseSeeds(300) {
            var random = RandomPolicy(seed: seed)
            var policy = random.policy()
            var turned = policy
            turned.files?.rules.reverse()
            turned.network?.rules.reverse()
            turned.syscalls?.rules.reverse()
            turned.operations?.entries.reverse()
            turned.capabilities?.entries.reverse()
            policy.tests += (0..<20).map { _ in
                PolicyTest(
                    expected: .allow, request: .network(.connect, random.address()), rule: nil,
                    location: SourceLocation(file: "", line: 1))
            }
            for test in policy.tests {
                let one = Evaluator(policy, vocabulary: testVocabulary).decide(test.request)
                let other = Evaluator(turned, vocabulary: testVocabulary).decide(test.request)
                #expect(
                    one.parts.map(\.verdict) == other.parts.map(\.verdict), "seed \(seed): \(test.request)")
            }
        }
    }

    @Test func `a denial is reported unless its rule says otherwise, and a call has its action`() throws {
        let policy = try #require(
            decode(head + full + "\nmode: complain").policy)
        let evaluator = Evaluator(policy, vocabulary: testVocabulary)
        #expect(evaluator.decide(file("/etc/secret", .read)).parts[0].log)
        #expect(!evaluator.decide(file("/etc/x", .read)).parts[0].log)
        #expect(evaluator.decide(file("/var/log/x", .read)).parts[0].log)
        #expect(
            evaluator.decide(.syscall(name: "ioctl", arguments: [0, 0x5412])).parts[0].action == .errno(13))
        #expect(evaluator.decide(.syscall(name: "socket", arguments: [2])).parts[0].action == .kill)
        #expect(evaluator.decide(.syscall(name: "mount", arguments: [])).parts[0].action == .errno(1))
        #expect(evaluator.decide(.syscall(name: "read", arguments: [])).parts[0].action == nil)
    }
}

@Suite struct NameTests {
    @Test func `every word is the name of its case`() {
        for capability in Capability.allCases {
            #expect(capability.name == String(describing: capability))
            #expect(Capability(name: capability.name) == capability)
        }
        for access in FileAccess.allCases {
            #expect(access.name == String(describing: access))
            #expect(FileAccess(name: access.name) == access)
        }
        for access in NetworkAccess.allCases {
            #expect(access.name == String(describing: access))
            #expect(NetworkAccess(name: access.name) == access)
        }
        #expect(Capability(name: "CAP_KILL") == nil)
    }
}
