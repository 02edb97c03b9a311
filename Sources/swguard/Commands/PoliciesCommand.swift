internal import ArgumentParser
internal import Control
internal import Policy

/// `swguard policies`: what the agent has loaded.
struct PoliciesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policies",
        abstract: "List the policies that the agent has loaded.",
        discussion: """
            Asks the agent that runs, at $SWGUARD_SOCKET or /run/swguard/control. Exit status 3: none answers.
            """)

    @OptionGroup var format: FormatOption

    func run() throws {
        let (generation, policies) = try AgentQuery.result(of: "policies", format.format) {
            client throws(ControlClientError) in try client.policies()
        }
        switch format.format {
        case .json:
            Output.result(
                of: "policies",
                ["generation": .int(generation), "policies": .array(policies.map(\.json))])
        case .text:
            let rows = policies.map { policy in
                [
                    policy.listedName, StatusCommand.mode(policy), StatusCommand.words(policy.extent),
                    String(policy.counts.decided), DiagnosticFormatter.printable(policy.file),
                ]
            }
            for line in TextTable.lines([["POLICY", "MODE", "ENFORCED", "DECIDED", "FILE"]] + rows) {
                Output.line(line)
            }
        }
    }
}
