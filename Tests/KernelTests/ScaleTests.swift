import Foundation
import Testing

extension AgentTests {
    /// Many policies at once: SWGUARD_POLICIES of them (800; at most 4,096), with 100,000 rules in all where they are 4,096.
    @Suite(.serialized)
    final class ScaleTests {
        private static let root = "/scale"
        /// As many as a generation can have.
        private static let most = 4096
        private static let rules = 100_000
        private static let count = min(
            most,
            ProcessInfo.processInfo.environment["SWGUARD_POLICIES"].flatMap(Int.init) ?? 800)

        private static func policy(_ number: Int) -> String {
            let count = rules / most + (number < rules % most ? 1 : 0)
            let grants = (1..<count).map {
                "\n    - {allow: [read, write], paths: [/data/\(number)/\($0)/**]}"
            }
            return """
                subjects: [{exec: \(root)/p\(number)}]
                files:
                  default: allow
                  rules:
                    - {id: secret\(number), deny: [read], paths: [\(root)/secret\(number)]}\(grants.joined())
                """
        }

        init() throws {
            let script = """
                mkdir -p \(Self.root) && mount -t tmpfs none \(Self.root) && cd \(Self.root)
                for n in 0 \(Self.count - 1); do cp /usr/bin/cat p$n; echo x >secret$n; done
                """
            #expect(try Child("/bin/sh", "-e", "-c", script).wait() == 0)
        }

        deinit { _ = try? Child("/usr/bin/umount", "--lazy", Self.root).wait() }

        /// The last policy's denial, and the first one's; neither denies what the other does.
        private func check(_ agent: RunningAgent, _ what: String) throws {
            let last = Self.count - 1
            for (own, other) in [(0, last), (last, 0)] {
                let program = "\(Self.root)/p\(own)"
                #expect(try Ended(program, ["\(Self.root)/secret\(own)"]).status != 0, "\(what): p\(own)")
                let events = try agent.events { $0["policy", "name"] == "p\(own)" && $0["kind"] == "denial" }
                #expect(
                    events.contains { $0["rule", "id"] == "secret\(own)" }, "\(what): \(events.suffix(3))")
                #expect(try Ended(program, ["\(Self.root)/secret\(other)"]).status == 0, "\(what): p\(own)")
            }
        }

        @Test func `many policies are loaded beside one, and one too many leaves them in force`() throws {
            // One, which asks for little room; then all, for which there is none; what it confines stays so meanwhile.
            let agent = try RunningAgent(["p0": Self.policy(0)])
            let held = try Child(
                "/bin/sh", "-c",
                "exec \(Self.root)/p0 /dev/zero >/dev/null")
            defer { held.end() }
            let began = Date()
            // They get their names all at once, or the agent would see the directory change before they are all there.
            for number in 2..<Self.count {
                try RunningAgent.document("p\(number)", Self.policy(number)).write(
                    to: agent.directory.appending(path: "p\(number).new"), atomically: false, encoding: .utf8)
            }
            try agent.reload("p1", Self.policy(1)) { directory in
                for number in 2..<Self.count {
                    let path = directory.appending(path: "p\(number)").path
                    rename(path + ".new", path + ".yaml")
                }
            }
            // The agent can have seen the first of them before.
            for _ in 0..<3000 where !agent.errors.contains("swguard: enforcing \(Self.count) policies") {
                usleep(100_000)
            }
            let seconds = Int(Date().timeIntervalSince(began))
            let memory =
                try String(contentsOfFile: "/proc/\(agent.identifier)/status", encoding: .utf8)
                .split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
            print("\(Self.count) policies: \(seconds) s, \(memory)")
            #expect(
                agent.errors.contains("swguard: enforcing \(Self.count) policies"),
                "\(agent.errors.suffix(400))")
            #expect(!agent.errors.contains("cannot"), "\(agent.errors.suffix(400))")
            try check(agent, "all")
            let processes = try agent.result("ps")["processes"] as? [[String: Any]] ?? []
            #expect(
                processes.contains {
                    $0["pid"] as? Int == Int(held.identifier) && $0["policies"] as? [String] == ["p0"]
                })
            // Other maps took the place of the first, and what was enforced before is in them, too.
            #expect(try agent.ask("rollback").status == 0)
            let former = try agent.result("status")["policies"] as? [Any]
            #expect(former?.count == 1, "\(former?.count ?? 0) of \(agent.errors)")
            let last = Self.count - 1
            #expect(try Ended("\(Self.root)/p\(last)", ["\(Self.root)/secret\(last)"]).status == 0)
            #expect(try Ended("\(Self.root)/p0", ["\(Self.root)/secret0"]).status != 0)
            #expect(try agent.ask("rollback").status == 0)
            try check(agent, "all again")
            guard Self.count == Self.most else {
                #expect(try agent.end() == 0)
                return
            }
            try agent.reload("q", "subjects: [{exec: \(Self.root)/q}]")
            #expect(agent.errors.contains("error: more than 4096 policies"), "\(agent.errors.suffix(400))")
            #expect(agent.errors.contains("cannot reload the policies: what was enforced still is"))
            try check(agent, "one too many")
            #expect(try agent.end() == 0)
        }
    }
}
