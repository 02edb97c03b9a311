import Foundation
import Testing

/// `run --exec-only`: swguard is gone when the command runs, and so is whatever would have needed it.
@Suite(.landlock) struct ExecOnlyTests {
    private static let rules = ["run", "--exec", "/", "--write", "/", "--allow-partial", "--exec-only"]

    @Test(arguments: ["--explain", "--complain"])
    func `what must be observed is refused`(_ option: String) throws {
        let outcome = try Swguard.run(Self.rules + [option, "--", "true"])
        #expect(outcome.status == 125, "\(outcome)")
        #expect(outcome.errors.contains("cannot observe 'true' with --exec-only"), "\(outcome)")
    }

    @Test func `a policy that complains is refused`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("mode: complain\nnetwork: {}")
        let outcome = try Swguard.run(["run", "--exec-only", "--policy", policy, "--", "true"])
        #expect(outcome.status == 125, "\(outcome)")
    }

    @Test func `the first record stands, and says that nothing is reported`() throws {
        let scratch = try Scratch()
        let log = scratch.path + "/audit.jsonl"
        let outcome = try Swguard.run(Self.rules + ["--audit", log, "--", "sh", "-c", "echo $$; exit 3"])
        #expect(outcome.status == 3, "\(outcome)")
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        try #require(lines.count == 1, "\(lines)")
        let event = try #require(JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        #expect(event["state"] as? String == "began" && event["reported"] as? String == "none")
        let process = try #require(event["process"] as? [String: Any])
        #expect((process["pid"] as? Int).map { "\($0)\n" } == outcome.output, "the command is that process")
    }

    @Test func `a command that is not there ends the record`() throws {
        let scratch = try Scratch()
        let log = scratch.path + "/audit.jsonl"
        let outcome = try Swguard.run(Self.rules + ["--audit", log, "--", "/nonexistent"])
        #expect(outcome.status == 127, "\(outcome)")
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2 && lines.last?.contains(#""state":"ended""#) == true, "\(lines)")
    }

    @Test func `events for a standard output that is closed are refused`() throws {
        let run = try RunHarness.start(
            RunHarness.wrapped(["true"], options: ["--audit", "-"]), .init(closed: [1]))
        #expect(run.wait() == .exited(125), "\(run.complaints)")
        #expect(run.complaints.contains("cannot write events to standard output: it is not open"))
    }
}
