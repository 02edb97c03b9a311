// Runs a command with one part of the confinement made by hand, so that each can fail or be seen by itself.
//
//     run-probe [--refuse CALL]… [--observe CALL]… [--plain CALL]… [--deny-path P]… [--broken PART] [--keep-caps N]
//               [--audit FILE] [--exec-only] [--landlock-execute DIR] -- COMMAND [ARG…]

import AuditLog
import CLinux
import CRunSupport
import Confinement
import Foundation
import Landlock
import Policy

/// What a filter for these calls looks like, and what the judge makes of them.
struct ProbeJudge: DenialJudge {
    var refused: [String]
    var policy: Policy?
    var observesRequests: Bool { policy != nil }

    private static let place = SourceLocation(file: "probe.yaml", line: 7)

    func name(of call: SystemCall) -> String? { CallTable.name(of: call.number) }

    func answer(to call: SystemCall) -> CallAnswer {
        guard let name = name(of: call), refused.contains(name) else { return .letGoOn(nil) }
        let part = Decision.Part(
            access: name, verdict: .deny, rule: DecidingRule(id: "syscalls.default", location: Self.place),
            log: true)
        return .refuse(
            code: EPERM,
            Judgement(
                policy: PolicyReference(name: "probe"),
                request: .syscall(name: name, arguments: call.arguments),
                decision: Decision(parts: [part]), layer: .seccomp))
    }

    func judge(_ request: Request) -> Judgement? {
        guard let policy else { return nil }
        let vocabulary = SyscallVocabulary(names: [], groups: [:], alwaysAllowed: [], narrowArguments: [:])
        let decision = Evaluator(policy, vocabulary: vocabulary).decide(request)
        // Everything, so that tests see what was observed; those of the policy are denials.
        guard decision.verdict == .deny || decision.parts.contains(where: \.log) else { return nil }
        return Judgement(
            policy: PolicyReference(name: "probe"), request: request, decision: decision, layer: .observed)
    }
}

/// The calls that the probe knows.
enum CallTable {
    static func number(of name: String) -> Int32? { ObservedCalls.number(of: name) }
    static func name(of number: Int32) -> String? { ObservedCalls.name(of: number) }
}

/// A filter that answers `action` to each of `calls` and allows the rest.
func filter(_ actions: [(calls: [String], action: UInt32)], flags: UInt32) -> SeccompFilter {
    var bytes: [UInt8] = []
    func add(_ code: UInt16, _ whenTrue: UInt8, _ whenFalse: UInt8, _ value: UInt32) {
        withUnsafeBytes(of: code) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: [whenTrue, whenFalse])
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }
    add(0x20, 0, 0, 0)  // ld [0]: the number
    for (calls, action) in actions {
        for call in calls {
            guard let number = CallTable.number(of: call) else { fatalError("no call \(call)") }
            add(0x15, 0, 1, UInt32(number))  // jeq
            add(0x06, 0, 0, action)  // ret
        }
    }
    add(0x06, 0, 0, 0x7fff_0000)  // SECCOMP_RET_ALLOW
    return SeccompFilter(bytes: bytes, flags: flags)
}

var refused: [String] = []
var observed: [String] = []
var plain: [String] = []
var deniedPaths: [String] = []
var broken = ""
var capabilities: UInt64?
var audit: String?
var execOnly = false
var executable: String?
var arguments = Array(CommandLine.arguments.dropFirst())
while let option = arguments.first, option != "--" {
    arguments.removeFirst()
    if option == "--exec-only" {
        execOnly = true
        continue
    }
    let value = arguments.removeFirst()
    switch option {
    case "--refuse": refused.append(value)
    case "--observe": observed.append(value)
    case "--plain": plain.append(value)
    case "--deny-path": deniedPaths.append(value)
    case "--broken": broken = value
    case "--keep-caps": capabilities = UInt64(value)
    case "--audit": audit = value
    case "--landlock-execute": executable = value
    default: fatalError("unknown option \(option)")
    }
}
let command = arguments.dropFirst().map { Array($0.utf8) }
var environment: [[UInt8]] = ProcessInfo.processInfo.environment.map { Array("\($0)=\($1)".utf8) }
var request = LaunchRequest(
    arguments: command, environment: environment,
    candidates: CommandLookup.candidates(for: command[0], path: CommandLookup.path(in: environment)))
request.keptCapabilities = capabilities

let notify: UInt32 = 0x7fc0_0000
let refuse: UInt32 = 0x0005_0000 | UInt32(EPERM)
let listens = !refused.isEmpty || !observed.isEmpty
if listens || !plain.isEmpty {
    request.filter = filter([(refused + observed, notify), (plain, refuse)], flags: listens ? 8 : 0)
    request.filterWithoutListener = filter([(refused + plain, refuse)], flags: 0)
}
switch broken {
case "": break
case "landlock": request.layers = [LandlockLayer(borrowing: CInt.max)]
case "grant":
    let grant = PreparedRuleset.OwnGrant(path: Array("/nowhere".utf8), rights: .readFile)
    request.layers = [LandlockLayer(borrowing: CInt.max, ownGrants: [grant])]
case "seccomp": request.filter = SeccompFilter(bytes: [UInt8](repeating: 0xff, count: 8))
case "seccomp-empty": request.filter = SeccompFilter(bytes: [])
case "seccomp-long": request.filter = SeccompFilter(bytes: [UInt8](repeating: 0, count: 8 * 70_000))
case "seccomp-flags": request.filter = filter([], flags: 1 << 20)
default: fatalError("no part \(broken)")
}
if let executable {
    let ruleset = probe_ruleset(executable)
    guard ruleset >= 0 else { fatalError("no Landlock") }
    request.layers = [LandlockLayer(borrowing: ruleset)]
}

var policy = Policy(name: "probe", file: "probe.yaml")
let place = SourceLocation(file: "probe.yaml", line: 3)
policy.files = FilesSection(
    defaultVerdict: .allow,
    rules: [
        FileRule(
            header: RuleHeader(id: "secret", verdict: .deny, location: place), accesses: .all,
            patterns: deniedPaths.map { Located(PathPattern(subtree: $0.utf8), at: place) })
    ], location: place)
policy.network = NetworkSection(families: [], location: place)

let judge = ProbeJudge(refused: refused, policy: observed.isEmpty ? nil : policy)
if execOnly {
    request.filter = request.filterWithoutListener ?? request.filter
    let failure = Launcher.execute(request)
    StandardError.say(failure.message(command: String(decoding: command[0], as: UTF8.self)))
    exit(failure.status)
}
var options = Reporter.Options()
options.command = String(decoding: command[0], as: UTF8.self)
let reporter: Reporter
if let audit {
    do {
        let file = try AuditFile(appendingTo: Array(audit.utf8))
        reporter = Reporter(
            AuditWriter(
                file, encoder: AuditEncoder(boot: ProcessFile.bootID(), host: ProcessFile.hostName())),
            options: options)
    } catch { fatalError("cannot open \(audit)") }
} else {
    reporter = Reporter(options: options)
}
let enforcement = EnforcementRecord(
    state: .began, backend: nil, reported: .partial, policies: [PolicyReference(name: "probe")])
let outcome = Supervisor.run(
    request, context: .init(judge: listens ? judge : nil, enforcement: enforcement), reporter: reporter)
if case .notStarted(let failure) = outcome { StandardError.say(failure.message(command: options.command)) }
exit(outcome.status)
