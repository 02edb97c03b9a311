internal import AuditLog
internal import Compiler
internal import Policy

/// For which slots the lines of a log are accounted, as far as it can be seen from what they say.
///
/// A policy that `swguard run` brought may have the name of another: its lines are told apart by generation, digest and
/// user.
struct LineAccounts {
    private struct Place: Hashable {
        var generation: Int
        var name: String
        var digest: String?
    }

    private let slots: Slots
    private var brought: [Place: [(slot: Int, owner: UInt32)]] = [:]
    private var gaps: [String: Int] = [RunLayers.goneName: RunLayers.goneSlot]

    init(_ slots: Slots, _ generations: [(number: UInt32, legends: [PolicyLegend?])]) {
        self.slots = slots
        for generation in generations {
            for (slot, legend) in generation.legends.enumerated() {
                guard let legend, let run = legend.run else { continue }
                let place = Place(
                    generation: Int(generation.number), name: legend.name, digest: legend.digest)
                brought[place, default: []].append((slot, run.owner))
                gaps[legend.listedName] = slot
            }
        }
    }

    /// nil: of none.
    func slot(of record: LogRecord) -> Int? {
        guard let name = record.policies.first else { return nil }
        if record.kind == "gap" { return slots.known(name) ?? gaps[name] }
        let policy = record.json["policy"]
        let place = Place(
            generation: policy?["generation"]?.intValue ?? 0, name: name,
            digest: policy?["digest"]?.stringValue)
        let user = record.user.flatMap { UInt32($0) }
        // A command of root's can have become another user by then.
        if let found = brought[place] {
            return (found.first { $0.owner == user } ?? found.first { $0.owner == 0 } ?? found.first)?.slot
        }
        return slots.known(name) ?? gaps[name]
    }
}
