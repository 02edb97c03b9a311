import Foundation
import Testing

/// A call that is handed over waits, and a signal can take it back: nothing may hang, fail otherwise, or be lost.
@Suite(.serialized) struct NotificationRaceTests {
    private static let calls = 500

    /// A signal every 150 us, as from a runtime that preempts its threads.
    @Test func `under a storm of signals each denied call fails as it should, and is counted once`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("operations: {}")
        let log = "\(scratch.path)/audit.jsonl"
        let outcome = try Swguard.run([
            "run", "--policy", policy, "--audit", log, "--", Swguard.attacks, "call-storm",
            String(Self.calls),
        ])
        #expect(outcome.status == EPERM, "\(outcome)")
        var counted = 0
        for line in try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") {
            let event = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            if event["kind"] as? String == "denial" { counted += event["count"] as? Int ?? 1 }
        }
        #expect(counted == Self.calls)
    }

    @Test func `under a storm of signals an observed call goes on as if nobody looked`() throws {
        let outcome = try Swguard.run([
            "run", "--bare", "--explain", "--exec", Swguard.attacks, "--read", "/dev/null", "--",
            Swguard.attacks,
            "open-storm", String(Self.calls),
        ])
        #expect(outcome.status == 0, "\(outcome)")
    }

    /// A lost close would leave an end of a pipe open, and its reader waiting; a lost fork a child too few.
    @Test(arguments: [[], ["--explain"]])
    func `pipelines with denied calls in them end`(_ options: [String]) throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            """
            files: { default: allow }
            operations: {}
            """)
        let script =
            "i=0; while [ $i -lt 15 ]; do echo line | (\"$0\" call-storm 20 2>/dev/null; cat) | cat | cat; i=$((i+1)); done"
        let outcome = try Swguard.run(
            ["run", "--policy", policy, "--allow-partial"] + options
                + ["--", "/bin/sh", "-c", script, Swguard.attacks], limit: 60)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.output == String(repeating: "line\n", count: 15), "\(outcome)")
    }

    @Test func `threads start where namespaces are denied, and each is confined`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("network: {}")
        let outcome = try Swguard.run(["run", "--policy", policy, "--", Swguard.attacks, "threads", "16"])
        #expect(outcome.status == EPERM, "\(outcome)")
    }

    /// What the supervisor would answer nobody answers any more: it fails, and is not let through.
    @Test func `who outlives the supervisor gets no answer but a refusal`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("operations: {}")
        let found = "\(scratch.path)/found"
        let script =
            "(while test -d \"/proc/$PPID\"; do sleep 0.05; done; setsid \"$0\" unshare; echo $? >\"$1.new\"; mv \"$1.new\" \"$1\") & exec sleep 30"
        let run = try RunHarness.start([
            Swguard.path, "run", "--policy", policy, "--", "/bin/sh", "-c", script, Swguard.attacks, found,
        ])
        usleep(300_000)
        run.send(SIGKILL)
        #expect(run.wait() == .killed(SIGKILL))
        #expect(RunHarness.eventually { FileManager.default.fileExists(atPath: found) })
        let status = try String(contentsOfFile: found, encoding: .utf8)
        #expect(status == "\(ENOSYS)\n")
    }
}
