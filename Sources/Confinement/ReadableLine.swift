internal import AuditLog
internal import Policy

/// Events as people read them.
enum ReadableLine {
    /// `denied make[812]: write /etc/hosts by files.default (web.yaml:12); to allow: …`.
    ///
    /// - Parameter times: How often it happened, where that is to be said.
    /// - Parameter moreTimes: How often it happened after it was said.
    static func text(
        _ report: DenialReport, process: ProcessIdentity, times: UInt64 = 1, moreTimes: UInt64 = 0
    ) -> String {
        let verb =
            switch report.verdict {
            case .allow: "granted"
            case .deny: "denied"
            case .wouldDeny: "would deny"
            }
        let name = AuditText(process.comm ?? Array("?".utf8)).string
        var line = "\(verb) \(name)[\(process.pid)]: \(subject(report))"
        if let narrowing = report.judgement.narrowing {
            line += " by Landlock: \(granting(report)), but \(narrowing)"
        } else if let rule = report.rule {
            line += " by \(AuditText(rule.id).string)"
            if let location = rule.location { line += " (\(AuditText(location.fileAndLine).string))" }
            if moreTimes == 0, let reason = rule.reason { line += ": \(AuditText(reason).string)" }
        }
        if times > 1 { line += ", \(times) times" }
        if moreTimes > 0 { return line + ", \(moreTimes) more time\(moreTimes == 1 ? "" : "s")" }
        if !report.isGrant, let remedy = Remedy.text(for: report) { line += "; to allow: \(remedy)" }
        return line
    }

    /// What grants what Landlock denies all the same.
    private static func granting(_ report: DenialReport) -> String {
        guard let rule = report.rule else { return "no rule denies it" }
        let place = rule.location.map { " (\(AuditText($0.fileAndLine).string))" } ?? ""
        return "\(AuditText(rule.id).string)\(place) grants it"
    }

    /// What was denied of what: `write /etc/hosts`.
    private static func subject(_ report: DenialReport) -> String {
        let accesses = (report.isGrant ? report.judgement.decision.parts.map(\.access) : report.denied)
            .joined(separator: ", ")
        return switch report.judgement.request {
        case .file(let path, _): "\(accesses) \(AuditText(path).string)"
        case .network(_, let address): "\(accesses) \(AuditText(address.endpoint).string)"
        case .socket(let family, _): "socket \(SocketFamilyName.of(family))"
        case .capability(let capability): "capability \(capability.name)"
        case .operation(let operation): "operation \(operation.name)"
        case .syscall(let name, _): "system call \(AuditText(name).string)"
        }
    }

    /// What ended a command by SIGSYS: `'make' was killed (SIGSYS) for a system call: one that no-trace (web.yaml:12)
    /// denies, or one of a foreign ABI (abi)`.
    static func killed(_ command: String, by rules: [DecidingRule]) -> String {
        let written = rules.compactMap { rule in
            rule.location.map { "\(AuditText(rule.id).string) (\(AuditText($0.fileAndLine).string))" }
        }
        let foreign = "one of a foreign ABI (abi)"
        let what =
            written.isEmpty ? foreign : "one that \(written.joined(separator: " or ")) denies, or \(foreign)"
        return "'\(command)' was killed (SIGSYS) for a system call: \(what)"
    }

    /// What is enforced, in one line.
    static func text(_ record: EnforcementRecord) -> String {
        let policies = record.policies.map { AuditText($0.name).string }.joined(separator: ", ")
        let sections = record.sections.map { section in
            let layers = section.layers.map(\.rawValue).joined(separator: "+")
            return "\(section.name) \(section.extent.rawValue)" + (layers.isEmpty ? "" : " (\(layers))")
        }
        return "confined by \(policies.isEmpty ? "no policy" : policies)"
            + (sections.isEmpty ? "" : ": " + sections.joined(separator: ", "))
            + "; denials reported: \(record.reported.rawValue)"
    }
}

extension SocketAddress {
    /// The address as an endpoint of a policy.
    var endpoint: [UInt8] {
        switch self {
        case .inet(let transport, let host, let port):
            let address = host.bitCount == 32 ? host.description : "[\(host.description)]"
            return Array("\(transport.name):\(address):\(port)".utf8)
        case .unixPath(let path): return Array("unix:".utf8) + PathPattern.escape(path)
        case .unixAbstract(let name): return Array("unix:@".utf8) + PathPattern.escape(name)
        }
    }
}
