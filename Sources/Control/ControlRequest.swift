public import Policy

/// What a client asks of the agent.
public enum ControlRequest: Hashable, Sendable {
    case status, policies, processes
    /// Files and directories, by absolute paths.
    case load([String])
    /// Policies, by name.
    case unload([String])
    case reload, rollback
}

/// What the agent says to it.
public enum ControlAnswer: Sendable {
    case status(AgentStatus)
    case policies(generation: Int, [PolicyStatus])
    case processes(generation: Int, [ConfinedProcess])
    case changed(generation: Int, [PolicyChange], refused: Int)
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
