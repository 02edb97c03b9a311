internal import AuditLog
internal import Compiler
internal import Control
private import Glibc
internal import Policy

/// What the log has of changes of what is enforced.
extension Agent {
    /// Writes what has changed, and says it.
    mutating func tellChanges(
        since previous: [PolicyLegend?], isRollback: Bool, by peer: ControlPeer?
    ) -> [PolicyChange] {
        let present = hostLegends
        let previous = previous.compactMap { $0 }.filter { $0.run == nil }
        let names = Set(present.map(\.name))
        let before = Dictionary(previous.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var changes: [PolicyChange] = []
        for policy in present {
            let known = before[policy.name]
            if let known, known.digest == policy.digest { continue }
            let change: PolicyChange.Kind = isRollback ? .rolledBack : known == nil ? .loaded : .replaced
            tell(policy, change, by: peer)
            changes.append(PolicyChange(policy: policy.name, kind: change))
        }
        for policy in previous where !names.contains(policy.name) {
            tell(policy, .removed, by: peer)
            changes.append(PolicyChange(policy: policy.name, kind: .removed))
        }
        for policy in present { writeEnforcement(of: policy, previous.isEmpty ? .began : .changed) }
        for policy in previous where !names.contains(policy.name) {
            writeEnforcement(of: policy, .ended)
        }
        return changes
    }

    mutating func tell(_ policy: PolicyLegend, _ kind: PolicyChange.Kind, by peer: ControlPeer?) {
        let change: AuditLog.PolicyRecord.Change =
            switch kind {
            case .loaded: .loaded
            case .replaced: .replaced
            case .removed: .removed
            case .rolledBack: .rolledBack
            }
        write(
            .policy(
                AuditLog.PolicyRecord(
                    change: change, policy: reference(policy), uid: peer?.uid ?? getuid(),
                    pid: peer?.pid ?? getpid())))
    }

    mutating func writeEnforcement(of policy: PolicyLegend, _ state: EnforcementRecord.State) {
        write(
            .enforcement(
                EnforcementRecord(
                    state: state, backend: .lsm, reported: .full, policies: [reference(policy)],
                    sections: policy.sections.map { section in
                        EnforcementRecord.Section(
                            name: section.name,
                            extent: EnforcementRecord.Extent(rawValue: section.extent.rawValue) ?? .none,
                            layers: section.extent == .none ? [] : [.lsm], gaps: section.gaps)
                    })))
    }

    private func reference(_ policy: PolicyLegend) -> PolicyReference {
        PolicyReference(
            name: policy.name, digest: policy.digest,
            generation: UInt64(enforcement.arena.generations.last?.number ?? enforcement.generation),
            mode: policy.mode == .complain ? .complain : .enforce)
    }
}
