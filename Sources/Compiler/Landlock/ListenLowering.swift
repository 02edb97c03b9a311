import Landlock
import Policy

// Listening. Landlock has no hook for it: what it keeps from being bound cannot be listened on, but a TCP socket that
// was never bound listens on a port that the kernel picks (`inet_csk_listen_start`, net/ipv4/inet_connection_sock.c), and
// who may bind an abstract name may listen there. A filter sees no socket, but can refuse the call as a whole.
extension LoweringContext {
    private static let section = "network"

    /// Families whose sockets cannot listen, beside those whose endpoints rules name (include/linux/socket.h): key,
    /// netlink, packet, can, alg and xdp have no listen (`sock_no_listen`).
    private static let speechless: Set<UInt32> = [1, 2, 10, 15, 16, 17, 29, 38, 44]

    /// Ports that the kernel never picks by itself: `ip_local_port_range` stays above `ip_unprivileged_port_start`, 1024
    /// unless an administrator lowers both (`ipv4_local_port_range`, net/ipv4/sysctl_net_ipv4.c).
    private static let neverPicked = PortSet(.range(1...1023))

    /// Refuses listen(2) where no rule grants any; else says what of it is not kept.
    mutating func lowerListen() {
        guard let section = policy.network else { return }
        let families = Set(section.families.map(\.value.number))
        let tcp = families.isDisjoint(with: [2, 10]) ? nil : TransportRules(section, .tcp, .listen)
        let names = UnixRules(section)
        let unix = families.contains(1) ? [names.paths(.listen), names.abstract(.listen)] : []
        guard tcp.map(\.grantsNothing) ?? true, unix.allSatisfy(\.grantsNothing) else {
            if let tcp, result.sockets.refusesStream == nil { reportListen(tcp, section) }
            if !unix.isEmpty, result.sockets.refusesUnix == nil { reportListen(names, section) }
            return
        }
        result.sockets.refusesListen = DecidingRule(id: "network.default", location: section.location)
        if let deny = (tcp?.denies.first?.deciding ?? unix.lazy.compactMap(\.denies.first).first?.deciding),
            section.defaultVerdict == .allow
        {
            result.sockets.refusesListen = deny
        }
        // They have no endpoints: no rule could say that they may.
        var others = section.families.map(\.value).filter { !Self.speechless.contains($0.number) }.map(\.word)
        if decide(.rawSocket).verdict == .allow, tcp != nil, isWritten(.rawSocket) { others.append("sctp") }
        guard !others.isEmpty else { return }
        find(
            .narrowed, Self.section, "network.families", section.location,
            "no rule grants listening, so listen(2) is refused as a whole: to \(others.joined(separator: ", ")) too"
        )
    }

    private func isWritten(_ operation: Operation) -> Bool {
        policy.operations?.entries.contains { $0.header.verdict == .allow && $0.covers(operation) } ?? false
    }

    private mutating func reportListen(_ listen: TransportRules, _ section: NetworkSection) {
        let bind = TransportRules(section, .tcp, .bind)
        // What may not be bound is not listened on, where the kernel does not pick it either.
        let unbound =
            result.recipe.networkRights.contains(.bindTCP)
            ? Self.neverPicked.subtracting(bind.ports) : PortSet.none
        for deny in listen.denies where !deny.ports.subtracting(unbound).isEmpty {
            find(
                .excess, Self.section, deny.header.id, deny.location,
                "Landlock does not see listen, which other rules grant: deny it wherever it could be granted, or "
                    + "deny bind too, of ports below 1024")
        }
        if section.defaultVerdict == .deny, listen.anyHostPorts != .all {
            find(
                .gap, Self.section, "network.default", section.location,
                "Landlock does not see listen, which some rule grants: granted to every TCP socket that may be bound, "
                    + "and on a port of the kernel's choice")
        }
    }

    private mutating func reportListen(_ names: UnixRules, _ section: NetworkSection) {
        let bind = names.paths(.bind)
        for deny in names.paths(.listen).denies {
            // A socket without a name cannot listen (unix_listen, net/unix/af_unix.c), and names are made like files.
            if handledFiles.contains(.makeSocket), socketNames != nil, !bind.grants(someOf: deny) { continue }
            find(
                .excess, Self.section, deny.header.id, deny.location,
                "Landlock does not see listen, which other rules grant: deny bind of the same names too, or no "
                    + "listening anywhere")
        }
        for deny in names.abstract(.listen).denies {
            find(
                .excess, Self.section, deny.header.id, deny.location,
                "Landlock does not see listen on abstract names, which other rules grant")
        }
        if section.defaultVerdict == .deny, !names.paths(.listen).isEverything {
            find(
                .gap, Self.section, "network.default", section.location,
                "Landlock does not see listen, which some rule grants: granted to every unix socket that may be bound"
            )
        }
    }
}

extension TransportRules.Entry {
    /// As the rule that decides.
    fileprivate var deciding: DecidingRule {
        DecidingRule(id: header.id, location: header.location, reason: header.reason)
    }
}

extension UnixRules.Entry {
    /// As the rule that decides.
    fileprivate var deciding: DecidingRule {
        DecidingRule(id: header.id, location: header.location, reason: header.reason)
    }
}

extension UnixRules.OneKind {
    /// Whether no name is granted.
    fileprivate var grantsNothing: Bool {
        !isDefaultAllow && allows.isEmpty || denies.contains(where: \.isUniversal)
    }

    /// Whether some name that `deny` is about is granted. A deny of exactly these names, or of all, takes them out.
    fileprivate func grants(someOf deny: UnixRules.Entry) -> Bool {
        if denies.contains(where: { $0.isUniversal || $0.pattern == deny.pattern }) { return false }
        return isEffective(deny)
    }
}
