import Foundation
import Testing

/// `check`, `test` and `explain`: what they print, and how they end.
@Suite struct CommandLineCheckTests {
    // MARK: check

    @Test func `good policies are ok, each on its line`() throws {
        let scratch = try Scratch()
        let (one, two) = (
            try scratch.policy("files: {}", name: "a.yaml"), try scratch.policy("", name: "b.yaml")
        )
        let outcome = try Swguard.run(["check", one, two])
        #expect(outcome.status == 0 && outcome.errors == "")
        #expect(outcome.output == "\(one): ok\n\(two): ok\n")
    }

    @Test func `a file's name reaches the terminal escaped`() throws {
        let scratch = try Scratch()
        _ = try scratch.policy("", name: "a\u{1b}[31m.yaml")
        let outcome = try Swguard.run(["check", "./a\u{1b}[31m.yaml"], in: scratch.path)
        #expect(outcome.status == 0 && !outcome.output.contains("\u{1b}"), "\(outcome)")
        #expect(outcome.output.hasSuffix("[31m.yaml: ok\n"), "\(outcome)")
    }

    @Test func `every diagnostic of every file, with caret and hint, by file and place`() throws {
        let scratch = try Scratch()
        try scratch.write(
            "web.yaml",
            """
            apiVersion: swguard/v1
            kind: Policy
            metadata: { name: web }
            files:
              rules:
                - allow: [raed]
                  paths: [/etc/**, etc]
                - deny: [write]
                  path: [/etc/shadow]
            """)
        _ = try scratch.policy("network: { familes: [unix] }", name: "other.yaml")
        _ = try scratch.policy("", name: "good.yaml")
        let outcome = try Swguard.run(["check", "web.yaml", "good.yaml", "other.yaml"], in: scratch.path)
        #expect(outcome.status == 1)
        #expect(outcome.output == "good.yaml: ok\n")
        #expect(
            outcome.errors.hasPrefix(
                """
                web.yaml:6:15: error: unknown access 'raed'
                    6 |     - allow: [raed]
                      |               ^~~~ did you mean 'read'?

                """), "\(outcome)")
        let places = outcome.errors.split(separator: "\n").filter { $0.contains(": error: ") }
            .map { $0.split(separator: ":").prefix(2).joined(separator: ":") }
        #expect(places.first == "web.yaml:6" && places.last == "other.yaml:4")
        let web = places.filter { $0.hasPrefix("web") }.compactMap { Int($0.dropFirst(9)) }
        #expect(web == web.sorted() && Set(web).isSuperset(of: [6, 7, 9]), "\(web)")
    }

    @Test func `a policy on standard input is read, and named`() throws {
        let outcome = try Swguard.run(
            ["check", "-"], input: "apiVersion: swguard/v1\nkind: Policy\nmetadata: { name: x }\n")
        #expect(outcome.status == 0 && outcome.output == "-: ok\n", "\(outcome)")
        let bad = try Swguard.run(["check", "-"], input: "kind: Polciy\n")
        #expect(bad.status == 1 && bad.errors.contains(":1:7: error: "), "\(bad)")
    }

    @Test func `what cannot be read ends with 2, and says why`() throws {
        let scratch = try Scratch()
        let good = try scratch.policy("")
        let outcome = try Swguard.run(["check", good, "./none.yaml"], in: scratch.path)
        #expect(outcome.status == 2)
        #expect(outcome.output == "\(good): ok\n")
        #expect(outcome.errors == "swguard: cannot read policy './none.yaml': no such file\n")
    }

    @Test func `names are looked up on the policy path, then at home, then among the built-in ones`() throws {
        let scratch = try Scratch()
        _ = try scratch.policy("files: {}", name: "first/web.yaml")
        _ = try scratch.policy("files: {", name: "home/.config/swguard/policies/web.yaml")
        _ = try scratch.policy("files: {}", name: "home/.config/swguard/policies/mine.yaml")
        let environment = ["SWGUARD_POLICY_PATH": scratch.path + "/first", "HOME": scratch.path + "/home"]
        let outcome = try Swguard.run(["check", "web", "mine"], environment: environment)
        #expect(outcome.status == 0 && outcome.output == "web: ok\nmine: ok\n", "\(outcome)")
        let missing = try Swguard.run(["check", "nowhere"], environment: environment)
        #expect(missing.status == 2)
        #expect(missing.errors.contains("\(scratch.path)/first, \(scratch.path)/home/.config"), "\(missing)")
    }

    @Test func `an include is found beside the file first, and named in what is wrong with it`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("include: [base/own]\nfiles: {}")
        _ = try scratch.policy("files: { rules: [{ allow: [raed], paths: [/x] }] }", name: "base/own.yaml")
        let bad = try Swguard.run(["check", policy])
        #expect(bad.status == 1 && bad.errors.contains("base/own.yaml:4:"), "\(bad)")
        _ = try scratch.policy("network: {}", name: "base/own.yaml")
        let unmediated = try Swguard.run(["check", policy])
        #expect(unmediated.status == 0 && unmediated.output == "\(policy): ok\n")
        #expect(unmediated.errors.contains("note: "), "the include's section stays unmediated: \(unmediated)")
    }

    @Test func `a pattern through a link is noted where the policy itself has it`() throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("real")
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path + "/link", withDestinationPath: scratch.path + "/real")
        let policy = try scratch.policy(
            "include: [base/runtime]\nfiles: { rules: [{ deny: all, paths: [\"\(scratch.path)/link/**\"] }] }"
        )
        let outcome = try Swguard.run(["check", policy])
        #expect(outcome.status == 0)
        #expect(outcome.errors.contains("leads through a link"))
        #expect(outcome.errors.contains("the rule also covers \(scratch.path)/real/**"))
        #expect(!outcome.errors.contains("base/runtime.yaml"), "\(outcome)")
    }

    @Test func `colour only on a terminal, and not under NO_COLOR`() throws {
        let scratch = try Scratch()
        try scratch.write("bad.yaml", "kind: Policy\n")
        let command = "\(Swguard.path) check bad.yaml"
        let script = ["/usr/bin/script", "-qec", command, "/dev/null"]
        let terminal = try Swguard.command(script, in: scratch.path, environment: ["NO_COLOR": ""])
        #expect(terminal.output.contains("\u{1b}["), "\(terminal)")
        let plain = try Swguard.command(script, in: scratch.path, environment: ["NO_COLOR": "1"])
        #expect(plain.output.contains("error: ") && !plain.output.contains("\u{1b}["))
        #expect(try !Swguard.run(["check", "bad.yaml"], in: scratch.path).errors.contains("\u{1b}["))
    }

    @Test func `a name cannot steer the terminal`() throws {
        let outcome = try Swguard.run(["check", "\u{1b}[2J"])
        #expect(outcome.status == 2 && !outcome.errors.contains("\u{1b}"))
    }

    // MARK: test

    @Test func `tests are counted, and a failed one named with its place`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            """
            files:
              rules: [{ id: keys, deny: [read], paths: [/k/**] }, { allow: [read], paths: [/**] }]
            tests:
              - allow: { file: /etc/hosts, access: [read] }
              - allow: { file: /k/x, access: [read] }
              - deny: { file: /k/x, access: [read], rule: other }
            """)
        let outcome = try Swguard.run(["test", policy])
        #expect(outcome.status == 1)
        #expect(
            outcome.output.contains("\(policy):8: failed: expected allow, got deny by keys\n"), "\(outcome)")
        #expect(outcome.output.contains("\(policy):9: failed: expected rule other, got deny by keys\n"))
        #expect(outcome.output.hasSuffix("\(policy): 1 passed, 2 failed\n"))
        let invalid = try Swguard.run(["test", try scratch.policy("files:", name: "bad.yaml")])
        #expect(invalid.status == 2 && invalid.errors.contains("bad.yaml:4:"))
    }

    @Test func `shipped policies pass their tests`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Swguard.policies)
            .filter { $0.hasSuffix(".yaml") }.sorted()
        let home = try Scratch()
        let outcome = try Swguard.run(
            ["test"] + names.map { "\(Swguard.policies)/\($0)" },
            in: try home.makeDirectory("project"),
            environment: ["HOME": home.path, "TMPDIR": try home.makeDirectory("tmp")])
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.output.split(separator: "\n").count == names.count)
    }

    @Test(
        .enabled("the README is in the checkout") {
            FileManager.default.isReadableFile(atPath: Swguard.repository.appending(path: "README.md").path)
        })
    func `the policy of the README is good, passes its test and denies what is shown`() throws {
        let readme = try String(contentsOf: Swguard.repository.appending(path: "README.md"), encoding: .utf8)
        let policy = try #require(readme.components(separatedBy: "```yaml\n").dropFirst().first)
        let scratch = try Scratch()
        try scratch.write("report.yaml", try #require(policy.components(separatedBy: "```").first))
        try scratch.makeDirectory("out")
        try scratch.write("report.py", "open('out/x', 'w').write('x')\nopen('/etc/shadow')\n")
        let tested = try Swguard.run(["test", "report.yaml"], in: scratch.path)
        #expect(tested.status == 0 && tested.output.hasSuffix("1 passed, 0 failed\n"), "\(tested)")
        let outcome = try Swguard.run(
            ["run", "--explain", "--policy", "report.yaml", "--", "/usr/bin/python3", "report.py"],
            in: scratch.path)
        #expect(outcome.status == 1, "\(outcome)")
        #expect(try String(contentsOfFile: scratch.path + "/out/x", encoding: .utf8) == "x")
        let shown = try #require(readme.split(separator: "\n").first { $0.hasPrefix("swguard: denied ") })
        let denial = try #require(shown.split(separator: "]:").last)
        #expect(outcome.errors.contains(denial), "\(outcome)")
    }

    // MARK: explain

    @Test func `the verdict stands with its rule, reason and what came close`() throws {
        let scratch = try Scratch()
        _ = try scratch.policy(
            """
            files:
              rules:
                - allow: [read]
                  paths: [/etc/nginx/**, /usr/share/nginx/**]
                - id: no-hashes
                  deny: [read, write]
                  paths: [/etc/shadow]
                  reason: password hashes never leave the host
            """, name: "web.yaml")
        let denied = try Swguard.run(
            ["explain", "web.yaml", "--file", "/etc/shadow", "--access", "read"], in: scratch.path)
        #expect(denied.status == 1)
        #expect(
            denied.output == """
                denied: read /etc/shadow
                  by no-hashes (web.yaml:8): deny [read, write] /etc/shadow
                  reason: password hashes never leave the host
                  near files.rules[0] (web.yaml:6): allow [read] /etc/nginx/**

                """)
        let two = try Swguard.run(
            ["explain", "web.yaml", "--file", "/etc/nginx/x", "--access", "read,write"], in: scratch.path)
        #expect(two.status == 1)
        #expect(
            two.output.hasPrefix(
                "allowed: read /etc/nginx/x\n  by files.rules[0] (web.yaml:6): allow [read] "))
        #expect(
            two.output.contains(
                """
                denied: write /etc/nginx/x
                  by files.default (web.yaml:4): deny what no rule allows
                  near files.rules[0] (web.yaml:6): allow [read] /etc/nginx/**
                """), "\(two)")
        let unmediated = try Swguard.run(
            ["explain", "web.yaml", "--connect", "tcp:192.0.2.1:25"], in: scratch.path)
        #expect(unmediated.status == 0)
        #expect(
            unmediated.output
                == "allowed: connect tcp:192.0.2.1:25\n  by no rule: the policy does not mediate it\n")
    }

    @Test(
        arguments: [
            (["--connect", "tcp:10.1.2.3:5432"], 0), (["--connect", "tcp:11.1.2.3:5432"], 1),
            (["--bind", "tcp:[::]:80"], 0), (["--listen", "tcp:0.0.0.0:81"], 1),
            (["--connect", "unix:/run/app/x.sock"], 0), (["--connect", "unix:@x"], 1),
            (["--operation", "signal"], 0), (["--operation", "mount"], 1),
            (["--operation", "writable-code"], 0),
            (["--capability", "setuid"], 0), (["--capability", "sys_admin"], 1),
            (["--syscall", "read"], 0), (["--syscall", "mount"], 1),
        ] as [([String], Int32)])
    func `every kind of request is answered`(_ question: [String], _ status: Int32) throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            """
            network:
              rules:
                - allow: [bind, listen]
                  endpoints: ["tcp:*:80"]
                - allow: [connect]
                  endpoints: ["tcp:10.0.0.0/8:5432", "unix:/run/app/*.sock"]
            capabilities: { allow: [setuid] }
            operations: { allow: [signal] }
            syscalls: { rules: [{ allow: ["@system-service"] }] }
            """)
        let outcome = try Swguard.run(["explain", policy] + question)
        #expect(outcome.status == status, "\(outcome)")
        #expect(outcome.output.hasPrefix(status == 0 ? "allowed: " : "denied: "))
    }

    @Test func `of several policies the oldest that denies is shown, and all where all grant`() throws {
        let scratch = try Scratch()
        let wide = try scratch.policy("files: { default: allow }", name: "wide.yaml")
        let narrow = try scratch.policy("files: {}", name: "narrow.yaml")
        let other = try scratch.policy("files: {}", name: "other.yaml")
        let denied = try Swguard.run(["explain", wide, narrow, other, "--file", "/x"])
        #expect(denied.status == 1)
        #expect(denied.output.contains("(\(narrow):4)") && !denied.output.contains("other.yaml"), "\(denied)")
        let granted = try Swguard.run(["explain", wide, wide, "--file", "/x"])
        #expect(granted.status == 0)
        #expect(granted.output.components(separatedBy: "allowed: read /x").count == 3)
    }
}
