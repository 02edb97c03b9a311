import Foundation

extension Request {
    /// Every access to endpoints, by each transport and each call that asks for it.
    static let endpoints: [Request] = [
        // connect, where nobody listens
        endpoint("connect", "tcp:127.0.0.1:7101", "endpoint-connect", "tcp", otherwise: ECONNREFUSED),
        endpoint("connect", "tcp:[::1]:7102", "endpoint-connect", "tcp", otherwise: ECONNREFUSED),
        endpoint("connect", "tcp:127.0.0.1:7103", "endpoint-connect", "multipath", otherwise: ECONNREFUSED),
        endpoint(
            "connect", "tcp:127.0.0.0/8:7104", "endpoint-fast-open", "tcp", at: "127.0.0.1",
            otherwise: ECONNREFUSED),
        endpoint(
            "connect", "tcp:*:7105", "endpoint-connect", "tcp", at: "127.0.0.1", otherwise: ECONNREFUSED),
        endpoint("connect", "udp:127.0.0.1:7106", "endpoint-connect", "udp"),
        endpoint("connect", "udp:[::1]:7107", "endpoint-connect", "udp"),
        endpoint("connect", "udp:127.0.0.1:7108", "endpoint-connect", "udplite"),
        endpoint("connect", "udp:127.0.0.1:7109", "endpoint-send", "udp"),
        endpoint("connect", "udp:[::1]:7110", "endpoint-send", "udp"),
        endpoint("connect", "udp:127.0.0.1:7111", "endpoint-message", "udp"),
        endpoint("connect", "ip:127.0.0.1:7112", "endpoint-messages", "udp"),
        endpoint("connect", "unix:/requests/served/stream", "endpoint-connect", "stream"),
        endpoint("connect", "unix:/requests/served/datagram", "endpoint-connect", "datagram"),
        endpoint("connect", "unix:/requests/served/packet", "endpoint-connect", "packet"),
        endpoint(
            "connect", "unix:/requests/served/*gram", "endpoint-send", "datagram",
            at: "/requests/served/datagram"),
        endpoint("connect", "unix:@served-stream", "endpoint-connect", "stream"),
        endpoint("connect", "unix:@served-datagram", "endpoint-send", "datagram"),
        // bind
        endpoint("bind", "tcp:127.0.0.1:7120", "endpoint-bind", "tcp"),
        endpoint("bind", "tcp:[::1]:7121", "endpoint-bind", "tcp"),
        endpoint("bind", "tcp:*:7122", "endpoint-bind", "multipath", at: "127.0.0.1"),
        endpoint("bind", "tcp:*:*", "endpoint-bind", "tcp", at: "127.0.0.1", port: "0"),
        endpoint("bind", "udp:*:7123-7124", "endpoint-bind", "udp", at: "0.0.0.0", port: "7124"),
        endpoint("bind", "udp:[::]:7125", "endpoint-bind", "udp"),
        endpoint("bind", "unix:/requests/w/bound", "endpoint-bind", "stream"),
        endpoint(
            "bind", "unix:/requests/w/{bound,other}-datagram", "endpoint-bind", "datagram",
            at: "/requests/w/bound-datagram"),
        endpoint("bind", "unix:@bound", "endpoint-bind", "stream"),
        // listen
        endpoint("listen", "tcp:127.0.0.1:7130", "endpoint-listen", "tcp"),
        endpoint("listen", "tcp:[::1]:7131", "endpoint-listen", "tcp"),
        endpoint("listen", "tcp:*:7132", "endpoint-listen", "multipath", at: "127.0.0.1"),
        endpoint("listen", "tcp:*:*", "endpoint-listen-unbound", "tcp", at: "127.0.0.1", port: "0"),
        endpoint("listen", "unix:/requests/w/listening", "endpoint-listen", "stream"),
        endpoint("listen", "unix:@listening", "endpoint-listen", "packet"),
        // An unspecified destination is what the packet comes from.
        endpoint("connect", "udp:127.0.0.1:7140", "endpoint-send", "udp", at: "0.0.0.0"),
        unresolved("source of a message", "source-of-message", "udp", "0.0.0.0", "7141", "127.0.0.2"),
        unresolved("address of an interface", "connect-by-interface", "udp", "0.0.0.0", "7142", "lo"),
        // Where the packet goes first, the address does not say.
        unresolved("route of a socket", "route-of-socket", "udp", "127.0.0.1", "7143"),
        unresolved("route of a message", "route-of-message", "udp", "127.0.0.1", "7144"),
    ]

    /// `families`, and the socket that connecting writes to where only `files` speaks.
    static let families: [Request] = [
        family("unix", ["call", "41", "1", "1", "0"]),
        family("inet", ["udp"]),
        family("inet6", ["udp6"]),
        family("netlink", ["netlink-audit"]),
        family("\"netlink:audit\"", ["netlink-audit"]),
        family("packet", ["packet"]),
        Request(
            name: "connect: a file", call: ["endpoint-connect", "stream", "/requests/served/stream"],
            granting: "files: {rules: [{allow: all, paths: [/**]}]}",
            denying: [
                Denial(
                    sections:
                        "files: {default: allow, rules: [{id: not-it, deny: [write], paths: [/requests/served/**]}]}",
                    rule: "not-it")
            ], action: "socket.connect", errno: EACCES, otherwise: 0),
        Request(
            name: "family: a pair needs none", call: ["pair-stream"], granting: "network: {families: [inet]}",
            denying: [], action: "", errno: EACCES, otherwise: 0),
        // Code without a file asks for none.
        Request(
            name: "map: no file", call: ["writable-code"],
            granting: "files: {rules: [{allow: [execute], paths: [/requests/bin/**]}]}", denying: [],
            action: "", errno: EACCES, otherwise: 0),
    ]

    /// What goes before: a listener binds first.
    private static let besides = [
        "connect": "", "bind": "",
        "listen": "{allow: [bind], endpoints: [\"ip:*:*\", \"unix:/**\", \"unix:@**\"]}, ",
    ]

    /// A row by the endpoint that its rules name; what is asked for is that endpoint unless `at` and `port` say it.
    private static func endpoint(
        _ access: String, _ endpoint: String, _ call: String, _ transport: String, at host: String? = nil,
        port: String? = nil, otherwise: Int32 = 0
    ) -> Request {
        // `tcp:HOST:PORT`, `unix:NAME`; HOST of IPv6 in brackets.
        let rest = String(endpoint.drop { $0 != ":" }.dropFirst())
        let isUnix = endpoint.hasPrefix("unix:")
        let last = rest.lastIndex(of: ":") ?? rest.endIndex
        let named = isUnix ? rest : String(rest[..<last]).filter { $0 != "[" && $0 != "]" }
        let number = isUnix ? [] : [port ?? String(rest[last...].dropFirst())]
        let rule = "\(access)], endpoints: [\"\(endpoint)\"]}"
        let before = besides[access] ?? ""
        return Request(
            name: "\(access): \(transport) \(endpoint) by \(call)",
            call: [call, transport, host ?? named] + number,
            granting: "network: {rules: [\(before){allow: [\(rule)]}",
            denying: [
                Denial(
                    sections: "network: {default: allow, rules: [{id: not-it, deny: [\(rule)]}",
                    rule: "not-it"),
                Denial(
                    sections: "network: {rules: [\(before.isEmpty ? "" : String(before.dropLast(2)))]}",
                    rule: "network.default"),
            ], action: "socket.\(access)", errno: EACCES, otherwise: otherwise)
    }

    /// What cannot be told is denied, even where everything is granted.
    private static func unresolved(_ name: String, _ call: String...) -> Request {
        Request(
            name: "connect: \(name)", call: call, granting: "files: {rules: [{allow: all, paths: [/**]}]}",
            denying: [Denial(sections: "network: {default: allow}", rule: "unresolved")],
            action: "socket.connect", errno: EACCES, otherwise: 0)
    }

    private static func family(_ family: String, _ call: [String]) -> Request {
        Request(
            name: "family: \(family)", call: call,
            granting: "network: {families: [\(family)]}\noperations: {default: allow}",
            denying: [
                Denial(
                    sections: "network: {families: [vsock]}\noperations: {default: allow}",
                    rule: "network.families")
            ], action: "socket.create", errno: EACCES, otherwise: 0)
    }
}
