import Foundation
import Testing

extension AgentTests {
    /// What the running agent says of itself, of its events and of whom it confines.
    @Suite(.serialized)
    final class ControlTests {
        private static let python = "/tmp/asked-python"
        private static let cat = "/tmp/asked-cat"
        private static let bash = "/tmp/asked-bash"
        private static let runtime = """
            files:
              rules:
                - allow: [read, map, execute]
                  paths: [/usr/**, /etc/ld.so.cache, "/tmp/asked-*", "/proc/**", "/dev/**"]
                - {id: shadow, deny: [read], paths: [/etc/shadow]}
            """

        init() throws {
            let files = FileManager.default
            for (copy, source) in [(Self.python, "python3"), (Self.cat, "cat"), (Self.bash, "bash")] {
                try? files.removeItem(atPath: copy)
                let path = URL(filePath: "/usr/bin/\(source)").resolvingSymlinksInPath().path
                try files.copyItem(atPath: path, toPath: copy)
                chmod(copy, 0o755)
            }
        }

        /// A program that goes on until it is ended.
        private func start(_ script: String) throws -> (child: Process, line: String) {
            let child = Process()
            let output = Pipe()
            child.executableURL = URL(filePath: "/bin/sh")
            child.arguments = ["-c", script]
            child.standardInput = FileHandle.nullDevice
            child.standardOutput = output
            try child.run()
            // It says when it is there.
            let said = output.fileHandleForReading.availableData
            return (child, String(decoding: said, as: UTF8.self))
        }

        private func processes(_ agent: RunningAgent) throws -> [[String: Any]] {
            try agent.result("ps")["processes"] as? [[String: Any]] ?? []
        }

        /// One agent: it takes seconds to start on an emulated machine.
        @Test func `processes, their events and launchers are as the kernel sees them`() throws {
            let (launcher, written) = try makeLaunchers()
            let agent = try RunningAgent(
                [
                    "python": "subjects: [{exec: \(Self.python)}]\n\(Self.runtime)",
                    "cat": "subjects: [{exec: \(Self.cat)}]\n\(Self.runtime)",
                    "asked": "subjects: [{cgroup: /asked}]\n\(Self.runtime)",
                    "launched": "subjects: [{cgroup: /launched}]\n\(Self.runtime)",
                ], configuration: "launchers: [\(launcher), \(written), /tmp/not-there]")
            try namesProcessesThatAreGone(agent)
            try tellsLaunchersApart(agent, launcher, written)
            try listsProcesses(agent)
            #expect(try agent.end() == 0)
        }

        /// Who is confined by what, threads folded, from the kernel's own storage.
        private func listsProcesses(_ agent: RunningAgent) throws {
            #expect(try processes(agent).isEmpty)
            try FileManager.default.createDirectory(
                atPath: "/sys/fs/cgroup/asked", withIntermediateDirectories: true)
            let threads =
                "import threading,time,os; [threading.Thread(target=time.sleep, args=(99,), daemon=True).start() for _ in range(3)]; os.write(1, b'ready'); time.sleep(99)"
            let (one, said) = try start(
                "PYTHONHOME=/usr exec /usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups \(Self.python) -I -S -c \"\(threads)\""
            )
            // A child of a confined process, with a second policy by its cgroup.
            let (two, _) = try start(
                "echo $$ > /sys/fs/cgroup/asked/cgroup.procs; PYTHONHOME=/usr exec \(Self.python) -I -S -c \"import os; os.write(1, b'ready'); os.system('/usr/bin/sleep 98')\""
            )
            defer {
                for child in [one, two] {
                    kill(child.processIdentifier, SIGKILL)
                    child.waitUntilExit()
                }
            }
            #expect(said == "ready")
            // Of the second, the child follows.
            var found: [[String: Any]] = []
            for _ in 0..<100 {
                found = try processes(agent)
                if found.contains(where: { $0["comm"] as? String == "sleep" }) { break }
            }
            let first = try #require(found.first { $0["pid"] as? Int32 == one.processIdentifier }, "\(found)")
            #expect(first["threads"] as? Int == 4 && first["uid"] as? Int == 65534)
            #expect(first["user"] as? String == "nobody" && first["exe"] as? String == Self.python)
            #expect(
                first["comm"] as? String == "asked-python" && first["policies"] as? [String] == ["python"])
            let second = try #require(
                found.first { $0["pid"] as? Int32 == two.processIdentifier }, "\(found)")
            #expect(Set(second["policies"] as? [String] ?? []) == ["python", "asked"])
            #expect(second["cgroup"] as? String == "/asked" && second["threads"] as? Int == 1)
            let sleep = try #require(found.first { $0["comm"] as? String == "sleep" }, "\(found)")
            #expect(sleep["exe"] as? String == "/usr/bin/sleep")
            #expect(Set(sleep["policies"] as? [String] ?? []) == ["python", "asked"])
            // Nobody else, and what /proc calls them.
            #expect(!found.contains { $0["pid"] as? Int32 == agent.identifier })
            for process in found {
                let start = try #require(process["start"] as? UInt64)
                let pid = try #require(process["pid"] as? Int)
                let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
                let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
                #expect(UInt64(fields[19]) == start / 10_000_000)
            }
            for command in ["status", "policies", "ps"] { try isAsTheSchemaSays(command, agent) }
            let text = try agent.ask("ps").output
            #expect(text.hasPrefix("PID ") && text.contains("nobody") && text.contains("/asked "), "\(text)")
            // Who is under a policy is under what replaces it.
            try agent.reload("asked", "subjects: [{exec: /nowhere}]\n\(Self.runtime)")
            kill(one.processIdentifier, SIGKILL)
            one.waitUntilExit()
            found = try processes(agent)
            #expect(!found.contains { $0["pid"] as? Int32 == one.processIdentifier })
            #expect(found.contains { ($0["policies"] as? [String] ?? []).contains("asked") })
        }

        @Test func `every decision is in a line, counted in one, or accounted for`() throws {
            let agent = try RunningAgent([
                "cat": """
                subjects: [{exec: \(Self.cat)}, {exec: \(Self.python)}]
                \(Self.runtime)
                    - {id: silent, deny: [read], paths: [/etc/group], log: false}
                """
            ])
            let opens =
                "for p in ['/etc/shadow'] * 400 + ['/etc/group'] * 10 + ['/etc/hosts'] * 3:\n  try: open(p)\n  except OSError: pass"
            _ = try Ended(Self.python, ["-I", "-S", "-c", opens], environment: ["PYTHONHOME": "/usr"])
            for _ in 0..<5 { _ = try Ended(Self.cat, ["/etc/hosts"]) }
            var counts: [String: Int] = [:]
            for _ in 0..<100 {
                counts = try agent.counts("cat")
                let told = [
                    "written", "aggregated", "waiting", "quiet", "unreported", "ring", "rate", "disk",
                    "restart",
                ]
                #expect(counts["decided"] == told.reduce(0) { $0 + (counts[$1] ?? 0) }, "\(counts)")
                if counts["waiting"] == 0 { break }
                usleep(100_000)
            }
            // It is asked for apart: the same when nothing happens any more.
            #expect(try agent.counts() == counts)
            let decided = try #require(counts["decided"])
            #expect(
                decided >= 418 && counts["ring"] == 0 && counts["quiet"] == 10 && counts["waiting"] == 0,
                "\(counts)")
            let policies = try agent.result("status")["policies"] as? [[String: Any]]
            let policy = try #require(policies?.first)
            #expect(policy["name"] as? String == "cat" && policy["extent"] as? String == "partial")
            let sections = policy["sections"] as? [[String: Any]] ?? []
            #expect(
                sections.contains { $0["name"] as? String == "files" && $0["extent"] as? String == "partial" }
            )
            let events = try agent.events().filter { $0["kind"] == "denial" }
            let sum = events.reduce(0) { $0 + (Int($1["count"] ?? "") ?? 0) }
            #expect(
                events.count == counts["written"] && sum == decided - 10, "\(counts) \(events.count) \(sum)")
            let storm = try #require(
                events.first { ($0["object", "path"] == "/etc/shadow") && $0["count"] != "1" })
            #expect(storm["first"] == storm["time"] && (storm["last"] ?? "") > (storm["first"] ?? "~"))
            let between = try standsHostileClients(agent)
            // What a reload replaces stays counted.
            try agent.reload("cat", "subjects: [{exec: \(Self.cat)}]\n\(Self.runtime)")
            try agent.reload(
                "cat",
                "subjects: [{exec: \(Self.cat)}]\n\(Self.runtime)\n    - {deny: [read], paths: [/x]}")
            _ = try Ended(Self.cat, ["/etc/hosts"])
            #expect(try agent.result("status")["generation"] as? Int == 3)
            let after = try agent.counts()
            #expect((after["decided"] ?? 0) > decided, "\(after)")
            #expect(try agent.end() == 0)
            let nobody = try agent.ask("ps")
            #expect(nobody.status == 3 && nobody.output.contains("no agent answers at"), "\(nobody.output)")
            let ended = try agent.writtenEvents().filter { $0["kind"] == "denial" }
            let all = sum + between + ended.reduce(0) { $0 + (Int($1["count"] ?? "") ?? 0) }
            #expect(all == (after["decided"] ?? 0) - 10, "\(all) \(after)")
        }

        private func namesProcessesThatAreGone(_ agent: RunningAgent) throws {
            try FileManager.default.createDirectory(
                atPath: "/sys/fs/cgroup/gone/inner", withIntermediateDirectories: true)
            for group in 100..<110 {
                _ = try Ended(
                    "/bin/sh",
                    [
                        "-c",
                        "echo $$ > /sys/fs/cgroup/gone/inner/cgroup.procs; exec /usr/bin/setpriv --reuid 65534 --regid \(group) --clear-groups \(Self.cat) /etc/hosts",
                    ])
            }
            let events = try agent.events { $0["process", "gid"] == "109" }
                .filter { $0["object", "path"] == "/etc/hosts" }
            #expect(events.compactMap { $0["process", "gid"] } == (100..<110).map(String.init), "\(events)")
            for event in events {
                #expect(event["process", "uid"] == "65534" && event["process", "exe"] == Self.cat)
                #expect(
                    event["process", "cgroup"] == "/gone/inner" && event["process", "comm"] == "asked-cat")
            }
        }

        /// One agent runs, everybody may ask it, and hostile clients keep nobody waiting. Gives how many denials were read.
        private func standsHostileClients(_ agent: RunningAgent) throws -> Int {
            let second = try Ended(
                RunningAgent.program, ["agent", "--policies", "/tmp"], environment: agent.environment)
            #expect(
                second.status == 3
                    && second.output.contains("another agent runs, process \(agent.identifier)"))
            // Others may see what is enforced, and change nothing.
            func asNobody(_ arguments: String...) throws -> Ended {
                try Ended(
                    "/usr/bin/setpriv",
                    ["--reuid", "65534", "--clear-groups", RunningAgent.program] + arguments,
                    environment: agent.environment)
            }
            for command in ["status", "policies", "ps"] {
                let ended = try asNobody(command)
                #expect(ended.status == 0 && !ended.output.contains("cannot"), "\(command): \(ended.output)")
            }
            // On 6.1 Landlock has no ports: the answer is no.
            let doctor = try asNobody("doctor")
            #expect(
                doctor.status <= 1 && doctor.output.contains("bpf-lsm: the programs run"), "\(doctor.output)")
            for command in [["reload"], ["rollback"], ["unload", "cat"], ["load", "/etc"]] {
                let ended = try Ended(
                    "/usr/bin/setpriv",
                    ["--reuid", "65534", "--clear-groups", RunningAgent.program] + command,
                    environment: agent.environment)
                #expect(ended.status == 3 && ended.output.contains("only root may"), "\(ended.output)")
            }
            let hostile = Process()
            hostile.executableURL = URL(filePath: "/usr/bin/python3")
            hostile.arguments = [
                "-c",
                """
                import os, random, socket, sys, time
                random.seed(20261122)
                end = time.time() + 12
                held = []
                while time.time() < end:
                    s = socket.socket(socket.AF_UNIX)
                    s.setblocking(False)
                    try:
                        s.connect(sys.argv[1])
                        s.send(random.choice([b'{"method":"io.swguard.Control.Ps"}\\0' * 50, random.randbytes(4000), b'[' * 9000, b'']))
                    except OSError:
                        pass
                    held = (held + [s])[-100:]
                    time.sleep(0.005)
                """,
                agent.socket,
            ]
            try hostile.run()
            usleep(500_000)
            for _ in 0..<5 {
                let status = try agent.ask("status")
                #expect(status.status == 0, "\(status.output)")
            }
            _ = try Ended(Self.cat, ["/etc/passwd"])
            let events = try agent.events { $0["object", "path"] == "/etc/passwd" }
            #expect(events.contains { $0["object", "path"] == "/etc/passwd" })
            #expect(hostile.isRunning)
            hostile.waitUntilExit()
            #expect(hostile.terminationStatus == 0)
            return events.filter { $0["kind"] == "denial" }.reduce(0) { $0 + (Int($1["count"] ?? "") ?? 0) }
        }

        private func makeLaunchers() throws -> (launcher: String, written: String) {
            let (launcher, written) = ("/tmp/asked-launcher", "/tmp/asked-written")
            for path in [launcher, written] {
                try? FileManager.default.removeItem(atPath: path)
                try FileManager.default.copyItem(atPath: Self.bash, toPath: path)
            }
            // What others may write is no launcher.
            chmod(written, 0o757)
            try FileManager.default.createDirectory(
                atPath: "/sys/fs/cgroup/launched", withIntermediateDirectories: true)
            return (launcher, written)
        }

        /// A launcher's exec does not begin the policies of its cgroup, and the next one does.
        private func tellsLaunchersApart(_ agent: RunningAgent, _ launcher: String, _ written: String) throws
        {
            #expect(agent.errors.contains("launcher '\(written)' is not one: others than root may write it"))
            #expect(agent.errors.contains("launcher '/tmp/not-there' is not one"))
            func run(_ program: String, _ script: String) throws -> Int32 {
                try Ended(
                    "/bin/sh",
                    [
                        "-c", "echo $$ > /sys/fs/cgroup/launched/cgroup.procs; exec \"$0\" -c \"$1\"",
                        program,
                        script,
                    ]
                ).status
            }
            let reads = "read -r _ < /etc/hosts"
            #expect(try run(launcher, reads) == 0)
            #expect(try run(Self.bash, reads) != 0)
            #expect(try run(written, reads) != 0)
            #expect(try run(launcher, "exec /usr/bin/cat /etc/hosts") != 0)
            #expect(try run(launcher, "exec \(Self.bash) -c '\(reads)'") != 0)
            let events = try agent.events { $0["process", "comm"] == "cat" }
            #expect(
                events.contains {
                    $0["process", "cgroup"] == "/launched" && $0["rule", "id"] == "files.default"
                })
        }

        /// What is printed as JSON is as the schema says.
        private func isAsTheSchemaSays(_ command: String, _ agent: RunningAgent) throws {
            let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "audit/schema/cli/\(command).json")
            let check = """
                import json, subprocess, sys, jsonschema
                schema = json.load(open(sys.argv[1]))
                jsonschema.Draft202012Validator.check_schema(schema)
                text = subprocess.run([sys.argv[2], sys.argv[3], "--format", "json"], capture_output=True, check=True).stdout
                jsonschema.Draft202012Validator(schema).validate(json.loads(text))
                assert text.count(b"\\n") == 1 and json.loads(text)["result"]
                """
            let outcome = try Ended(
                "/usr/bin/python3", ["-c", check, schema.path, RunningAgent.program, command],
                environment: agent.environment)
            #expect(outcome.status == 0, "\(outcome.output)")
        }
    }
}
