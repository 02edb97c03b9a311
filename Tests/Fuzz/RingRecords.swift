import AuditLog
import CSwguardBPF
import Compiler
import Policy

@testable import Agent

/// The first byte says what is known of the policy and the time; the rest is a record of the ring. What must hold: no crash, and
/// what is a record is one line of the log, which is whole and no longer than a line may be.
@c(LLVMFuzzerTestOneInput)
public func fuzzRingRecords(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let data, count > 0 else { return 0 }
    let known = Known(rawValue: data[0])
    let rest = UnsafeRawBufferPointer(start: data + 1, count: count - 1)
    guard let event = KernelEvent(rest.bytes) else { return 0 }
    precondition(event.path.count <= count, "more than there is")
    let report = EventReport(policy: known.legend, bootTime: known.bootTime)
    var names = ProcessNames()
    guard let (told, time) = report.event(of: event, &names) else { return 0 }
    _ = report.reason(of: event)
    check(told, at: time)
    var aggregator = EventAggregator()
    for _ in 0..<3 { _ = aggregator.holds(told, at: time, now: 0) }
    for due in aggregator.flush() { check(due.event, at: due.time) }
    if case .denial(let record) = told { check(.tamper(TamperRecord(record)), at: time) }
    return 0
}

/// What is known of the policy that decided.
private struct Known: OptionSet {
    let rawValue: UInt8
    static let policy = Self(rawValue: 1)
    static let complains = Self(rawValue: 2)
    static let network = Self(rawValue: 4)
    static let silence = Self(rawValue: 8)
    static let time = Self(rawValue: 16)
    static let future = Self(rawValue: 32)

    /// Of a clock that was never set, of one that is right, and of one that is far off.
    var bootTime: Int64 {
        if contains(.future) { return contains(.time) ? .max : .min }
        return contains(.time) ? 1_795_342_530_123_456_789 : -1
    }

    var legend: PolicyLegend {
        var legend = PolicyLegend(unknown: "web \"\u{1b}[31m\"\n")
        guard contains(.policy) else { return legend }
        legend.digest = "sha256:" + String(repeating: "0f", count: 32)
        if contains(.complains) { legend.mode = .complain }
        legend.files = SourceLocation(file: "web.yaml", line: 3)
        if contains(.network) { legend.network = SourceLocation(file: "web.yaml", line: 9) }
        legend.operations = SourceLocation(file: "web.yaml", line: 12)
        legend.rules = [
            DecidingRule(id: "files.rules[0]", location: SourceLocation(file: "web\n.yaml", line: 4)),
            DecidingRule(id: "logs", location: nil, reason: "no \u{202e}reason"),
        ]
        legend.areLogged = [true, !contains(.silence)]
        return legend
    }
}

private func check(_ event: AuditEvent, at time: AuditTime) {
    var encoder = AuditEncoder(boot: Array("0f3c".utf8), host: Array("web-3".utf8))
    let line = encoder.line(event, at: time)
    precondition(line.count <= AuditEncoder.lineLimit, "longer than a line may be")
    precondition(line.last == 0x0a && !line.dropLast().contains { $0 < 0x20 || $0 == 0x7f }, "no line")
    precondition(String(validating: line, as: UTF8.self) != nil, "not UTF-8")
    guard let record = LogRecord(line) else { preconditionFailure("none that is read back") }
    precondition(record.time == time, "another time")
    precondition((try? JSON(parsing: line)) != nil, "more than a client of 'run' is told")
}
