import Foundation
import Testing

extension AgentTests {
    /// A task that has as many layers as there can be when one more policy is loaded.
    @Suite(.serialized)
    final class RoomTests {
        private static let root = "/room"
        private static let slice = "/sys/fs/cgroup/room.slice"
        private static let attacks = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "attacks").path
        private static let build = """
            mkdir -p \(root) \(slice) && mount -t tmpfs none \(root) && cd \(root)
            cp "$1" free; cp "$1" forking; for name in secret secret-of-thread secret-of-daemon; do echo x >$name; done
            for n in 1 2 3 4 5 6 7 8 9; do ln free layer$n; done
            """
        private static let inSlice = "subjects: [{cgroup: /room.slice/**}]\n"
        private static let files = inSlice + "files: {default: allow, rules: []}"

        /// What a task that is full tries when the policies are loaded, and what it comes to then.
        private struct Attempt: CustomStringConvertible {
            var description: String { call }
            let call: String
            let denied: Int32
            let action: String

            init(_ call: String, _ denied: Int32, _ action: String) {
                self.call = call
                self.denied = denied
                self.action = action
            }
        }

        /// Of what `late-files` mediates, and `late-others`.
        private static let attempts = [
            Attempt("read SECRET", EACCES, "file.read"),
            Attempt("thread-read SECRET-of-thread", EACCES, "file.read"),
            Attempt("daemon-read SECRET-of-daemon", EACCES, "file.read"),
            Attempt("execute /room/free nothing", EACCES, "file.execute"),
            Attempt("mkdir /room/made", EACCES, "file.create"),
            Attempt("udp", EACCES, "socket.create"),
            Attempt("call 170 0 -1", EPERM, "capability.sys_admin"),
            Attempt("add-key", EPERM, "operation.keyring"),
        ]

        init() throws {
            #expect(try Child("/bin/sh", "-e", "-c", Self.build, "sh", Self.attacks).wait() == 0)
        }

        deinit { _ = try? Child("/usr/bin/umount", "--lazy", Self.root).wait() }

        /// A task with `count` layers that waits for the file `sign` and then tries `call`.
        private func full(_ call: String, when sign: String, layers count: Int = 8) throws -> Child {
            let chain = (2...count).map { " execute \(Self.root)/layer\($0)" }.joined()
            let words = call.replacing("SECRET", with: Self.root + "/secret")
            return try Child(
                "/bin/sh", "-c",
                "echo $$ >\(Self.slice)/cgroup.procs; exec nice \(Self.root)/layer1\(chain) --when \(Self.root)/\(sign) \(words)"
            )
        }

        private func give(_ sign: String) {
            #expect(FileManager.default.createFile(atPath: Self.root + "/" + sign, contents: nil))
        }

        private func waitUntilFull(_ agent: RunningAgent, _ children: [Child]) throws {
            var missing: Set<Int> = []
            for _ in 0..<100 {
                let processes = try agent.result("ps")["processes"] as? [[String: Any]] ?? []
                let full = processes.filter { ($0["policies"] as? [String])?.count == 8 }
                missing = Set(children.map { Int($0.identifier) })
                    .subtracting(full.compactMap { $0["pid"] as? Int })
                if missing.isEmpty { return }
                usleep(50_000)
            }
            Issue.record("not full: \(missing)")
        }

        @Test func `what has no room for a policy is denied all that it mediates`() throws {
            var policies: [String: String] = [:]
            for number in 1...9 {
                policies["layer\(number)"] = "subjects: [{exec: \(Self.root)/layer\(number)}]"
            }
            let agent = try RunningAgent(policies)
            let secret = Self.root + "/secret"
            let complained = try full("udp", when: "complain")
            let tried = try Self.attempts.map { try full($0.call, when: "both") }
            let thread = try full("thread-reads-later \(Self.root)/both SECRET", when: "begin")
            let forking = try full(
                "execute /room/forking children-read-later \(Self.root)/forked SECRET", when: "begin")
            let unloaded = try ["read SECRET", "udp"].map { try full($0, when: "none") }
            let again = try full("read SECRET", when: "again")
            let roomy = try full("read SECRET", when: "both", layers: 6)
            let elsewhere = try full("read SECRET", when: "both")
            try waitUntilFull(agent, [complained, thread, forking, again, elsewhere] + tried + unloaded)
            try "\(elsewhere.identifier)".write(
                toFile: "/sys/fs/cgroup/cgroup.procs", atomically: false, encoding: .utf8)
            _ = try agent.writtenEvents()

            // In `complain` it is told and goes on.
            try agent.reload(
                "late-told", "mode: complain\n\(Self.inSlice)network: {default: allow, rules: []}")
            give("complain")
            #expect(try complained.wait() == 0)
            let told = try agent.events { $0["kind"] == "denial" }.last { $0["kind"] == "denial" }
            #expect(
                told?["verdict"] == "would-deny" && told?["rule", "id"] == "no-room",
                "\(String(describing: told))")

            // Two that have no room, one after the other; who they are is said.
            give("begin")
            sleep(1)
            try agent.reload("late-files", Self.files)
            give("forked")
            #expect(try forking.wait() == EACCES)
            #expect(agent.errors.contains("no room for policy 'late-files'"), "\(agent.errors)")
            #expect(!agent.errors.contains("\(roomy.identifier) (layer6)"), "\(agent.errors)")
            try agent.reload(
                "late-others",
                Self.inSlice
                    + """
                    network: {default: allow, rules: []}
                    capabilities: {default: allow}
                    operations: {default: allow}
                    """)
            #expect(agent.errors.contains("no room for policy 'late-others'"), "\(agent.errors)")
            #expect(agent.errors.contains("\(again.identifier) (layer8)"), "\(agent.errors)")
            #expect(try agent.ask("status").output.contains("no room for another policy: "))
            _ = try agent.writtenEvents()
            give("both")
            for (attempt, child) in zip(Self.attempts, tried) {
                #expect(try child.wait() == attempt.denied, "\(attempt)")
            }
            #expect(try thread.wait() == EACCES)
            #expect(try roomy.wait() == 0)
            #expect(try elsewhere.wait() == 0)
            // The last of them, and all before it.
            let events = try agent.events { $0["action"] == "operation.keyring" }
            for attempt in Self.attempts {
                #expect(
                    events.contains {
                        $0["action"] == attempt.action && $0["rule", "id"] == "no-room"
                            && $0["policy", "name"]?.hasPrefix("late-") == true
                    }, "\(attempt): \(events)")
            }

            // An exec that would add one too many is refused, and says why.
            let refused = try Child(
                [
                    "/bin/sh", "-c",
                    "exec \(Self.root)/layer1" + (2...9).map { " execute \(Self.root)/layer\($0)" }.joined()
                        + " nothing",
                ])
            #expect(try refused.wait() == EACCES)
            let refusal = try agent.events { $0["rule", "id"] == "no-room" }.last { $0["kind"] == "denial" }
            #expect(
                refusal?["policy", "name"] == "layer9" && refusal?["action"] == "file.execute"
                    && refusal?["object", "path"] == Self.root + "/layer9", "\(String(describing: refusal))")

            // It ends with the policy, and begins with it.
            try agent.reload("late-files", nil)
            try agent.reload("late-others", nil)
            give("none")
            for child in unloaded { #expect(try child.wait() == 0) }
            try agent.reload("late-files", Self.files)
            give("again")
            #expect(try again.wait() == EACCES)
            #expect(try Child(Self.root + "/free", "read", secret).wait() == 0)
            #expect(try agent.end() == 0)
        }
    }
}
