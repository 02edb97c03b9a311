import Foundation
import Testing

/// What `--format json` prints, against the published schemas.
@Suite struct CommandLineFormatTests {
    /// Whether python3-jsonschema accepts `document` by the schema of `command`; what it says otherwise.
    private func complaint(about document: String, command: String) throws -> String? {
        let schema = Swguard.repository.appending(path: "audit/schema/cli/\(command).json").path
        let check = """
            import json, sys, jsonschema
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            jsonschema.Draft202012Validator(schema).validate(json.load(sys.stdin))
            """
        let outcome = try Swguard.command(["/usr/bin/python3", "-c", check, schema], input: document)
        return outcome.status == 0 ? nil : outcome.errors
    }

    private static let policy = """
        files:
          rules:
            - { id: etc, allow: [read], paths: [/etc/**, /nowhere] }
            - { deny: [read], paths: [/etc/shadow], reason: "a \\"quoted\\" reason" }
        network: { rules: [{ allow: [connect], endpoints: ["tcp:10.0.0.0/8:443"], coarse: true }] }
        capabilities: { allow: [chown] }
        operations: { allow: [signal] }
        syscalls: { rules: [{ allow: ["@system-service"] }] }
        tests:
          - allow: { file: /etc/hosts, access: [read] }
          - deny: { file: /etc/hosts, access: [read] }
        """

    @Test(
        .enabled("the schemas are in the checkout") {
            FileManager.default.isReadableFile(
                atPath: Swguard.repository.appending(path: "audit/schema/cli/check.json").path)
        },
        arguments: [
            (["check", "good.yaml"], 0), (["check", "bad.yaml", "good.yaml"], 1),
            (["check", "bad.yaml", "none"], 2),
            (["test", "good.yaml"], 1), (["test", "bad.yaml"], 2),
            (["explain", "good.yaml", "--file", "/etc/shadow", "--access", "read,write"], 1),
            (["explain", "good.yaml", "good.yaml", "--syscall", "read"], 0),
            (["explain", "empty.yaml", "--operation", "signal"], 0),
            (["explain", "bad.yaml", "--file", "/x"], 2),
            (["plan", "good.yaml", "empty.yaml"], 0), (["plan", "good.yaml", "--strict"], 1),
            (["plan", "bad.yaml"], 2),
            (["compile", "good.yaml", "-o", "x.plan"], 0), (["compile", "bad.yaml", "-o", "y.plan"], 2),
            (["inspect", "good.plan"], 0), (["inspect", "empty.plan"], 0),
            (["export", "systemd", "good.yaml"], 0), (["export", "systemd", "empty.yaml"], 1),
            (["export", "systemd", "bad.yaml"], 2),
            (["import", "apparmor", "good.profile"], 0), (["import", "apparmor", "limit.profile"], 1),
            (["import", "apparmor", "limit.profile", "--allow-partial"], 0),
            (["import", "apparmor", "good.yaml"], 2), (["import", "apparmor", "none.profile"], 2),
            (["import", "apparmor", "good.profile", "--name", "A"], 2),
            (["doctor"], 0), (["status"], 3), (["policies"], 3), (["ps"], 3),
            (["load", "good.yaml"], 3), (["load", "none.yaml"], 2), (["unload", "good"], 3), (["reload"], 3),
            (["rollback"], 3),
            // What cannot be read, what cannot be written, and what is no request.
            (["explain", "./none.yaml", "--file", "/x"], 2), (["plan", "./none.yaml"], 2),
            (["test", "./none.yaml"], 2), (["compile", "./none.yaml", "-o", "x.plan"], 2),
            (["inspect", "none.plan"], 2), (["inspect", "good.yaml"], 2),
            (["compile", "good.yaml", "-o", "none/x.plan"], 2),
            (["explain", "good.yaml", "--file", "x"], 2), (["explain", "good.yaml"], 2),
            (["explain", "good.yaml", "--connect", "tcp:*:1"], 2),
            (["plan", "good.yaml", "--backend", "x"], 2),
            (["check"], 2), (["compile", "good.yaml"], 2), (["inspect"], 2), (["doctor", "x"], 2),
            (["export", "systemd"], 2),
        ] as [([String], Int32)])
    func `every result is one object that its schema accepts`(_ arguments: [String], _ status: Int32) throws {
        let scratch = try Scratch()
        _ = try scratch.policy(Self.policy, name: "good.yaml")
        _ = try scratch.policy("", name: "empty.yaml")
        _ = try scratch.policy("files: { rules: [{ allow: [raed], paths: [etc] }] }", name: "bad.yaml")
        _ = try scratch.write("good.profile", "/usr/bin/it {\n  /etc/hosts r,\n}\n")
        _ = try scratch.write("limit.profile", "/usr/bin/it {\n  deny /etc/hosts k,\n}\n")
        for name in ["good", "empty"] where arguments[0] == "inspect" && status == 0 {
            #expect(
                try Swguard.run(["compile", "\(name).yaml", "-o", "\(name).plan"], in: scratch.path).status
                    == 0)
        }
        // An agent that runs here is none of this test's.
        let outcome = try Swguard.run(
            arguments + ["--format", "json"], in: scratch.path,
            environment: ["SWGUARD_SOCKET": scratch.path + "/none"])
        #expect(outcome.status == status, "\(outcome)")
        #expect(outcome.output.hasSuffix("}\n") && outcome.output.split(separator: "\n").count == 1)
        if status == 2 {
            let isTold =
                !outcome.output.contains(#""diagnostics":[]"#) || outcome.output.contains(#""unreadable":""#)
            #expect(isTold && outcome.output.contains(#""result":"#), "\(outcome)")
        }
        let complaint = try complaint(about: outcome.output, command: arguments[0])
        #expect(complaint == nil, "\(outcome.output)\n\(complaint ?? "")")
    }

    @Test func `diagnostics stand in the object, none on standard error`() throws {
        let scratch = try Scratch()
        _ = try scratch.policy("files: { rules: [{ allow: [raed], paths: [/x] }] }", name: "bad.yaml")
        let outcome = try Swguard.run(["check", "bad.yaml", "--format", "json"], in: scratch.path)
        #expect(outcome.errors == "")
        #expect(
            outcome.output.contains(
                #"{"file":"bad.yaml","line":4,"column":28,"length":4,"severity":"error","#
                    + #""text":"unknown access 'raed'","hint":"did you mean 'read'?"}"#), "\(outcome.output)")
    }

    @Test func `a path is called a path`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("files: {}")
        for (path, text) in [
            ("etc/x", "'etc/x' is no path of an object: it is not absolute, it must begin with '/'"),
            ("/etc//x", "'/etc//x' is no path of an object: an empty component"),
            ("/etc/../x", "'/etc/../x' is no path of an object: a component '..'"),
            ("", "'' is no path of an object: it is not absolute, it must begin with '/'"),
        ] {
            let outcome = try Swguard.run(["explain", policy, "--file", path], in: scratch.path)
            #expect(outcome.status == 2)
            #expect(outcome.errors.hasPrefix("swguard: \(text)\n"), "\(outcome)")
        }
    }

    @Test func `a rule that denies what every command may need is told`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            "syscalls: { default: allow, rules: [{ deny: [exit_group, mkdir] }, { deny: [mmap], when: [arg2 == 7] }] }"
        )
        let check = try Swguard.run(["check", policy])
        #expect(check.status == 0)
        #expect(
            check.errors.contains("warning: 'exit_group' is denied, which every command may need"), "\(check)"
        )
        #expect(check.errors.split(separator: "\n").count { $0.contains("warning:") } == 1)
        let plan = try Swguard.run(["plan", policy])
        #expect(plan.output.contains("denies 2 calls; of these every command may need exit_group"), "\(plan)")
        let explained = try Swguard.run(["explain", policy, "--syscall", "exit_group"])
        #expect(explained.status == 1 && explained.output.contains("by syscalls.rules[0]"), "\(explained)")
        // By the call itself: the C library ends the process by exit(2) where this fails.
        let call =
            "import ctypes; c = ctypes.CDLL(None, use_errno=True); print(c.syscall(231, 3), ctypes.get_errno())"
        let run = try Swguard.run(["run", "--policy", policy, "--", "/usr/bin/python3", "-c", call])
        #expect(run.output == "-1 1\n", "\(run)")
    }
}
