/// Why a policy says what it says of a request: for each access the rule that decided, and rules that came close.
public struct Explanation: Hashable, Sendable {
    /// A rule, and how it reads.
    public struct Rule: Hashable, Sendable {
        public var rule: DecidingRule
        /// `deny [read, write] /etc/shadow`; of many patterns the one that is meant.
        public var text: String
    }

    /// The verdict on one access.
    public struct Part: Hashable, Sendable {
        /// `read`, `connect`; `capability`, `operation`, `syscall` and `socket` where a request has no access.
        public var access: String
        /// What was asked for: a path, an address, a name.
        public var object: String
        public var verdict: Verdict
        /// nil: the section is absent, and nothing decided.
        public var decidedBy: Rule?
        /// At most three: rules that cover the object but not the access, then those with the longest common
        /// literal beginning.
        public var near: [Rule]
    }

    public var parts: [Part]

    /// Granted only if every part is.
    public var verdict: Verdict { parts.allSatisfy { $0.verdict == .allow } ? .allow : .deny }

    /// One block for each part, as the command line prints it.
    public var text: String { parts.map(\.text).joined() }
}

extension Explanation.Part {
    /// ```
    /// denied: read /etc/shadow
    ///   by no-hashes (policies/web.yaml:31): deny [read, write] /etc/shadow
    ///   reason: password hashes never leave the host
    ///   near files.rules[0] (policies/web.yaml:27): allow [read] /etc/nginx/**
    /// ```
    public var text: String {
        var lines = ["\(verdict == .allow ? "allowed" : "denied"): \(access) \(object)"]
        if let decidedBy {
            lines.append("  by \(decidedBy.line)")
            if let reason = decidedBy.rule.reason { lines.append("  reason: \(reason)") }
        } else {
            lines.append("  by no rule: the policy does not mediate it")
        }
        lines += near.map { "  near \($0.line)" }
        return lines.map { DiagnosticFormatter.printable($0) + "\n" }.joined()
    }
}

extension Explanation.Rule {
    /// `no-hashes (policies/web.yaml:31): deny [read, write] /etc/shadow`
    fileprivate var line: String {
        let place = rule.location.map { " (\($0.fileAndLine))" } ?? ""
        return "\(rule.id)\(place): \(text)"
    }
}

extension Evaluator {
    /// What the policy says of the whole of `request`, and why.
    public func explain(_ request: Request) -> Explanation {
        Explanation(
            parts: questions(request).map { request, part in
                let candidates = candidates(for: request)
                let decidedBy = part.rule.map { rule in
                    let written = candidates.first {
                        $0.header.id == rule.id && $0.header.location == rule.location
                    }
                    return Explanation.Rule(rule: rule, text: written?.text ?? text(of: rule, part.verdict))
                }
                return Explanation.Part(
                    access: Self.access(of: request, part), object: Self.object(of: request),
                    verdict: part.verdict,
                    decidedBy: decidedBy, near: near(part, candidates))
            })
    }

    /// A section's default or a built-in rule in one line.
    private func text(of rule: DecidingRule, _ verdict: Verdict) -> String {
        switch (rule.id, verdict) {
        case ("syscalls.always", _): return "allow what every command needs to start"
        case ("network.families", _):
            let words = (policy.network?.families ?? []).map(\.value.word)
            return "families [\(words.joined(separator: ", "))]"
        // A rule without a place is the language's own: starred, or granted unless denied.
        case (_, .deny): return rule.location == nil ? "deny unless allowed" : "deny what no rule allows"
        case (_, .allow): return rule.location == nil ? "allow unless denied" : "allow what no rule denies"
        }
    }

    /// A rule as it stands to a request.
    private struct Candidate {
        var header: RuleHeader
        var text: String
        /// Whether it covers the object, whatever the access.
        var coversObject: Bool
        /// How many bytes its text and the object's have in common at the beginning; 0 where that says nothing.
        var commonBytes: Int
    }

    private func near(_ part: Decision.Part, _ candidates: [Candidate]) -> [Explanation.Rule] {
        let others = candidates.filter { candidate in
            candidate.header.id != part.rule?.id && (candidate.coversObject || candidate.commonBytes > 0)
        }
        let ordered = others.enumerated().sorted { left, right in
            if left.element.coversObject != right.element.coversObject { return left.element.coversObject }
            if !left.element.coversObject, left.element.commonBytes != right.element.commonBytes {
                return left.element.commonBytes > right.element.commonBytes
            }
            return left.offset < right.offset
        }
        return ordered.prefix(3).map { _, candidate in
            Explanation.Rule(rule: DecidingRule(candidate.header), text: candidate.text)
        }
    }

    private func candidates(for request: Request) -> [Candidate] {
        switch request {
        case .file(let path, _): fileCandidates(path)
        case .network(_, .unixPath(let path)) where policy.network == nil: fileCandidates(path)
        case .network(let access, let written):
            (policy.network?.rules ?? []).map { rule in
                let address = written.used(for: access)
                let text = Array(address.description.utf8)
                let covering = rule.endpoints.first { $0.value.contains(address) }?.value
                let closest = rule.endpoints.map { endpoint in
                    (endpoint.value, Self.commonNetworkBytes(Array(endpoint.value.description.utf8), text))
                }.max { $0.1 < $1.1 }
                return Candidate(
                    header: rule.header, text: rule.text(showing: covering ?? closest?.0),
                    coversObject: covering != nil, commonBytes: closest?.1 ?? 0)
            }
        case .socket: []
        case .capability(let capability):
            (policy.capabilities?.entries ?? []).filter { $0.covers(capability) }.map { entry in
                Candidate(
                    header: entry.header, text: entry.text { $0.name }, coversObject: true, commonBytes: 0)
            }
        case .operation(let operation):
            (policy.operations?.entries ?? []).filter { $0.covers(operation) }.map { entry in
                Candidate(
                    header: entry.header, text: entry.text { $0.name }, coversObject: true, commonBytes: 0)
            }
        case .syscall(let name, _):
            (policy.syscalls?.rules ?? []).filter { covers($0, name) }.map { rule in
                Candidate(header: rule.header, text: rule.text, coversObject: true, commonBytes: 0)
            }
        }
    }

    private func fileCandidates(_ path: [UInt8]) -> [Candidate] {
        (policy.files?.rules ?? []).map { rule in
            let matching = rule.patterns.first { $0.value.matches(path) }?.value
            let closest = rule.patterns.map { pattern in
                (pattern.value, Self.commonPathBytes(pattern.value.literalBytes, path))
            }.max { $0.1 < $1.1 }
            return Candidate(
                header: rule.header, text: rule.text(showing: matching ?? closest?.0),
                coversObject: matching != nil, commonBytes: closest?.1 ?? 0)
        }
    }

    /// The length of the common beginning; 0 where it is not even one whole component.
    private static func commonPathBytes(_ literal: [UInt8], _ path: [UInt8]) -> Int {
        let slash = UInt8(ascii: "/")
        let common = zip(literal, path).prefix { $0 == $1 }.count
        let isWhole = { (bytes: [UInt8]) in bytes.count == common || bytes[common] == slash }
        let components = literal[..<common].count { $0 == slash } - 1
        return components >= 1 || (common > 1 && isWhole(literal) && isWhole(path)) ? common : 0
    }

    /// The same for the text of endpoints: the protocol alone is nothing in common.
    private static func commonNetworkBytes(_ endpoint: [UInt8], _ address: [UInt8]) -> Int {
        let common = zip(endpoint, address).prefix { $0 == $1 }.count
        guard let colon = address.firstIndex(of: UInt8(ascii: ":")), common > colon + 1 else { return 0 }
        if address[colon + 1] == UInt8(ascii: "/") {
            let paths = (Array(endpoint[(colon + 1)...]), Array(address[(colon + 1)...]))
            return commonPathBytes(paths.0, paths.1)
        }
        return common
    }

    private static func access(of request: Request, _ part: Decision.Part) -> String {
        switch request {
        case .file, .network: part.access
        case .socket: "socket"
        case .capability: "capability"
        case .operation: "operation"
        case .syscall: "syscall"
        }
    }

    private static func object(of request: Request) -> String {
        switch request {
        case .file(let path, _): String(decoding: path, as: UTF8.self)
        case .network(_, let address): address.description
        case .socket(let family, let number): SocketFamily.text(family: family, protocolNumber: number)
        case .capability(let capability): capability.name
        case .operation(let operation): operation.name
        case .syscall(let name, _): name
        }
    }
}
