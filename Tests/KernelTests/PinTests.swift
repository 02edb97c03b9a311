import CSwguardBPF
import Foundation
import Testing

extension AgentTests {
    /// What is enforced outlives the agent, and changes without a moment in between.
    @Suite(.serialized)
    final class PinTests {
        private static let pins = "/sys/fs/bpf/swguard"
        private static let state = "/var/lib/swguard"
        private static let secret = "/tmp/pinned-secret"

        private static func count(_ name: String, _ standard: Int) -> Int {
            ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
        }

        private static func policy(_ id: String, denies path: String = secret) -> String {
            """
            subjects: [{exec: \(Hammer.program)}]
            files:
              default: allow
              rules:
                - id: \(id)
                  deny: [read]
                  paths: [\(path)]
            """
        }

        init() throws {
            try Hammer.install()
            try Data("x".utf8).write(to: URL(filePath: Self.secret))
        }

        /// The set of programs in force.
        private var sets: [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: Self.pins)) ?? [])
                .filter { $0.hasPrefix("set-") }.sorted()
        }

        private func mayRead(_ path: String = secret) throws -> Bool {
            try Ended(Hammer.program, ["-S", "-E", "-c", "import sys; open(sys.argv[1])", path]).status == 0
        }

        /// How many denials of the policy were written or told to be missing.
        private struct Told {
            var written = 0
            var gaps: [String: Int] = [:]
            var rules: Set<String> = []

            var all: Int { written + gaps.values.reduce(0, +) }

            init(_ agent: RunningAgent) throws {
                for event in try agent.writtenEvents() {
                    let count = event["count"].flatMap { Int($0) } ?? 1
                    switch event["kind"] {
                    case "denial" where event["object", "path"] == PinTests.secret:
                        written += count
                        rules.insert(event["rule", "id"] ?? "")
                    case "gap": gaps[event["reason"] ?? "", default: 0] += count
                    default: break
                    }
                }
            }
        }

        @Test func `an agent that is killed leaves the kernel denying, and everything is accounted for`()
            throws
        {
            let agent = try RunningAgent(["pinned": Self.policy("first")])
            let before = sets
            let hammer = try Hammer(Self.secret)
            let kills = Self.count("SWGUARD_KILLS", 10)
            for _ in 0..<kills {
                usleep(UInt32.random(in: 0...400_000))
                agent.killAtOnce()
                try agent.start()
            }
            let result = try hammer.end()
            #expect(result.successes == 0 && result.tries > 1000, "\(result)")
            #expect(before.count == 1 && sets == before, "the same programs: \(sets)")
            // What is held is written, and what a killed one took is told.
            usleep(3_000_000)
            #expect(try agent.stop() == 0)
            #expect(agent.errors.contains("swguard agent --teardown"))
            #expect(try !mayRead())
            #expect(try agent.tearDown() == 0)
            let told = try Told(agent)
            // A line that was written when the agent was killed may be told of as missing, too: one a kill.
            let tries = result.tries + 1
            #expect((tries...(tries + kills)).contains(told.all), "\(tries) tries, \(told)")
            #expect(told.rules == ["first"])
            print("kills: \(kills), tries: \(tries), told: \(told)")
            #expect(!FileManager.default.fileExists(atPath: Self.pins))
            #expect(try FileManager.default.contentsOfDirectory(atPath: Self.state).isEmpty)
            #expect(try mayRead())
        }

        @Test func `policies change without a moment in between`() throws {
            let agent = try RunningAgent(["pinned": Self.policy("first")])
            let files = agent.directory.appending(path: "files")
            try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
            for id in ["one", "two"] {
                try RunningAgent.document("pinned", Self.policy(id)).write(
                    to: files.appending(path: "\(id).yaml"), atomically: false, encoding: .utf8)
            }
            let hammer = try Hammer(Self.secret)
            let swaps = Self.count("SWGUARD_SWAPS", 100)
            for number in 0..<swaps {
                let file = files.appending(path: number % 2 == 0 ? "one.yaml" : "two.yaml").path
                let ended = try agent.ask("load", file)
                #expect(ended.status == 0, "\(ended.output)")
            }
            let result = try hammer.end()
            #expect(result.successes == 0 && result.tries > 1000, "\(result)")
            #expect(try agent.result("status")["generation"] as? Int == 1 + swaps)
            usleep(3_000_000)
            let told = try Told(agent)
            #expect(told.all == result.tries, "\(result.tries) tries, \(told)")
            #expect(told.rules.isSubset(of: ["first", "one", "two"]))
            print("swaps: \(swaps), tries: \(result.tries), told: \(told)")
            try change(agent, files)
            // What was loaded is enforced by the next agent, too.
            agent.killAtOnce()
            try agent.start()
            #expect(try !mayRead("/etc/hostname"))
            #expect(try agent.end() == 0)
            #expect(try mayRead("/etc/hostname"))
        }

        /// All or nothing, back again, out, and by the directory alone.
        private func change(_ agent: RunningAgent, _ files: URL) throws {
            let many = files.appending(path: "many")
            try FileManager.default.createDirectory(at: many, withIntermediateDirectories: true)
            for number in 0..<10 {
                let text = Self.policy("many", denies: "/etc/hostname")
                try RunningAgent.document(
                    "many-\(number)", number == 7 ? text.replacing("[read]", with: "[raed]") : text
                ).write(
                    to: many.appending(path: "\(number).yaml"), atomically: false, encoding: .utf8)
            }
            let before = try #require(try agent.result("status")["generation"] as? Int)
            let bad = try agent.ask("load", many.path)
            #expect(bad.status == 2)
            #expect(bad.output.contains("/many/7.yaml:9:14: error: unknown access 'raed'"), "\(bad.output)")
            #expect(try agent.result("status")["generation"] as? Int == before)
            #expect(try mayRead("/etc/hostname") && !mayRead())
            try RunningAgent.document("host", Self.policy("host", denies: "/etc/hostname")).write(
                to: many.appending(path: "7.yaml"), atomically: false, encoding: .utf8)
            _ = try agent.writtenEvents()
            #expect(try agent.ask("load", many.appending(path: "7.yaml").path).status == 0)
            #expect(try !mayRead("/etc/hostname") && !mayRead())
            #expect(try agent.ask("rollback").status == 0)
            #expect(try mayRead("/etc/hostname") && !mayRead())
            #expect(try agent.ask("rollback").status == 0)
            #expect(try !mayRead("/etc/hostname") && !mayRead())
            let events = try agent.events { $0["change"] == "rolled-back" }
            let loaded = events.first { $0["change"] == "loaded" && $0["policy", "name"] == "host" }
            #expect(loaded?["by", "uid"] == "0" && loaded?["by", "pid"] != "\(agent.identifier)", "\(events)")
            #expect(try agent.ask("unload", "host").status == 0)
            #expect(try mayRead("/etc/hostname"))
            #expect(try agent.ask("unload", "host").status == 2)
            #expect(try agent.ask("load", many.appending(path: "7.yaml").path).status == 0)
            // Others may not.
            let other = try Ended(
                "/usr/bin/setpriv",
                ["--reuid", "65534", "--clear-groups", RunningAgent.program, "rollback"],
                environment: agent.environment)
            #expect(other.status == 3, "\(other.output)")
            // The directory, without anybody who says so.
            let said = agent.errors.count
            try RunningAgent.document("another", Self.policy("another", denies: "/etc/passwd")).write(
                to: agent.directory.appending(path: "another.yaml"), atomically: false, encoding: .utf8)
            for _ in 0..<200 where !agent.errors.dropFirst(said).contains("another") { usleep(50_000) }
            #expect(try !mayRead("/etc/passwd"))
            try FileManager.default.removeItem(at: agent.directory.appending(path: "another.yaml"))
        }

        @Test func `another build takes over under load, and so does one that finds no state`() throws {
            let agent = try RunningAgent(["pinned": Self.policy("first")])
            let hammer = try Hammer(Self.secret)
            let first = sets
            // The same programs under another licence are another build.
            let next = "/tmp/swguard-next"
            var bytes = try Data(contentsOf: URL(filePath: RunningAgent.program))
            let place = try #require(bytes.range(of: Data("Dual MIT/GPL\0".utf8)))
            bytes.replaceSubrange(place, with: Data("Dual BSD/GPL\0".utf8))
            try bytes.write(to: URL(filePath: next))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: next)
            agent.killAtOnce()
            try agent.start(next)
            let second = sets
            #expect(second.count == 1 && second != first, "\(first) \(second)")
            #expect(try !mayRead())
            // What is kept is damaged.
            agent.killAtOnce()
            let seed = Self.count("SWGUARD_SEED", 1)
            print("seed: \(seed)")
            for file in try FileManager.default.contentsOfDirectory(atPath: Self.state) {
                let file = URL(filePath: Self.state).appending(path: file)
                let bytes = try Data(contentsOf: file)
                try bytes.prefix(seed * 7919 % bytes.count).write(to: file)
            }
            try agent.start(next)
            #expect(agent.errors.contains("is missing, damaged or of another version"))
            #expect(sets.count == 1 && sets != second)
            let result = try hammer.end()
            #expect(result.successes == 0 && result.tries > 1000, "\(result)")
            _ = try agent.writtenEvents()
            #expect(try !mayRead())
            let events = try agent.events { $0["object", "path"] == Self.secret }
            #expect(events.contains { $0["rule", "id"] == "first" }, "\(events)")
            #expect(try agent.end() == 0)
            #expect(!FileManager.default.fileExists(atPath: Self.pins))
            // The kernel takes programs and what they consist of out by and by: what is left of them denies nothing.
            for _ in 0..<50 { #expect(try mayRead()) }
        }

        @Test func `what is not swguard's own is not used`() throws {
            let files = FileManager.default
            let directory = files.temporaryDirectory.appending(path: "pins-\(UUID().uuidString)")
            try files.createDirectory(at: directory, withIntermediateDirectories: true)
            let file = directory.appending(path: "pinned.yaml").path
            try RunningAgent.document("pinned", Self.policy("first")).write(
                toFile: file, atomically: false, encoding: .utf8)
            func refusal() throws -> String {
                let ended = try Ended(
                    RunningAgent.program, ["agent", file],
                    environment: ["SWGUARD_SOCKET": directory.appending(path: "control").path])
                #expect(ended.status == 3, "\(ended.output)")
                return ended.output
            }
            try files.createDirectory(
                atPath: Self.pins, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
            chmod(Self.pins, 0o777)
            #expect(try refusal().contains("is not root's alone"))
            chmod(Self.pins, 0o700)
            chown(Self.pins, 65534, 0)
            #expect(try refusal().contains("is not root's alone"))
            chown(Self.pins, 0, 0)
            mkdir(Self.pins + "/future-2", 0o700)
            #expect(try refusal().contains("is not this version's"))
            rmdir(Self.pins + "/future-2")
            rmdir(Self.pins)
            try files.createSymbolicLink(atPath: Self.pins, withDestinationPath: "/tmp")
            #expect(try refusal().contains("is not a directory"))
            unlink(Self.pins)
            // What an agent that was killed had not finished, and what has lost a part, is replaced.
            for path in ["", "/unfinished", "/unfinished/maps", "/set-4-\(SWGUARD_ABI)-0123456789abcdef"] {
                mkdir(Self.pins + path, 0o700)
            }
            let agent = try RunningAgent(["pinned": Self.policy("first")])
            #expect(agent.errors.contains("cannot take over 'set-4-\(SWGUARD_ABI)-0123456789abcdef'"))
            #expect(sets.count == 1 && sets.first?.hasPrefix("set-5-") == true, "\(sets)")
            #expect(try !mayRead())
            #expect(try agent.end() == 0)
            #expect(try mayRead())
        }
    }
}
