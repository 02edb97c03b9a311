import Foundation
import Testing

/// `run --explain`: what Landlock denied is told, what it let through is not, whatever the policy says of it.
@Suite(.landlock, .serialized) struct ExplainTests {
    /// One command under a policy, and the line that must be said of it; `D` is the test's directory.
    struct Case: CustomTestStringConvertible, Sendable {
        var title: String
        var rules: String
        var command: [String]
        /// What is said behind `denied NAME[N]: `; nil: nothing is.
        var line: String?
        var testDescription: String { title }
    }

    /// What the commands need themselves, in lines 5 and 6; the rule of the case is in line 7.
    private static let run =
        #"{ allow: [read, execute, map], paths: [/usr/**, /bin/**, /lib/**, /lib64/**, ATTACKS] }"#
    private static let shell =
        #"{ allow: [read, write], paths: [/dev/null, /etc/ld.so.cache, /proc/self/maps] }"#

    static let cases: [Case] = [
        Case(
            title: "a directory that is granted in parts is listed",
            rules: "{ allow: [read], paths: [D/tree/**] }, { deny: [read], paths: [D/tree/secret/**] }",
            command: ["ATTACKS", "list", "D/tree"],
            line: "read D/tree by Landlock: files.rules[2] (policy.yaml:7) grants it, "
                + "but Landlock lists a directory only where everything beneath it is granted"),
        Case(
            title: "a new file in such a directory is read",
            rules:
                "{ allow: [read, write, create], paths: [D/tree/**] }, { deny: [read], paths: [D/tree/secret/**] }",
            command: ["/bin/sh", "-c", "echo x > D/tree/new; read word < D/tree/new"],
            line: "read D/tree/new by Landlock: files.rules[2] (policy.yaml:7) grants it, "
                + "but it was not there, or was another, when the command was confined"),
        Case(
            title: "a name is made that is granted by itself",
            rules: "{ allow: [write, create], paths: [D/tree/new] }",
            command: ["ATTACKS", "create", "D/tree/new"],
            line: "write, create D/tree/new by Landlock: files.rules[2] (policy.yaml:7) grants it, "
                + "but it was not there, or was another, when the command was confined"),
        Case(
            title: "a name is removed that is granted by itself",
            rules: "{ allow: [remove], paths: [D/tree/file] }",
            command: ["ATTACKS", "unlink", "D/tree/file"],
            line: "remove D/tree/file by Landlock: files.rules[2] (policy.yaml:7) grants it, "
                + "but Landlock grants names only by the directory, and of this one not everything is granted"
        ),
        Case(
            title: "a file is executed that may not be read",
            rules: "{ allow: [execute], paths: [D/tree/file] }",
            command: ["ATTACKS", "execute", "D/tree/file"],
            line: "execute D/tree/file by Landlock: files.rules[2] (policy.yaml:7) grants it, "
                + "but Landlock starts a file only where it may also be read"),
        Case(
            title: "a child reads what stands for another directory in each process",
            rules: "{ allow: [read], paths: [/proc/self/**] }",
            command: ["/bin/sh", "-c", "(read word < /proc/self/status); :"],
            line: "read /proc/self/status by Landlock: files.rules[2] (policy.yaml:7) grants it, "
                + "but Landlock grants /proc/self to the first process only"),
        Case(
            title: "a file would gain by its new name",
            rules:
                "{ allow: [create, remove], paths: [D/tree/**, D/other/**] }, { allow: [write], paths: [D/other/**] }",
            command: ["ATTACKS", "rename", "D/tree/file", "D/other/file"],
            line: "create D/other/file by no-gain: the new name would give what the old one does not"),
        Case(
            title: "a file is read that no rule grants",
            rules: "{ allow: [read], paths: [D/other/**] }",
            command: ["ATTACKS", "read", "D/tree/file"],
            line:
                "read D/tree/file by files.default (policy.yaml:4); to allow: allow: [read], paths: [D/tree/file]"
        ),
        // What Landlock does not see goes through: nothing was denied.
        Case(
            title: "a mode is changed that the policy denies",
            rules: "{ allow: [read], paths: [D/other/**] }", command: ["ATTACKS", "chmod", "D/tree/file"]),
        Case(
            title: "a directory is watched that the policy denies",
            rules: "{ allow: [read], paths: [D/other/**] }", command: ["ATTACKS", "watch", "D/tree"]),
        Case(
            title: "a file is moved beside itself",
            rules: "{ allow: [read, create, remove], paths: [D/tree/**] }",
            command: ["ATTACKS", "rename", "D/tree/file", "D/tree/new"]),
    ]

    @Test(arguments: cases) func `what Landlock does is what is told`(_ row: Case) throws {
        let scratch = try Scratch()
        try scratch.write("tree/secret/key")
        try scratch.makeDirectory("other")
        chmod(try scratch.write("tree/file"), 0o755)
        let place = { (text: String) in
            text.replacing("D/", with: scratch.path + "/").replacing("ATTACKS", with: Swguard.attacks)
        }
        let rules = [Self.run, Self.shell, row.rules].map(place).joined(separator: ",\n")
        _ = try scratch.policy("files: { rules: [\n\(rules)] }")
        let audit = scratch.path + "/audit.jsonl"
        let options = ["run", "--explain", "--policy", "policy.yaml"]
        let told = try Swguard.run(options + ["--"] + row.command.map(place), in: scratch.path)
        let denials = told.errors.split(separator: "\n").filter { $0.hasPrefix("swguard: denied ") }
        #expect(denials.count == (row.line == nil ? 0 : 1), "\(told)")
        #expect((told.status == 0) == (row.line == nil) || row.command[0] == "/bin/sh", "\(told)")
        guard let line = row.line else { return }
        #expect(denials.first?.hasSuffix("]: " + place(line)) == true, "\(told)")

        // The same as an event; what the command left behind is taken away first.
        try? FileManager.default.removeItem(atPath: scratch.path + "/tree/new")
        _ = try Swguard.run(options + ["--audit", audit, "--"] + row.command.map(place), in: scratch.path)
        let events = try String(contentsOfFile: audit, encoding: .utf8).split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        let event = try #require(events.first { $0["kind"] as? String == "denial" })
        #expect(event["layer"] as? String == "landlock" && event["verdict"] as? String == "deny")
        let isMove = line.contains("no-gain")
        #expect(event["errno"] as? String == (isMove ? "EXDEV" : "EACCES"))
        let rule = try #require(event["rule"] as? [String: String])
        #expect(rule["id"].map(line.contains) == true)
        #expect(rule["source"].map { line.contains($0) } ?? isMove, "\(rule)")
        let denied = try #require(event["denied"] as? [String])
        #expect(line.hasPrefix(denied.joined(separator: ", ") + " "), "\(denied)")
    }

    @Test func `an address that Landlock does not tell from a granted one is not denied`() throws {
        let scratch = try Scratch()
        _ = try scratch.policy(
            #"network: { rules: [{ allow: [connect], endpoints: ["tcp:10.0.0.0/8:9"], coarse: true }] }"#)
        let attempt = { (port: String) in
            try Swguard.run(
                ["run", "--explain", "--policy", "policy.yaml", "--", Swguard.attacks, "connect", port],
                in: scratch.path)
        }
        let passed = try attempt("9")
        #expect(passed.status == ECONNREFUSED && !passed.errors.contains("denied"), "\(passed)")
        let denied = try attempt("7")
        #expect(denied.status == EACCES, "\(denied)")
        #expect(
            denied.errors.contains("connect tcp:127.0.0.1:7 by network.default (policy.yaml:4)"), "\(denied)")
    }

    @Test func `a socket is bound where the network rules grant its name`() throws {
        let scratch = try Scratch()
        _ = try scratch.policy(
            #"network: { rules: [{ allow: [connect], endpoints: ["unix:/**"] }] }"#)
        let bind = { (name: String) in
            "import socket; socket.socket(socket.AF_UNIX).bind('\(scratch.path)/\(name)')"
        }
        let run = ["run", "--explain", "--policy", "policy.yaml", "--", "/usr/bin/python3", "-c"]
        let denied = try Swguard.run(run + [bind("s")], in: scratch.path)
        #expect(
            denied.errors.contains("]: bind unix:\(scratch.path)/s by network.default (policy.yaml:4)"),
            "\(denied)")
        #expect(
            denied.errors.split(separator: "\n").filter { $0.contains("swguard: denied") }.count == 1,
            "\(denied)")
        let made = try Swguard.run(run + ["import os; os.mkdir('\(scratch.path)/d')"], in: scratch.path)
        #expect(made.status == 0 && !made.errors.contains("denied"), "\(made)")
    }

    @Test(.enabled("only root may write there at all") { geteuid() == 0 })
    func `a file that names a program of the kernel's is kept by the operation`() throws {
        let scratch = try Scratch()
        _ = try scratch.policy("operations: {}")
        let outcome = try Swguard.run(
            [
                "run", "--explain", "--policy", "policy.yaml", "--", Swguard.attacks, "write",
                "/proc/sys/kernel/core_pattern",
            ], in: scratch.path)
        #expect(outcome.status == EACCES)
        #expect(
            outcome.errors.contains(
                "write /proc/sys/kernel/core_pattern by operations.default; to allow: operations: {allow: [kernel-helper]}"
            ), "\(outcome)")
    }

    @Test func `where a policy complains, an older one still denies`() throws {
        let scratch = try Scratch()
        try scratch.write("tree/secret/key")
        let attacks = "{ allow: [read, execute, map], paths: [\(Swguard.attacks)] }"
        let strict = try scratch.policy("files: { rules: [\(attacks)] }", name: "strict.yaml")
        let lax = try scratch.policy("mode: complain\nfiles: { rules: [\(attacks)] }", name: "lax.yaml")
        let attempt = { (policies: [String]) in
            try Swguard.run(
                ["run", "--explain"] + policies.flatMap { ["--policy", $0] }
                    + ["--", Swguard.attacks, "read", scratch.path + "/tree/secret/key"])
        }
        let both = try attempt([lax, strict])
        #expect(both.status == EACCES && both.errors.contains("swguard: denied attacks["), "\(both)")
        let one = try attempt([lax])
        #expect(one.status == 0 && one.errors.contains("swguard: would deny attacks["), "\(one)")
    }
}
