/// What the agent enforces and counts, in Prometheus' text form (version 0.0.4), for the node exporter's directory of text
/// files or any other reader.
extension AgentStatus {
    public func metrics(_ policies: [PolicyStatus]) -> String {
        var text = MetricsText()
        text.family("swguard_info", .gauge, "The agent and the kernel that it enforces in.")
        text.sample("swguard_info", [("version", version), ("kernel", kernel)], 1)
        text.family("swguard_generation", .counter, "The number of the policies' generation in force.")
        text.sample("swguard_generation", [], generation)
        text.family("swguard_policies", .gauge, "Policies in force.")
        text.sample("swguard_policies", [], self.policies)
        text.family("swguard_tasks_without_room", .gauge, "Running tasks that had no room for a policy.")
        text.sample("swguard_tasks_without_room", [], refused)
        text.family(
            "swguard_unwritten_events", .gauge,
            "Events that could not be written, and that no gap tells of yet.")
        text.sample("swguard_unwritten_events", [], unwritten)
        text.family(
            "swguard_policy_enforced", .gauge,
            "How much of a policy the kernel enforces: the extent that is 1.")
        for policy in policies {
            for extent in EnforcedExtent.allCases {
                text.sample(
                    "swguard_policy_enforced",
                    [
                        ("policy", policy.name), ("mode", policy.complains ? "complain" : "enforce"),
                        ("extent", extent.rawValue),
                    ],
                    policy.extent == extent ? 1 : 0)
            }
        }
        text.family(
            "swguard_events_total", .counter,
            "Decisions to report, by what became of them.")
        for policy in policies {
            for (name, field) in EventCounts.fields where field != \.waiting {
                text.sample(
                    "swguard_events_total", [("policy", policy.name), ("state", name)],
                    policy.counts[keyPath: field])
            }
        }
        text.family(
            "swguard_events_dropped_total", .counter,
            "Decisions to report that became no line, by cause; gaps in the log tell of them.")
        for policy in policies {
            for (name, cause) in EventCounts.causes {
                text.sample(
                    "swguard_events_dropped_total", [("policy", policy.name), ("cause", name)],
                    policy.counts[keyPath: cause])
            }
        }
        text.family("swguard_events_waiting", .gauge, "Events that wait to be told of together.")
        for policy in policies {
            text.sample("swguard_events_waiting", [("policy", policy.name)], policy.counts.waiting)
        }
        return text.text
    }
}

/// Lines of the form, each name explained before its samples.
private struct MetricsText {
    enum Kind: String { case counter, gauge }

    private(set) var text = ""

    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Int) {
        let list = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        text += list.isEmpty ? "\(name) \(value)\n" : "\(name){\(list)} \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
