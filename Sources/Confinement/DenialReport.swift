internal import AuditLog
internal import Policy

/// What is told of one judgement.
struct DenialReport: Hashable {
    var judgement: Judgement
    /// What the caller got; nil: nothing was refused.
    let code: CInt?

    /// Whether it is a grant that a rule asks to be logged.
    var isGrant: Bool { judgement.decision.verdict == .allow }

    var verdict: AuditEvent.Verdict {
        if isGrant { return .allow }
        return judgement.policy.mode == .complain ? .wouldDeny : .deny
    }

    /// The accesses that were denied.
    var denied: [String] { judgement.decision.parts.filter { $0.verdict == .deny }.map(\.access) }

    var rule: DecidingRule? { judgement.decision.decidingPart.rule }

    func record(process: ProcessIdentity, count: UInt64, span: ClosedRange<AuditTime>?) -> AccessRecord {
        AccessRecord(
            layer: judgement.layer, verdict: verdict,
            errno: verdict == .deny ? code.map(SystemError.name) : nil,
            access: judgement.decision.parts.map(\.access), denied: denied,
            object: AuditObject(judgement.request), policy: judgement.policy,
            rule: rule.map { RuleReference(id: $0.id, source: $0.location?.fileAndLine) }, process: process,
            count: count, span: span)
    }

    func key(executable: [UInt8]?) -> DenialKey {
        DenialKey(
            policy: judgement.policy.name, rule: rule?.id, verdict: verdict, denied: denied,
            object: AuditObject(judgement.request).withoutArguments, executable: executable)
    }
}

/// What makes two denials equal.
struct DenialKey: Hashable {
    let policy: String
    let rule: String?
    let verdict: AuditEvent.Verdict
    let denied: [String]
    let object: AuditObject
    let executable: [UInt8]?
}

extension AuditObject {
    /// The object of a request.
    init(_ request: Request) {
        switch request {
        case .file(let path, _): self = .file(path: path)
        case .network(_, let address): self = .socket(AuditSocket(address))
        case .socket(let family, let number):
            self = .socket(
                AuditSocket(
                    family: SocketFamilyName.of(family), transport: number == 0 ? nil : String(number)))
        case .capability(let capability): self = .capability(name: capability.name)
        case .operation(let operation): self = .operation(name: operation.name)
        case .syscall(let name, let arguments): self = .syscall(name: name, arguments: arguments)
        }
    }

    /// The object without what differs from call to call: addresses in memory.
    var withoutArguments: Self {
        if case .syscall(let name, _) = self { return .syscall(name: name, arguments: []) }
        return self
    }
}

extension AuditSocket {
    init(_ address: SocketAddress) {
        switch address {
        case .inet(let transport, let host, let port):
            self.init(
                family: host.bitCount == 32 ? "inet" : "inet6", transport: transport.name,
                address: host.description,
                port: port)
        case .unixPath(let path): self.init(family: "unix", path: path)
        case .unixAbstract(let name): self.init(family: "unix", abstractName: name)
        }
    }
}

/// The words that policies use for families of sockets.
enum SocketFamilyName {
    /// The word for a number of the kernel; the number where policies have no word.
    static func of(_ number: UInt32) -> String {
        names.first { $0.number == number }?.name ?? String(number)
    }

    /// `include/linux/socket.h`.
    private static let names: [(number: UInt32, name: String)] = [
        (1, "unix"), (2, "inet"), (10, "inet6"), (16, "netlink"), (17, "packet"), (38, "alg"), (40, "vsock"),
    ]
}
