internal import Policy

/// One `struct swguard_endpoint`: what a rule says of addresses.
struct KernelEndpoint: Hashable {
    /// Host order; IPv4 as `::ffff:a.b.c.d`.
    var address: (high: UInt64, low: UInt64)
    /// How many bits of it count.
    var prefix: UInt32
    var ports: ClosedRange<UInt16>
    var accesses: UInt32
    var transports: UInt32
    var isAllowed: Bool
    var rule: UInt32

    var words: [UInt32] {
        [
            UInt32(truncatingIfNeeded: address.high >> 32), UInt32(truncatingIfNeeded: address.high),
            UInt32(truncatingIfNeeded: address.low >> 32), UInt32(truncatingIfNeeded: address.low), prefix,
            UInt32(ports.lowerBound) | UInt32(ports.upperBound) << 16, accesses, transports,
            isAllowed ? 1 : 0,
            rule,
        ]
    }

    /// Those of a section, denies first: the first that matches decides.
    static func all(of section: NetworkSection?, firstRule: Int) -> [Self] {
        let rules = (section?.rules ?? []).enumerated()
        let ordered =
            rules.filter { $0.element.header.verdict == .deny }
            + rules.filter { $0.element.header.verdict == .allow }
        return ordered.flatMap { index, rule in
            rule.endpoints.flatMap { endpoint -> [Self] in
                guard case .inet(let transports, let host, let port) = endpoint.value else { return [] }
                var bits: UInt32 = 0
                if transports.contains(.tcp) { bits |= 1 << 0 }
                if transports.contains(.udp) { bits |= 1 << 1 }
                return addresses(of: host).map { address in
                    Self(
                        address: (address.high, address.low), prefix: address.prefix, ports: ports(port),
                        accesses: UInt32(rule.accesses.rawValue), transports: bits,
                        isAllowed: rule.header.verdict == .allow, rule: UInt32(firstRule + index))
                }
            }
        }
    }

    private static func ports(_ pattern: PortPattern) -> ClosedRange<UInt16> {
        switch pattern {
        case .any: UInt16.min...UInt16.max
        // A range of more than one port never includes 0.
        case .range(let range):
            range.count > 1 && range.lowerBound == 0 ? 1...range.upperBound : range
        }
    }

    private struct Prefix {
        var high, low: UInt64
        var prefix: UInt32
    }

    /// The low half of `::ffff:0:0/96`, where IPv4 is.
    private static let mapped: UInt64 = 0xffff << 32

    private static func addresses(of host: HostPattern) -> [Prefix] {
        switch host {
        case .any: return [Prefix(high: 0, low: 0, prefix: 0)]
        case .prefix(.v4(let address), let length):
            return [Prefix(high: 0, low: mapped | UInt64(address), prefix: 96 + UInt32(length))]
        case .prefix(.v6(let high, let low), let length):
            let whole = Prefix(high: high, low: low, prefix: UInt32(length))
            guard length < 96, matches(whole, high: 0, low: mapped) else { return [whole] }
            // IPv4 is not in it, though its mapped addresses are: what is left, as prefixes that leave the way to
            // ::ffff:0:0/96 at each bit.
            return (whole.prefix..<96).map { bit in
                let isHigh = bit < 64
                let flipped = UInt64(1) << UInt64(isHigh ? 63 - bit : 127 - bit)
                return Prefix(
                    high: isHigh ? flipped : 0, low: isHigh ? 0 : (mapped & ~(flipped - 1)) ^ flipped,
                    prefix: bit + 1)
            }
        }
    }

    private static func matches(_ prefix: Prefix, high: UInt64, low: UInt64) -> Bool {
        if prefix.prefix == 0 { return true }
        if prefix.prefix <= 64 { return (prefix.high ^ high) >> UInt64(64 - prefix.prefix) == 0 }
        return prefix.high == high && (prefix.low ^ low) >> UInt64(128 - prefix.prefix) == 0
    }

    static func == (left: Self, right: Self) -> Bool { left.words == right.words }
    func hash(into hasher: inout Hasher) { hasher.combine(words) }
}
