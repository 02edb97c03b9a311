import Foundation

/// The running kernel, asked in batches under one agent.
struct OracleGuest {
    private let world: OracleWorld
    private var agent: RunningAgent?

    init(world: OracleWorld) { self.world = world }

    /// Something that the kernel decided otherwise.
    struct Difference {
        var batch: OracleBatch
        var trial: Int?
        var what: String
    }

    struct Outcome {
        var decisions = 0
        var requests = 0
        var denied = 0
        var differences: [Difference] = []
    }

    /// Has all batches decided, each by policies of its own.
    mutating func decide(_ batches: [OracleBatch]) throws -> Outcome {
        for batch in batches { world.provideProgram(batch.number) }
        try enforce(batches)
        let expectations = try batches.map { try $0.expectation() }
        let results = try batches.map { try $0.perform() }
        let reports = try reports(expecting: expectations.flatMap(\.reports).joined().count)
        var outcome = Outcome()
        for (index, batch) in batches.enumerated() {
            let expectation = expectations[index]
            outcome.decisions += expectation.decisions
            outcome.requests += batch.trials.count
            outcome.denied += zip(batch.trials, results[index]).count { $0.otherwise != $1 }
            let names = Set(batch.policies.map(\.name))
            outcome.differences += Self.differences(
                batch, expectation, results[index], reports.filter { names.contains($0.key.policy) })
        }
        return outcome
    }

    /// Puts the policies of the batches in force, and no others.
    private mutating func enforce(_ batches: [OracleBatch]) throws {
        let policies = Dictionary(
            uniqueKeysWithValues: batches.flatMap { batch in
                batch.policies.map { ($0.name, $0.sections(program: batch.program)) }
            })
        // What was written of those before is not of these.
        if let agent {
            _ = try agent.writtenEvents()
            let files = FileManager.default
            for file in try files.contentsOfDirectory(atPath: agent.directory.path)
            where file.hasSuffix(".yaml") {
                try files.removeItem(at: agent.directory.appending(path: file))
            }
            let (name, text) = policies.sorted { $0.key < $1.key }[0]
            try agent.reload(name, text) { directory in
                for (name, text) in policies {
                    try RunningAgent.document(name, text).write(
                        to: directory.appending(path: "\(name).yaml"), atomically: false, encoding: .utf8)
                }
            }
            guard try agent.ask("reload").status == 0 else {
                throw RunningAgent.Failure(text: "\(agent.errors.suffix(4000))")
            }
        } else {
            agent = try RunningAgent(policies)
        }
    }

    /// How often each thing was reported; waits until as many came, or none comes any more.
    private func reports(expecting count: Int) throws -> [OracleBatch.Report: Int] {
        guard let agent else { return [:] }
        var found: [OracleBatch.Report: Int] = [:]
        var quiet = 0, total = 0
        // What equals an earlier event is written when a second is over.
        while quiet < (total >= count ? 15 : 60) {
            let events = try agent.writtenEvents()
            for event in events {
                if event["kind"] == "gap" { throw RunningAgent.Failure(text: "events were lost: \(event)") }
                guard let report = OracleBatch.Report(event) else { continue }
                let times = event["count"].flatMap(Int.init) ?? 1
                found[report, default: 0] += times
                total += times
            }
            quiet = events.isEmpty ? quiet + 1 : 0
            if total >= count && events.isEmpty && quiet > 3 { break }
            usleep(100_000)
        }
        return found
    }

    private static func differences(
        _ batch: OracleBatch, _ expectation: OracleBatch.Expectation, _ results: [Int32],
        _ reports: [OracleBatch.Report: Int]
    ) -> [Difference] {
        var differences = expectation.disagreements.map { Difference(batch: batch, trial: nil, what: $0) }
        for (index, trial) in batch.trials.enumerated() where results[index] != expectation.results[index] {
            differences.append(
                Difference(
                    batch: batch, trial: index,
                    what: "\(trial.call): \(results[index]), expected \(expectation.results[index])"))
        }
        var expected: [OracleBatch.Report: Int] = [:]
        for report in expectation.reports.joined() { expected[report, default: 0] += 1 }
        for report in Set(expected.keys).union(reports.keys).sorted(by: { "\($0)" < "\($1)" }) {
            let (wanted, found) = (expected[report] ?? 0, reports[report] ?? 0)
            if wanted == found { continue }
            let asksOften = zip(batch.trials, expectation.reports).contains {
                $0.asksOften && $1.contains(report)
            }
            if asksOften && wanted < found { continue }
            let trial =
                expectation.reports.firstIndex { $0.contains(report) }
                ?? batch.trials.firstIndex { $0.call.contains(report.what.object) }
            let call = trial.map { batch.trials[$0].call } ?? "?"
            differences.append(
                Difference(
                    batch: batch, trial: trial,
                    what: "\(call): reported \(found) times, expected \(wanted): \(report)"))
        }
        return differences
    }

    mutating func end() throws -> Int32 { try agent?.end() ?? 0 }
}
