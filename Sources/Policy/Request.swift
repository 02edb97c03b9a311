/// One thing that a process asks of the kernel, as far as policies speak of it.
public enum Request: Hashable, Sendable {
    /// Accesses to the object at a path, as the kernel would resolve it.
    case file(path: [UInt8], FileAccessSet)
    /// One access to a socket address.
    case network(NetworkAccess, SocketAddress)
    /// Creating a socket of a family, with the protocol number.
    case socket(family: UInt32, protocolNumber: UInt32)
    case capability(Capability)
    case operation(Operation)
    /// A system call, with up to six arguments (missing ones are 0).
    case syscall(name: String, arguments: [UInt64])
}

/// What decided one access.
public struct DecidingRule: Hashable, Sendable {
    /// The rule's id, `files.default` and the like for a section's default, or a built-in rule's name
    /// (`operations.default`).
    public var id: String
    /// Where it stands; nil for a built-in rule.
    public var location: SourceLocation?
    public var reason: String?

    public init(id: String, location: SourceLocation?, reason: String? = nil) {
        self.id = id
        self.location = location
        self.reason = reason
    }

    init(_ header: RuleHeader) {
        self.init(id: header.id, location: header.location, reason: header.reason)
    }
}

/// What a policy says of a request.
public struct Decision: Hashable, Sendable {
    /// The verdict on one access of the request.
    public struct Part: Hashable, Sendable {
        /// The access as policies name it: `read`, `connect`; the operation, capability or call itself where a
        /// request has one part only.
        public var access: String
        public var verdict: Verdict
        /// nil: the section is absent, and nothing decided.
        public var rule: DecidingRule?
        /// Whether the decision is to be reported.
        public var log: Bool
        /// What a denied system call does.
        public var action: SyscallAction?

        public init(
            access: String, verdict: Verdict, rule: DecidingRule?, log: Bool, action: SyscallAction? = nil
        ) {
            self.access = access
            self.verdict = verdict
            self.rule = rule
            self.log = log
            self.action = action
        }
    }

    /// The access that making a socket is called by, in decisions and events.
    public static let socketCreation = "create"

    /// The parts, in the order of the language page's tables.
    public var parts: [Part]

    public init(parts: [Part]) { self.parts = parts }

    /// Granted only if every part is.
    public var verdict: Verdict { parts.allSatisfy { $0.verdict == .allow } ? .allow : .deny }

    /// The first part that is denied, or the first part. A request that asks for nothing is granted by nothing.
    public var decidingPart: Part {
        parts.first { $0.verdict == .deny } ?? parts.first ?? .notMediated("nothing")
    }
}
