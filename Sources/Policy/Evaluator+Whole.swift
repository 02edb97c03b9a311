// A request as a person asks about it: with what a process must be granted before it, or along with it.
//
// The kernel asks one thing after the other, and what watches it judges each by itself, with `decide`.
extension Evaluator {
    /// What the policy says of `request` and of what belongs to it: an address is reached by a socket that must
    /// have been made, and the name of a bound unix socket is a new file.
    ///
    /// The parts are in the order in which the kernel asks.
    public func decideWhole(_ request: Request) -> Decision {
        Decision(parts: questions(request).map(\.part))
    }

    /// The parts of a whole request, each with what it is asked of.
    func questions(_ request: Request) -> [(request: Request, part: Decision.Part)] {
        let parts = decide(request).parts.map { (request: request, part: $0) }
        guard case .network(let access, let address) = request else { return parts }
        if let refusal = refusal(ofSocketFor: access, address) { return [(request, refusal)] }
        guard case .unixPath(let path) = address, access == .bind, policy.files != nil else { return parts }
        let name = Request.file(path: path, .create)
        let asked = decide(name).parts.map { (request: name, part: $0) }
        // What no section decides has nothing to say beside what one does.
        return (policy.network == nil ? [] : parts) + asked
    }

    /// The denial of a request whose socket cannot be made; nil where it can.
    ///
    /// An IPv4 address is reached by a socket of inet6 too, as a mapped one.
    private func refusal(ofSocketFor access: NetworkAccess, _ address: SocketAddress) -> Decision.Part? {
        guard let section = policy.network else { return nil }
        let numbers = address.familyNumbers
        if section.families.contains(where: { numbers.contains($0.value.number) }) { return nil }
        return Decision.Part(
            access: access.name, verdict: .deny,
            rule: DecidingRule(id: "network.families", location: section.location), log: true)
    }
}

extension SocketAddress {
    /// The families whose sockets can have it (`include/linux/socket.h`).
    var familyNumbers: [UInt32] {
        switch self {
        case .inet(_, let host, _): host.unmapped.familyNumbers
        case .unixPath, .unixAbstract: [1]
        }
    }
}

extension IPAddress {
    /// The families whose sockets reach it.
    fileprivate var familyNumbers: [UInt32] { bitCount == 32 ? [2, 10] : [10] }
}

extension Endpoint {
    /// The families whose sockets can reach something of it.
    var familyNumbers: [UInt32] {
        switch self {
        case .inet(_, .any, _): [2, 10]
        case .inet(_, .prefix(let address, _), _): address.familyNumbers
        case .unixPath, .unixAbstract: [1]
        }
    }
}
