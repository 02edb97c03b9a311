public import Policy

/// What a client asks of the agent.
public enum ControlRequest: Hashable, Sendable {
    case status, policies, processes
    /// Files and directories, by absolute paths.
    case load([String])
    /// Policies, by name.
    case unload([String])
    case reload, rollback
    /// To make a command's policies layers of its user.
    case confine(ConfineRequest)
}

/// What `swguard run` asks for.
public struct ConfineRequest: Hashable, Sendable {
    /// SHA-256 of the text of `policies`, as the client writes it.
    public var digest: String
    /// All that they are made from; nil: the agent may know them.
    public var policies: JSON?
    /// The client stays, and is told what is denied.
    public var isFollowed: Bool

    public init(digest: String, policies: JSON?, isFollowed: Bool) {
        self.digest = digest
        self.policies = policies
        self.isFollowed = isFollowed
    }
}

/// What a command's policies are to the kernel.
public struct ConfineResult: Hashable, Sendable {
    public var generation: Int
    /// What the command's events carry.
    public var session: UInt32
    /// By which the kernel knows them, oldest first.
    public var layers: [UInt32]

    public init(generation: Int, session: UInt32, layers: [UInt32]) {
        self.generation = generation
        self.session = session
        self.layers = layers
    }
}

extension ConfineResult {
    public var json: JSON {
        [
            "generation": .int(generation), "session": .int(Int(session)),
            "layers": .array(layers.map { .int(Int($0)) }),
        ]
    }

    init?(_ json: JSON) {
        guard let generation = json["generation"]?.intValue,
            let session = json["session"]?.intValue.flatMap(UInt32.init(exactly:)),
            let layers = json["layers"]?.all({ $0.intValue.flatMap(UInt32.init(exactly:)) })
        else { return nil }
        self.init(generation: generation, session: session, layers: layers)
    }
}

/// What the agent says to it.
public enum ControlAnswer: Sendable {
    case status(AgentStatus)
    case policies(generation: Int, [PolicyStatus])
    case processes(generation: Int, [ConfinedProcess])
    case changed(generation: Int, [PolicyChange], refused: Int)
    case confined(ConfineResult)
    /// The agent must be told what the policies are made from.
    case unknownPolicies
    /// Nothing was changed: what is wrong with policies, and else.
    case rejected([Diagnostic], reasons: [String])
    /// Why it cannot be said: lower case, no full stop.
    case failed(String)
}

/// Who asks, by the socket.
public struct ControlPeer: Hashable, Sendable {
    public var pid: Int32
    public var uid: UInt32

    public init(pid: Int32, uid: UInt32) {
        self.pid = pid
        self.uid = uid
    }
}
