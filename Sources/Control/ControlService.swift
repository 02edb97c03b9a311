internal import Policy

/// What the service says to a call. It knows nothing of sockets.
public struct ControlService: Sendable {
    /// The longest message, in bytes.
    public static let messageLimit = 1 << 20
    /// How much of a long answer goes into one reply, in bytes; an item that is longer stands alone.
    static let replySize = 1 << 18

    let version: String

    public init(version: String) { self.version = version }

    /// What a call comes to before the agent is asked.
    enum Step {
        /// It is answered.
        case replies([VarlinkReply])
        /// The agent is to be asked.
        case ask(ControlRequest)
    }

    /// What to do about `call` of `peer`.
    func step(_ call: VarlinkCall, from peer: ControlPeer) -> Step {
        do throws(VarlinkError) {
            guard !call.upgrade else { throw .invalidParameter("upgrade") }
            let (interface, name) = call.parts
            switch interface {
            case ControlInterface.serviceName: return .replies([try serviceReply(name, call)])
            case ControlInterface.name:
                guard let method = ControlInterface.methods.first(where: { $0.name == name }) else {
                    throw .methodNotFound(call.method)
                }
                guard may(peer, method.right) else { throw .permissionDenied }
                if method.name == ControlInterface.confine { return .ask(try Self.confine(call)) }
                return .ask(method.request(try Self.strings(method.parameter, of: call)))
            default: throw .interfaceNotFound(interface)
            }
        } catch {
            return .replies([VarlinkReply(error)])
        }
    }

    private func may(_ peer: ControlPeer, _ right: ControlInterface.Right) -> Bool {
        switch right {
        // Nobody is told what /proc does not tell him, nor changed but himself.
        case .read, .confineOneself: true
        case .change: peer.uid == 0
        }
    }

    private static func confine(_ call: VarlinkCall) throws(VarlinkError) -> ControlRequest {
        if let other = call.parameters.first(where: { !["digest", "policies"].contains($0.0) }) {
            throw .invalidParameter(other.0)
        }
        let digest = call.parameters.first { $0.0 == "digest" }?.1.stringValue ?? ""
        guard digest.utf8.count == 64 else { throw .invalidParameter("digest") }
        let policies = call.parameters.first { $0.0 == "policies" }?.1
        return .confine(
            ConfineRequest(
                digest: digest, policies: policies.flatMap { $0.isNull ? nil : $0 }, isFollowed: call.more))
    }

    /// The list that is all that a call has; none where it takes none.
    private static func strings(_ name: String?, of call: VarlinkCall) throws(VarlinkError) -> [String] {
        if let other = call.parameters.first(where: { $0.0 != name }) { throw .invalidParameter(other.0) }
        guard let name else { return [] }
        let items = call.parameters.first?.1.items ?? []
        let strings = items.compactMap(\.stringValue)
        guard !strings.isEmpty, strings.count == items.count, !strings.contains(where: { $0.contains("\0") })
        else { throw .invalidParameter(name) }
        return strings
    }

    private func serviceReply(_ method: String, _ call: VarlinkCall) throws(VarlinkError) -> VarlinkReply {
        switch method {
        case "GetInfo":
            if let parameter = call.parameters.first { throw .invalidParameter(parameter.0) }
            return VarlinkReply([
                "vendor": .string("swguard"), "product": .string("swguard agent"),
                "version": .string(version),
                "url": .string("https://swguard.dev"),
                "interfaces": [.string(ControlInterface.serviceName), .string(ControlInterface.name)],
            ])
        case "GetInterfaceDescription":
            if let other = call.parameters.first(where: { $0.0 != "interface" }) {
                throw .invalidParameter(other.0)
            }
            guard let name = call.parameters.first?.1.stringValue else {
                throw .invalidParameter("interface")
            }
            switch name {
            case ControlInterface.name:
                return VarlinkReply(["description": .string(ControlInterface.description)])
            case ControlInterface.serviceName:
                return VarlinkReply(["description": .string(ControlInterface.serviceDescription)])
            default: throw .interfaceNotFound(name)
            }
        default: throw .methodNotFound(call.method)
        }
    }

    /// What the agent said, as replies to the call.
    static func replies(_ answer: ControlAnswer, more: Bool) -> [VarlinkReply] {
        switch answer {
        case .status(let status): [VarlinkReply(status.json)]
        case .policies(let generation, let policies):
            list("policies", policies.map(\.json), generation, more: more)
        case .processes(let generation, let processes):
            list("processes", processes.map(\.json), generation, more: more)
        case .changed(let generation, let changes, let refused):
            [
                VarlinkReply(
                    ChangeResult(generation: generation, changes: changes, refused: refused).json)
            ]
        case .confined(let result): [VarlinkReply(result.json, continues: more)]
        case .unknownPolicies: [VarlinkReply(.unknownPolicies)]
        case .rejected(let diagnostics, let reasons):
            [VarlinkReply(.rejected(Self.fitting(diagnostics), reasons: reasons))]
        case .failed(let reason): [VarlinkReply(.failed(reason: reason))]
        }
    }

    /// As many as a message has room for; the agent says all of them.
    private static func fitting(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        var size = 0
        return Array(
            diagnostics.prefix { diagnostic in
                size += DiagnosticJSON.json(diagnostic).text.utf8.count + 1
                return size <= replySize
            })
    }

    /// A list in one reply, or in several where the client takes them.
    private static func list(
        _ name: String, _ items: [JSON], _ generation: Int, more: Bool
    ) -> [VarlinkReply] {
        var parts: [[JSON]] = [[]]
        var size = 0
        for item in items {
            let length = item.text.utf8.count + 1
            if size > 0, size + length > (more ? replySize : messageLimit - 256) {
                guard more else { return [VarlinkReply(.tooLarge(limit: messageLimit))] }
                parts.append([])
                size = 0
            }
            parts[parts.count - 1].append(item)
            size += length
        }
        return parts.indices.map { index in
            VarlinkReply(
                .object([("generation", .int(generation)), (name, .array(parts[index]))]),
                continues: index < parts.count - 1)
        }
    }
}
