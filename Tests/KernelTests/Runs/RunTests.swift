import Foundation
import Testing

extension AgentTests {
    /// `swguard run` through the agent.
    @Suite(.serialized)
    final class RunTests {
        private static let nothing = [
            "host": "subjects: [{exec: /nowhere}]\nfiles: {default: allow, rules: []}"
        ]
        private let place: RunPlace

        init() throws { place = try RunPlace() }

        private func run(
            _ agent: RunningAgent, _ options: [String], _ command: [String], as user: Int? = nil
        ) throws -> Ended {
            let run = [RunningAgent.program, "run"] + options + ["--"] + command
            guard let user else {
                return try Ended(run[0], Array(run.dropFirst()), environment: agent.environment)
            }
            return try Ended(
                "/usr/bin/setpriv", ["--reuid", "\(user)", "--regid", "\(user)", "--clear-groups"] + run,
                environment: agent.environment.merging(["HOME": "/nowhere"]) { $1 })
        }

        @Test func `a policy that only the agent can enforce is enforced, and what it denies is told`() throws
        {
            let agent = try RunningAgent(Self.nothing)
            try enforcesPatterns(agent)
            try hasTheSameOutcomeEverywhere(agent)
            try takesOptions(agent)
            try tellsWhoIsConfined(agent)
            #expect(try agent.end() == 0)
        }

        /// Of root and of nobody, the denials in the client's own stream.
        private func enforcesPatterns(_ agent: RunningAgent) throws {
            let policy = try place.policy("globs", RunPlace.globs)
            let script = RunPlace.attempts([
                "text": "open('/runs/in/a.txt')", "deep text": "open('/runs/in/deep/b.txt')",
                "key": "open('/runs/in/deep/b.key')", "no text": "open('/runs/in/no.txt')",
                "write": "open('/runs/work/' + str(os.getuid()), 'w').write('x')",
                "mode": "os.chmod('/runs/work/' + str(os.getuid()), 0o600)",
                "tool": "os.execv('/runs/out/tool', ['tool'])",
                "near": "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', 53))",
                "port": "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', 54))",
                "far": "socket.socket(2, 2).sendto(b'x', ('192.0.2.1', 53))",
                "family": "socket.socket(16, 3, 0)", "again": "open('/runs/in/a.txt')",
            ])
            let outcome = """
                text: ok
                deep text: ok
                key: EACCES
                no text: EACCES
                write: ok
                mode: EACCES
                tool: EACCES
                near: ok
                port: EACCES
                far: EACCES
                family: EACCES
                again: ok

                """
            for user in [nil, 65534] {
                let log = "/runs/work/events-\(user ?? 0)"
                let ended = try run(
                    agent, ["--backend", "lsm", "--audit", log, "--policy", policy],
                    RunPlace.python(script), as: user)
                #expect(ended.status == 0 && ended.output == outcome, "\(ended.output)")
                let events = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
                    .map { try Event(String($0)) }
                let first = try #require(events.first)
                #expect(first["kind"] == "enforcement" && first["backend"] == "lsm")
                #expect(first["reported"] == "full")
                let denials = events.filter { $0["kind"] == "denial" }
                for (path, action, rule, line) in [
                    ("/runs/in/deep/b.key", "file.read", "files.default", 5),
                    ("/runs/in/no.txt", "file.read", "no-text", 9),
                    ("/runs/work/\(user ?? 0)", "file.metadata", "files.default", 5),
                    ("/runs/out/tool", "file.execute", "files.default", 5),
                ] {
                    #expect(
                        denials.contains {
                            $0["object", "path"] == path && $0["action"] == action && $0["layer"] == "lsm"
                                && $0["rule", "id"] == rule && $0["rule", "source"] == "\(policy):\(line)"
                                && $0["process", "uid"] == "\(user ?? 0)" && $0["policy", "name"] == "globs"
                                && $0["errno"] == "EACCES"
                        }, "\(path): \(denials)")
                }
                for (address, port) in [("127.0.0.1", "54"), ("192.0.2.1", "53")] {
                    #expect(
                        denials.contains {
                            $0["object", "address"] == address && $0["object", "port"] == port
                                && $0["rule", "id"] == "network.default"
                        }, "\(denials)")
                }
                // The agent's own log has them, too.
                let written = try agent.events { $0["object", "address"] == "192.0.2.1" }
                #expect(written.contains { $0["object", "path"] == "/runs/in/no.txt" }, "\(written)")
            }
        }

        /// One example, both backends.
        private func hasTheSameOutcomeEverywhere(_ agent: RunningAgent) throws {
            let policy = try place.policy("both", RunPlace.both)
            let script = RunPlace.attempts([
                "read": "open('/runs/in/a.txt')", "missing": "open('/runs/in/none')",
                "other": "open('/runs/out/x')", "list": "os.listdir('/runs/out')",
                "make": "open('/runs/work/made', 'w').write('x')",
                "move": "os.rename('/runs/work/made', '/runs/work/moved')",
                "remove": "os.unlink('/runs/work/moved')", "remove text": "os.unlink('/runs/in/a.txt')",
                "write text": "open('/runs/in/a.txt', 'a')", "make dir": "os.mkdir('/runs/out/dir')",
                "symlink": "os.symlink('x', '/runs/out/link')",
                "execute": "os.execv('/runs/out/tool', ['tool'])",
                "inet": "socket.socket(2, 1)", "pair": "socket.socketpair()",
                "mount":
                    "libc.mount(b'none', b'/runs/work', b'tmpfs', 0, 0) and (_ for _ in ()).throw(OSError(ctypes.get_errno(), ''))",
                "child": "os.waitstatus_to_exitcode(os.spawnv(os.P_WAIT, '/usr/bin/true', ['true']))",
            ])
            for user in [nil, 65534] {
                var outcomes: [Ended] = []
                for backend in ["landlock", "lsm"] {
                    outcomes.append(
                        try run(
                            agent,
                            ["--backend", backend, "--audit", "/dev/null", "--policy", policy],
                            RunPlace.python(script), as: user))
                }
                #expect(outcomes[0].output == outcomes[1].output && outcomes[0].status == outcomes[1].status)
                #expect(outcomes[1].status == 0 && outcomes[1].output.contains("read: ok\n"))
                #expect(outcomes[1].output.contains("other: EACCES\n"), "\(outcomes[1].output)")
            }
            // The exec of the command itself is judged.
            for backend in ["landlock", "lsm"] {
                for (command, status) in [
                    ("/runs/out/tool", 126), ("/usr/bin/true", 0), ("/usr/bin/none", 127),
                ] {
                    let ended = try run(
                        agent, ["--backend", backend, "--policy", policy], [command])
                    #expect(ended.status == Int32(status), "\(backend) \(command): \(ended.output)")
                    if status == 126 {
                        #expect(
                            ended.output.contains("execute /runs/out/tool by files.default (\(policy):5)"),
                            "\(ended.output)")
                    }
                }
            }
        }

        private func takesOptions(_ agent: RunningAgent) throws {
            // Rules of options: read by the agent with the same names.
            let ended = try run(
                agent, ["-v", "--exec", "/usr", "--read", "/runs/in", "--deny", "/runs/in/deep"],
                ["/usr/bin/cat", "/runs/in/a.txt", "/runs/in/deep/b.txt"])
            #expect(ended.status == 1 && ended.output.contains("(lsm)"), "\(ended.output)")
            #expect(ended.output.contains("by arg[2] (command-line:6)"), "\(ended.output)")
            let complaint = try run(
                agent, ["--complain", "--exec", "/usr", "--backend", "lsm"], ["/usr/bin/cat", "/runs/out/x"])
            #expect(
                complaint.status == 0
                    && complaint.output.contains("would deny cat")
                    && complaint.output.contains("read /runs/out/x by files.default"), "\(complaint.output)")
            let alone = try run(
                agent, ["--exec-only", "--exec", "/usr", "--backend", "lsm"], ["/usr/bin/cat", "/runs/out/x"])
            #expect(alone.status == 1 && alone.output.contains("ermission denied"), "\(alone.output)")
            #expect(
                try agent.events { $0["object", "path"] == "/runs/out/x" && $0["verdict"] == "deny" }.count
                    > 0)
            // One inside the other: both grant, and each is told its own.
            let nested = try run(
                agent,
                [
                    "--backend", "lsm", "--exec", "/usr", "--exec", RunningAgent.program, "--read", "/runs",
                    "--read", "/etc",
                    "--allow-partial", "--write", agent.socketDirectory,
                ],
                [
                    RunningAgent.program, "run", "-v", "--exec", "/usr", "--read", "/runs/in", "--",
                    "/usr/bin/cat",
                    "/runs/in/a.txt", "/runs/out/x",
                ])
            #expect(nested.status == 1 && nested.output.contains("(lsm)"), "\(nested.output)")
            #expect(
                nested.output.contains("text\n") && nested.output.contains("/runs/out/x"), "\(nested.output)")
            // What an agent does not know is an error, and nothing is run.
            let wrong = try place.policy("wrong", "files: {rules: [{allow: [raed], paths: [/x]}]}")
            #expect(try run(agent, ["--policy", wrong], ["/usr/bin/true"]).status == 125)
        }

        private func tellsWhoIsConfined(_ agent: RunningAgent) throws {
            let policy = try place.policy("both", RunPlace.both)
            let command = try RunningCommand(
                ["--policy", policy], environment: agent.environment, as: 65534)
            #expect(try command.reads("/runs/in/a.txt") && !command.reads("/runs/out/x"))
            let processes = try agent.result("ps")["processes"] as? [[String: Any]] ?? []
            #expect(
                processes.contains {
                    $0["policies"] as? [String] == ["both@65534"] && $0["uid"] as? Int == 65534
                }, "\(processes)")
            let policies = try agent.result("policies")["policies"] as? [[String: Any]] ?? []
            let brought = policies.filter { $0["name"] as? String == "both" }
            // Root's may be gone by now: nobody uses it.
            #expect(brought.contains { $0["owner"] as? Int == 65534 }, "\(policies)")
            // The same again is no other layer.
            let again = try RunningCommand(
                ["--policy", policy], environment: agent.environment, as: 65534)
            let after = try agent.result("policies")["policies"] as? [[String: Any]] ?? []
            #expect(
                after.count { $0["name"] as? String == "both" && $0["owner"] as? Int == 65534 } == 1,
                "\(after)")
            // Another user may look, and change nothing.
            for (method, status) in [("status", 0), ("ps", 0), ("reload", 3)] {
                let ended = try Ended(
                    "/usr/bin/setpriv",
                    ["--reuid", "65533", "--regid", "65533", "--clear-groups", RunningAgent.program, method],
                    environment: agent.environment)
                #expect(ended.status == Int32(status), "\(method): \(ended.output)")
            }
            #expect(try command.end() == 0 && again.end() == 0)
        }
    }
}
