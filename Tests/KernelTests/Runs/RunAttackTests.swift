import Foundation
import Testing

extension AgentTests {
    /// Ways to come under a layer that is none of one's own, and to have others come under one.
    @Suite(.serialized)
    final class RunAttackTests {
        private let place: RunPlace

        init() throws { place = try RunPlace() }

        @Test func `nobody comes under a layer but its user's own process, with no_new_privs`() throws {
            let agent = try RunningAgent([
                "tight": """
                subjects: [{exec: /runs/out/tight}]
                files: {default: allow, rules: [{deny: [read], paths: [/runs/in/a.txt]}]}
                """
            ])
            let other = try Intruder.run("say(ask(told(closed + ' # other'))[0])\n", agent, as: 65533)
            let word = try #require(other.first.flatMap { UInt32($0) }, "\(other)")
            #expect(
                try Intruder.run(Intruder.ways, agent, as: 65534, ["\(word)"]) == [
                    "without no_new_privs EPERM opened", "as it should be opened ENTERED EACCES",
                    "its child EACCES", "again ENTERED EACCES",
                    "no word ENOENT ENOENT ENOENT ENOENT", "another serial ENOENT ENOENT",
                    "another slot ENOENT", "without its bit ENOENT", "high bits ENOENT",
                    "another user EPERM opened", "two threads EPERM opened",
                    "many ENTERED ENTERED ENTERED ENTERED E2BIG E2BIG E2BIG E2BIG E2BIG",
                    "other prctls ok EINVAL EINVAL",
                ])
            #expect(
                try Intruder.run(Intruder.ids, agent, as: nil) == [
                    "saved id EPERM", "effective id EPERM", "file system id EPERM", "dropped EPERM",
                    "own ENTERED EACCES",
                    "many " + Array(repeating: "ENTERED", count: 8).joined(separator: " ") + " E2BIG",
                ])
            #expect(
                try Intruder.run(Intruder.setID, agent, as: 65534) == [
                    "EPERM", "set-id 0", "ENTERED", "set-id 65534",
                ])
            let tight = try Intruder.run(Intruder.tight, agent, as: 65531, by: "/runs/out/tight")
            #expect(
                tight == [
                    "before EACCES opened", "generous ENTERED EACCES opened",
                    "complaining ENTERED EACCES opened", "closed ENTERED EACCES EACCES",
                    "its parent EACCES opened",
                ], "\(tight)")
            let own = try Intruder.run(Intruder.own, agent, as: nil, ["\(agent.identifier)"])
            #expect(
                own == ["generous ENTERED opened", "made EACCES", "removed EACCES", "signalled EPERM"],
                "\(own)")
            let tampers = try agent.events { $0["kind"] == "tamper" && $0["action"] == "process.signal" }
            #expect(
                tampers.contains { $0["kind"] == "tamper" && $0["policy", "name"] == "told" }, "\(tampers)")
            // What it is told is bounded. Another user, whose allowance is whole.
            let told = try Intruder.run(Intruder.much, agent, as: 65532)
            #expect(told.first?.hasPrefix("large Rejected") == true, "\(told)")
            for (line, begin) in [
                (1, "wide Rejected"), (2, "broken Rejected"), (3, "form Rejected"),
                (4, "five Rejected"), (5, "more layer"),
            ] where told.count > line { #expect(told[line].hasPrefix(begin), "\(told[line])") }
            #expect(told.count == 6, "\(told)")
            // Nobody else was kept waiting for ever, nor anything taken away.
            #expect(try Ended("/usr/bin/cat", ["/runs/out/x"]).status == 0)
            #expect(try agent.end() == 0)
        }
    }
}
