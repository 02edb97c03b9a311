import Foundation
import Testing

/// `plan`, `compile`, `inspect` and `doctor`.
@Suite struct CommandLinePlanTests {
    static let operations = [
        "mount", "chroot", "namespace", "terminal-injection", "ptrace", "bpf", "module", "kexec", "raw-io",
        "kernel-helper", "subvolume", "signal", "ipc", "reboot", "swap", "quota", "time", "syslog", "perf",
        "keyring", "io-uring", "userfaultfd", "raw-socket", "setuid", "writable-code", "anonymous-exec",
    ]

    @Test func `shipped policies have a readable plan: no line too long, one row an operation`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Swguard.policies)
            .filter { $0.hasSuffix(".yaml") }.sorted()
        let home = try Scratch()
        for name in names {
            let outcome = try Swguard.run(
                ["plan", name], in: Swguard.policies,
                environment: ["HOME": home.path, "TMPDIR": try home.makeDirectory("tmp")])
            #expect(outcome.status == 0, "\(outcome)")
            // A place is one word, and not broken.
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= 110 || !$0.dropFirst(60).contains(" ") })
            let rows = lines.drop { $0 != "  operations: partial" }.dropFirst()
                .prefix { $0.hasPrefix("    ") }
                .filter { !$0.hasPrefix("             ") }
                .map { $0.split(separator: " ")[1] }
            #expect(rows.map(String.init) == Self.operations, "\(name)")
            // What leads through a link is said once.
            let links = lines.filter { $0.hasPrefix("  link ") }.map { $0.split(separator: " ")[1] }
            #expect(Set(links).count == links.count)
            #expect(!outcome.output.contains("no unix sockets; no unix sockets"))
        }
    }

    @Test func `gaps, narrowed and widened rules are named with their place, and strict says no`() throws {
        let scratch = try Scratch()
        _ = try scratch.policy(
            """
            files:
              rules:
                - { allow: [read], paths: ["\(scratch.path)/**", "\(scratch.path)/none/x"] }
                - { id: new, allow: [create], paths: ["\(scratch.path)/a"] }
            network:
              rules: [{ id: db, allow: [connect], endpoints: ["tcp:10.0.0.0/8:5432"], coarse: true }]
            """, name: "p.yaml")
        let outcome = try Swguard.run(["plan", "p.yaml"], in: scratch.path)
        #expect(outcome.status == 0)
        for line in [
            "  gap       files.default (p.yaml:4): ", "  narrowed  new (p.yaml:7): ",
            "  widened   db (p.yaml:9): ",
        ] {
            #expect(outcome.output.contains(line), "\(outcome.output)")
        }
        #expect(try Swguard.run(["plan", "p.yaml", "--strict"], in: scratch.path).status == 1)
        // Nothing for a filter or a domain to do.
        let exact = try scratch.policy(
            "operations: { allow: [\(Self.operations.joined(separator: ", "))] }\ncapabilities: {}",
            name: "exact.yaml")
        let strict = try Swguard.run(["plan", exact, "--strict"])
        #expect(strict.status == 0, "\(strict)")
    }

    @Test func `several policies are layers, each with its plan`() throws {
        let scratch = try Scratch()
        _ = try scratch.policy("files: {}", name: "a.yaml")
        _ = try scratch.policy("network: {}", name: "b.yaml")
        let outcome = try Swguard.run(["plan", "a.yaml", "b.yaml"], in: scratch.path)
        let heads = outcome.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }
        #expect(heads == ["policy test (a.yaml), enforce", "policy test (b.yaml), enforce"])
    }

    @Test func `the plan for BPF-LSM names the hook of every access and operation`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            "files: {}\nnetwork: {}\ncapabilities: {}\noperations: {}\nsyscalls: {}")
        let outcome = try Swguard.run(["plan", policy, "--backend", "lsm"])
        #expect(outcome.status == 0 && outcome.errors == "")
        for line in [
            "full     read ", "lsm: file_open, file_receive", "full     terminal-injection",
            "(6.1: file_ioctl)",
            "none     syscalls",
        ] {
            #expect(outcome.output.contains(line), "\(line)")
        }
        #expect(try Swguard.run(["plan", policy, "--backend", "lsm", "--strict"]).status == 1)
        #expect(try Swguard.run(["plan", policy, "--backend", "landlock"]).status == 0)
    }

    @Test func `a compiled policy is the same each time, and can be read`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            "files: { rules: [{ allow: [read], paths: [/etc/**] }] }\nsyscalls: { rules: [{ allow: [\"@known\"] }] }"
        )
        let (one, two) = (scratch.path + "/1.plan", scratch.path + "/2.plan")
        #expect(try Swguard.run(["compile", policy, "-o", one]).status == 0)
        #expect(try Swguard.run(["compile", policy, "--output", two]).status == 0)
        #expect(FileManager.default.contentsEqual(atPath: one, andPath: two))
        let inspected = try Swguard.run(["inspect", one])
        #expect(inspected.status == 0)
        #expect(inspected.output.hasPrefix("policy test (\(policy)), enforce, sha256:"))
        #expect(inspected.output.contains("\n  /etc/** ") && inspected.output.contains("\nseccomp: "))
        let nowhere = try Swguard.run(["compile", policy, "-o", scratch.path + "/none/x"])
        #expect(nowhere.status == 2 && nowhere.errors.hasPrefix("swguard: cannot write '"))
        #expect(nowhere.errors.hasSuffix("/none/x': no such file or directory\n"), "\(nowhere)")
    }

    @Test func `a file that is no plan, or may not be believed, is an error that says so`() throws {
        let scratch = try Scratch()
        let file = scratch.path + "/x.plan"
        #expect(try Swguard.run(["compile", try scratch.policy("files: {}"), "-o", file]).status == 0)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        func inspect(_ data: Data, mode: Int = 0o600) throws -> Swguard.Outcome {
            try data.write(to: URL(fileURLWithPath: file))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
            return try Swguard.run(["inspect", file])
        }
        #expect(try inspect(bytes).status == 0)
        var otherFormat = bytes
        otherFormat[8] ^= 0x40
        var damaged = bytes
        damaged[bytes.count - 1] ^= 1
        for (data, mode, text) in [
            (Data("kind: Policy\n".utf8), 0o600, "not a compiled policy"), (otherFormat, 0o600, "format"),
            (damaged, 0o600, "changed"), (Data(bytes.dropLast()), 0o600, "cut short"),
            (Data(), 0o600, "not a compiled policy"),
            (bytes, 0o620, "may write it"), (bytes, 0o602, "may write it"),
        ] as [(Data, Int, String)] {
            let outcome = try inspect(data, mode: mode)
            #expect(outcome.status == 2 && outcome.output == "", "\(outcome)")
            #expect(outcome.errors.hasPrefix("swguard: cannot read '\(file)': "), "\(outcome)")
            #expect(outcome.errors.contains(text), "\(text): \(outcome)")
        }
        let missing = try Swguard.run(["inspect", scratch.path + "/none"])
        #expect(missing.status == 2 && missing.errors.contains("cannot read '"))
        #expect(missing.errors.hasSuffix("/none': no such file or directory\n"), "\(missing)")
        let directory = try Swguard.run(["inspect", scratch.path])
        #expect(directory.errors.hasSuffix("': is a directory\n"), "\(directory)")
    }

    @Test func `doctor has a line for each thing tried, and advice where it falls short`() throws {
        let outcome = try Swguard.run(["doctor"])
        let lines = outcome.output.split(separator: "\n")
        let states = lines.filter { !$0.hasPrefix(" ") }.map { $0.split(separator: " ")[0] }
        #expect(states.count == 10 && states.allSatisfy { ["ok", "partial", "missing"].contains($0) })
        #expect(outcome.status == (states.contains("missing") ? 1 : 0))
        for (index, line) in lines.enumerated() where line.hasPrefix("missing") {
            #expect(lines.dropFirst(index + 1).first?.hasPrefix("         ") == true, "\(line)")
        }
    }

    /// Not root, but with capabilities: these undo a policy as root's do, and are dropped as root's are.
    @Test(.enabled(if: getuid() == 0, "gives a capability away, which only root can"))
    func `a user with capabilities is confined as root is`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("files: { rules: [{ allow: [read, execute, map], paths: [/**] }] }")
        let outcome = try Swguard.command(
            [
                "/usr/bin/setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps", "+sys_rawio,+chown",
                "--ambient-caps", "+sys_rawio,+chown", "--", Swguard.path, "run", "--policy", policy, "--",
                "/bin/grep", "CapEff", "/proc/self/status",
            ], in: "/")
        // CAP_CHOWN (0) is left: no section speaks of capabilities; CAP_SYS_RAWIO (17) opens /dev/mem.
        #expect(outcome.output == "CapEff:\t0000000000000001\n", "\(outcome)")
    }
}
