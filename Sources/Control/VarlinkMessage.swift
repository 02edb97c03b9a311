public import Policy

/// A call, as a client of Varlink writes it.
public struct VarlinkCall: Sendable {
    /// `io.swguard.Control.Status`.
    public var method: String
    /// The members of the parameters.
    public var parameters: [(String, JSON)]
    /// The client takes several replies.
    public var more = false
    /// The client takes none.
    public var oneway = false
    /// The client wants the connection for something else.
    public var upgrade = false

    public init(_ method: String, _ parameters: [(String, JSON)] = [], more: Bool = false) {
        self.method = method
        self.parameters = parameters
        self.more = more
    }

    /// The call in a message; nil: it is none, and there is no way to say so.
    public init?(message: [UInt8]) {
        guard let json = try? JSON(parsing: message), case .object = json,
            let method = json["method"]?.stringValue
        else { return nil }
        self.method = method
        switch json["parameters"] {
        case .object(let members): parameters = members
        case nil, .null: parameters = []
        default: return nil
        }
        func flag(_ name: String) -> Bool? {
            guard let value = json[name], !value.isNull else { return false }
            return value.boolValue
        }
        guard let more = flag("more"), let oneway = flag("oneway"), let upgrade = flag("upgrade") else {
            return nil
        }
        self.more = more
        self.oneway = oneway
        self.upgrade = upgrade
    }

    /// The message, without its NUL.
    public var message: [UInt8] {
        var members: [(String, JSON)] = [("method", .string(method)), ("parameters", .object(parameters))]
        for (name, value) in [("more", more), ("oneway", oneway), ("upgrade", upgrade)] where value {
            members.append((name, .bool(true)))
        }
        return Array(JSON.object(members).text.utf8)
    }

    /// `io.swguard.Control` and `Status`.
    var parts: (interface: String, method: String) {
        guard let dot = method.lastIndex(of: ".") else { return ("", method) }
        return (String(method[..<dot]), String(method[method.index(after: dot)...]))
    }
}

/// A reply, as a service of Varlink writes it.
public struct VarlinkReply: Sendable {
    public var parameters: JSON
    /// Another one follows.
    public var continues = false
    /// The name of the error that this is.
    public var error: String?

    public init(_ parameters: JSON, continues: Bool = false) {
        self.parameters = parameters
        self.continues = continues
    }

    public init(_ error: VarlinkError) {
        parameters = .object(error.parameters)
        self.error = error.name
    }

    /// The reply in a message.
    public init(message: [UInt8], limits: JSON.Limits) throws(JSONError) {
        let json = try JSON(parsing: message, limits: limits)
        guard case .object = json else { throw JSONError(text: "this is no reply", offset: 0) }
        parameters = json["parameters"] ?? .object([])
        continues = json["continues"]?.boolValue ?? false
        error = json["error"]?.stringValue
        if error == nil, json["error"].map({ !$0.isNull }) ?? false {
            throw JSONError(text: "this is no reply", offset: 0)
        }
    }

    /// The message, without its NUL.
    public var message: [UInt8] {
        var members: [(String, JSON)] = error.map { [("error", .string($0))] } ?? []
        members.append(("parameters", parameters))
        if continues { members.append(("continues", .bool(true))) }
        return Array(JSON.object(members).text.utf8)
    }
}

/// Why a call is not answered: of Varlink's own, or of our interface.
public enum VarlinkError: Error, Sendable {
    case interfaceNotFound(String)
    case methodNotFound(String)
    case invalidParameter(String)
    case permissionDenied
    /// The answer is longer than a message may be.
    case tooLarge(limit: Int)
    /// Too many answers wait to be read.
    case busy
    case failed(reason: String)
    /// Nothing was changed.
    case rejected([Diagnostic], reasons: [String])
    /// The agent must be told what they are made from.
    case unknownPolicies

    var name: String {
        switch self {
        case .interfaceNotFound: "org.varlink.service.InterfaceNotFound"
        case .methodNotFound: "org.varlink.service.MethodNotFound"
        case .invalidParameter: "org.varlink.service.InvalidParameter"
        case .permissionDenied: "org.varlink.service.PermissionDenied"
        case .tooLarge: ControlInterface.name + ".TooLarge"
        case .busy: ControlInterface.name + ".Busy"
        case .failed: ControlInterface.name + ".Failed"
        case .rejected: ControlInterface.name + ".Rejected"
        case .unknownPolicies: ControlInterface.name + ".UnknownPolicies"
        }
    }

    var parameters: [(String, JSON)] {
        switch self {
        case .interfaceNotFound(let name): [("interface", .string(name))]
        case .methodNotFound(let name): [("method", .string(name))]
        case .invalidParameter(let name): [("parameter", .string(name))]
        case .permissionDenied, .busy, .unknownPolicies: []
        case .tooLarge(let limit): [("limit", .int(limit))]
        case .failed(let reason): [("reason", .string(reason))]
        case .rejected(let diagnostics, let reasons):
            [
                ("diagnostics", .array(diagnostics.map(DiagnosticJSON.json))),
                ("reasons", .array(reasons.map { .string($0) })),
            ]
        }
    }
}
