import Automata
import CSwguardBPF
import Foundation
import Policy
import Testing

@testable import Compiler

private let noVariables = PolicyVariables(
    home: .unset("none"), cwd: .unset("none"), user: .unset("none"), uid: .unset("none"),
    tmpdir: .unset("none"),
    runtime: .unset("none"))

private func policy(_ yaml: String, name: String = "test") throws -> Policy {
    let loader = PolicyLoader(
        vocabulary: SyscallTable.vocabulary, variables: noVariables, files: HostPolicyFiles())
    let text = "apiVersion: swguard/v1\nkind: Policy\nmetadata: {name: \(name)}\n\(yaml)\n"
    let loaded = loader.decode(Array(text.utf8), named: "\(name).yaml")
    return try #require(loaded.policy, "\(loaded.diagnostics)")
}

@Suite struct KernelTablesTests {
    /// The rule that the words name, in the evaluator's words.
    private func rule(_ number: UInt32, _ policy: KernelPolicy, else other: String) -> String {
        number == KernelTablesModel.noRule ? other : policy.rules[Int(number)].id
    }

    @Test func `the records are as long as the header says`() {
        #expect(MemoryLayout<swguard_generation>.size == KernelRecords.Generation.size * 4)
        #expect(MemoryLayout<CSwguardBPF.PolicyRecord>.size == KernelRecords.Policy.size * 4)
        #expect(MemoryLayout<VerdictRecord>.size == 12 * 4)
        #expect(MemoryLayout<AutomatonRecord>.size == 4 * 4)
        #expect(MemoryLayout<swguard_endpoint>.size == 10 * 4)
        #expect(MemoryLayout<CSwguardBPF.PolicyRecord>.offset(of: \.operations) == 4 * 4)
        #expect(MemoryLayout<CSwguardBPF.PolicyRecord>.offset(of: \.first_rule) == 6 * 4)
        #expect(MemoryLayout<CSwguardBPF.PolicyRecord>.offset(of: \.capability_rules) == 8 * 4)
        #expect(MemoryLayout<CSwguardBPF.PolicyRecord>.offset(of: \.endpoint_count) == 12 * 4)
        #expect(MemoryLayout<CSwguardBPF.PolicyRecord>.offset(of: \.files) == 14 * 4)
        #expect(MemoryLayout<CSwguardBPF.PolicyRecord>.offset(of: \.sockets) == 18 * 4)
        #expect(MemoryLayout<CSwguardBPF.PolicyRecord>.offset(of: \.layer) == 22 * 4)
        #expect(MemoryLayout<CSwguardBPF.PolicyRecord>.offset(of: \.owner) == 23 * 4)
        #expect(MemoryLayout<swguard_generation>.offset(of: \.guarded_accesses) == 14 * 4)
        #expect(MemoryLayout<swguard_generation>.offset(of: \.closed) == 15 * 4)
        #expect(MemoryLayout<VerdictRecord>.offset(of: \.reported) == 11 * 4)
        #expect(MemoryLayout<swguard_generation>.offset(of: \.executables) == 6 * 4)
        #expect(MemoryLayout<swguard_generation>.offset(of: \.cgroups) == 10 * 4)
        #expect(MemoryLayout<swguard_generation>.offset(of: \.guarded_accesses) == 14 * 4)
        #expect(OPERATION_COUNT_FOR_TESTS == Operation.allCases.count)
    }

    @Test func `the flags of a state are where the programs look for them`() {
        #expect(LookupTable.verdictMask == UInt32(SWGUARD_VERDICT_MASK))
        #expect(LookupTable.settledFlag == UInt32(SWGUARD_STATE_SETTLED))
    }

    /// decide.bpf.h: `operation_rules` is a word of 26 rules.
    private var OPERATION_COUNT_FOR_TESTS: Int { 26 }

    private static let seeds =
        (ProcessInfo.processInfo.environment["SWGUARD_CASES"].flatMap(Int.init) ?? 3000) / 100

    @Test(arguments: 0..<seeds)
    func `the words say of files what the evaluator says, for random policies and paths`(_ seed: Int) throws {
        var source = FileAutomatonRandom(seed: UInt64(seed) &+ 77)
        var policies: [Policy] = []
        for index in 0..<3 {
            var policy = Policy(name: "p\(index)", file: "p\(index).yaml")
            if index != 2 { policy.files = source.section() }
            policies.append(policy)
        }
        let tables = try KernelTables.compile(policies)
        let model = KernelTablesModel(tables, at: UInt32(16 + 2 * seed))
        #expect(model.number == 7)
        for (slot, policy) in policies.enumerated() {
            let compiled = try #require(tables.policies[slot])
            #expect((model.flags(slot) & 2 != 0) == (policy.files != nil))
            let evaluator = Evaluator(policy, vocabulary: SyscallTable.vocabulary)
            for _ in 0..<100 {
                let near = policies.compactMap(\.files).flatMap(\.rules).flatMap(\.patterns).randomElement(
                    using: &source.random)
                let path = near.map { source.path(near: $0.value) } ?? Array("/a".utf8)
                let verdict = try #require(model.files(slot, path))
                let expected = evaluator.decide(.file(path: path, .all))
                for (access, part) in zip(FileAccess.allCases, expected.parts) {
                    let bit = UInt32(FileAccessSet(access).rawValue)
                    #expect(
                        (verdict.granted & bit != 0) == (part.verdict == .allow), "\(path) \(access) \(seed)")
                    #expect((verdict.reported & bit != 0) == part.log)
                    #expect(
                        rule(verdict.rules[Int(access.rawValue)], compiled, else: "files.default")
                            == part.rule?.id ?? "files.default")
                }
            }
        }
    }

    @Test(arguments: [
        "operations: { allow: [signal, mount], deny: [writable-code] }", "operations: { allow: all }",
        "operations: {}", "operations: { default: allow, deny: [reboot] }", "files: {}",
        "capabilities: { allow: [net_bind_service, setuid] }",
        "capabilities: { default: allow, deny: [sys_admin] }",
    ])
    func `operations and capabilities are those of the evaluator`(_ yaml: String) throws {
        let policy = try policy(yaml)
        let tables = try KernelTables.compile([policy])
        let model = KernelTablesModel(tables)
        let compiled = try #require(tables.policies[0])
        let evaluator = Evaluator(policy, vocabulary: SyscallTable.vocabulary)
        for (number, operation) in Operation.allCases.enumerated() {
            let part = evaluator.decide(.operation(operation)).decidingPart
            let (isGranted, number) = try #require(model.grants(operation: number, 0))
            #expect(isGranted == (part.verdict == .allow), "\(operation)")
            #expect(
                rule(number, compiled, else: "operations.default") == part.rule?.id ?? "operations.default")
        }
        for capability in Capability.allCases {
            let part = evaluator.decide(.capability(capability)).decidingPart
            let (isGranted, number) = try #require(model.grants(capability: capability.rawValue, 0))
            #expect(isGranted == (part.verdict == .allow), "\(capability)")
            #expect(
                rule(number, compiled, else: "capabilities.default")
                    == part.rule?.id ?? "capabilities.default")
        }
        #expect((model.flags(0) & 8 != 0) == (policy.capabilities != nil))
    }

    @Test(arguments: [
        #"network: { rules: [{ allow: [connect], endpoints: ["tcp:10.0.0.0/8:1-1024", "udp:*:53", "tcp:[::]/0:80"] }, { deny: [connect], endpoints: ["ip:10.1.0.0/16:*"] }] }"#,
        #"network: { default: allow, rules: [{ deny: [connect, bind], endpoints: ["tcp:[fd00::]/8:*", "ip:[::1]:0"] }] }"#,
        #"network: { rules: [{ allow: [bind, listen], endpoints: ["tcp:*:*", "tcp:[::]/64:7"] }] }"#,
        #"network: { families: [inet, "netlink:route", "netlink:audit", unix], rules: [{ allow: [connect], endpoints: ["unix:/run/*.sock", "unix:@a*"] }, { deny: all, endpoints: ["unix:@ab", "unix:/run/no.sock"] }] }"#,
        "files: {}",
    ])
    func `addresses, families and names are those of the evaluator`(_ yaml: String) throws {
        let policy = try policy(yaml)
        let tables = try KernelTables.compile([policy])
        let model = KernelTablesModel(tables)
        let compiled = try #require(tables.policies[0])
        let evaluator = Evaluator(policy, vocabulary: SyscallTable.vocabulary)
        var asked = 0
        let addresses: [(IPAddress, [UInt32])] =
            [0x0a00_0001, 0x0a01_0203, 0x7f00_0001, 0xc0a8_0001].map {
                (.v4($0), [0, 0, 0xffff, $0])
            } + [
                (.v6(0, 1), [0, 0, 0, 1]), (.v6(0xfd00 << 48, 5), [0xfd00_0000, 0, 0, 5]),
                // Where a socket goes that is connected to an unspecified address (bpf/programs/network.bpf.h); what is
                // asked of the tables is loopback.
                (.v4(0), [0, 0, 0xffff, 0]), (.v6(0, 0), [0, 0, 0, 0]),
                (.v6(0x2001 << 48, 0), [0x2001_0000, 0, 0, 0]), (.v6(0, 0xfffe << 32), [0, 0, 0xfffe, 0]),
            ]
        for access in NetworkAccess.allCases {
            for (address, written) in addresses {
                let isDestination = access == .connect && address.isUnspecified
                let words =
                    isDestination ? [0, 0, written[2], address == .v4(0) ? 0x7f00_0001 : 1] : written
                for transport in TransportProtocol.allCases {
                    for port: UInt16 in [0, 1, 7, 53, 80, 99, 100, 1024, 1025, 65535] {
                        let part = evaluator.decide(.network(access, .inet(transport, address, port)))
                            .decidingPart
                        guard policy.network != nil else { continue }
                        let (isGranted, number) = try #require(
                            model.grants(
                                address: words, port: port, transport: 1 << UInt32(transport.rawValue),
                                access: 1 << UInt32(access.rawValue), 0))
                        #expect(
                            isGranted == (part.verdict == .allow), "\(access) \(transport) \(address) \(port)"
                        )
                        #expect(rule(number, compiled, else: "network.default") == part.rule?.id)
                        asked += 1
                    }
                }
            }
            for name in ["/run/a.sock", "/run/no.sock", "/run/d/a.sock", "@a", "@ab", "@b", "@"] {
                let bytes = Array(name.utf8)
                let address: SocketAddress =
                    name.hasPrefix("@") ? .unixAbstract(Array(bytes.dropFirst())) : .unixPath(bytes)
                let verdict = try #require(model.socketName(0, bytes))
                guard policy.network != nil else {
                    // Connecting asks files for write, which the programs do by the files' automaton.
                    #expect(verdict.granted & 7 == 7)
                    continue
                }
                let part = evaluator.decide(.network(access, address)).decidingPart
                #expect(
                    (verdict.granted >> UInt32(access.rawValue) & 1 != 0) == (part.verdict == .allow),
                    "\(name)")
                #expect(
                    rule(verdict.rules[Int(access.rawValue)], compiled, else: "network.default")
                        == part.rule?.id)
            }
        }
        #expect(policy.network == nil || asked > 100)
        for (family, number): (UInt32, UInt32) in [
            (1, 0), (2, 6), (10, 0), (16, 0), (16, 9), (16, 15), (17, 0), (60, 0),
        ] {
            let part = evaluator.decide(.socket(family: family, protocolNumber: number)).decidingPart
            #expect(
                model.grants(family: family, protocolNumber: number, 0) == (part.verdict == .allow),
                "\(family) \(number)")
        }
    }

    @Test func `subjects lead to the slots of their policies`() throws {
        let policies = [
            try policy("subjects: [{exec: /usr/bin/*}, {user: alice}, {unit: a.service}]", name: "a"),
            try policy(
                "subjects: [{exec: /usr/bin/cat}, {user: alice}, {user: bob}, {cgroup: /b/**}]", name: "b"),
        ]
        let entries = [
            KernelTables.Entry(slot: 3, policy: policies[0]),
            KernelTables.Entry(slot: 1, policy: policies[1]),
        ]
        let tables = try KernelTables.compile(entries) { $0 == "alice" ? 1000 : 7 }
        let model = KernelTablesModel(tables)
        #expect(model.slots(Array("/usr/bin/cat".utf8)) == [1, 3])
        #expect(model.slots(Array("/usr/bin/ls".utf8)) == [3])
        #expect(model.slots(Array("/bin/ls".utf8)) == [])
        #expect(model.slots(inCgroup: Array("/system.slice/a.service/x".utf8)) == [3])
        #expect(model.slots(inCgroup: Array("/b/c".utf8)) == [1])
        #expect(model.slots(inCgroup: Array("/system.slice/aa.service".utf8)) == [])
        #expect(model.users == [[7, 1], [1000, 1], [1000, 3]])
        #expect(
            model.policy(0) == nil && model.policy(1) != nil && model.policy(2) == nil
                && model.policy(4) == nil)
        #expect(tables.policies.map { $0?.policy.name } == [nil, "b", nil, "a"])
    }

    /// What a cgroup's pattern says of a path, by the language alone.
    @Test(arguments: [
        ("{cgroup: /a/**}", "/a", true), ("{cgroup: /a/**}", "/a/b/c", true),
        ("{cgroup: /a/**}", "/ab", false),
        ("{cgroup: /a}", "/a", true), ("{cgroup: /a}", "/a/b", false), ("{cgroup: \"/*/b\"}", "/a/b", true),
        ("{cgroup: \"/*/b\"}", "/a/b/c", false), ("{cgroup: \"/*/b/**\"}", "/a/b/c", true),
        ("{cgroup: \"/**/b/**\"}", "/a/x/b/c", true), ("{cgroup: \"/**\"}", "/", true),
        ("{cgroup: \"/**\"}", "/a/b", true), ("{cgroup: /}", "/", true), ("{cgroup: /}", "/a", false),
        ("{cgroup: /a}, {cgroup: /a/**}", "/a/b", true), ("{unit: a.service}", "/a.service", true),
        ("{unit: a.service}", "/x.slice/y.slice/a.service/b", true),
        ("{unit: a.service}", "/x/ba.service", false),
        ("{unit: a.service}", "/x/a.services", false),
    ])
    func `a policy begins in a cgroup`(_ subjects: String, _ path: String, _ begins: Bool) throws {
        let model = KernelTablesModel(
            try KernelTables.compile([try policy("subjects: [\(subjects)]", name: "a")]))
        #expect(model.slots(inCgroup: Array(path.utf8)) == (begins ? [0] : []))
    }

    @Test func `units cost as much as they are long, however many there are`() throws {
        func tables(_ count: Int) throws -> KernelTables {
            try KernelTables.compile(
                try (0..<count).map { try policy("subjects: [{unit: u\($0).service}]", name: "p\($0)") })
        }
        let few = try tables(10)
        let many = try tables(300)
        #expect(many.wordCount < few.wordCount * 60)
        let model = KernelTablesModel(many)
        // Units within units: outer ones first.
        #expect(model.slots(inCgroup: Array("/a.slice/u299.service/x/u7.service/y".utf8)) == [299, 7])
        #expect(
            model.slots(inCgroup: Array((0..<300).map { "/u\($0).service" }.joined().utf8))
                == (0..<300).map { UInt32($0) })
    }

    @Test func `launchers stand among the files that begin policies, where cgroups begin some`() throws {
        let launchers = [Array("/usr/bin/runc".utf8), Array("/usr/bin/cat".utf8)]
        let byCgroup = try policy("subjects: [{exec: /usr/bin/cat}, {cgroup: /b/**}]", name: "a")
        let model = KernelTablesModel(try KernelTables.compile([byCgroup], launchers: launchers))
        #expect(model.slots(launchers[0]) == [SWGUARD_LAUNCHER])
        #expect(model.slots(launchers[1]) == [0, SWGUARD_LAUNCHER])
        #expect(model.slots(Array("/usr/bin/runc2".utf8)) == [])
        let byFile = try policy("subjects: [{exec: /usr/bin/cat}]", name: "a")
        let other = KernelTablesModel(try KernelTables.compile([byFile], launchers: launchers))
        #expect(other.slots(launchers[0]) == [] && other.slots(launchers[1]) == [0])
    }

    @Test func `literal denies stand for objects, one list for each`() throws {
        let policies = [
            try policy(
                """
                files:
                  rules:
                    - allow: all
                      paths: [/x]
                    - deny: [write]
                      paths: [/secret, /tree/**, /no-such, "/glob/*", /proc/self/mem]
                    - deny: [read, write]
                      paths: [/secret]
                """, name: "a"),
            try policy("files: { rules: [{ deny: [execute], paths: [/other-name] }] }", name: "b"),
        ]
        var asked: [String] = []
        func identify(_ path: [UInt8]) -> KernelObject? {
            asked.append(String(decoding: path, as: UTF8.self))
            switch asked.last {
            case "/secret", "/other-name": return KernelObject(inode: 5, device: 8 << 20 | 1)
            case "/tree": return KernelObject(inode: 6, device: 8 << 20 | 1)
            case "/": return KernelObject(inode: 2, device: 8 << 20 | 1)
            default: return nil
            }
        }
        let tables = try KernelTables.compile(policies, identify: identify)
        #expect(
            asked.filter { $0 != "/" } == ["/secret", "/tree", "/no-such", "/secret", "/other-name"])
        let model = KernelTablesModel(tables, at: 1000)
        let guards = tables.guards(at: 1000)
        #expect(guards.map(\.object.inode) == [5, 6])
        let names = tables.guardedNames(at: 1000)
        #expect(
            names.map { String(decoding: $0.name.name, as: UTF8.self) } == [
                "secret", "tree", "no-such", "other-name",
            ])
        #expect(names.allSatisfy { $0.name.directory.inode == 2 } && model.guardCount == 6)
        let none = KernelTablesModel.noRule
        // write closes over create and remove; the first rule that denies an access is named.
        #expect(
            model.guards(at: guards[0].word) == [
                [0, 0b1111, 0, 2, 1, 1, 1, none, none, none, none, none],
                [1, 0b11_0000, 0, none, none, none, none, 0, 0, none, none, none],
            ])
        #expect(
            model.guards(at: guards[1].word) == [
                [0, 0b1110, 1, none, 1, 1, 1, none, none, none, none, none]
            ])
    }

    @Test func `counters of policies follow each other`() throws {
        let policies = [
            try policy(
                "files: { rules: [{ allow: [read], paths: [/a] }, { deny: [read], paths: [/b] }] }", name: "a"
            ),
            try policy("operations: { allow: [signal] }", name: "b"), try policy("files: {}", name: "c"),
        ]
        let tables = try KernelTables.compile(policies)
        let model = KernelTablesModel(tables, counter: 50)
        #expect((0..<3).map { model.firstRule($0) } == [50, 53, 55])
        #expect(tables.counterCount == 6 + KernelTables.closedCounterCount)
    }

    @Test func `what a command brings stands beside the host's policies, and without it nothing is granted`()
        throws
    {
        let host = try policy("files: { rules: [{ allow: [read], paths: [/a] }] }", name: "host")
        let tables = try KernelTables.compile([host])
        let brought = try policy("files: { rules: [{ allow: [read], paths: [/b] }] }", name: "host")
        let run = KernelRun(slot: 9, serial: 77, owner: 1000, part: try KernelPart(brought))
        #expect(run.slot == 9 && run.serial == 77 && KernelRun.isRun(run.layer))
        #expect(!KernelRun.isRun(9) && KernelRun.slot(of: 9) == 9)
        let model = KernelTablesModel(try tables.adding([run]), counter: 50)
        #expect(
            model.files(0, Array("/a".utf8))?.granted == 1 && model.files(0, Array("/b".utf8))?.granted == 0)
        #expect(
            model.files(9, Array("/b".utf8))?.granted == 1 && model.files(9, Array("/a".utf8))?.granted == 0)
        #expect(model.layer(0) == 0 && model.layer(9) == run.layer && model.owner(9) == 1000)
        #expect(model.flags(9) & 1 << 5 != 0 && model.flags(0) & 1 << 5 == 0)
        // The host's, what stands in for those that are gone, and then the command's.
        #expect(model.firstRule(0) == 50)
        #expect(model.firstRule(9) == 52 + UInt32(KernelTables.closedCounterCount))
        let closed = try #require(model.closed)
        for path in ["/a", "/b", "/proc/self/exe"] {
            #expect(model.verdict(at: model.run(closed + 14, path.utf8)).granted == 0)
            #expect(model.verdict(at: model.run(closed + 18, path.utf8)).granted == 0)
        }
        #expect((0..<5).allSatisfy { model.word(closed + $0) == 0 })
        #expect(try KernelTablesModel(KernelTables.compile([host], isClosing: false)).closed == nil)
        // Again, with another in its place: of the first nothing is left to be found.
        let other = KernelRun(slot: 9, serial: 78, owner: 1000, part: try KernelPart(brought))
        #expect(KernelTablesModel(try tables.adding([other])).layer(9) == other.layer)
    }

    @Test func `what names programs that the kernel starts is marked`() throws {
        let tables = try KernelTables.compile([try policy("operations: {}")])
        let model = KernelTablesModel(tables)
        for (path, mark): (String, UInt32) in [
            ("/proc/sys/kernel/core_pattern", 1), ("/sys/fs/cgroup/a/b/release_agent", 1),
            ("/sys/fs/cgroup/a/b/cgroup.procs", 0), ("/etc/passwd", 0),
            ("/proc/sys/fs/binfmt_misc/register", 1),
        ] {
            #expect(model.files(0, Array(path.utf8))?.marks == mark, "\(path)")
            #expect(model.files(0, Array(path.utf8))?.granted == 0x1ff)
        }
    }

    @Test func `limits are errors that name the policy`() throws {
        let wide = (0..<500).map { "/srv/\($0)/*/x\($0)" }.joined(separator: ", ")
        let large = try policy("files: { rules: [{ allow: [read], paths: [\(wide)] }] }", name: "large")
        let small = try policy("files: {}", name: "small")
        let error = #expect(throws: KernelTablesError.self) {
            try KernelTables.compile([small, large], limit: 5000)
        }
        #expect(error?.diagnostic.location.file == "large.yaml")
        #expect(error?.diagnostic.text.contains("more than 5000 words") == true)
        let many = [KernelTables.Entry(slot: 4096, policy: Policy(name: "p4096", file: "p4096.yaml"))]
        let tooMany = #expect(throws: KernelTablesError.self) { try KernelTables.compile(many) }
        #expect(tooMany?.diagnostic.location.file == "p4096.yaml")
        let nobody = try policy("subjects: [{user: nobody-here}]")
        let missing = #expect(throws: KernelTablesError.self) {
            try KernelTables.compile([nobody]) { _ in nil }
        }
        #expect(missing?.diagnostic.text == "there is no user 'nobody-here'")
    }
}
