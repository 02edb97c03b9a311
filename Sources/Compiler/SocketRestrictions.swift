public import Policy

/// What the seccomp filter must refuse of sockets, so that Landlock sees the rest.
///
/// Made from the `network` section (and `files`, for named unix sockets) and what Landlock can do here; the
/// filter's own part is only to look at the arguments of socket(2) and of the sending calls.
public struct SocketRestrictions: Hashable, Sendable {
    /// Why something is refused, for the event.
    public typealias Cause = DecidingRule

    /// The families that may be created; nil: any.
    public var families: [SocketFamily]?
    /// Refuses what is not in `families`.
    public var familiesCause: Cause?
    /// AF_UNIX sockets are refused, socketpair(2) of datagram sockets included: these can be sent to any name.
    public var refusesUnix: Cause?
    /// SOCK_DGRAM of inet and inet6 is refused: Landlock sees no UDP.
    public var refusesDatagram: Cause?
    /// SOCK_STREAM of inet and inet6 is refused: Landlock sees no TCP (ABI below 4), or no rule grants any.
    public var refusesStream: Cause?
    /// Everything of inet and inet6 but TCP and UDP is refused, packet sockets too (the operation `raw-socket`).
    public var refusesOtherProtocols: Cause?
    /// IPPROTO_MPTCP is refused: Landlock's TCP hooks do not see it.
    public var refusesMultipathTCP: Cause?
    /// MSG_FASTOPEN is refused in the sending calls: it connects past Landlock's hook.
    public var refusesFastOpen: Cause?
    /// listen(2) is refused to every socket: no rule grants it, and Landlock does not see it.
    public var refusesListen: Cause?

    /// No restriction.
    public init() {}
}
