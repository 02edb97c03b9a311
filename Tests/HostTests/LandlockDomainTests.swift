import CProbes
import Compiler
import Foundation
import Landlock
import Policy
import Testing

@testable import Confinement

/// Domains for the other sections, the process's own directory, and what is said of paths that cannot be granted.
@Suite(.landlock)
struct LandlockDomainTests {
    private func prepare(_ policy: Policy, isPrivileged: Bool = false) throws -> PreparedRuleset {
        let lowered = LandlockLowering.lower(
            policy, features: try hostLandlock(), isPrivileged: isPrivileged)
        return try LandlockApplication.prepare(lowered.recipe)
    }

    @Test
    func `the probe finds what the version says`() throws {
        let found = try hostLandlock()
        #expect(found.abi >= 1)
        #expect(found == .abi(found.abi).limited(toABI: found.abi))
    }

    @Test
    func `errors say what they mean`() {
        #expect(LandlockAvailability.missing.obstacle?.contains("has no Landlock") == true)
        #expect(LandlockAvailability.disabled.obstacle?.contains("Landlock is off") == true)
        #expect(LandlockAvailability.missing.obstacle != LandlockAvailability.disabled.obstacle)
        #expect(
            LandlockError("create a Landlock ruleset", code: EPERM).description
                == "cannot create a Landlock ruleset: operation not permitted")
    }

    @Test
    func `a domain for nothing but tracing denies nothing else`() throws {
        let tree = try TemporaryDirectory()
        defer { tree.keep() }
        for name in ["a", "b"] { tree.directory(name) }
        tree.file("a/f")
        let sleeper = Process()
        sleeper.executableURL = URL(fileURLWithPath: "/bin/sleep")
        sleeper.arguments = ["30"]
        try sleeper.run()
        defer { sleeper.terminate() }
        let victim = UInt32(sleeper.processIdentifier)
        let results = try Attempt.run(
            [
                .init(PROBE_TRACE, number: victim), .init(PROBE_WRITE, "/proc/\(victim)/mem"),
                .init(PROBE_KILL, number: victim),
                .init(PROBE_RENAME, tree.path + "/a/f", tree.path + "/b/f"),
                .init(PROBE_LINK, tree.path + "/b/f", tree.path + "/a/f"),
                .init(PROBE_WRITE, tree.path + "/a/f"),
                .init(PROBE_READ, "/etc/passwd"), .init(PROBE_EXECUTE, tree.path + "/a/f"),
            ], in: try prepare(Policy(name: "t", file: "t.yaml")))
        #expect(results[0] == EPERM)
        #expect(results[1] == EACCES || results[1] == EPERM)
        #expect(results[2...] == [0, 0, 0, 0, 0, ENOEXEC])
    }

    @Test
    func `signals outside are refused where the operation is`() throws {
        guard try hostLandlock().scopes.contains(.signal) else { return }
        var policy = Policy(name: "t", file: "t.yaml")
        policy.operations = ListSection(location: SourceLocation(file: "t.yaml", line: 1))
        let results = try Attempt.run([.init(PROBE_KILL, number: UInt32(getpid()))], in: try prepare(policy))
        #expect(results == [EPERM])
    }

    @Test
    func `tcp is granted by port`() throws {
        guard try hostLandlock().networkRights == [.bindTCP, .connectTCP] else { return }
        var policy = Policy(name: "t", file: "t.yaml")
        let location = SourceLocation(file: "t.yaml", line: 1)
        policy.network = NetworkSection(
            families: [Located(SocketFamily(name: "inet", number: 2), at: location)],
            rules: [
                NetworkRule(
                    header: RuleHeader(id: "r", verdict: .allow, location: location), accesses: [.connect],
                    endpoints: [Located(.inet([.tcp], .any, .range(1...2)), at: location)]),
                NetworkRule(
                    header: RuleHeader(id: "b", verdict: .allow, location: location), accesses: [.bind],
                    endpoints: [Located(.inet([.tcp], .any, .range(0...0)), at: location)]),
            ], location: location)
        let results = try Attempt.run(
            [
                .init(PROBE_CONNECT_TCP, number: 1), .init(PROBE_CONNECT_TCP, number: 3),
                .init(PROBE_BIND_TCP, number: 0), .init(PROBE_BIND_TCP, number: 23_456),
                .init(PROBE_READ, "/etc/passwd"),
            ], in: try prepare(policy))
        #expect(results == [ECONNREFUSED, EACCES, 0, EACCES, 0])
    }

    @Test
    func `abstract sockets outside are refused where no rule grants one`() throws {
        guard try hostLandlock().scopes.contains(.abstractUnixSocket) else { return }
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        let name = "swguard-test-\(getpid())"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.dropFirst().copyBytesTruncated(from: name.utf8) }
        // The probe's name is followed by one NUL, which counts.
        let length = socklen_t(2 + 1 + name.utf8.count)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) }
        }
        try #require(bound == 0 && listen(listener, 4) == 0)
        let location = SourceLocation(file: "t.yaml", line: 1)
        for isGranted in [false, true] {
            var policy = Policy(name: "t", file: "t.yaml")
            let pattern = isGranted ? Endpoint.unixAbstract(PathPattern(test: "**")) : nil
            policy.network = NetworkSection(
                families: [Located(SocketFamily(name: "unix", number: 1), at: location)],
                rules: [
                    NetworkRule(
                        header: RuleHeader(id: "r", verdict: .allow, isCoarse: true, location: location),
                        accesses: [.connect],
                        endpoints: ([.unixPath(PathPattern(test: "/**"))] + [pattern].compactMap { $0 })
                            .map { Located($0, at: location) })
                ], location: location)
            let results = try Attempt.run([.init(PROBE_CONNECT_ABSTRACT, name)], in: try prepare(policy))
            #expect(results == [isGranted ? 0 : EPERM])
        }
    }

    // MARK: /proc

    @Test
    func `a process's own directory is its own`() throws {
        let granted = Policy(files: [(.allow, [.read], ["/proc/self/**"])])
        let attempts: [Attempt] = [
            .init(PROBE_READ, "/proc/self/maps"), .init(PROBE_READ, "/proc/self/environ"),
            .init(PROBE_READ, "/proc/\(getpid())/maps"), .init(PROBE_READ, "/proc/uptime"),
            .init(PROBE_LIST, "/proc/self/task"),
        ]
        #expect(try Attempt.run(attempts, in: try prepare(granted)) == [0, 0, EACCES, EACCES, 0])
        let carved = Policy(files: [
            (.allow, [.read], ["/proc/**"]), (.deny, [.read], ["/proc/self/environ"]),
        ])
        let results = try Attempt.run(attempts, in: try prepare(carved))
        #expect(results[0] == 0)
        #expect(results[1] == EACCES)
        #expect(results[3] == 0)
    }

    @Test
    func `the links of a process's own directory grant nothing`() throws {
        let ruleset = try prepare(
            Policy(files: [
                (
                    .allow, [.read],
                    ["/proc/self/root", "/proc/self/fd/0", "/proc/self/exe/**", "/proc/self/stat*"]
                )
            ]))
        #expect(
            ruleset.ownGrants.map { String(decoding: $0.path, as: UTF8.self) }.sorted() == [
                "/proc/self/stat", "/proc/self/statm", "/proc/self/status",
            ])
        let results = try Attempt.run(
            [.init(PROBE_READ, "/etc/passwd"), .init(PROBE_READ, "/proc/self/status")], in: ruleset)
        #expect(results == [EACCES, 0])
    }

    @Test
    func `root may not name a program for the kernel to start`() throws {
        guard geteuid() == 0 else { return }
        let attempts: [Attempt] = [
            .init(PROBE_WRITE, "/proc/sys/kernel/core_pattern"),
            .init(PROBE_WRITE, "/proc/sys/kernel/hostname"),
            .init(PROBE_READ, "/proc/sys/kernel/core_pattern"), .init(PROBE_WRITE_FILE, "/dev/null"),
            .init(PROBE_LIST, "/"), .init(PROBE_LIST, "/dev"), .init(PROBE_READ, "/proc/self/maps"),
        ]
        let expected: [Int32] = [EACCES, 0, 0, 0, 0, 0, 0]
        let bare = try prepare(Policy(name: "t", file: "t.yaml"), isPrivileged: true)
        #expect(try Attempt.run(attempts, in: bare) == expected)
        let files = try prepare(Policy(files: [(.allow, .all, ["/**"])]), isPrivileged: true)
        #expect(try Attempt.run(attempts, in: files) == expected)
    }

    // MARK: What cannot be granted

    @Test
    func `paths that are missing, links or directories are named`() throws {
        let tree = try TemporaryDirectory()
        defer { tree.keep() }
        tree.directory("d")
        symlink("d", tree.path + "/link")
        let ruleset = try prepare(
            Policy(files: [
                (.allow, [.read], [tree.path + "/none/**"]), (.allow, [.read], [tree.path + "/link/**"]),
                (.allow, [.read], [tree.path + "/d"]),
            ]))
        #expect(
            ruleset.findings.filter { $0.kind == .narrowed }.map { "\($0.subject) \($0.text)" } == [
                "r2 a directory cannot be granted without what is beneath it: \(tree.path)/d; say 'P/**'",
                "r1 leads through a symbolic link, which is not followed: \(tree.path)/link",
                "r0 does not exist: \(tree.path)/none",
            ])
    }

    @Test
    func `a directory that a glob matches is named as what it is`() throws {
        let tree = try TemporaryDirectory()
        tree.directory("dir")
        tree.file("data")
        let ruleset = try prepare(Policy(files: [(.allow, [.read], [tree.path + "/d*"])]))
        #expect(
            ruleset.findings.map { "\($0.kind) \($0.text)" } == [
                "narrowed a directory cannot be granted without what is beneath it: \(tree.path)/dir; say 'P/**'"
            ])
        #expect(ruleset.ruleCount == 1)
    }

    @Test
    func `a carved directory is named`() throws {
        let tree = try TemporaryDirectory()
        defer { tree.keep() }
        tree.directory("d")
        let ruleset = try prepare(
            Policy(files: [
                (.allow, [.read, .create], [tree.path + "/**"]), (.deny, [.read], [tree.path + "/x"]),
            ]))
        #expect(ruleset.findings.map(\.kind) == [.narrowed])
        #expect(ruleset.findings.first?.text.hasPrefix("read only of what exists") == true)
        #expect(ruleset.ruleCount == 2)
    }

    /// What uses up a limit, and what is walked after it; and why.
    static let limits: [(kind: String, rules: [(Verdict, FileAccessSet, [String])], says: [String])] = [
        (
            "entries", [(.allow, [.read], ["T/many/*"])],
            [
                "more than 20000 directory entries to look at: 20000 for T/many/*, most in T/many (20000 entries)",
                "; grant a directory whole ('P/**')",
            ]
        ),
        (
            "rules", [(.allow, [.read], ["T/many/*"]), (.allow, [.read], ["T/some/?"])],
            [
                "more than 4000 rules to make: 4001 for T/many/*, most in T/many (4010 entries)",
                "; grant a directory whole",
            ]
        ),
        (
            "rules",
            [
                (.allow, [.write], ["T/few/*/?"]), (.allow, [.read], ["T/many/**"]),
                (.deny, [.read], ["T/many/*/secret"]),
            ],
            [
                "4000 for T/many/**, most in T/many (4010 entries), which is not granted whole because of the deny "
                    + "of T/many/*/secret by r2 (test.yaml:12); grant only directories that a deny does not reach"
            ]
        ),
    ]

    @Test(arguments: limits)
    func `a limit that is reached is blamed on what used it up`(
        _ row: (kind: String, rules: [(Verdict, FileAccessSet, [String])], says: [String])
    ) throws {
        let tree = try TemporaryDirectory()
        defer { tree.keep() }
        for name in ["many", "some", "few", "few/d"] { tree.directory(name) }
        for name in ["some/a", "few/d/x"] { tree.file(name) }
        let count = row.kind == "rules" ? LandlockRecipe.maximumRules + 10 : LandlockRecipe.maximumEntries + 1
        for number in 0..<count {
            close(open(tree.path + "/many/\(number)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
        }
        let isTree = { (text: String) in text.replacing("T/", with: tree.path + "/") }
        let ruleset = try prepare(
            Policy(files: row.rules.map { ($0.0, $0.1, $0.2.map(isTree)) }))
        let found = ruleset.findings.filter { $0.kind == .impossible }
        let blamed = row.rules.firstIndex { $0.0 == .allow && $0.2[0].hasPrefix("T/many") } ?? 0
        #expect(found.map(\.subject) == ["r\(blamed)"])
        #expect(found.first?.location?.line == blamed + 10)
        let text = (found.first?.text ?? "").replacing(tree.path, with: "T")
        for part in row.says { #expect(text.contains(part), "\(text)") }
        #expect(ruleset.ruleCount <= LandlockRecipe.maximumRules)
    }

    /// A policy of root's without `files` has no rule about files, and a host can have more processes than rules.
    @Test func `what an operation keeps is named with what would do without it`() {
        var cost = WalkCost()
        cost.listed(5000, in: Array("/proc".utf8), for: 0)
        for _ in 0..<4000 { cost.madeRule(for: 0) }
        var recipe = LandlockRecipe()
        recipe.origins = [.init(section: "operations", subject: "operations.default", location: nil)]
        let everything = PathPattern(subtree: "/".utf8)
        recipe.carvings = [
            .init(root: Array("/".utf8), allows: [.init(pattern: everything, rights: .writeFile, origin: 0)])
        ]
        recipe.denies = [
            .init(
                pattern: PathPattern(test: "/proc/sys/kernel/core_pattern"), rights: .writeFile, origin: 0),
            .init(pattern: PathPattern(test: "/sys/kernel/uevent_helper"), rights: .writeFile, origin: 0),
        ]
        #expect(cost.most(of: .rules) == 0)
        #expect(
            cost.reason(for: 0, .rules, in: recipe)
                == "4000 for /**, most in /proc (5000 entries), which is not granted whole because of the deny of "
                + "/proc/sys/kernel/core_pattern by operations.default; grant only what is needed, in 'files', or "
                + "allow the operation kernel-helper")
    }

    @Test
    func `no descriptor is left open`() throws {
        let tree = try TemporaryDirectory()
        defer { tree.keep() }
        for name in ["d", "e"] { tree.directory(name) }
        tree.file("d/f")
        func ours() -> Int {
            (0..<256).filter {
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
                return target?.hasPrefix(tree.path) == true
            }.count
        }
        for _ in 0..<3 {
            let ruleset = try prepare(
                Policy(files: [
                    (.allow, [.read], [tree.path + "/**", tree.path + "/d/f", tree.path + "/n"]),
                    (.allow, [.write], [tree.path + "/*/f"]), (.deny, [.read], [tree.path + "/d/*"]),
                ]))
            #expect(ruleset.ruleCount > 0)
        }
        #expect(ours() == 0)
    }

    // MARK: Mount table

    static let table = """
        21 1 8:1 / / rw - ext4 /dev/sda1 rw
        22 21 0:5 / /proc rw - proc proc rw
        23 21 8:1 /home /mnt/home rw shared:1 - ext4 /dev/sda1 rw
        24 21 8:1 /home/u/.ssh /srv/with\\040space rw - ext4 /dev/sda1 rw
        25 21 0:9 / /jail/proc rw - proc proc rw
        26 21 8:2 / /home/data rw - ext4 /dev/sdb1 rw
        broken
        """

    /// A pattern, and the other names of what it stands for.
    static let names: [(String, [String])] = [
        ("/home/u/.ssh/**", ["/mnt/home/u/.ssh/**", "/srv/with space/**"]),
        ("/home/u/.ssh/id", ["/mnt/home/u/.ssh/id", "/srv/with space/id"]),
        ("/home/u/**", ["/mnt/home/u/**", "/srv/with space/**"]),
        ("/mnt/home/u/x", ["/home/u/x"]),
        ("/proc/sys/kernel/core_pattern", ["/jail/proc/sys/kernel/core_pattern"]),
        ("/home/data/x", []), ("/etc/shadow", []), ("/home/*/x", []),
    ]

    @Test func `a table that does not show a mount says so`() {
        let denied = PathPattern(subtree: "/srv/secret".utf8)
        #expect(MountTable(Array(Self.table.utf8)).aliases(of: denied) != nil)
        #expect(MountTable([]).aliases(of: denied) == nil)
        #expect(MountTable(Array("22 1 0:21 / /proc rw - proc proc rw\n".utf8)).aliases(of: denied) == nil)
    }

    /// A pattern with wildcards, where else it holds, and the names at which nothing says what it denies.
    static let globs: [(String, [String], [String])] = [
        ("/home/*/x", ["/mnt/home/*/x"], []),
        ("/home/u/.s*/id", ["/mnt/home/u/.s*/id"], ["/srv/with space"]),
        ("/home/u/*.key", ["/mnt/home/u/*.key"], []),
        ("/*/u/.ssh/id_*", [], ["/srv/with space", "/mnt/home", "/jail/proc"]),
        ("/srv/*.key", [], []), ("/proc/sys/k*/x", ["/jail/proc/sys/k*/x"], []),
        ("/jail/*/x", [], ["/proc"]), ("/home/data/*.x", [], []),
    ]

    @Test(arguments: globs)
    func `bind mounts give other names to what a pattern matches`(_ row: (String, [String], [String])) {
        let names = MountTable(Array(Self.table.utf8)).globNames(of: PathPattern(test: row.0))
        #expect(names?.aliases.map(\.description) == row.1)
        let elsewhere = (names?.elsewhere ?? []).map { String(decoding: $0, as: UTF8.self) }
        #expect(Set(elsewhere) == Set(row.2))
    }

    @Test func `a bind mount onto itself is no other name`() {
        let table = MountTable(
            Array("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 /run/x /run/x ro - ext4 /dev/sda1 rw\n".utf8))
        #expect(table.globNames(of: PathPattern(test: "/run/*/k")) == MountTable.GlobNames())
        #expect(MountTable([]).globNames(of: PathPattern(test: "/run/*/k")) == nil)
    }

    @Test(arguments: names)
    func `bind mounts give other names`(_ row: (String, [String])) {
        let table = MountTable(Array(Self.table.utf8))
        #expect(table.mounts.count == 6)
        #expect(table.aliases(of: PathPattern(test: row.0))?.map(\.description) == row.1)
    }
}

extension Slice<UnsafeMutableRawBufferPointer> {
    /// Copies as many bytes as fit.
    fileprivate func copyBytesTruncated(from bytes: some Sequence<UInt8>) {
        for (offset, byte) in zip(indices, bytes) { base[offset] = byte }
    }
}
