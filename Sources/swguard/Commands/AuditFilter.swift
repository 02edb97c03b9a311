internal import ArgumentParser
internal import AuditLog
private import Glibc
internal import Policy

/// Which events of the log are wanted.
struct AuditFilter: ParsableArguments {
    @Option(help: ArgumentHelp("Events of this policy.", valueName: "name"))
    var policy: [String] = []
    @Option(help: ArgumentHelp("Events that this rule decided.", valueName: "id"))
    var rule: [String] = []
    @Option(
        help: ArgumentHelp("Events about paths that match, as policies write patterns.", valueName: "pattern")
    )
    var path: [String] = []
    @Option(
        help: ArgumentHelp(
            "Events of a process: its number, its name, or its executable's path.", valueName: "process"))
    var process: [String] = []
    @Option(
        help: ArgumentHelp(
            "Events of a kind: \(AuditEvent.Kind.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "kind"))
    var kind: [String] = []
    @Option(help: ArgumentHelp("Events with a verdict: allow, deny, would-deny.", valueName: "verdict"))
    var verdict: [String] = []
    @Option(
        help: ArgumentHelp(
            "Events from then on: 2026-11-22T10:15 (UTC), or 15m, 2h, 7d ago.", valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("Events before then.", valueName: "time"))
    var until: String?

    func validate() throws {
        for name in kind where AuditEvent.Kind(rawValue: name) == nil {
            throw ValidationError("unknown kind '\(DiagnosticFormatter.printable(name))'")
        }
        for name in verdict where AuditEvent.Verdict(rawValue: name) == nil {
            throw ValidationError("unknown verdict '\(DiagnosticFormatter.printable(name))'")
        }
        for (name, text) in [("since", since), ("until", until)] {
            if let text, Self.time(text) == nil {
                throw ValidationError(
                    "--\(name) is no time: '\(DiagnosticFormatter.printable(text))'; write 2026-11-22T10:15, or 2h"
                )
            }
        }
        _ = try patterns()
    }

    /// The conditions; seals are wanted only where they are asked for.
    func query() throws -> LogQuery {
        var query = LogQuery()
        query.policies = Set(policy)
        query.rules = Set(rule)
        query.kinds =
            kind.isEmpty ? Set(AuditEvent.Kind.allCases.filter { $0 != .seal }.map(\.rawValue)) : Set(kind)
        query.verdicts = Set(verdict)
        query.processes = process.map { LogQuery.Process($0) }
        query.paths = try patterns()
        query.since = since.flatMap(Self.time)
        query.until = until.flatMap(Self.time)
        return query
    }

    private func patterns() throws -> [PathPattern] {
        try path.flatMap { text in
            do throws(PolicyTextError) {
                return try PathPattern.parse(text.utf8)
            } catch {
                throw ValidationError("--path '\(DiagnosticFormatter.printable(text))': \(error.text)")
            }
        }
    }

    /// A time of the calendar, or so long ago.
    private static func time(_ text: String) -> AuditTime? {
        if let time = AuditTime(text) { return time }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), count >= 0,
            count < 1_000_000_000
        else { return nil }
        let now = AuditTime.now()
        return AuditTime(seconds: now.seconds - count * unit, nanoseconds: now.nanoseconds)
    }
}
