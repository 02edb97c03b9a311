import Testing

@testable import Control

@Suite struct MetricsTests {
    private static let status = AgentStatus(
        version: "1.2", pid: 1, since: "", generation: 7, changed: "", extent: .partial, policies: 1,
        refused: 0,
        unwritten: 2, counts: EventCounts(), kernel: "6.12.0", facts: [])

    @Test func `what is enforced and counted is there by policy`() {
        var counts = EventCounts()
        counts.decided = 5
        counts.submitted = 4
        counts.ring = 1
        counts.waiting = 3
        let policy = PolicyStatus(
            name: "web", file: "web.yaml", complains: true, digest: "",
            sections: [
                PolicyStatus.Section(name: "files", extent: .full, gaps: []),
                PolicyStatus.Section(name: "network", extent: .partial, gaps: ["x"]),
            ], counts: counts)
        let lines = Self.status.metrics([policy]).split(separator: "\n").map(String.init)
        for line in [
            #"swguard_info{version="1.2",kernel="6.12.0"} 1"#, "swguard_generation 7",
            "swguard_unwritten_events 2",
            #"swguard_policy_enforced{policy="web",mode="complain",extent="partial"} 1"#,
            #"swguard_policy_enforced{policy="web",mode="complain",extent="full"} 0"#,
            #"swguard_events_total{policy="web",state="decided"} 5"#,
            #"swguard_events_dropped_total{policy="web",cause="ring"} 1"#,
            #"swguard_events_waiting{policy="web"} 3"#,
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(!lines.contains { $0.contains("state=\"waiting\"") })
    }

    /// The form's own rule: samples of a name stand together, behind its explanation, each sample once.
    @Test func `names are explained once, and samples differ`() {
        let policies = ["a", "b"].map {
            PolicyStatus(
                name: $0, file: "", complains: false, digest: "", sections: [], counts: EventCounts())
        }
        var explained: [String] = []
        var samples: Set<Substring> = []
        for line in Self.status.metrics(policies).split(separator: "\n") {
            if line.hasPrefix("# TYPE ") {
                let name = String(line.split(separator: " ")[2])
                #expect(!explained.contains(name))
                explained.append(name)
            } else if !line.hasPrefix("#") {
                let name = line.prefix { $0 != " " && $0 != "{" }
                #expect(samples.insert(line.prefix { $0 != " " }).inserted)
                #expect(name == explained.last ?? "")
            }
        }
    }

    @Test func `what stands in quotes cannot end them`() {
        var status = Self.status
        status.kernel = "a\"b\\c\nd"
        #expect(status.metrics([]).contains(#"kernel="a\"b\\c\nd"} 1"#))
    }
}
