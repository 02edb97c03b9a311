import Compiler
import Policy

/// One thing that the kernel asks of every layer while it does a call.
enum OracleQuestion: Hashable {
    case file([UInt8], FileAccessSet)
    /// Whether a new name grants more than an old one; `bothWays` for an exchange.
    case gain(old: [UInt8], new: [UInt8], bothWays: Bool)
    case network(NetworkAccess, SocketAddress)
    case socket(family: UInt32, protocolNumber: UInt32)
    case capability(String)
    case operation(String)
}

/// What a layer says of a question.
struct OracleAnswer: Equatable {
    /// By what the denial, or the grant, is to be reported; nil: nothing is.
    var report: Report?
    var isDenied: Bool

    struct Report: Hashable {
        /// `file.read`.
        var action: String
        var object: String
        var rule: String
    }
}

/// What policies mean, by the reference alone.
struct OracleJudge {
    private let evaluator: Evaluator
    private let automaton: FileAutomaton
    let policy: Policy
    /// What the automaton and the tables said otherwise than the evaluator.
    private(set) var disagreements: [String] = []

    init(_ policy: Policy) throws {
        self.policy = policy
        evaluator = Evaluator(policy, vocabulary: SyscallTable.vocabulary)
        automaton = try FileAutomaton(policy.files)
    }

    /// What may not be gained by another name.
    private static let gains: FileAccessSet = [.read, .write, .execute, .map, .metadata, .link]

    mutating func answer(_ question: OracleQuestion) -> OracleAnswer {
        switch question {
        case .file(let path, let accesses):
            compareAutomaton(path)
            return answer(
                evaluator.decide(.file(path: path, accesses)), "file", String(decoding: path, as: UTF8.self))
        case .gain(let old, let new, let bothWays):
            if policy.files == nil { return OracleAnswer(isDenied: false) }
            let before = granted(old), after = granted(new)
            var gained = after.subtracting(before)
            if bothWays { gained.formUnion(before.subtracting(after)) }
            gained.formIntersection(Self.gains)
            guard let access = gained.members.first else { return OracleAnswer(isDenied: false) }
            let report = OracleAnswer.Report(
                action: "file.\(access.name)", object: String(decoding: new, as: UTF8.self), rule: "no-gain")
            return OracleAnswer(report: report, isDenied: true)
        case .network(let access, let address):
            var decision = evaluator.decide(.network(access, address))
            // A known gap: the programs report no grant of an address or of a socket's name.
            if decision.verdict == .allow { decision.parts[0].log = false }
            return answer(decision, "socket", Self.text(address))
        case .socket(let family, let number):
            let decision = evaluator.decide(.socket(family: family, protocolNumber: number))
            return answer(decision, "socket", "")
        case .capability(let name):
            guard let capability = Capability.allCases.first(where: { $0.name == name }) else {
                return OracleAnswer(isDenied: false)
            }
            return answer(evaluator.decide(.capability(capability)), "capability", name)
        case .operation(let name):
            guard let operation = Operation(rawValue: name) else {
                return OracleAnswer(isDenied: false)
            }
            return answer(evaluator.decide(.operation(operation)), "operation", name)
        }
    }

    /// The first part that is denied, else the first that is to be reported.
    private func answer(_ decision: Decision, _ kind: String, _ object: String) -> OracleAnswer {
        let denied = decision.parts.first { $0.verdict == .deny }
        guard let part = denied ?? decision.parts.first(where: \.log), part.log, let rule = part.rule else {
            return OracleAnswer(isDenied: denied != nil)
        }
        let report = OracleAnswer.Report(action: "\(kind).\(part.access)", object: object, rule: rule.id)
        return OracleAnswer(report: report, isDenied: denied != nil)
    }

    private func granted(_ path: [UInt8]) -> FileAccessSet {
        let parts = evaluator.decide(.file(path: path, .all)).parts
        return FileAccessSet(
            zip(FileAccess.allCases, parts).filter { $1.verdict == .allow }.map { FileAccessSet($0.0) })
    }

    private mutating func compareAutomaton(_ path: [UInt8]) {
        let verdict = automaton.verdict(of: path)
        for (access, part) in zip(FileAccess.allCases, evaluator.decide(.file(path: path, .all)).parts) {
            let isGranted = verdict.granted.contains(FileAccessSet(access))
            let rule: String? =
                switch verdict.rule(of: access) {
                case FileVerdict.notMediated: nil
                case FileVerdict.sectionDefault: "files.default"
                case let number: automaton.rules[Int(number)].id
                }
            if isGranted != (part.verdict == .allow) || rule != part.rule?.id {
                disagreements.append(
                    "\(policy.name): \(String(decoding: path, as: UTF8.self)) \(access.name): evaluator \(part), automaton \(isGranted) \(rule ?? "-")"
                )
            }
        }
    }

    /// As events call it.
    private static func text(_ address: SocketAddress) -> String {
        switch address {
        case .inet(_, let host, let port): "\(host.unmapped):\(port)"
        case .unixPath(let path): String(decoding: path, as: UTF8.self)
        case .unixAbstract(let name): "@" + String(decoding: name, as: UTF8.self)
        }
    }
}
