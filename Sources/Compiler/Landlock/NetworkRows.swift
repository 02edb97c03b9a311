import Landlock
import Policy

// The lines of `plan` for the `network` section, made when all of it is lowered.
extension LoweringContext {
    private static let section = "network"

    mutating func addNetworkRows() {
        guard let section = policy.network else { return }
        for rule in section.rules {
            let parts = Part.allCases.compactMap { part in
                concerns(part, rule) ? mechanism(part, isAllow: rule.header.verdict == .allow) : nil
            }
            let extent: Coverage.Extent =
                if hasFinding([.excess, .impossible], Self.section, rule.header.id) {
                    parts.contains { !$0.layers.isEmpty } ? .partial : .none
                } else {
                    hasFinding([.widened], Self.section, rule.header.id) ? .partial : .full
                }
            row(
                Self.section, rule.header.id, rule.header.location, extent, Self.joined(parts.map(\.layers)),
                Self.joined(parts))
        }
        let names = section.families.map(\.value.word)
        row(
            Self.section, "network.families", section.location, .full, [.seccomp],
            names.isEmpty ? "no sockets" : "socket(2) of \(names.joined(separator: ", "))")
        addDefaultRow(section)
    }

    private mutating func addDefaultRow(_ section: NetworkSection) {
        let parts = Part.allCases
            .filter { $0 != .listen || result.sockets.refusesListen != nil }
            .map { mechanism($0, isAllow: false) }
        let isPartial = hasFinding([.gap, .excess], Self.section, "network.default")
        row(
            Self.section, "network.default", section.location,
            isPartial ? .partial : .full, Self.joined(parts.map(\.layers)),
            section.defaultVerdict == .allow
                ? "everything is granted that no rule denies" : Self.joined(parts))
    }

    /// What an endpoint is about.
    private enum Part: CaseIterable {
        case tcp, udp, path, abstract, listen
    }

    private func concerns(_ part: Part, _ rule: NetworkRule) -> Bool {
        let isListen = NetworkAccessSet(.listen)
        let isRefused = result.sockets.refusesListen != nil
        if part == .listen { return isRefused && rule.accesses.contains(isListen) }
        // What the filter refuses as a whole is nobody else's.
        if isRefused, rule.accesses == isListen { return false }
        return rule.endpoints.contains { endpoint in
            switch (part, endpoint.value) {
            case (.tcp, .inet(let transports, _, _)): transports.contains(.tcp)
            case (.udp, .inet(let transports, _, _)): transports.contains(.udp)
            case (.path, .unixPath), (.abstract, .unixAbstract): true
            default: false
            }
        }
    }

    private struct Mechanism {
        var layers: [Coverage.Layer]
        var text: String
    }

    private func mechanism(_ part: Part, isAllow: Bool) -> Mechanism {
        let sockets = result.sockets
        // A family that is not listed has no sockets.
        switch part {
        case .tcp where !hasInternet, .udp where !hasInternet:
            return .init(layers: [.seccomp], text: "no tcp and udp sockets")
        case .path where !hasFamily(1), .abstract where !hasFamily(1):
            return .init(layers: [.seccomp], text: "no unix sockets")
        case .listen: return .init(layers: [.seccomp], text: "no listening")
        case .tcp:
            if sockets.refusesStream != nil { return .init(layers: [.seccomp], text: "no stream sockets") }
            if result.recipe.networkRights.isEmpty { return .init(layers: [], text: "tcp not limited") }
            return .init(
                layers: [.landlock, .seccomp],
                text: "tcp on \(Self.counted(result.recipe.ports.count, "port", "ports"))")
        case .udp:
            if sockets.refusesDatagram != nil {
                return .init(layers: [.seccomp], text: "no datagram sockets")
            }
            return .init(layers: [], text: "udp not seen")
        case .path:
            if sockets.refusesUnix != nil { return .init(layers: [.seccomp], text: "no unix sockets") }
            if handledFiles.contains(.resolveUnix) {
                return .init(layers: [.landlock], text: "unix sockets by path, but those made inside")
            }
            if handledFiles.contains(.makeSocket) {
                return .init(layers: [.landlock], text: "unix sockets: the names that may be bound")
            }
            return .init(layers: [], text: "unix sockets by path not limited")
        case .abstract:
            if sockets.refusesUnix != nil { return .init(layers: [.seccomp], text: "no unix sockets") }
            if result.recipe.scopes.contains(.abstractUnixSocket) {
                return .init(layers: [.landlock], text: "abstract unix sockets scoped to the domain")
            }
            return .init(layers: [], text: "abstract unix sockets not limited")
        }
    }

    private var hasInternet: Bool { hasFamily(2) || hasFamily(10) }

    private func hasFamily(_ number: UInt32) -> Bool {
        policy.network?.families.contains { $0.value.number == number } ?? true
    }

    /// What the parts do, each thing said once.
    private static func joined(_ parts: [Mechanism]) -> String {
        var texts: [String] = []
        for part in parts where !texts.contains(part.text) { texts.append(part.text) }
        return texts.joined(separator: "; ")
    }

    private static func joined(_ layers: [[Coverage.Layer]]) -> [Coverage.Layer] {
        [.landlock, .seccomp].filter { layer in layers.contains { $0.contains(layer) } }
    }
}
