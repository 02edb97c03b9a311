internal import ArgumentParser
internal import Control
internal import Policy

/// `swguard ps`: which processes are confined by what.
struct PsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "List the processes that the agent's policies confine.",
        discussion: """
            What the kernel itself says of each task. Threads of a process that are under the same policies are one line; \
            policies stand oldest first. Asks the agent that runs, at $SWGUARD_SOCKET or /run/swguard/control. Exit \
            status 3: none answers.
            """)

    @OptionGroup var format: FormatOption

    func run() throws {
        let (generation, processes) = try AgentQuery.result(of: "ps", format.format) {
            client throws(ControlClientError) in try client.processes()
        }
        switch format.format {
        case .json:
            Output.result(
                of: "ps", ["generation": .int(generation), "processes": .array(processes.map(\.json))])
        case .text:
            let header = [
                "PID", "THREADS", "USER", "COMMAND", "POLICIES", "CONTAINER", "CGROUP", "EXECUTABLE",
            ]
            let rows = processes.map { process in
                [
                    String(process.pid), String(process.threads), process.user ?? String(process.uid),
                    process.comm, process.policies.joined(separator: ","),
                    process.container.map(Self.short) ?? "-", process.cgroup ?? "-", process.exe ?? "-",
                ].map { DiagnosticFormatter.printable($0) }
            }
            for line in TextTable.lines([header] + rows) { Output.line(line) }
        }
    }

    /// As container tools show ids of 64 digits; names as they are.
    private static func short(_ container: String) -> String {
        container.utf8.count == 64 ? String(container.prefix(12)) : container
    }
}
