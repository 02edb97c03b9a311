import Foundation
import Testing

/// `run`: its options, what it refuses, and what it says.
@Suite struct CommandLineRunTests {
    /// Runs with a cache and a home of the test's own.
    private func run(
        _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:], input: String? = nil
    ) throws -> Swguard.Outcome {
        try Swguard.run(
            ["run"] + arguments, in: scratch.path,
            environment: try surroundings(scratch)
                .merging(environment) { $1 }, input: input)
    }

    private func surroundings(_ scratch: Scratch) throws -> [String: String] {
        [
            "XDG_CACHE_HOME": scratch.path + "/.cache", "HOME": scratch.path + "/home",
            "TMPDIR": try scratch.makeDirectory("tmp"),
        ]
    }

    // MARK: Refusals

    @Test(
        arguments: [
            ([], "no command to run"),
            (["--", "true"], "no policy: give --policy P, or rules such as --read P"),
            (["--polcy", "x", "--", "true"], "unknown option '--polcy'; did you mean '--policy'?"),
            (["true"], "the command is written behind '--'"),
            (["--policy", "nowhere", "--", "true"], "cannot read policy 'nowhere': there is none in "),
            (
                ["--policy", "./nowhere.yaml", "--", "true"],
                "cannot read policy './nowhere.yaml': no such file"
            ),
            (["--policy", "./", "--", "true"], "cannot read policy './': "),
            (["--policy", "bad.yaml", "--", "true"], "cannot use policy 'bad.yaml': it has errors"),
            (
                ["--read", "/nowhere", "--", "true"],
                "cannot use '--read /nowhere': no such file or directory"
            ),
            (
                ["--connect", "tcp:example.org:80", "--", "true"],
                "cannot use '--connect tcp:example.org:80': 'example.org'"
            ),
            (["--allow-syscall", "mkdri", "--", "true"], "cannot use '--allow-syscall mkdri'"),
            (
                ["--backend", "lsm", "--read", "/etc", "--", "true"],
                "cannot confine 'true': no agent answers"
            ),
            (["--keep-fd", "8765", "--read", "/etc", "--", "true"], "cannot keep descriptor 8765"),
            (
                ["--audit", "/nowhere/log", "--exec", "/usr", "--", "true"],
                "cannot open the audit log '/nowhere/log'"
            ),
            (
                ["--policy", "good.yaml", "--policy", "good.yaml", "--read", "/etc", "--", "true"],
                "rules on the command line go with one --policy"
            ),
            (
                ["--no-network", "--connect", "tcp:*:443", "--", "true"],
                "--no-network and --connect contradict each other"
            ),
            (
                ["--bind", "unix:/run/**", "--no-network", "--print-policy"],
                "--no-network and --bind contradict each other"
            ),
        ] as [([String], String)])
    func `swguard's own failures end with 125 and a reason`(_ arguments: [String], _ text: String) throws {
        let scratch = try Scratch()
        _ = try scratch.policy("files: {", name: "bad.yaml")
        _ = try scratch.policy("files: {}", name: "good.yaml")
        let outcome = try run(arguments, in: scratch)
        #expect(outcome.status == 125 && outcome.output == "", "\(outcome)")
        #expect(
            outcome.errors.split(separator: "\n").contains { $0.hasPrefix("swguard: \(text)") }
                || outcome.errors.contains(text), "\(outcome)")
    }

    @Test func `a policy that may not be read is an error, not an empty policy`() throws {
        guard geteuid() != 0 else { return }
        let scratch = try Scratch()
        let policy = try scratch.policy("")
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: policy)
        let outcome = try run(["--policy", policy, "--", "true"], in: scratch)
        #expect(outcome.status == 125 && outcome.errors.contains("cannot read policy '\(policy)': "))
    }

    /// What the kernel cannot enforce as written, and what lets it run all the same.
    @Test(
        arguments: [
            // metadata denied inside an allow: Landlock does not see it.
            ("files: { rules: [ALL, { id: x, deny: [metadata], paths: [/etc/**] }] }", true),
            ("files: { rules: [ALL, { id: x, deny: [read], paths: [\"/**/id_rsa\"] }] }", true),
            ("network: { rules: [{ id: x, allow: [connect], endpoints: [\"tcp:10.0.0.0/8:5432\"] }] }", true),
            ("network: { rules: [{ id: x, allow: [connect], endpoints: [\"udp:127.0.0.53:53\"] }] }", true),
            (
                "network: { rules: [{ id: x, allow: [connect], endpoints: [\"unix:/run/app/*.sock\"] }] }",
                true
            ),
            (
                "network: { rules: [{ id: x, deny: [listen], endpoints: [\"tcp:*:80\"] }], default: allow }",
                true
            ),
            (
                "network: { rules: [{ id: x, allow: [connect], endpoints: [\"tcp:10.0.0.0/8:5432\"], coarse: true }] }",
                false
            ),
            (
                "network: { rules: [{ id: x, allow: [connect], endpoints: [\"udp:127.0.0.53:53\"], coarse: true }] }",
                false
            ),
            (
                "network: { rules: [{ id: x, allow: [connect], endpoints: [\"tcp:*:5432\", \"udp:*:*\"] }] }",
                false
            ),
        ] as [(String, Bool)])
    func `what would grant more than a rule says is refused, with the rule`(
        _ sections: String, _ isRefused: Bool
    ) throws {
        let scratch = try Scratch()
        // From Landlock ABI 9 unix sockets are told apart by their path.
        if sections.contains("unix:"), try Swguard.run(["doctor"]).output.contains("sockets by path\n") {
            return
        }
        let all = "{ allow: [read, execute, map, metadata], paths: [/**] }"
        let policy = try scratch.policy(sections.replacingOccurrences(of: "ALL", with: all))
        let outcome = try run(["--policy", policy, "--", "/bin/echo", "started"], in: scratch)
        guard isRefused else {
            #expect(outcome.status == 0 && outcome.output == "started\n", "\(outcome)")
            return
        }
        #expect(outcome.status == 125 && outcome.output == "", "\(outcome)")
        #expect(
            outcome.errors.contains("swguard: cannot confine '/bin/echo': x (\(policy):4): "), "\(outcome)")
        #expect(outcome.errors.hasSuffix("swguard: run it with --allow-partial to accept that\n"))
        let partial = try run(
            ["--allow-partial", "--policy", policy, "--", "/bin/echo", "started"], in: scratch)
        #expect(partial.status == 0 && partial.output == "started\n", "\(partial)")
    }

    @Test func `strict refuses what is narrowed, and gaps`() throws {
        let scratch = try Scratch()
        let narrowed = try scratch.policy(
            "files: { rules: [{ allow: [read, execute, map], paths: [/usr/**, /nowhere/x] }] }")
        let outcome = try run(["--strict", "--policy", narrowed, "--", "/bin/true"], in: scratch)
        #expect(outcome.status == 125, "\(outcome)")
        #expect(outcome.errors.hasSuffix("swguard: run it without --strict to accept that\n"))
        let all = CommandLinePlanTests.operations.joined(separator: ", ")
        let exact = try scratch.policy("operations: { allow: [\(all)] }", name: "exact.yaml")
        let granted = try run(["--strict", "--policy", exact, "--", "/bin/true"], in: scratch)
        #expect(granted.status == 0, "\(granted)")
    }

    @Test(arguments: [
        ("ENOSYS", "the kernel has no Landlock (CONFIG_SECURITY_LANDLOCK is off)"),
        ("EOPNOTSUPP", "Landlock is off"),
    ])
    func `on a kernel without Landlock nothing is started`(_ code: String, _ reason: String) throws {
        let scratch = try Scratch()
        // The kernel as an inner swguard sees it.
        let kernel = try scratch.policy(
            """
            syscalls:
              default: allow
              rules: [{ deny: [landlock_create_ruleset], action: "errno:\(code)", log: false }]
            """, name: "kernel.yaml")
        try scratch.makeDirectory("work")
        for rules in [
            ["--exec", "/usr", "--write", "work"], ["--no-network"], ["--deny-syscall", "ptrace"],
        ] {
            let outcome = try run(
                ["--policy", kernel, "--", Swguard.path, "run"] + rules + ["--", "touch", "work/started"],
                in: scratch)
            #expect(outcome.status == 125, "\(outcome)")
            #expect(outcome.errors.contains("swguard: cannot confine 'touch': \(reason)"), "\(outcome)")
            #expect(outcome.errors.contains("; run 'swguard doctor'\n"))
            #expect(!FileManager.default.fileExists(atPath: scratch.path + "/work/started"))
        }
        let doctor = try run(["--policy", kernel, "--", Swguard.path, "doctor"], in: scratch)
        #expect(doctor.status == 1 && doctor.output.contains("missing  landlock: \(reason)"), "\(doctor)")
    }

    // MARK: Rules on the command line

    @Test func `one line is a whole policy`() throws {
        let scratch = try Scratch()
        let (own, other) = (try scratch.write("own/file"), try scratch.write("other/file"))
        let rules = ["--exec", "/usr", "--read", "own", "--no-network", "--"]
        #expect(try run(rules + ["cat", own], in: scratch).output == "x\n")
        let denied = try run(rules + ["cat", other], in: scratch)
        #expect(denied.status == 1 && denied.output == "")
        #expect(denied.errors.contains("run it again with --explain"))
        #expect(try run(rules + ["touch", own + "2"], in: scratch).status == 1)
        let write = try run(["--exec", "/usr", "--write", "own", "--", "touch", own + "2"], in: scratch)
        #expect(write.status == 0, "\(write)")
    }

    @Test func `bare brings nothing along`() throws {
        let scratch = try Scratch()
        let outcome = try run(["--bare", "--read", scratch.path, "--", "/bin/true"], in: scratch)
        #expect(outcome.status == 126, "\(outcome)")
        let usual = try run(["--read", scratch.path, "--exec", "/usr", "--", "/bin/true"], in: scratch)
        #expect(usual.status == 0, "\(usual)")
    }

    @Test func `deny wins, and alone it leaves the rest as it is`() throws {
        // What is beside it is granted entry by entry.
        let scratch = try Scratch(in: "/var/tmp")
        let (kept, open) = (try scratch.write("kept/file"), try scratch.write("open/file"))
        for options in [
            ["--exec", "/usr", "--read", "open", "--read", "kept", "--deny", "kept"],
            ["--deny-read", "kept"],
            ["--deny", "kept", "--allow-partial"],
        ] {
            #expect(try run(options + ["--", "cat", open], in: scratch).output == "x\n")
            let denied = try run(options + ["--explain", "--", "cat", kept], in: scratch)
            #expect(denied.status == 1 && denied.output == "", "\(denied)")
            #expect(denied.errors.contains("read \(kept) by arg["), "\(denied)")
        }
        // Everything else is granted, changing attributes too, and Landlock does not see that.
        let whole = try run(["--deny", "kept", "--", "/bin/true"], in: scratch)
        #expect(
            whole.status == 125
                && whole.errors.contains("arg[0] (command-line:1): Landlock does not see metadata"))
        let append = ["--deny", "kept", "--allow-partial", "--", "/bin/sh", "-c", "echo y >> kept/file"]
        #expect(try run(append, in: scratch).status != 0)
        let readable = ["--deny-read", "kept", "--", "/bin/sh", "-c", "echo y >> kept/file; cat kept/file"]
        let outcome = try run(readable, in: scratch)
        #expect(outcome.status == 1 && outcome.output == "", "\(outcome)")
        #expect(try String(contentsOfFile: kept, encoding: .utf8) == "x\ny\n")
    }

    @Test func `with one policy rules are appended to it, and its denies still win`() throws {
        let scratch = try Scratch()
        let (one, two) = (try scratch.write("one/file"), try scratch.write("two/file"))
        let policy = try scratch.policy(
            """
            include: [base/runtime]
            files:
              rules:
                - { allow: [read, execute, map], paths: [/usr/**, /bin/**] }
                - { id: never, deny: [read], paths: ["\(scratch.path)/two/**"] }
            """)
        #expect(try run(["--policy", policy, "--", "cat", one], in: scratch).status == 1)
        let options = ["--policy", policy, "--read", "one", "--read", "two", "--explain", "--"]
        #expect(try run(options + ["cat", one], in: scratch).output == "x\n")
        let denied = try run(options + ["cat", two], in: scratch)
        #expect(denied.status == 1 && denied.errors.contains("by never (\(policy):8)"), "\(denied)")
    }

    @Test func `several policies must all grant`() throws {
        let scratch = try Scratch()
        let file = try scratch.write("file")
        func layer(_ name: String, reads: Bool) throws -> String {
            try scratch.policy(
                """
                include: [base/runtime]
                files:
                  rules:
                    - { allow: [read, execute, map], paths: [/usr/**, /bin/**\(reads ? ", \(file)" : "")] }
                """, name: name)
        }
        let (yes, no) = (try layer("yes.yaml", reads: true), try layer("no.yaml", reads: false))
        for (policies, isGranted) in [([yes, yes], true), ([yes, no], false), ([no, yes], false)] {
            let outcome = try run(policies.flatMap { ["--policy", $0] } + ["--", "cat", file], in: scratch)
            #expect((outcome.output == "x\n") == isGranted, "\(outcome)")
        }
    }

    @Test func `a policy can come from standard input`() throws {
        let scratch = try Scratch()
        let outcome = try run(
            ["--policy", "-", "--", "mkdir", "x"], in: scratch,
            input: """
                apiVersion: swguard/v1
                kind: Policy
                metadata: { name: piped }
                syscalls: { default: allow, rules: [{ id: no-dirs, deny: [mkdir, mkdirat] }] }
                """)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains(": system call mkdir by no-dirs ("), "\(outcome)")
    }

    @Test func `rules given as options are named by their place`() throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("work")
        let outcome = try run(
            ["--exec", "/usr", "--write", "work", "--deny-syscall", "mkdir", "--", "mkdir", "work/x"],
            in: scratch)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("swguard: denied mkdir["), "\(outcome)")
        #expect(outcome.errors.contains("]: system call mkdir by arg[2] (command-line:5)"))
        let list = try run(["--allow-syscall", "@system-service", "--", "dmesg", "--syslog"], in: scratch)
        #expect(
            list.errors.contains(
                "system call syslog by syscalls.default (command-line:1); to allow: allow: [syslog]"),
            "\(list)")
    }

    // MARK: Other options

    @Test func `the printed policy is accepted, and means the same`() throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("a [b]*")
        let options = [
            "--exec", "/usr", "--write", ".", "--deny", "a [b]*", "--connect", "tcp:10.0.0.0/8:443", "--bind",
            "tcp:*:80",
            "--deny-syscall", "@mount",
        ]
        let printed = try run(options + ["--print-policy"], in: scratch)
        #expect(printed.status == 0 && printed.errors == "", "\(printed)")
        let file = try scratch.write("printed.yaml", printed.output)
        #expect(try Swguard.run(["check", file]).status == 0)
        // Printed again it is the same, but for where its rules come from.
        let again = try run(["--policy", file, "--print-policy"], in: scratch)
        func rules(_ text: String) -> [Substring] {
            text.split(separator: "\n").filter { !$0.contains("# ") }
        }
        #expect(rules(again.output) == rules(printed.output))
        for (question, status) in [
            (["--file", scratch.path + "/x", "--access", "write"], 0),
            (["--file", scratch.path + "/a [b]*/x", "--access", "read"], 1),
            (["--file", "/usr/bin/true", "--access", "execute"], 0), (["--file", "/root/x"], 1),
            (["--connect", "tcp:10.1.1.1:443"], 0), (["--listen", "tcp:0.0.0.0:80"], 0),
            (["--syscall", "mount"], 1),
        ] as [([String], Int32)] {
            #expect(try Swguard.run(["explain", file] + question).status == status, "\(question)")
        }
    }

    @Test func `descriptors are closed but for those that are kept`() throws {
        let scratch = try Scratch()
        try scratch.write("seven", "kept\n")
        let rules = "--exec /usr --read ."
        let command = "exec 7< seven; exec \(Swguard.path) run \(rules) %@ -- /bin/sh -c 'cat <&7'"
        for (option, output) in [("", ""), ("--keep-fd 7", "kept\n")] {
            let outcome = try Swguard.command(
                ["/bin/sh", "-c", command.replacingOccurrences(of: "%@", with: option)], in: scratch.path,
                environment: try surroundings(scratch))
            #expect(outcome.output == output, "\(outcome)")
        }
    }

    @Test func `what is enforced is said with -v, and stands first in the audit stream`() throws {
        let scratch = try Scratch()
        let options = ["--exec", "/usr", "--no-network", "-v", "--", "/bin/true"]
        let verbose = try run(options, in: scratch)
        #expect(verbose.errors.hasPrefix("swguard: confined by command-line: files "), "\(verbose)")
        let audited = try run(["--audit", "-"] + options, in: scratch)
        let first = audited.output.split(separator: "\n").first ?? ""
        #expect(
            first.contains(#""kind":"enforcement""#) && first.contains(#""reported":"partial""#), "\(audited)"
        )
    }
}
