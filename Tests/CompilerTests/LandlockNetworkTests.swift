import Landlock
import Policy
import Testing

@testable import Compiler

/// The lines of the language page's table about sockets, for every ABI.
struct LandlockNetworkTests {
    private static let abis = Array(0...LandlockFeatures.newestABI)

    // MARK: TCP

    @Test(arguments: abis)
    func `no network means no stream, datagram or other sockets`(_ abi: Int) {
        let lowered = Policy(network: []).lowered(abi: abi)
        #expect(lowered.sockets.refusesStream?.id == "network.default")
        #expect(lowered.sockets.refusesDatagram?.id == "network.default")
        #expect(lowered.sockets.refusesOtherProtocols?.id == "network.default")
        #expect((lowered.sockets.refusesUnix?.id == "network.default") == (abi < 9))
        #expect(lowered.sockets.families?.map(\.name) == ["unix", "inet", "inet6"])
        #expect(!lowered.coverage.findings.contains { $0.section == "network" && $0.kind == .excess })
    }

    @Test(arguments: abis)
    func `tcp by port is enforced from ABI 4 and refused below`(_ abi: Int) {
        let lowered = Policy(network: [
            Policy.allow("connect", on: ["tcp:*:443", "tcp:*:80-81"]), Policy.allow("bind", on: ["tcp:*:80"]),
        ]).lowered(abi: abi)
        #expect(lowered.sockets.refusesStream == nil)
        if abi >= 4 {
            #expect(
                lowered.ports == [443: .connectTCP, 80: [.connectTCP, .bindTCP], 81: .connectTCP])
            #expect(lowered.sockets.refusesMultipathTCP?.id == "network.default")
            #expect(lowered.sockets.refusesFastOpen?.id == "network.default")
            #expect(lowered.kinds("network.0") == [])
            #expect(lowered.extent("network.0") == .full)
        } else {
            #expect(lowered.kinds("network.0") == [.excess, .excess])
            #expect(lowered.kinds("network.1") == [.excess])
        }
        #expect(lowered.sockets.refusesListen?.id == "network.default")
    }

    @Test
    func `every port needs no rule, and a handled right with no port grants none`() {
        let lowered = Policy(network: [Policy.allow("connect", on: ["tcp:*:*"])]).lowered(abi: 7)
        #expect(lowered.recipe.networkRights == .bindTCP)
        #expect(lowered.ports.isEmpty)
        #expect(lowered.sockets.refusesFastOpen == nil)
        #expect(lowered.sockets.refusesMultipathTCP != nil)
    }

    @Test
    func `too many ports are blamed on their endpoint, whatever else needs rules`() {
        var policy = Policy(network: [
            Policy.allow("bind", on: ["tcp:*:9"]), Policy.allow("connect", on: ["tcp:*:80", "tcp:*:1-4000"]),
        ])
        policy.files = FilesSection(
            defaultVerdict: .deny,
            rules: [
                FileRule(
                    header: RuleHeader(
                        id: "etc", verdict: .allow, location: SourceLocation(file: "p.yaml", line: 9)),
                    accesses: .read,
                    patterns: [
                        Located(
                            PathPattern(subtree: Array("/etc".utf8)),
                            at: SourceLocation(file: "p.yaml", line: 9))
                    ])
            ], location: SourceLocation(file: "p.yaml", line: 8))
        let lowered = policy.lowered(abi: 7)
        let found = lowered.coverage.findings.filter { $0.kind == .impossible }
        #expect(found.map(\.section) == ["network"])
        #expect(found.first?.subject == "network.1")
        #expect(
            found.first?.text
                == "4001 rules are needed, at most 4000 are made: 4000 for tcp:*:1-4000; grant fewer ports, or all of them"
        )
    }

    @Test
    func `a denied port is carved out of what is granted`() {
        let lowered = Policy(network: [
            Policy.allow("connect", on: ["tcp:*:20-26"]), Policy.deny("connect", on: ["ip:*:25", "tcp:*:0"]),
        ]).lowered(abi: 7)
        #expect(lowered.ports.keys.sorted() == [20, 21, 22, 23, 24, 26])
        #expect(lowered.kinds("network.1") == [])
    }

    @Test
    func `a port out of all needs too many rules`() {
        let lowered = Policy(network: [
            Policy.allow("connect", on: ["tcp:*:*"]), Policy.deny("connect", on: ["tcp:*:25"]),
        ]).lowered(abi: 7)
        #expect(lowered.kinds("network.0") == [.impossible])
        let wide = Policy(network: [Policy.allow("bind", on: ["tcp:*:1024-65535"])]).lowered(abi: 7)
        #expect(wide.kinds("network.0") == [.impossible])
    }

    /// Rules, and what is found about each of them.
    static let addresses: [(rules: [Policy.TestRule], kinds: [[Coverage.Finding.Kind]])] = [
        ([Policy.allow("connect", on: ["tcp:10.0.0.0/8:5432"])], [[.excess]]),
        ([Policy.allow("connect", on: ["tcp:10.0.0.0/8:5432"], coarse: true)], [[.widened]]),
        (
            [
                Policy.allow("connect", on: ["tcp:10.0.0.0/8:53"]),
                Policy.allow("connect", on: ["tcp:*:50-60"]),
            ],
            [[], []]
        ),
        (
            [Policy.allow("connect", on: ["tcp:*:80"]), Policy.deny("connect", on: ["tcp:10.0.0.0/8:80"])],
            [[], [.excess]]
        ),
        (
            [Policy.allow("connect", on: ["tcp:*:80"]), Policy.deny("connect", on: ["tcp:10.0.0.0/8:81"])],
            [[], []]
        ),
        (
            [
                Policy.allow("connect", on: ["tcp:10.1.0.0/16:80"], coarse: true),
                Policy.deny("connect", on: ["tcp:11.0.0.0/8:80"]),
            ], [[.widened], []]
        ),
        (
            [Policy.allow("connect", "listen", on: ["tcp:*:80"]), Policy.deny("listen", on: ["tcp:*:80"])],
            [[], []]
        ),
        ([Policy.allow("connect", on: ["tcp:*:80"]), Policy.deny("listen", on: ["tcp:*:*"])], [[], []]),
    ]

    @Test(arguments: addresses)
    func `addresses are not seen`(
        _ row: (rules: [Policy.TestRule], kinds: [[Coverage.Finding.Kind]])
    ) {
        let lowered = Policy(network: row.rules).lowered(abi: 9)
        for (index, kinds) in row.kinds.enumerated() {
            #expect(lowered.kinds("network.\(index)") == kinds)
        }
    }

    // MARK: Listening

    struct Listening: CustomTestStringConvertible {
        var rules: [Policy.TestRule]
        var isDefaultAllow = false
        var families: [UInt32] = [1, 2, 10]
        /// The rule for which listen(2) is refused to every socket; nil: it is not.
        var refusedBy: String?
        /// What is found about each rule.
        var kinds: [[Coverage.Finding.Kind]]
        var isGap = false

        var testDescription: String {
            rules.map { "\($0.verdict) \($0.accesses) \($0.objects)" }.joined(separator: ", ")
        }
    }

    static let listening: [Listening] = [
        Listening(rules: [], refusedBy: "network.default", kinds: []),
        Listening(
            rules: [Policy.allow("connect", "bind", on: ["tcp:*:*", "unix:/**", "unix:@**"])],
            refusedBy: "network.default", kinds: [[]]),
        // What is denied wherever it is granted is granted nowhere.
        Listening(
            rules: [Policy.allow("all", on: ["tcp:*:80"]), Policy.deny("listen", on: ["tcp:*:1-100"])],
            refusedBy: "network.default", kinds: [[], []]),
        Listening(
            rules: [Policy.allow("connect", on: ["tcp:*:80"]), Policy.deny("listen", on: ["tcp:*:*"])],
            refusedBy: "network.default", kinds: [[], []]),
        Listening(
            rules: [Policy.deny("listen", on: ["ip:*:*", "unix:/**", "unix:@**"])], isDefaultAllow: true,
            refusedBy: "network.0", kinds: [[]]),
        Listening(
            rules: [Policy.deny("listen", on: ["tcp:*:*"])], isDefaultAllow: true, families: [2, 10],
            refusedBy: "network.0", kinds: [[]]),
        // listen(2) of UDP is nothing.
        Listening(
            rules: [Policy.allow("all", on: ["udp:*:*"])], refusedBy: "network.default", kinds: [[]]),
        // Granted to somebody, it cannot be denied to others.
        Listening(rules: [Policy.deny("listen", on: ["tcp:*:*"])], isDefaultAllow: true, kinds: [[.excess]]),
        Listening(
            rules: [Policy.allow("all", on: ["unix:/run/a/**"]), Policy.deny("listen", on: ["tcp:*:*"])],
            // No TCP socket can be made.
            kinds: [[], []], isGap: true),
        Listening(
            rules: [
                Policy.allow("all", on: ["unix:/run/a/**"]), Policy.allow("connect", on: ["tcp:*:80"]),
                Policy.deny("listen", on: ["tcp:*:*"]),
            ], kinds: [[], [], [.excess]], isGap: true),
        Listening(
            rules: [
                Policy.allow("bind", "listen", on: ["tcp:*:80-90"]), Policy.deny("listen", on: ["tcp:*:85"]),
            ], kinds: [[], [.excess]], isGap: true),
        // What cannot be bound is not listened on, unless the kernel picks it.
        Listening(
            rules: [Policy.allow("bind", "listen", on: ["tcp:*:80"]), Policy.deny("all", on: ["tcp:*:25"])],
            kinds: [[], []], isGap: true),
        Listening(
            rules: [
                Policy.allow("bind", "listen", on: ["tcp:*:20-30"]),
                Policy.deny("bind", "listen", on: ["tcp:*:25"]),
            ], kinds: [[], []], isGap: true),
        Listening(
            rules: [Policy.allow("all", on: ["tcp:*:80"]), Policy.deny("all", on: ["tcp:*:40000"])],
            kinds: [[], [.excess]], isGap: true),
        Listening(
            rules: [Policy.allow("all", on: ["tcp:*:80"]), Policy.deny("listen", on: ["tcp:*:0"])],
            kinds: [[], [.excess]], isGap: true),
        Listening(
            rules: [
                Policy.allow("bind", "listen", on: ["tcp:*:*"]), Policy.deny("listen", on: ["tcp:*:25"]),
            ],
            // Unix sockets are not granted to listen, and do.
            kinds: [[], [.excess]], isGap: true),
        // Names of sockets.
        Listening(
            rules: [
                Policy.allow("all", on: ["unix:/run/**"]), Policy.deny("listen", on: ["unix:/run/x/**"]),
            ],
            kinds: [[], [.excess]], isGap: true),
        Listening(
            rules: [
                Policy.allow("all", on: ["unix:/run/**"]),
                Policy.deny("bind", "listen", on: ["unix:/run/x/**"]),
            ], kinds: [[], []], isGap: true),
        Listening(
            rules: [Policy.allow("all", on: ["unix:/run/**"]), Policy.deny("listen", on: ["unix:/srv/**"])],
            kinds: [[], []], isGap: true),
        Listening(
            rules: [Policy.allow("all", on: ["unix:/run/**"]), Policy.deny("listen", on: ["unix:@x"])],
            kinds: [[], [.excess]], isGap: true),
    ]

    @Test(arguments: listening)
    func `listening is refused as a whole, or what cannot be kept of it is said`(_ row: Listening) {
        var policy = Policy(network: row.rules, networkDefault: row.isDefaultAllow ? .allow : .deny)
        policy.network?.families.removeAll { !row.families.contains($0.value.number) }
        let lowered = policy.lowered(abi: 9)
        #expect(lowered.sockets.refusesListen?.id == row.refusedBy)
        for (index, kinds) in row.kinds.enumerated() {
            #expect(lowered.kinds("network.\(index)") == kinds, "rule \(index): \(lowered.findings)")
        }
        let gaps = lowered.findings.filter { $0.hasPrefix("gap") && $0.contains("see listen") }
        #expect(gaps.isEmpty != row.isGap)
    }

    @Test func `who has no endpoint may not listen either, and that is said`() {
        var policy = Policy(network: [])
        policy.network?.families.append(
            Located(SocketFamily(name: "vsock", number: 40), at: SourceLocation(file: "t.yaml", line: 2)))
        #expect(
            policy.lowered(abi: 9).findings.contains {
                $0.hasPrefix("narrowed") && $0.contains("to vsock too")
            })
        #expect(Policy(network: []).lowered(abi: 9).findings.allSatisfy { !$0.hasPrefix("narrowed") })
    }

    @Test func `a rule that is all about listening is enforced by the filter`() {
        let lowered = Policy(network: [
            Policy.allow("connect", on: ["tcp:*:443"]), Policy.deny("listen", on: ["tcp:*:*"]),
        ]).lowered(abi: 9)
        let row = lowered.coverage.rows.first { $0.subject == "network.1" }
        #expect(row?.layers == [.seccomp] && row?.extent == .full)
        #expect(row?.mechanism == "no listening")
    }

    @Test
    func `a listen that is granted everywhere is no gap`() {
        let lowered = Policy(network: [
            Policy.allow("all", on: ["tcp:*:*", "udp:*:*", "unix:/**", "unix:@**"])
        ]).lowered(abi: 9)
        #expect(lowered.findings.isEmpty)
        #expect(!lowered.recipe.isNeeded || lowered.recipe.networkRights.isEmpty)
    }

    // MARK: UDP

    static let datagrams: [(rules: [Policy.TestRule], first: [Coverage.Finding.Kind], isRefused: Bool)] = [
        ([Policy.allow("connect", on: ["tcp:*:443"])], [], true),
        ([Policy.allow("connect", on: ["udp:*:53"])], [.excess], false),
        ([Policy.allow("connect", on: ["udp:*:53"], coarse: true)], [.widened], false),
        ([Policy.allow("connect", on: ["udp:127.0.0.53:53"])], [.excess], false),
        ([Policy.allow("connect", on: ["udp:*:*"])], [], false),
        ([Policy.allow("connect", on: ["ip:*:53"])], [.excess], false),
        ([Policy.deny("connect", on: ["udp:*:53"])], [], true),
        ([Policy.allow("listen", on: ["udp:*:*"])], [], true),
    ]

    @Test(arguments: datagrams)
    func `udp is not seen, and refused where no rule grants it`(
        _ row: (rules: [Policy.TestRule], first: [Coverage.Finding.Kind], isRefused: Bool)
    ) {
        let lowered = Policy(network: row.rules).lowered(abi: 9)
        #expect(lowered.kinds("network.0") == row.first)
        #expect((lowered.sockets.refusesDatagram != nil) == row.isRefused)
    }

    @Test
    func `udp bind is a gap where only connect is granted`() {
        let lowered = Policy(network: [Policy.allow("connect", on: ["udp:*:*"])]).lowered(abi: 9)
        #expect(
            lowered.findings.contains { $0.hasPrefix("gap network.default: Landlock does not see udp bind") })
        let both = Policy(network: [Policy.allow("connect", "bind", on: ["udp:*:*"])]).lowered(abi: 9)
        #expect(!both.findings.contains { $0.contains("udp") })
    }

    @Test
    func `under default allow a deny of all udp refuses the sockets, of some is refused`() {
        let all = Policy(network: [Policy.deny("connect", "bind", on: ["udp:*:*"])], networkDefault: .allow)
            .lowered(abi: 9)
        #expect(all.sockets.refusesDatagram?.id == "network.0")
        #expect(all.findings.isEmpty)
        let some = Policy(network: [Policy.deny("connect", on: ["udp:*:53"])], networkDefault: .allow)
            .lowered(abi: 9)
        #expect(some.kinds("network.0") == [.excess])
        #expect(some.sockets.refusesDatagram == nil)
    }

    // MARK: Other protocols

    @Test
    func `other protocols are the operation raw-socket`() {
        #expect(Policy().lowered(abi: 7).sockets.refusesOtherProtocols == nil)
        #expect(
            Policy(operations: []).lowered(abi: 7).sockets.refusesOtherProtocols?.id == "operations.default")
        let allowed = Policy(network: [], operations: [(.allow, .rawSocket)]).lowered(abi: 7)
        #expect(allowed.sockets.refusesOtherProtocols == nil)
        let denied = Policy(operations: [(.deny, .rawSocket)]).lowered(abi: 7)
        #expect(denied.sockets.refusesOtherProtocols?.id == "operations.0")
    }

    // MARK: Unix sockets

    @Test(arguments: abis)
    func `unix sockets by path are enforced from ABI 9 and refused below`(_ abi: Int) {
        let lowered = Policy(network: [
            Policy.allow("connect", on: ["unix:/run/a/*.sock", "unix:/run/b.sock"])
        ])
        .lowered(abi: abi)
        #expect(lowered.sockets.refusesUnix == nil)
        #expect(lowered.kinds("network.0") == (abi >= 9 ? [] : [.excess, .excess]))
        if abi >= 9 {
            #expect(lowered.grants["/run/b.sock"] == .resolveUnix)
            #expect(lowered.recipe.carvings.map { String(decoding: $0.root, as: UTF8.self) } == ["/run/a"])
        }
        let coarse = Policy(network: [Policy.allow("connect", on: ["unix:/run/b.sock"], coarse: true)])
            .lowered(abi: abi)
        #expect(coarse.kinds("network.0").allSatisfy { $0 == .widened })
        #expect(coarse.kinds("network.0").isEmpty == (abi >= 9))
        let all = Policy(network: [Policy.allow("connect", on: ["unix:/**", "unix:@**"])]).lowered(abi: abi)
        #expect(all.kinds("network.0") == [])
        #expect(!all.recipe.fileRights.contains(.resolveUnix))
    }

    @Test(arguments: abis)
    func `abstract names are all or none from ABI 6`(_ abi: Int) {
        let none = Policy(network: [Policy.allow("connect", on: ["unix:/**"])]).lowered(abi: abi)
        #expect(none.recipe.scopes.contains(.abstractUnixSocket) == (abi >= 6))
        #expect(none.kinds("network.default").contains(.excess) == (abi < 6))
        let some = Policy(network: [Policy.allow("connect", on: ["unix:/**", "unix:@app*"])]).lowered(
            abi: abi)
        #expect(some.kinds("network.0") == [.excess])
        let coarse = Policy(network: [Policy.allow("connect", on: ["unix:/**", "unix:@app*"], coarse: true)])
            .lowered(abi: abi)
        #expect(coarse.kinds("network.0") == [.widened])
        #expect(!coarse.recipe.scopes.contains(.abstractUnixSocket))
        let denied = Policy(network: [
            Policy.allow("connect", on: ["unix:/**", "unix:@**"]), Policy.deny("connect", on: ["unix:@bus"]),
        ]).lowered(abi: abi)
        #expect(denied.kinds("network.1") == [.excess])
    }

    @Test
    func `a socket may be bound where both files and network grant the name`() {
        let rules = [Policy.allow("bind", on: ["unix:/run/app/**"], coarse: false)]
        let both = Policy(files: [Policy.allow("read", "create", on: ["/run/**"])], network: rules).lowered(
            abi: 9)
        #expect(both.grants["/run/**"]?.contains(.makeSocket) == false)
        #expect(both.grants["/run/**"]?.contains(.makeRegular) == true)
        #expect(both.grants["/run/app/**"] == [.makeSocket, .refer])
        let alone = Policy(network: rules).lowered(abi: 9)
        #expect(alone.grants["/run/app/**"] == .makeSocket)
        let single = Policy(
            files: [Policy.allow("create", on: ["/run/**"])],
            network: [Policy.allow("bind", on: ["unix:/run/app.sock"])]
        ).lowered(abi: 9)
        #expect(single.kinds("network.0") == [.narrowed])
        let coarse = Policy(
            files: [Policy.allow("create", on: ["/run/**"])],
            network: [Policy.allow("bind", on: ["unix:/run/app.sock"], coarse: true)]
        ).lowered(abi: 9)
        #expect(coarse.kinds("network.0") == [.widened])
        #expect(coarse.grants["/run/**"]?.contains(.makeSocket) == true)
    }

    @Test
    func `the binding of abstract names is a gap, and an explicit deny refused`() {
        let lowered = Policy(network: [Policy.allow("connect", on: ["unix:/**"])]).lowered(abi: 9)
        #expect(lowered.findings.contains { $0.contains("binding of abstract") && $0.hasPrefix("gap") })
        let denied = Policy(network: [Policy.deny("bind", on: ["unix:@x"])], networkDefault: .allow)
            .lowered(abi: 9)
        #expect(denied.kinds("network.0") == [.excess])
    }

    @Test
    func `families that are not listed need nothing else`() {
        var policy = Policy(network: [])
        policy.network?.families = []
        let sockets = policy.lowered(abi: 7).sockets
        #expect(sockets.families == [])
        #expect(sockets.refusesStream == nil && sockets.refusesUnix == nil)
        let row = policy.lowered(abi: 7).coverage.rows.first { $0.subject == "network.default" }
        #expect(row?.mechanism == "no tcp and udp sockets; no unix sockets; no listening")
        #expect(row?.layers == [.seccomp])
    }

    // MARK: Port sets

    @Test
    func `sets of ports behave like sets of numbers`() {
        var state: UInt64 = 7
        func next(_ bound: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % bound)
        }
        for _ in 0..<300 {
            func random() -> (PortSet, Set<UInt16>) {
                (0..<next(4)).reduce(into: (PortSet.none, Set<UInt16>())) { result, _ in
                    let low = next(40)
                    let range = UInt16(low)...UInt16(low + next(12))
                    result.0 = result.0.union(PortSet(.range(range)))
                    result.1.formUnion(range.filter { $0 != 0 || range.count == 1 })
                }
            }
            let (left, leftNumbers) = random()
            let (right, rightNumbers) = random()
            #expect(left.ports == leftNumbers.sorted())
            #expect(left.union(right).ports == leftNumbers.union(rightNumbers).sorted())
            #expect(left.subtracting(right).ports == leftNumbers.subtracting(rightNumbers).sorted())
            #expect(left.intersection(right).count == leftNumbers.intersection(rightNumbers).count)
        }
    }
}
