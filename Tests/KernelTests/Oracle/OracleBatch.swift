import Foundation
import Policy

/// Trials under some policies, the layers of one process; what is expected of them, and what came.
struct OracleBatch {
    var number: Int
    var policies: [OraclePolicy]
    var trials: [OracleTrial]

    var program: String { OracleWorld.program(number) }

    /// A line of the log, as far as it is decided by policies.
    struct Report: Hashable, CustomStringConvertible {
        var policy: String
        var verdict: String
        var what: OracleAnswer.Report
        var description: String { "\(policy) \(verdict) \(what.action) \(what.object) \(what.rule)" }
    }

    struct Expectation {
        /// Of each trial.
        var results: [Int32] = []
        /// Of each trial.
        var reports: [[Report]] = []
        /// How often a layer answered a question.
        var decisions = 0
        /// Evaluator against automaton.
        var disagreements: [String] = []
    }

    /// What the reference says.
    func expectation() throws -> Expectation {
        var judges = try policies.map { try OracleJudge($0.decoded(program: program)) }
        var expectation = Expectation()
        for trial in trials {
            var result = trial.otherwise
            var reports: [Report] = []
            asking: for (question, errno) in trial.questions {
                for index in judges.indices {
                    let answer = judges[index].answer(question)
                    let complains = judges[index].policy.mode == .complain
                    expectation.decisions += 1
                    if let what = answer.report {
                        let verdict = !answer.isDenied ? "allow" : complains ? "would-deny" : "deny"
                        reports.append(Report(policy: policies[index].name, verdict: verdict, what: what))
                    }
                    if answer.isDenied, !complains {
                        result = errno
                        break asking
                    }
                }
            }
            expectation.results.append(result)
            expectation.reports.append(reports)
        }
        expectation.disagreements = judges.flatMap(\.disagreements)
        return expectation
    }

    /// Has the trials made by a process under the policies; the results, -1 where it said none.
    func perform() throws -> [Int32] {
        for object in trials.flatMap(\.objects) { object.make() }
        defer { for object in trials.flatMap(\.objects) { object.remove() } }
        let place = FileManager.default.temporaryDirectory.appending(path: "oracle-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try (trials.map(\.call).joined(separator: "\n") + "\n").write(
            to: place, atomically: false, encoding: .utf8)
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = ["--batch"]
        process.standardInput = try FileHandle(forReadingFrom: place)
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let said = String(decoding: data, as: UTF8.self).split(separator: "\n").map { Int32($0) ?? -1 }
        return said + Array(repeating: -1, count: max(0, trials.count - said.count))
    }
}

extension OracleTrial.Object {
    func make() {
        switch self {
        case .file(let path): close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
        case .directory(let path): mkdir(path, 0o755)
        case .program(let path): link(OracleWorld.program(nil), path)
        case .result: break
        }
    }

    func remove() {
        switch self {
        case .file(let path), .directory(let path), .program(let path), .result(let path):
            if unlink(path) != 0 { rmdir(path) }
        }
    }
}

extension OracleBatch.Report {
    /// What the program's own start asks for, before it tries anything.
    private static let ownReading = "/proc/self/maps"

    /// nil: not of a request.
    init?(_ event: Event) {
        guard event["kind"] == "denial" || event["kind"] == "grant", let policy = event["policy", "name"],
            let verdict = event["verdict"], let action = event["action"], let rule = event["rule", "id"]
        else { return nil }
        let address = event["object", "address"].map { "\($0):\(event["object", "port"] ?? "")" }
        let object =
            event["object", "path"] ?? address ?? event["object", "abstract"].map { "@" + $0 }
            ?? event["object", "name"] ?? ""
        if object == Self.ownReading { return nil }
        self.init(
            policy: policy, verdict: verdict,
            what: OracleAnswer.Report(action: action, object: object, rule: rule))
    }
}
