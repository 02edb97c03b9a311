internal import ArgumentParser
internal import Control
internal import Policy

/// `swguard status`: what the agent enforces, fully or not.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what the agent enforces, fully or not, and what became of its events.",
        discussion: """
            Asks the agent that runs, at $SWGUARD_SOCKET or /run/swguard/control. Exit status 3: none answers.
            """)

    @OptionGroup var format: FormatOption

    /// How often it is asked anew where policies change in between.
    private static let attempts = 5

    func run() throws {
        let (status, policies) = try AgentQuery.result(of: "status", format.format) {
            client throws(ControlClientError) in
            for _ in 0..<Self.attempts {
                let status = try client.status()
                let (generation, policies) = try client.policies()
                if generation == status.generation { return (status, policies) }
            }
            throw ControlClientError.garbled("its policies change all the time")
        }
        switch format.format {
        case .json:
            guard case .object(let members) = status.json else { return }
            // The policies themselves, in place of how many there are.
            Output.result(
                of: "status",
                .object(
                    members.map { name, value in
                        name == "policies" ? (name, .array(policies.map(\.json))) : (name, value)
                    }))
        case .text: for line in Self.lines(status, policies) { Output.line(line) }
        }
    }

    static func lines(_ status: AgentStatus, _ policies: [PolicyStatus]) -> [String] {
        let host = policies.count { $0.owner == nil }
        let number = host == 1 ? "1 policy" : "\(host) policies"
        var lines = [
            "enforcing \(number), \(Self.words(status.extent)): generation \(status.generation), since "
                + status.changed,
            "agent \(status.version), process \(status.pid), since \(status.since), kernel \(status.kernel)",
            "events: \(Self.text(status.counts))",
        ]
        if status.unwritten > 0 { lines.append("not written: \(status.unwritten) lines") }
        if status.refused > 0 {
            lines.append("no room for another policy: \(status.refused) tasks, denied what it mediates")
        }
        for fact in status.facts { lines.append("\(fact.name): \(fact.text)") }
        for policy in policies {
            lines.append("")
            lines.append(
                "\(policy.listedName)  \(Self.mode(policy)), \(Self.words(policy.extent))  \(policy.file)")
            lines.append("  events: \(Self.text(policy.counts))")
            for section in policy.sections {
                lines.append("  \(section.name): \(Self.words(section.extent))")
                for gap in section.gaps { lines.append("    \(gap)") }
            }
        }
        return lines.map { DiagnosticFormatter.printable($0) }
    }

    static func mode(_ policy: PolicyStatus) -> String { policy.complains ? "complain" : "enforce" }

    static func words(_ extent: EnforcedExtent) -> String {
        switch extent {
        case .full: "fully"
        case .partial: "not fully"
        case .none: "not at all"
        }
    }

    /// What is not nothing.
    private static func text(_ counts: EventCounts) -> String {
        var parts = ["\(counts.decided) decided", "\(counts.written) written"]
        for (count, word) in [
            (counts.aggregated, "aggregated"), (counts.waiting, "waiting"),
            (counts.quiet, "only counted"), (counts.unreported, "not to be reported"),
            (counts.ring, "dropped: the kernel's buffer was full"),
            (counts.rate, "dropped: more than the rate"), (counts.disk, "dropped: the log had no room"),
            (counts.restart, "dropped: taken by an agent that was killed"),
        ] where count > 0 { parts.append("\(count) \(word)") }
        return parts.joined(separator: ", ")
    }
}
