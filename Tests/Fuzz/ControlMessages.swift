import Automata
import Compiler
import Confinement
import Policy

@testable import Agent
@testable import Control

/// The first byte picks the reader; the rest is what the other end has sent. What must hold: no crash, no hang, and what
/// is accepted is written and read back.
@c(LLVMFuzzerTestOneInput)
public func fuzzControlMessages(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let data, count > 0 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    let rest = Array(bytes.dropFirst())
    switch bytes[0] {
    case UInt8(ascii: "J"): readJSON(rest)
    case UInt8(ascii: "R"): for message in messages(rest) { readReply(message) }
    case UInt8(ascii: "P"): if let json = try? JSON(parsing: rest) { readPolicies(json) }
    default: for message in messages(bytes) { readCall(message) }
    }
    return 0
}

/// Takes a stream in pieces, as it comes through a socket.
private func messages(_ bytes: [UInt8]) -> [[UInt8]] {
    var buffer = MessageBuffer(limit: 4096)
    var messages: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
        let piece = rest.prefix(min(700, max(1, buffer.room)))
        buffer.append(piece)
        rest = rest.dropFirst(piece.count)
        if buffer.isOverlong { break }
        while buffer.hasMessage {
            guard let message = buffer.next() else { preconditionFailure("a message that is there is not") }
            messages.append(message)
        }
    }
    if !buffer.isOverlong {
        precondition(messages.count == bytes.count { $0 == 0 }, "not as many messages as there are ends")
        precondition(
            messages.elementsEqual(bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()) {
                $0.elementsEqual($1)
            }, "other messages")
    }
    return messages
}

private func readJSON(_ bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes) else { return }
    for text in [json.text, json.indentedText] {
        precondition((try? JSON(parsing: Array(text.utf8))) == json, "what was read cannot be written")
    }
    precondition(!json.text.utf8.contains { $0 < 0x20 }, "more than a line")
}

private let service = ControlService(version: "1.2.3")

private func readCall(_ message: [UInt8]) {
    guard let call = VarlinkCall(message: message) else { return }
    guard let again = VarlinkCall(message: call.message) else {
        preconditionFailure("what was read cannot be written")
    }
    precondition(
        again.method == call.method && JSON.object(again.parameters) == .object(call.parameters)
            && (again.more, again.oneway, again.upgrade) == (call.more, call.oneway, call.upgrade))
    for user: UInt32 in [0, 1000] {
        switch service.step(call, from: ControlPeer(pid: 1, uid: user)) {
        case .replies(let replies):
            for reply in replies { _ = try? VarlinkReply(message: reply.message, limits: JSON.Limits()) }
        case .ask(.confine(let request)): if let policies = request.policies { readPolicies(policies) }
        case .ask(.status), .ask(.policies), .ask(.processes): break
        case .ask: precondition(user == 0, "only root changes what is enforced")
        }
    }
}

/// What any user may have the agent do.
private func readPolicies(_ json: JSON) {
    guard let request = RunRequest(json) else { return }
    let (policies, diagnostics, refusals) = request.policies()
    precondition(!refusals.isEmpty || !policies.isEmpty, "refused without a reason")
    _ = DiagnosticFormatter(usesColour: true).text(diagnostics)
    for policy in policies.prefix(4) { _ = try? KernelPart(policy, limits: RunLayers.limits) }
}

private func readReply(_ message: [UInt8]) {
    guard let reply = try? VarlinkReply(message: message, limits: JSON.Limits(values: 1 << 20)) else {
        return
    }
    guard let again = try? VarlinkReply(message: reply.message, limits: JSON.Limits(values: 1 << 20)) else {
        preconditionFailure("what was read cannot be written")
    }
    precondition(
        again.parameters == reply.parameters && again.continues == reply.continues
            && again.error == reply.error)
    let json = reply.parameters
    if let status = AgentStatus(json) {
        precondition(AgentStatus(status.json) == status)
    }
    for item in json["policies"]?.items ?? [] {
        if let policy = PolicyStatus(item) { precondition(PolicyStatus(policy.json) == policy) }
    }
    for item in json["processes"]?.items ?? [] {
        if let process = ConfinedProcess(item) { precondition(ConfinedProcess(process.json) == process) }
    }
    if let result = ChangeResult(json) { precondition(ChangeResult(result.json) == result) }
    if let result = ConfineResult(json) { precondition(ConfineResult(result.json) == result) }
    let diagnostics = json["diagnostics"]?.items?.compactMap(DiagnosticJSON.diagnostic) ?? []
    _ = DiagnosticFormatter(usesColour: false).text(diagnostics)
}
