public import Policy

/// What the filter of one policy is made from.
public struct SyscallLayerInputs: Hashable, Sendable {
    public var policy: Policy
    /// What must be refused of sockets for Landlock to see the rest.
    public var sockets: SocketRestrictions
    /// Whether truncating must be refused where it does not ask for write: Landlock below ABI 3 does not see it.
    public var restrictsTruncation: Bool
    /// Whether access mode 3 must be refused: Landlock asks nothing for it.
    public var restrictsAccessMode: Bool
    /// Whether a Landlock domain keeps the process from tracing others: then the calls stay open for its own.
    public var ptraceByLandlock: Bool
    /// Whether Landlock scopes signals (ABI 6).
    public var signalByLandlock: Bool

    public init(
        policy: Policy, sockets: SocketRestrictions = SocketRestrictions(), restrictsTruncation: Bool = false,
        restrictsAccessMode: Bool = false,
        ptraceByLandlock: Bool = true, signalByLandlock: Bool = true
    ) {
        self.policy = policy
        self.sockets = sockets
        self.restrictsTruncation = restrictsTruncation
        self.restrictsAccessMode = restrictsAccessMode
        self.ptraceByLandlock = ptraceByLandlock
        self.signalByLandlock = signalByLandlock
    }
}
