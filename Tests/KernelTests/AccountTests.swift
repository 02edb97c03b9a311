import Foundation
import Testing

extension AgentTests {
    /// For each policy, decided = written + aggregated + dropped by cause, exactly, whatever happens to the agent and its log.
    @Suite(.serialized)
    final class AccountTests {
        private static let files = 2500
        private static let policies = ["one", "two"]

        init() throws { try Storm.install(files: Self.files) }

        private static func agent(_ audit: String, pipe: Pipe? = nil) throws -> RunningAgent {
            try RunningAgent(
                Dictionary(
                    uniqueKeysWithValues: zip(policies, Storm.programs).map { ($0, Storm.policy(on: $1)) }),
                configuration: "audit: {\(audit)}", pipe: pipe)
        }

        /// Waits until nothing is left to be told of.
        private static func settled(_ agent: RunningAgent) throws -> [[String: Int]] {
            for _ in 0..<1200 {
                let status = try agent.result("status")
                let counts = try policies.map { try agent.counts($0) }
                if counts.allSatisfy({ $0["waiting"] == 0 }), status["unwritten"] as? Int == 0 {
                    return counts
                }
                usleep(100_000)
            }
            throw RunningAgent.Failure(text: "it does not come to rest: \(try agent.counts())")
        }

        /// What the kernel, the agent and the log say of a policy is the same, cause by cause.
        private static func compare(
            _ policy: String, tries: Int, _ counts: [String: Int], _ told: Told,
            _ location: SourceLocation = #_sourceLocation
        ) {
            let reasons = ["ring", "rate", "disk", "restart"]
            #expect(counts["decided"] == tries, "\(policy): \(counts)", sourceLocation: location)
            #expect(told.all(policy) == tries, "\(policy): \(tries) tries, \(told)", sourceLocation: location)
            #expect(
                counts["decided"]
                    == (["written", "aggregated"] + reasons).reduce(0) { $0 + (counts[$1] ?? 0) },
                "\(policy): \(counts)", sourceLocation: location)
            #expect(
                counts["written"] == told.lines[policy, default: 0]
                    && counts["aggregated"] == told.counted[policy, default: 0]
                        - told.lines[policy, default: 0],
                "\(policy): \(counts), \(told)", sourceLocation: location)
            for reason in reasons {
                #expect(
                    counts[reason] == told.gap(policy, reason), "\(policy), \(reason): \(counts), \(told)",
                    sourceLocation: location)
            }
        }

        @Test func `ten times what the ring and the writer take is told to the last decision`() throws {
            let pipe = Pipe()
            let agent = try Self.agent("file: none, stdout: true, buffer: 64KiB", pipe: pipe)
            let reader = LateReader(pipe.fileHandleForReading)
            // Each process fills a third of the ring, and nobody reads it.
            kill(agent.identifier, SIGSTOP)
            var storms = try Storm.programs.map { try Storm($0, processes: 3, files: Self.files) }
            var tries = try storms.map { try $0.end() }
            kill(agent.identifier, SIGCONT)
            // Many times what has room until the reader begins.
            storms = try Storm.programs.map { try Storm($0, processes: 2, files: Self.files, rounds: 2) }
            for (index, storm) in storms.enumerated() {
                let more = try storm.end()
                tries[index].tries += more.tries
                tries[index].successes += more.successes
            }
            reader.begin()
            let counts = try Self.settled(agent)
            #expect(try agent.stop() == 0)
            let told = Told(try reader.events())
            print("tries: \(tries), counts: \(counts), told: \(told)")
            #expect(told.hasNoHoles)
            for (index, policy) in Self.policies.enumerated() {
                #expect(tries[index].successes == 0)
                Self.compare(policy, tries: tries[index].tries, counts[index], told)
                #expect(told.gap(policy, "ring") > 0 && told.gap(policy, "disk") > 0, "\(told)")
            }
            let verified = try Ended(RunningAgent.program, ["audit", "verify", reader.path])
            #expect(verified.status == 0 && verified.output.hasPrefix("whole: "), "\(verified.output)")
            #expect(try agent.end() == 0)
        }

        @Test func `what a killed agent, a full disk and a rate have cost is told by the next one, once`()
            throws
        {
            let disk = "/tmp/account-disk"
            mkdir(disk, 0o755)
            try #require(mount("none", disk, "tmpfs", 0, "size=256k,mode=755") == 0)
            defer { umount2(disk, Int32(MNT_DETACH)) }
            let log = disk + "/audit.jsonl"
            let agent = try Self.agent("file: \(log), buffer: 64KiB, rate: 700")
            var tries = [0, 0]
            func storm(_ kills: Int) throws {
                let storms = try Storm.programs.map { try Storm($0, processes: 1, files: Self.files) }
                for _ in 0..<kills {
                    usleep(UInt32.random(in: 0...300_000))
                    agent.killAtOnce()
                    try agent.start()
                }
                for (index, storm) in storms.enumerated() {
                    let result = try storm.end()
                    #expect(result.successes == 0)
                    tries[index] += result.tries
                }
            }
            try storm(2)
            // By now the disk is full, or it is soon; and who knows of it is killed.
            for _ in 0..<40 where try agent.result("status")["unwritten"] as? Int == 0 { try storm(0) }
            #expect(try agent.result("status")["unwritten"] as? Int != 0)
            agent.killAtOnce()
            try agent.start()
            try storm(1)
            try #require(mount("none", disk, "tmpfs", UInt(MS_REMOUNT), "size=64m,mode=755") == 0)
            try storm(3)
            let counts = try Self.settled(agent)
            #expect(try agent.stop() == 0)
            let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
            let told = Told(try lines.map { try Event(String($0)) })
            print("tries: \(tries), counts: \(counts), told: \(told)")
            #expect(told.hasNoHoles)
            for (index, policy) in Self.policies.enumerated() {
                Self.compare(policy, tries: tries[index], counts[index], told)
                #expect(told.gap(policy, "rate") > 0 && told.gap(policy, "disk") > 0, "\(told)")
            }
            #expect(Self.policies.contains { told.gap($0, "restart") > 0 })
            let verified = try Ended(RunningAgent.program, ["audit", "verify", log])
            #expect(verified.status == 0 && verified.output.hasPrefix("whole: "), "\(verified.output)")
            #expect(try agent.end() == 0)
        }
    }
}

/// Reads what an agent writes, from when it may on.
private final class LateReader: @unchecked Sendable {
    let path = FileManager.default.temporaryDirectory.appending(path: "late-\(UUID().uuidString).jsonl").path
    private let source: FileHandle
    private let mayBegin = DispatchSemaphore(value: 0)
    private let hasEnded = DispatchSemaphore(value: 0)

    init(_ source: FileHandle) {
        self.source = source
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        Thread { [self] in
            let output = FileHandle(forWritingAtPath: path)
            var buffer = [UInt8](repeating: 0, count: 4096)
            mayBegin.wait()
            while case let count = read(source.fileDescriptor, &buffer, buffer.count), count > 0 {
                output?.write(Data(buffer[..<count]))
            }
            hasEnded.signal()
        }.start()
    }

    func begin() { mayBegin.signal() }

    /// All that was written, when nobody writes any more.
    func events() throws -> [Event] {
        hasEnded.wait()
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            .map { try Event(String($0)) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
