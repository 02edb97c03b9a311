import Foundation
import Testing

/// What rules say of reporting, `log` and all, and what the user is told of it.
@Suite(.landlock, .serialized) struct RunReportTests {
    /// Runs attacks under a policy of these sections, with the events that were written.
    private func run(
        _ sections: String, _ options: [String] = [], _ command: [String]
    ) throws -> (outcome: Swguard.Outcome, events: [[String: Any]]) {
        let scratch = try Scratch()
        let policy = try scratch.policy(sections)
        let audit = scratch.path + "/audit.jsonl"
        let run = ["run", "--policy", policy] + options
        let outcome = try Swguard.run(run + ["--"] + command, in: scratch.path)
        _ = try Swguard.run(run + ["--audit", audit, "--"] + command, in: scratch.path)
        let events = try String(contentsOfFile: audit, encoding: .utf8).split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        return (outcome, events)
    }

    private static let all = "{ allow: [read, execute, map], paths: [/**] }"

    // MARK: log: false

    /// Sections with a rule whose `log` is LOG, the command, and what a line says of it.
    static let quiet: [(sections: String, command: [String], said: String)] = [
        (
            "files: { rules: [ALL, { deny: [read], paths: [/etc/passwd], log: LOG }] }",
            ["/bin/sh", "-c", "read word < /etc/passwd"], "read /etc/passwd"
        ),
        (
            """
            network:
              rules:
                - { allow: [connect], endpoints: ["tcp:*:7"] }
                - { deny: [connect], endpoints: ["tcp:*:9"], log: LOG }
            """,
            ["ATTACKS", "connect", "9"], "connect tcp:127.0.0.1:9"
        ),
        (
            "syscalls: { default: allow, rules: [{ deny: [mkdir, mkdirat], log: LOG }] }",
            ["/bin/mkdir", "/tmp"], "system call mkdir"
        ),
    ]

    @Test(arguments: quiet, ["--explain", "--complain"])
    func `a deny that is not to be logged is not`(
        _ row: (sections: String, command: [String], said: String), _ option: String
    ) throws {
        let command = row.command.map { $0 == "ATTACKS" ? Swguard.attacks : $0 }
        for isLogged in [true, false] {
            let sections = row.sections.replacing("LOG", with: "\(isLogged)").replacing("ALL", with: Self.all)
            let (outcome, events) = try run(sections, [option], command)
            #expect(outcome.errors.contains(row.said) == isLogged, "\(isLogged) \(option): \(outcome)")
            #expect(events.contains { $0["kind"] as? String == "denial" } == isLogged, "\(events)")
        }
    }

    // MARK: log: true

    @Test func `a granted system call is reported where its rule asks for that`() throws {
        let sections = """
            syscalls: { default: allow, rules: [{ id: seen, allow: [mkdir, mkdirat], log: true }] }
            """
        let (outcome, events) = try run(sections, [], ["/bin/mkdir", "made"])
        #expect(outcome.status == 0 && outcome.errors.contains("granted mkdir["), "\(outcome)")
        let grant = try #require(events.first { $0["kind"] as? String == "grant" }, "\(events)")
        #expect(grant["action"] as? String == "syscall.mkdir" && grant["verdict"] as? String == "allow")
        #expect(grant["errno"] == nil && (grant["rule"] as? [String: String])?["id"] == "seen")
    }

    @Test func `the plan says what is never reported`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            "syscalls: { default: allow, rules: [{ id: seen, allow: [read, mkdir], log: true }] }")
        let plan = try Swguard.run(["plan", policy])
        let words = plan.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains("allows 2 calls; not reported: read"), "\(plan)")
    }

    // MARK: What ends a command

    @Test func `a command that a rule kills is told so, with the rule`() throws {
        let (outcome, _) = try run(
            "syscalls: { default: allow, rules: [{ id: lethal, deny: [mkdir, mkdirat], action: kill }] }", [],
            ["/bin/mkdir", "made"])
        #expect(outcome.status == 128 + SIGSYS, "\(outcome)")
        let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("swguard: ") }
        #expect(lines.count == 1, "\(outcome)")
        #expect(
            lines.first?.contains("lethal (") == true && lines.first?.contains("(abi)") == true, "\(outcome)")
    }

    @Test func `what Landlock denied is not spoken of where the policy gives it nothing to deny`() throws {
        let (outcome, _) = try run("operations: {}", [], ["/bin/false"])
        #expect(outcome.status == 1 && outcome.errors == "", "\(outcome)")
        let files = try run("files: { rules: [\(Self.all)] }", [], ["/bin/false"])
        #expect(files.outcome.errors.contains("--explain"), "\(files.outcome)")
    }

    @Test func `complaining, a kill is reported and goes on`() throws {
        let (outcome, events) = try run(
            "syscalls: { default: allow, rules: [{ id: lethal, deny: [mkdir, mkdirat], action: kill }] }",
            ["--complain"], ["/bin/mkdir", "made"])
        #expect(outcome.status == 0 && outcome.errors.contains("would deny mkdir["), "\(outcome)")
        #expect(events.contains { $0["verdict"] as? String == "would-deny" }, "\(events)")
    }

    @Test func `complaining, a call of a foreign ABI is reported and goes on`() throws {
        let (outcome, events) = try run(
            "syscalls: { default: allow }", ["--complain"], [Swguard.attacks, "int80-getpid"])
        // The machine may have no i386.
        if outcome.status != 0 { return }
        #expect(outcome.errors.contains("system call getpid by abi"), "\(outcome)")
        let event = try #require(events.first { $0["verdict"] as? String == "would-deny" }, "\(events)")
        #expect(event["action"] as? String == "syscall.getpid")
        #expect((event["rule"] as? [String: String]) == ["id": "abi"])
    }

    @Test func `a run inside a run says that nobody hears of its denials`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("syscalls: { default: allow, rules: [{ deny: [mkdir, mkdirat] }] }")
        let run = [Swguard.path, "run", "--policy", policy, "--"]
        let inner = try Swguard.command(run + run + ["/bin/mkdir", "made"], in: scratch.path)
        let text = "swguard: '/bin/mkdir' failed; it runs inside another run"
        #expect(inner.status == 1 && inner.errors.components(separatedBy: text).count == 2, "\(inner)")
        let outer = try Swguard.command(run + ["/bin/mkdir", "made"], in: scratch.path)
        #expect(outer.status == 1 && !outer.errors.contains("inside another run"), "\(outer)")
    }

    // MARK: Both

    @Test func `what is enforced is said with -v, wherever events go`() throws {
        let scratch = try Scratch()
        let outcome = try Swguard.run(
            [
                "run", "-v", "--audit", scratch.path + "/audit", "--deny-syscall", "ptrace", "--",
                "/bin/true",
            ])
        #expect(
            outcome.status == 0 && outcome.errors.contains("swguard: confined by command-line"), "\(outcome)")
    }
}
