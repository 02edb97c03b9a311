import Foundation
import Testing

extension AgentTests {
    /// Commands that go on while policies and agents come and go.
    @Suite(.serialized)
    final class RunLifeTests {
        private let place: RunPlace

        init() throws { place = try RunPlace() }

        private func check(_ commands: [RunningCommand], _ when: String) throws {
            for command in commands {
                #expect(try command.reads("/runs/in/a.txt"), "\(when)")
                #expect(try !command.reads("/runs/out/x"), "\(when)")
            }
        }

        @Test func `a command stays under its policy whatever becomes of the agent and its policies`() throws
        {
            let host = "subjects: [{exec: /runs/out/tool}]\nfiles: {default: allow, rules: []}"
            let agent = try RunningAgent(["host": host])
            let policy = try place.policy("both", RunPlace.both)
            let errors = "/runs/errors"
            func start(as user: Int?, errors: String = "/dev/null") throws -> RunningCommand {
                try RunningCommand(
                    ["--backend", "lsm", "--policy", policy], environment: agent.environment, as: user,
                    errors: errors)
            }
            var commands = [try start(as: nil), try start(as: 65534, errors: errors)]
            try check(commands, "at first")
            try agent.reload("host", host + "\n# changed\ncapabilities: {default: allow}")
            try check(commands, "after a reload")
            commands.append(try start(as: 65533))
            let rollback = try agent.ask("rollback")
            #expect(rollback.status == 0, "\(rollback.output)")
            try check(commands, "after a rollback")
            let extra = try place.policy("extra", "subjects: [{exec: /nowhere}]\nfiles: {}")
            #expect(try agent.ask("load", extra).status == 0)
            try check(commands, "after a load")
            #expect(try agent.ask("unload", "extra").status == 0)
            try check(commands, "after an unload")
            // A denial was told by now; from here on nobody is told.
            agent.killAtOnce()
            try check(commands, "without an agent")
            let said = try String(contentsOfFile: errors, encoding: .utf8)
            #expect(said.contains("read /runs/out/x by files.default (\(policy):5)"), "\(said)")
            #expect(said.contains("the agent has ended: what it enforces still is"), "\(said)")
            try agent.start()
            try check(commands, "under the next agent")
            commands.append(try start(as: 65534))
            let processes = try agent.result("ps")["processes"] as? [[String: Any]] ?? []
            let names = processes.flatMap { $0["policies"] as? [String] ?? [] }
            #expect(names.count { $0 == "both@65534" } == 2 && names.contains("both@65533"), "\(names)")
            #expect(try agent.ask("reload").status == 0)
            try check(commands, "after a reload by the next agent")
            // What the next agent cannot take over is not let go: everything is denied.
            agent.killAtOnce()
            let state = "/var/lib/swguard"
            for file in try FileManager.default.contentsOfDirectory(atPath: state)
            where file.hasPrefix("run-") {
                try FileManager.default.removeItem(atPath: state + "/" + file)
            }
            try agent.start()
            for command in commands {
                #expect(try !command.reads("/runs/in/a.txt") && !command.reads("/runs/out/x"))
            }
            let gone = try agent.events { $0["policy", "name"] == "run-layers-gone" }
            #expect(gone.contains { $0["object", "path"] == "/runs/in/a.txt" }, "\(gone)")
            // A new one is not mistaken for any of them.
            let fresh = try start(as: 65534)
            try check([fresh], "beside those that are gone")
            for command in commands {
                #expect(try !command.reads("/runs/in/a.txt"))
                try command.end()
            }
            #expect(try fresh.end() == 0)
            // As they are taken out, the layer is nobody's any more.
            let last = try start(as: 65534)
            #expect(try agent.end() == 0)
            #expect(try last.reads("/runs/out/x"))
        }
    }
}
