internal import Policy

/// What a policy's `capabilities` become: the set that the command may keep.
struct CapabilityLowering {
    /// A bit mask by number; nil where the section is absent. Numbers that the tables do not know are dropped.
    var kept: UInt64?
    var coverage = Coverage()

    static func lower(_ policy: Policy) -> Self {
        var result = Self()
        guard policy.mode == .enforce, let section = policy.capabilities else { return result }
        let evaluator = Evaluator(
            policy, vocabulary: .init(names: [], groups: [:], alwaysAllowed: [], narrowArguments: [:]))
        var kept: UInt64 = 0
        for capability in Capability.allCases
        where evaluator.decide(.capability(capability)).verdict == .allow {
            kept |= 1 << UInt64(capability.rawValue)
        }
        result.kept = kept
        let mechanism = "dropped from the bounding, permitted, effective, inheritable and ambient sets"
        for entry in section.entries {
            result.coverage.rows.append(
                .init(
                    section: "capabilities", subject: entry.header.id, location: entry.header.location,
                    extent: .full, layers: [.capabilities],
                    mechanism: entry.header.verdict == .deny ? mechanism : "kept where the caller has it"))
        }
        result.coverage.rows.append(
            .init(
                section: "capabilities", subject: "capabilities.default", location: section.location,
                extent: .full, layers: [.capabilities],
                mechanism: section.defaultVerdict == .deny ? mechanism : "kept where the caller has it"))
        return result
    }
}
