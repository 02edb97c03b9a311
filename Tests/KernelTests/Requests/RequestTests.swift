import Foundation
import Testing

extension AgentTests {
    /// Each access and operation: allowed, granted, denied with the right rule in the event, others not concerned, and
    /// allowed again when the agent has ended.
    @Suite(.serialized, .onRequestStage)
    struct RequestTests {
        @Test(arguments: Request.operations)
        func `an operation is denied with its rule`(_ row: Request) throws { try check(row) }

        @Test(arguments: Request.endpoints)
        func `an endpoint is denied with its rule`(_ row: Request) throws { try check(row) }

        @Test(arguments: Request.families)
        func `a socket is denied with its rule`(_ row: Request) throws { try check(row) }

        @Test(arguments: Request.capabilities)
        func `a capability is denied with its rule`(_ row: Request) throws { try check(row) }

        private func check(_ row: Request) throws {
            let stage = try #require(RequestStage.current)
            #expect(stage.before[row.name] == row.otherwise, "without an agent")
            #expect(try stage.run(row, under: row.granting) == row.otherwise, "granted")
            for denial in row.denying {
                #expect(try stage.run(row, under: denial.sections) == row.errno, "denied by \(denial.rule)")
                let event = try stage.denial(of: row.action, under: denial.sections)
                #expect(event != nil, "no denial of \(row.action)")
                #expect(event?["rule", "id"] == denial.rule)
                #expect(event?["layer"] == "lsm" && event?["verdict"] == "deny")
            }
            #expect(try stage.run(row, under: nil) == row.otherwise, "others")
        }
    }
}
