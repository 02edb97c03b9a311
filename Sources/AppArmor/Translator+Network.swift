internal import Policy

/// Which types of sockets of which families a profile grants.
struct NetworkGrants {
    /// SOCK_* by name, as apparmor.d(5) has them.
    enum SocketType: String, CaseIterable { case stream, dgram, seqpacket, rdm, raw, packet }

    /// By the family's name.
    var types: [String: Set<SocketType>] = [:]
    /// Where sockets of the internet that are neither TCP nor UDP are granted.
    var grantsRawSockets: Bool {
        let ofInternet = ["inet", "inet6"].compactMap { types[$0] }.filter { !$0.isEmpty }
        return !ofInternet.isEmpty && ofInternet.allSatisfy { $0.contains(.raw) } || types["packet"] != nil
    }

    /// The section: families, and every address of those that are granted.
    func section(at location: SourceLocation) -> NetworkSection {
        let families = SocketFamily.names.filter { !(types[$0] ?? []).isEmpty }
        var section = NetworkSection(
            families: families.compactMap { SocketFamily(word: $0) }.map { Located($0, at: location) },
            location: location)
        var endpoints: [Endpoint] = []
        let hosts: [(family: String, host: HostPattern)] = [
            ("inet", .prefix(.v4(0), length: 0)), ("inet6", .prefix(.v6(0, 0), length: 0)),
        ]
        for (family, host) in hosts {
            guard let granted = types[family] else { continue }
            var protocols: Set<TransportProtocol> = []
            if granted.contains(.stream) { protocols.insert(.tcp) }
            if granted.contains(.dgram) { protocols.insert(.udp) }
            if !protocols.isEmpty { endpoints.append(.inet(protocols, host, .any)) }
        }
        // A socket of IPv6 speaks IPv4 too, and AppArmor asks for its family alone.
        if families.contains("inet6"), !families.contains("inet"), let host = hosts.first?.host {
            endpoints += endpoints.compactMap { endpoint in
                guard case .inet(let protocols, _, let ports) = endpoint else { return nil }
                return .inet(protocols, host, ports)
            }
        }
        if families.contains("unix") {
            endpoints.append(.unixPath(PathPattern(subtree: "/".utf8)))
            endpoints.append(.unixAbstract(PathPattern(tokens: [.anything])))
        }
        if !endpoints.isEmpty {
            let header = RuleHeader(id: "network.rules", verdict: .allow, location: location)
            section.rules = [
                NetworkRule(
                    header: header, accesses: .all, endpoints: endpoints.map { Located($0, at: location) })
            ]
        }
        return section
    }
}

extension Translator {
    /// Collects the rules `network` and `unix`.
    mutating func networkGrants() -> NetworkGrants {
        var allowed: [String: Set<NetworkGrants.SocketType>] = [:]
        var denied: [String: Set<NetworkGrants.SocketType>] = [:]
        for rule in profile.rules {
            switch rule.kind {
            // The kernels that have AppArmor's own form of it apart, Debian's have not: there it is the family.
            case .other("unix", let conditions):
                if !rule.isDeny {
                    allowed["unix"] = Set(NetworkGrants.SocketType.allCases)
                } else if !conditions.isEmpty {
                    lose(rule, "the name or peer of a unix socket cannot be denied")
                } else {
                    denied["unix"] = Set(NetworkGrants.SocketType.allCases)
                }
            case .network(let words):
                guard let (families, types) = asked(words) else {
                    if rule.isDeny { lose(rule, "unknown words") } else { leaveOut(rule, "unknown words") }
                    continue
                }
                for family in families {
                    if rule.isDeny {
                        denied[family, default: []].formUnion(types)
                    } else {
                        allowed[family, default: []].formUnion(types)
                    }
                }
            default: break
            }
        }
        var grants = NetworkGrants()
        for family in SocketFamily.names {
            let types = allowed[family, default: []].subtracting(denied[family, default: []])
            if !types.isEmpty { grants.types[family] = types }
        }
        tellTypes(&grants)
        return grants
    }

    /// The families and types of a rule's words; nil where one is not known.
    private func asked(_ words: [Word]) -> (families: [String], types: Set<NetworkGrants.SocketType>)? {
        var families: [String]?
        var types: Set<NetworkGrants.SocketType>?
        for word in words {
            if let family = SocketFamily.names.first(where: { $0 == word.text }) {
                families = [family]
            } else if let type = NetworkGrants.SocketType(rawValue: word.text) {
                types = [type]
            } else if let type = Self.protocols[word.text] {
                families = families ?? ["inet", "inet6"]
                types = [type]
            } else {
                return nil
            }
        }
        return (families ?? SocketFamily.names, types ?? Set(NetworkGrants.SocketType.allCases))
    }

    private static let protocols: [String: NetworkGrants.SocketType] = [
        "tcp": .stream, "udp": .dgram, "icmp": .raw,
    ]

    /// A family of which some types are granted is granted whole, but for those that have addresses here.
    private mutating func tellTypes(_ grants: inout NetworkGrants) {
        let raws = ["inet", "inet6"].filter { grants.types[$0]?.contains(.raw) ?? false }
        let inet = ["inet", "inet6"].filter { grants.types[$0] != nil }
        for rule in profile.rules {
            guard case .network(let words) = rule.kind, !rule.isDeny, let (families, types) = asked(words)
            else {
                continue
            }
            if types.contains(.raw), families.count == 1, raws.count < inet.count, raws.contains(families[0])
            {
                if isWidened(rule, "raw sockets cannot be granted for one of inet and inet6") {
                    for family in inet { grants.types[family]?.insert(.raw) }
                }
            }
            let isWhole = types.count == NetworkGrants.SocketType.allCases.count
            // Types of netlink are the same thing (netlink(7)); those of unix reach the same peers.
            for family in families where !isWhole && !["inet", "inet6", "netlink", "unix"].contains(family) {
                guard grants.types[family] != nil else { continue }
                if !isWidened(rule, "the family '\(family)' is granted whole or not") {
                    grants.types[family] = nil
                }
            }
        }
    }
}
