extension Endpoint {
    /// The endpoints that `text` stands for: several where a unix name has braces.
    public static func parse(
        _ text: some StringProtocol, variables: PolicyVariables? = nil
    ) throws(PolicyTextError) -> [Endpoint] {
        var budget = PathPattern.expansionLimit
        let scope = variables.map { VariableScope.values($0) } ?? .forbidden("there are no variables here")
        return try parse(Array(text.utf8), variables: scope, budget: &budget)
    }

    private static let forms = "tcp:HOST:PORT, udp:HOST:PORT, ip:HOST:PORT, unix:/PATH or unix:@NAME"

    static func parse(
        _ text: [UInt8], variables: VariableScope, budget: inout Int
    ) throws(PolicyTextError) -> [Endpoint] {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else {
            throw PolicyTextError(
                "\(quoted(String(decoding: text, as: UTF8.self))) is no endpoint", at: 0, length: text.count,
                hint: "write \(forms)")
        }
        let scheme = String(decoding: text[..<colon], as: UTF8.self)
        switch scheme {
        case "tcp": return [try parseInet([.tcp], text, from: colon + 1)]
        case "udp": return [try parseInet([.udp], text, from: colon + 1)]
        case "ip": return [try parseInet([.tcp, .udp], text, from: colon + 1)]
        case "unix": return try parseUnix(text, from: colon + 1, variables, &budget)
        default:
            throw PolicyTextError(
                "unknown protocol \(quoted(scheme))", at: 0, length: max(1, colon),
                hint: suggestion(for: scheme, in: ["tcp", "udp", "ip", "unix"]) ?? "write \(forms)")
        }
    }

    private static func parseUnix(
        _ text: [UInt8], from start: Int, _ variables: VariableScope, _ budget: inout Int
    ) throws(PolicyTextError) -> [Endpoint] {
        let isAbstract = text.count > start && text[start] == UInt8(ascii: "@")
        let offset = isAbstract ? start + 1 : start
        if !isAbstract, offset == text.count || !"/{$".utf8.contains(text[offset]) {
            throw PolicyTextError(
                "a unix name is a path or begins with '@'", at: min(start, text.count - 1),
                length: max(1, text.count - start),
                hint: "write unix:/** for every path, unix:@** for every other name")
        }
        do throws(PolicyTextError) {
            let patterns = try PathPattern.parse(
                Array(text[offset...]), kind: isAbstract ? .abstractName : .path, variables: variables,
                budget: &budget)
            return patterns.map { isAbstract ? .unixAbstract($0) : .unixPath($0) }
        } catch {
            var moved = error
            moved.offset += offset
            throw moved
        }
    }

    // MARK: HOST and PORT

    private static func parseInet(
        _ protocols: Set<TransportProtocol>, _ text: [UInt8], from start: Int
    ) throws(PolicyTextError) -> Endpoint {
        let rest = text[start...]
        let hostEnd: Int
        if rest.first == UInt8(ascii: "[") {
            guard let close = rest.firstIndex(of: UInt8(ascii: "]")) else {
                throw PolicyTextError("'[' without ']'", at: start, hint: "write [IPv6]:PORT")
            }
            hostEnd = text[close...].firstIndex(of: UInt8(ascii: ":")) ?? text.count
        } else {
            let colons = rest.indices.filter { text[$0] == UInt8(ascii: ":") }
            if let last = colons.last, colons.count > 1 {
                let host = String(decoding: text[start..<last], as: UTF8.self)
                let port = String(decoding: text[(last + 1)...], as: UTF8.self)
                throw PolicyTextError(
                    "an IPv6 address needs brackets", at: start, length: text.count - start,
                    hint: IPAddress(host) == nil ? "write [IPv6]:PORT" : "write [\(host)]:\(port)")
            }
            hostEnd = colons.first ?? text.count
        }
        let host = try parseHost(String(decoding: text[start..<hostEnd], as: UTF8.self), at: start)
        guard hostEnd < text.count else {
            throw PolicyTextError(
                "the endpoint has no port", at: start, length: max(1, text.count - start),
                hint: "add ':443', ':1024-65535' or ':*'")
        }
        let port = try parsePort(String(decoding: text[(hostEnd + 1)...], as: UTF8.self), at: hostEnd + 1)
        return .inet(protocols, host, port)
    }

    private static func parseHost(_ text: String, at offset: Int) throws(PolicyTextError) -> HostPattern {
        let length = max(1, text.utf8.count)
        if text == "*" { return .any }
        if text.isEmpty {
            throw PolicyTextError("the endpoint has no host", at: offset, hint: "'*' is every host")
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var addressText = parts[0]
        let isBracketed = addressText.hasPrefix("[")
        if isBracketed {
            guard addressText.hasSuffix("]") else {
                let inside = text.dropFirst().prefix { $0 != "]" }
                let hint =
                    inside.contains("/")
                    ? "write [\(inside.prefix { $0 != "/" })]/\(inside.drop { $0 != "/" }.dropFirst())"
                    : "write [fd00::1] or [fd00::]/8"
                throw PolicyTextError("\(quoted(text)) is no address", at: offset, length: length, hint: hint)
            }
            addressText = addressText.dropFirst().dropLast()
        }
        guard let address = IPAddress(addressText) else {
            if isBracketed || addressText.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2e }) {
                throw PolicyTextError(
                    "\(quoted(text)) is no address", at: offset, length: length,
                    hint: isBracketed ? "write [fd00::1] or [fd00::]/8" : "write 10.0.0.1 or 10.0.0.0/8")
            }
            throw PolicyTextError(
                "\(quoted(text)) is a host name, and the kernel sees addresses only", at: offset,
                length: length, hint: "write its addresses, or '*'")
        }
        if isBracketed, case .v4 = address {
            throw PolicyTextError(
                "brackets around an IPv4 address", at: offset, length: length, hint: "write \(address)")
        }
        var prefix = address.bitCount
        if parts.count == 2 {
            let offset = offset + parts[0].utf8.count + 1
            guard let number = IPAddress.decimal(parts[1], limit: address.bitCount) else {
                throw PolicyTextError(
                    "\(quoted(parts[1])) is no prefix length", at: offset,
                    length: max(1, parts[1].utf8.count),
                    hint: "write 0 to \(address.bitCount)")
            }
            prefix = number
        }
        let network = address.masked(to: prefix)
        if network != address {
            let right = isBracketed ? "[\(network)]/\(prefix)" : "\(network)/\(prefix)"
            throw PolicyTextError(
                "\(quoted(text)) has bits behind its prefix", at: offset, length: length,
                hint: "write \(right)")
        }
        return HostPattern(network, length: prefix)
    }

    private static func parsePort(_ text: String, at offset: Int) throws(PolicyTextError) -> PortPattern {
        if text == "*" { return .any }
        let length = max(1, text.utf8.count)
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts.compactMap { IPAddress.decimal($0, limit: 65_535) }
        guard numbers.count == parts.count, let first = numbers.first, let last = numbers.last else {
            throw PolicyTextError(
                "\(quoted(text)) is no port", at: offset, length: length,
                hint: "write a number from 0 to 65535, a range such as 1024-65535, or '*'")
        }
        if last < first {
            throw PolicyTextError(
                "a range that ends before it begins", at: offset, length: length,
                hint: "write \(last)-\(first)")
        }
        if first == 0, last > 0 {
            throw PolicyTextError(
                "no range includes port 0", at: offset, length: length,
                hint: "write 1-\(last), and '0' in an endpoint of its own")
        }
        return .range(UInt16(first)...UInt16(last))
    }
}

extension HostPattern {
    /// The addresses that share `length` bits with `network`. IPv4-mapped ones are IPv4 addresses.
    init(_ network: IPAddress, length: Int) {
        if length >= 96, case .v4 = network.unmapped, case .v6 = network {
            self = .prefix(network.unmapped, length: UInt8(length - 96))
        } else {
            self = .prefix(network, length: UInt8(length))
        }
    }
}

extension Endpoint: CustomStringConvertible {
    /// The endpoint as policies write it.
    public var description: String {
        switch self {
        case .inet(let protocols, let host, let port):
            let scheme = protocols.count == 1 ? protocols.first?.name ?? "ip" : "ip"
            return "\(scheme):\(host):\(port)"
        case .unixPath(let pattern): return "unix:\(pattern.description)"
        case .unixAbstract(let pattern): return "unix:@\(pattern.description)"
        }
    }
}

extension HostPattern: CustomStringConvertible {
    /// `*`, `10.0.0.0/8`, `[fd00::]/8`; an address without its length.
    public var description: String {
        guard case .prefix(let address, let length) = self else { return "*" }
        let suffix = Int(length) == address.bitCount ? "" : "/\(length)"
        if case .v6 = address { return "[\(address)]\(suffix)" }
        return "\(address)\(suffix)"
    }
}

extension PortPattern: CustomStringConvertible {
    /// `*`, `443`, `1024-65535`.
    public var description: String {
        guard case .range(let ports) = self else { return "*" }
        return ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
    }
}

extension SocketAddress: CustomStringConvertible {
    /// The address as `tests` write it.
    public var description: String {
        switch self {
        case .inet(let transport, let address, let port):
            if case .v6 = address { return "\(transport.name):[\(address)]:\(port)" }
            return "\(transport.name):\(address):\(port)"
        case .unixPath(let path): return "unix:" + String(decoding: path, as: UTF8.self)
        case .unixAbstract(let name): return "unix:@" + String(decoding: name, as: UTF8.self)
        }
    }
}
