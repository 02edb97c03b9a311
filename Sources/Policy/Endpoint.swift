/// What can be asked of a socket, in the order of the language page's table.
public enum NetworkAccess: UInt8, CaseIterable, Hashable, Sendable {
    case connect, bind, listen

    /// The word that policies use.
    public var name: String {
        switch self {
        case .connect: "connect"
        case .bind: "bind"
        case .listen: "listen"
        }
    }

    /// The access that policies call `name`.
    public init?(name: some StringProtocol) {
        guard let access = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = access
    }
}

/// A set of network accesses; iterates in the order of the table.
public struct NetworkAccessSet: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The set of just `access`.
    public init(_ access: NetworkAccess) { rawValue = 1 << access.rawValue }

    public static let connect = Self(.connect)
    public static let bind = Self(.bind)
    public static let listen = Self(.listen)
    /// Every access there is.
    public static let all: Self = [.connect, .bind, .listen]

    /// The members, in the order of the table.
    public var members: [NetworkAccess] { NetworkAccess.allCases.filter { contains(Self($0)) } }
}

/// The protocols that endpoints speak of. `tcp` is TCP and MPTCP, `udp` is UDP and UDP-Lite.
public enum TransportProtocol: UInt8, CaseIterable, Hashable, Sendable {
    case tcp, udp

    /// The word that policies use.
    public var name: String {
        switch self {
        case .tcp: "tcp"
        case .udp: "udp"
        }
    }
}

/// An IPv4 or IPv6 address, in network byte order. An IPv4-mapped IPv6 address is its IPv4 address.
public enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(UInt64, UInt64)

    /// The address, or the IPv4 address that it maps (`::ffff:a.b.c.d`).
    public var unmapped: Self {
        guard case .v6(0, let low) = self, low >> 32 == 0xffff else { return self }
        return .v4(UInt32(truncatingIfNeeded: low))
    }

    /// Whether it is `0.0.0.0` (mapped or not) or `::`.
    public var isUnspecified: Bool { unmapped == .v4(0) || self == .v6(0, 0) }

    /// This machine, in the family of the address.
    public var loopback: Self {
        switch unmapped {
        case .v4: .v4(0x7f00_0001)
        case .v6: .v6(0, 1)
        }
    }
}

/// The hosts that an endpoint covers.
public enum HostPattern: Hashable, Sendable {
    /// `*`: every address of both families.
    case any
    /// Addresses that share the first `length` bits with `address`. Bits behind these are zero.
    case prefix(IPAddress, length: UInt8)

    /// Whether `address` is covered; mapped addresses are compared as IPv4.
    public func contains(_ address: IPAddress) -> Bool {
        switch (self, address.unmapped) {
        case (.any, _): return true
        case (.prefix(.v4(let network), let length), .v4(let host)):
            return length == 0 || (network ^ host) >> (32 - UInt32(length)) == 0
        case (.prefix(.v6(let high, let low), let length), .v6(let hostHigh, let hostLow)):
            if length == 0 { return true }
            if length <= 64 { return (high ^ hostHigh) >> (64 - UInt64(length)) == 0 }
            return high == hostHigh && (low ^ hostLow) >> (128 - UInt64(length)) == 0
        default: return false
        }
    }
}

/// The ports that an endpoint covers.
public enum PortPattern: Hashable, Sendable {
    /// `*`: every port, 0 included.
    case any
    /// `443` or `1024-65535`; a range of more than one port never includes 0.
    case range(ClosedRange<UInt16>)

    /// Whether `port` is covered.
    public func contains(_ port: UInt16) -> Bool {
        switch self {
        case .any: true
        case .range(let range): range.contains(port) && (port != 0 || range.count == 1)
        }
    }
}

/// What the network rules of a policy are about: `tcp:10.0.0.0/8:5432`, `unix:/run/app/*.sock`.
public enum Endpoint: Hashable, Sendable {
    /// `tcp:`, `udp:` and `ip:` (both).
    case inet(Set<TransportProtocol>, HostPattern, PortPattern)
    /// `unix:/PATTERN`: a socket with a name in a directory.
    case unixPath(PathPattern)
    /// `unix:@PATTERN`: a name in the abstract namespace.
    case unixAbstract(PathPattern)
}

/// One socket address that a request is about.
public enum SocketAddress: Hashable, Sendable {
    /// An address and port of the internet families.
    case inet(TransportProtocol, IPAddress, UInt16)
    /// The path that a unix socket was bound to.
    case unixPath([UInt8])
    /// An abstract name, without the leading NUL.
    case unixAbstract([UInt8])
}

extension SocketAddress {
    /// The address as the kernel will use it for `access`: an unspecified destination is this machine
    /// (net/ipv4/route.c, ip_route_output_key_hash_rcu; net/ipv6/tcp_ipv6.c, tcp_v6_connect). A local address that
    /// is unspecified is every address.
    public func used(for access: NetworkAccess) -> Self {
        guard access == .connect, case .inet(let transport, let host, let port) = self, host.isUnspecified
        else {
            return self
        }
        return .inet(transport, host.loopback, port)
    }
}

extension Endpoint {
    /// Whether the endpoint covers `address`, an address as the kernel will use it.
    public func contains(_ address: SocketAddress) -> Bool {
        switch (self, address) {
        case (.inet(let protocols, let hosts, let ports), .inet(let transport, let host, let port)):
            protocols.contains(transport) && hosts.contains(host) && ports.contains(port)
        case (.unixPath(let pattern), .unixPath(let path)): pattern.matches(path)
        case (.unixAbstract(let pattern), .unixAbstract(let name)): pattern.matches(name)
        default: false
        }
    }
}
