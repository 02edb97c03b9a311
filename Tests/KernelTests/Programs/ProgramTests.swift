import Foundation
import Testing

extension AgentTests {
    /// Real programs under the policies that ship: they do their work, and nothing else.
    @Suite(.serialized, .onProgramStage)
    struct ProgramTests {
        /// What the policies rightly deny, and programs go on without.
        private static let expected: Set<String> = [
            // Root may write what is read-only: git tries it.
            "denial capability.dac_override capabilities.default EPERM"
        ]

        /// Whether `swguard run` says that Landlock of this kernel (6.1) cannot limit what the policy limits.
        private static func isRefused(_ run: Ran) -> Bool {
            run.status == 125 && run.errors.contains("below Landlock ABI 4")
        }

        @Test(arguments: ProgramWork.all)
        func `a program does its work`(_ work: ProgramWork) throws {
            let stage = try #require(ProgramStage.current)
            let name = work.command.name
            let free = stage.unconfined[name]
            #expect(free?.status == 0 && free?.output == work.output, "without a policy: \(free as Any)")
            let run = try #require(stage.run[name])
            #expect(
                Self.isRefused(run) || run.status == 0 && run.output == work.output, "under 'run': \(run)")
            try stage.forgetDenials()
            let ended = try stage.perform(work.command)
            #expect(ended.status == 0 && ended.output == work.output, "under the agent: \(ended)")
            let denials = try stage.agent.writtenEvents().filter { $0["kind"] == "denial" }
            #expect(Set(denials.map(\.description)).subtracting(Self.expected).isEmpty)
        }

        @Test(arguments: ProgramAttack.all)
        func `an attack works for others and is denied`(_ attack: ProgramAttack) throws {
            let stage = try #require(ProgramStage.current)
            let name = attack.command.name
            let free = stage.unconfined[name]
            #expect(free?.status == 0, "it does not work where nothing denies it: \(free as Any)")
            let run = try #require(stage.run[name])
            #expect(Self.isRefused(run) || run.status != 0 && run.status != 125, "under 'run': \(run)")
            try stage.forgetDenials()
            let ended = try stage.perform(attack.command)
            #expect(ended.status != 0, "\(ended)")
            let denials = try stage.denials { $0["action"] == attack.action }
            let denial = denials.first { $0["action"] == attack.action }
            #expect(denial?["rule", "id"] == attack.rule, "\(denials)")
            #expect(denial?["policy", "name"] == attack.command.policy, "\(denials)")
            if let path = attack.path { #expect(denial?["object", "path"] == path, "\(denials)") }
        }
    }
}
