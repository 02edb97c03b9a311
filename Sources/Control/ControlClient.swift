internal import CLinux
private import Glibc
public import Policy

/// Why the agent could not be asked.
public enum ControlClientError: Error, Sendable {
    /// Nobody answers at the socket, or the caller may not ask.
    case unreachable(path: String, code: CInt)
    /// It took too long.
    case silent(path: String)
    /// It ended the connection, or says what is no reply.
    case garbled(String)
    /// It says an error: its name and parameters.
    case refused(name: String, parameters: JSON)
    /// Nothing was changed: what is wrong with policies, and what else is.
    case rejected([Diagnostic], reasons: [String])

    /// What went wrong, for `cannot ask the agent: …`.
    public var text: String {
        switch self {
        case .unreachable(let path, let code) where code == EACCES || code == EPERM:
            "this process may not use '\(path)'"
        case .unreachable(let path, let code) where code == ENOENT || code == ECONNREFUSED:
            "no agent answers at '\(path)'; start 'swguard agent'"
        case .unreachable(let path, let code): "'\(path)': \(ControlError.text(of: code))"
        case .silent(let path): "the agent at '\(path)' does not answer"
        case .garbled(let text): text
        case .refused("org.varlink.service.PermissionDenied", _): "only root may"
        case .rejected: "nothing was changed"
        case .refused(let name, let parameters):
            parameters["reason"]?.stringValue ?? "it says \(name)"
        }
    }
}

/// A connection to the agent. Its end closes it.
public struct ControlClient: ~Copyable {
    private let descriptor: ControlDescriptor
    private let path: String
    private var input = MessageBuffer(limit: ControlService.messageLimit)
    private let patience: UInt64

    /// - Parameter patience: how long all of one answer may take, in milliseconds.
    public init(path: String, patience: UInt64 = 10_000) throws(ControlClientError) {
        let end = swguard_monotonic_milliseconds() + patience
        var connected = unsafe swguard_control_connect(path)
        // More wait already than the agent listens for.
        while connected == -EAGAIN, swguard_monotonic_milliseconds() < end {
            usleep(10_000)
            connected = unsafe swguard_control_connect(path)
        }
        if connected == -EAGAIN { throw .silent(path: path) }
        do throws(ControlError) {
            descriptor = try ControlDescriptor(connected, "connect")
        } catch {
            throw .unreachable(path: path, code: error.code)
        }
        self.path = path
        self.patience = patience
    }

    /// Asks for a command's policies to be made layers, with all that they are made from, or by their digest alone.
    ///
    /// - Returns: nil where the agent must be told what they are made from.
    public mutating func confine(
        digest: String, policies: JSON?, isFollowed: Bool
    ) throws(ControlClientError) -> ConfineResult? {
        var call = VarlinkCall(
            ControlInterface.name + "." + ControlInterface.confine,
            [("digest", .string(digest))] + (policies.map { [("policies", $0)] } ?? []))
        call.more = isFollowed
        let end = swguard_monotonic_milliseconds() + patience
        try send(call, until: end)
        let reply = try Self.reply(in: try message(until: end))
        switch reply.error {
        case ControlInterface.name + ".UnknownPolicies": return nil
        case ControlInterface.name + ".Rejected": throw Self.rejection(reply.parameters)
        case let name?: throw .refused(name: name, parameters: reply.parameters)
        case nil: break
        }
        guard let result = ConfineResult(reply.parameters) else { throw Self.unknownForm }
        return result
    }

    /// Becomes readable when there may be a further reply.
    public var number: CInt { descriptor.number }

    /// The next further reply that is there already; nil: there is none yet.
    public mutating func nextReply() throws(ControlClientError) -> (parameters: JSON, isLast: Bool)? {
        while !input.hasMessage {
            let bytes: [UInt8]?
            do throws(ControlError) {
                bytes = try descriptor.read(1 << 16)
            } catch {
                throw .unreachable(path: path, code: error.code)
            }
            guard let bytes else { return nil }
            guard !bytes.isEmpty, !input.isOverlong else {
                throw .garbled("the agent ended the connection")
            }
            input.append(bytes)
        }
        guard let message = input.next() else { return nil }
        let reply = try Self.reply(in: message)
        return (reply.parameters, !reply.continues)
    }

    /// Says that nothing more is wanted; what is left is told.
    public func hangUp() { _ = swguard_control_end(descriptor.number) }

    private static func reply(in message: [UInt8]) throws(ControlClientError) -> VarlinkReply {
        do throws(JSONError) {
            // A megabyte of the smallest values.
            return try VarlinkReply(message: message, limits: JSON.Limits(values: 1 << 20))
        } catch {
            throw .garbled("what the agent says cannot be read: \(error.text)")
        }
    }

    private static func rejection(_ parameters: JSON) -> ControlClientError {
        .rejected(
            parameters["diagnostics"]?.items?.compactMap(DiagnosticJSON.diagnostic) ?? [],
            reasons: parameters["reasons"]?.items?.compactMap(\.stringValue) ?? [])
    }

    private mutating func send(_ call: VarlinkCall, until end: UInt64) throws(ControlClientError) {
        var rest = (call.message + [0])[...]
        while !rest.isEmpty {
            let written: Int
            do throws(ControlError) {
                written = try descriptor.write(rest)
            } catch {
                throw .unreachable(path: path, code: error.code)
            }
            rest = rest.dropFirst(written)
            if written == 0 { try wait(forWriting: true, until: end) }
        }
    }

    /// The replies to `call`, of which there are several only where it says `more`.
    public mutating func replies(to call: VarlinkCall) throws(ControlClientError) -> [JSON] {
        let end = swguard_monotonic_milliseconds() + patience
        try send(call, until: end)
        var parameters: [JSON] = []
        while true {
            let reply = try Self.reply(in: try message(until: end))
            if let name = reply.error { throw .refused(name: name, parameters: reply.parameters) }
            parameters.append(reply.parameters)
            guard reply.continues else { return parameters }
            guard call.more else { throw .garbled("the agent says more than it was asked for") }
        }
    }

    private mutating func message(until end: UInt64) throws(ControlClientError) -> [UInt8] {
        while true {
            if let message = input.next() { return message }
            guard !input.isOverlong else {
                throw .garbled("the agent's answer is longer than \(ControlService.messageLimit) bytes")
            }
            let bytes: [UInt8]?
            do throws(ControlError) {
                bytes = try descriptor.read(1 << 16)
            } catch {
                throw .unreachable(path: path, code: error.code)
            }
            guard let bytes else {
                try wait(forWriting: false, until: end)
                continue
            }
            guard !bytes.isEmpty else { throw .garbled("the agent ended the connection") }
            input.append(bytes)
        }
    }

    private func wait(forWriting: Bool, until end: UInt64) throws(ControlClientError) {
        let now = swguard_monotonic_milliseconds()
        guard now < end else { throw .silent(path: path) }
        let result = swguard_control_wait(descriptor.number, forWriting ? 1 : 0, CInt(end - now))
        guard result >= 0 || result == -EINTR else { throw .unreachable(path: path, code: -result) }
    }
}

extension ControlClient {
    /// What is enforced as a whole.
    public mutating func status() throws(ControlClientError) -> AgentStatus {
        let replies = try replies(to: VarlinkCall(ControlInterface.name + ".Status"))
        guard let status = replies.first.flatMap(AgentStatus.init) else { throw Self.unknownForm }
        return status
    }

    /// The policies that are loaded, and of which generation.
    public mutating func policies() throws(ControlClientError) -> (generation: Int, policies: [PolicyStatus])
    {
        let (generation, items) = try list("Policies", "policies", PolicyStatus.init)
        return (generation, items)
    }

    /// The processes that are confined.
    public mutating func processes() throws(ControlClientError) -> (
        generation: Int, processes: [ConfinedProcess]
    ) {
        let (generation, items) = try list("Ps", "processes", ConfinedProcess.init)
        return (generation, items)
    }

    public mutating func load(_ files: [String]) throws(ControlClientError) -> ChangeResult {
        try change("Load", [("files", .array(files.map { .string($0) }))])
    }

    public mutating func unload(_ names: [String]) throws(ControlClientError) -> ChangeResult {
        try change("Unload", [("names", .array(names.map { .string($0) }))])
    }

    public mutating func reload() throws(ControlClientError) -> ChangeResult { try change("Reload") }

    public mutating func rollBack() throws(ControlClientError) -> ChangeResult { try change("Rollback") }

    private mutating func change(
        _ method: String, _ parameters: [(String, JSON)] = []
    ) throws(ControlClientError) -> ChangeResult {
        let replies: [JSON]
        do throws(ControlClientError) {
            replies = try self.replies(to: VarlinkCall("\(ControlInterface.name).\(method)", parameters))
        } catch {
            guard case .refused(ControlInterface.name + ".Rejected", let parameters) = error else {
                throw error
            }
            throw Self.rejection(parameters)
        }
        guard let result = replies.first.flatMap(ChangeResult.init) else { throw Self.unknownForm }
        return result
    }

    private mutating func list<Item>(
        _ method: String, _ member: String, _ read: (JSON) -> Item?
    ) throws(ControlClientError) -> (Int, [Item]) {
        var generation = 0
        var all: [Item] = []
        for reply in try replies(to: VarlinkCall("\(ControlInterface.name).\(method)", more: true)) {
            guard let number = reply["generation"]?.intValue, let items = reply[member]?.items else {
                throw Self.unknownForm
            }
            generation = number
            for item in items {
                guard let item = read(item) else { throw Self.unknownForm }
                all.append(item)
            }
        }
        return (generation, all)
    }

    private static var unknownForm: ControlClientError {
        .garbled("the agent's answer has another form: it is of another version")
    }
}
