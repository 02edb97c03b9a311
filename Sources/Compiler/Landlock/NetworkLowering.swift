import Landlock
import Policy

// The internet protocols of the `network` section under Landlock, and what that leaves to seccomp.
extension LoweringContext {
    private static let section = "network"
    private static let internetFamilies: Set<UInt32> = [2, 10]

    mutating func lowerNetwork() {
        restrictOtherProtocols()
        guard let section = policy.network else { return }
        result.sockets.families = section.families.map(\.value)
        result.sockets.familiesCause = DecidingRule(id: "network.families", location: section.location)
        if section.families.contains(where: { Self.internetFamilies.contains($0.value.number) }) {
            lowerTCP(section)
            lowerUDP(section)
        }
    }

    /// Everything of inet and inet6 but TCP and UDP is the operation `raw-socket`; without a list of operations
    /// the `network` section denies it, since no endpoint can name it.
    private mutating func restrictOtherProtocols() {
        let decision = decide(.rawSocket)
        if decision.verdict == .deny {
            result.sockets.refusesOtherProtocols = decision.rule
        } else if decision.rule == nil, let network = policy.network {
            result.sockets.refusesOtherProtocols = DecidingRule(
                id: "network.default", location: network.location)
        }
    }

    // MARK: TCP

    private mutating func lowerTCP(_ section: NetworkSection) {
        let connect = TransportRules(section, .tcp, .connect)
        let bind = TransportRules(section, .tcp, .bind)
        let listen = TransportRules(section, .tcp, .listen)
        if connect.grantsNothing, bind.grantsNothing, listen.grantsNothing {
            result.sockets.refusesStream = cause(of: section, [connect, bind])
            return
        }
        var rightsByPort: [UInt16: NetworkRights] = [:]
        for (rules, right) in [(bind, NetworkRights.bindTCP), (connect, .connectTCP)] {
            guard features?.networkRights.contains(right) == true else {
                reportUnseen(rules, "below Landlock ABI 4 tcp \(rules.access.name) is not seen", section)
                continue
            }
            reportHosts(rules, section)
            if rules.ports == .all { continue }
            result.recipe.networkRights.formUnion(right)
            guard rules.ports.count <= LandlockRecipe.maximumRules else {
                let blamed = rules.widest
                find(
                    .impossible, Self.section, blamed?.header.id ?? "network.default",
                    blamed?.location ?? section.location,
                    "\(rules.ports.count) ports would each need a rule, at most \(LandlockRecipe.maximumRules) "
                        + "are made: \(blamed.map { "\($0.ports.count) for \($0.text)" } ?? "the default grants most"); "
                        + "grant fewer ports, or all of them")
                continue
            }
            for port in rules.ports.ports { rightsByPort[port, default: []].formUnion(right) }
        }
        result.recipe.ports = rightsByPort.map { .init(port: $0.key, rights: $0.value) }
            .sorted { $0.port < $1.port }
        if !result.recipe.networkRights.isEmpty {
            result.sockets.refusesMultipathTCP = cause(of: section, [connect, bind])
        }
        if result.recipe.networkRights.contains(.connectTCP) {
            result.sockets.refusesFastOpen = cause(of: section, [connect])
        }
    }

    /// What to name where a whole kind of socket is refused: the default, or the deny that takes all of it.
    private func cause(of section: NetworkSection, _ rules: [TransportRules]) -> DecidingRule {
        if section.defaultVerdict == .allow, let deny = rules.lazy.compactMap(\.denies.first).first {
            return DecidingRule(
                id: deny.header.id, location: deny.header.location, reason: deny.header.reason)
        }
        return DecidingRule(id: "network.default", location: section.location)
    }

    /// Addresses: Landlock sees ports alone.
    private mutating func reportHosts(_ rules: TransportRules, _ section: NetworkSection) {
        for allow in rules.allows where !allow.isAnyHost {
            // What every host is granted anyway is not widened.
            if allow.ports.subtracting(rules.anyHostPorts).intersection(rules.ports).isEmpty { continue }
            find(
                allow.header.isCoarse ? .widened : .excess, Self.section, allow.header.id, allow.location,
                allow.header.isCoarse
                    ? "granted by port, to every address"
                    : "Landlock sees the port but not the address: limit it to ports, or say 'coarse: true'")
        }
        for deny in rules.denies where !deny.isAnyHost && rules.isEffective(deny) {
            find(
                .excess, Self.section, deny.header.id, deny.location,
                "Landlock sees the port but not the address: deny the port for every address")
        }
    }

    // MARK: UDP

    private mutating func lowerUDP(_ section: NetworkSection) {
        let connect = TransportRules(section, .udp, .connect)
        let bind = TransportRules(section, .udp, .bind)
        if connect.grantsNothing, bind.grantsNothing {
            result.sockets.refusesDatagram = cause(of: section, [connect, bind])
            return
        }
        for rules in [connect, bind] {
            reportUnseen(rules, "Landlock does not see udp \(rules.access.name)", section)
        }
    }

    /// An access that no layer sees, of sockets that may be made: all of it is granted.
    private mutating func reportUnseen(
        _ rules: TransportRules, _ what: String, _ section: NetworkSection
    ) {
        let everything = rules.anyHostPorts == .all
        for allow in rules.allows where !everything {
            find(
                allow.header.isCoarse ? .widened : .excess, Self.section, allow.header.id, allow.location,
                allow.header.isCoarse
                    ? "\(what): granted to every address and port"
                    : "\(what), so it cannot be limited: grant every address and port, or say 'coarse: true'")
        }
        for deny in rules.denies where rules.isEffective(deny) {
            find(
                .excess, Self.section, deny.header.id, deny.location,
                "\(what), so it cannot be denied while others of its kind are granted")
        }
        if section.defaultVerdict == .deny, rules.allows.isEmpty {
            find(
                .gap, Self.section, "network.default", section.location,
                "\(what): granted to every address and port")
        }
    }
}

/// What the rules of a section say of one access of one protocol.
struct TransportRules {
    /// One endpoint of one rule.
    struct Entry {
        var header: RuleHeader
        var location: SourceLocation
        var hosts: HostPattern
        var ports: PortSet
        /// The endpoint as a policy would write it.
        var text: String

        var isAnyHost: Bool { hosts == .any }
    }

    let access: NetworkAccess
    let isDefaultAllow: Bool
    private(set) var allows: [Entry] = []
    private(set) var denies: [Entry] = []
    /// The ports on which some host is granted, and none is denied whatever the host.
    let ports: PortSet
    /// The ports on which every host is granted by an allow, whatever is denied.
    let anyHostPorts: PortSet

    init(_ section: NetworkSection, _ transport: TransportProtocol, _ access: NetworkAccess) {
        self.access = access
        isDefaultAllow = section.defaultVerdict == .allow
        for rule in section.rules where rule.accesses.contains(NetworkAccessSet(access)) {
            for endpoint in rule.endpoints {
                guard case .inet(let transports, let hosts, let ports) = endpoint.value,
                    transports.contains(transport)
                else { continue }
                let entry = Entry(
                    header: rule.header, location: endpoint.location, hosts: hosts, ports: PortSet(ports),
                    text: endpoint.value.description)
                if rule.header.verdict == .allow { allows.append(entry) } else { denies.append(entry) }
            }
        }
        let base: PortSet = isDefaultAllow ? .all : .none
        anyHostPorts = allows.filter(\.isAnyHost).reduce(base) { $0.union($1.ports) }
        let granted = allows.reduce(base) { $0.union($1.ports) }
        ports = denies.filter(\.isAnyHost).reduce(granted) { $0.subtracting($1.ports) }
    }

    /// Whether no address and port is granted.
    var grantsNothing: Bool { ports.isEmpty }

    /// The allow with the most ports, to blame for too many.
    var widest: Entry? { allows.max { $0.ports.count < $1.ports.count } }

    /// Whether something grants what `deny` denies.
    func isEffective(_ deny: Entry) -> Bool {
        if isDefaultAllow { return true }
        return allows.contains { allow in
            !allow.ports.intersection(deny.ports).isEmpty && allow.hosts.overlaps(deny.hosts)
        }
    }
}

extension HostPattern {
    /// Whether some address is in both.
    func overlaps(_ other: Self) -> Bool {
        switch (self, other) {
        case (.any, _), (_, .any): true
        case (.prefix(let left, let leftLength), .prefix(let right, let rightLength)):
            leftLength <= rightLength ? contains(right) : other.contains(left)
        }
    }
}
