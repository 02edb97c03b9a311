extension SocketFamily {
    /// The family that policies call `word`: `inet`, or `netlink:route` for one protocol of netlink.
    public init?(word: some StringProtocol) {
        let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, let number = Self.table.first(where: { $0.name == name })?.number else {
            return nil
        }
        self.init(name: String(name), number: number)
        guard parts.count == 2 else { return }
        let protocols = Self.netlinkProtocols
        guard name == "netlink", let entry = protocols.first(where: { $0.name == parts[1] }) else {
            return nil
        }
        protocolNumber = entry.number
    }

    /// The word that policies use.
    public var word: String {
        guard let protocolNumber else { return name }
        let known = Self.netlinkProtocols.first { $0.number == protocolNumber }?.name
        return "\(name):\(known ?? "\(protocolNumber)")"
    }

    /// A family and protocol of the kernel as people read them: `inet`, `netlink:route`, `family 77`.
    public static func text(family: UInt32, protocolNumber: UInt32) -> String {
        guard let name = table.first(where: { $0.number == family })?.name else { return "family \(family)" }
        let isNetlink = name == "netlink"
        return SocketFamily(name: name, number: family, protocolNumber: isNetlink ? protocolNumber : nil).word
    }

    /// `families:` where a policy does not say: getifaddrs needs the last.
    public static let defaults = ["unix", "inet", "inet6", "netlink:route"].compactMap {
        SocketFamily(word: $0)
    }

    /// Every family's name.
    public static let names = table.map(\.name)

    /// Every word there is.
    static let words = names + netlinkProtocols.map { "netlink:\($0.name)" }

    /// AF_* in lower case (`include/linux/socket.h`, 6.18).
    private static let table: [(name: String, number: UInt32)] = [
        ("unix", 1), ("inet", 2), ("inet6", 10), ("netlink", 16), ("packet", 17), ("vsock", 40), ("alg", 38),
        ("bluetooth", 31), ("can", 29), ("xdp", 44), ("smc", 43), ("tipc", 30), ("rds", 21), ("key", 15),
        ("ax25", 3), ("ipx", 4), ("appletalk", 5), ("netrom", 6), ("bridge", 7), ("atmpvc", 8), ("x25", 9),
        ("rose", 11), ("decnet", 12), ("netbeui", 13), ("security", 14), ("ash", 18), ("econet", 19),
        ("atmsvc", 20), ("sna", 22), ("irda", 23), ("pppox", 24), ("wanpipe", 25), ("llc", 26), ("ib", 27),
        ("mpls", 28), ("iucv", 32), ("rxrpc", 33), ("isdn", 34), ("phonet", 35), ("ieee802154", 36),
        ("caif", 37), ("nfc", 39), ("kcm", 41), ("qipcrtr", 42), ("mctp", 45),
    ]

    /// NETLINK_* in lower case (`include/uapi/linux/netlink.h`, 6.18).
    private static let netlinkProtocols: [(name: String, number: UInt32)] = [
        ("route", 0), ("usersock", 2), ("sock_diag", 4), ("nflog", 5), ("xfrm", 6), ("selinux", 7),
        ("iscsi", 8), ("audit", 9), ("fib_lookup", 10), ("connector", 11), ("netfilter", 12), ("ip6_fw", 13),
        ("kobject_uevent", 15), ("generic", 16), ("scsitransport", 18), ("ecryptfs", 19), ("rdma", 20),
        ("crypto", 21), ("smc", 22),
    ]
}
