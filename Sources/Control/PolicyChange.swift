public import Policy

/// What a change has done to one policy.
public struct PolicyChange: Hashable, Sendable {
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case loaded, replaced, removed
        case rolledBack = "rolled_back"
    }

    public var policy: String
    public var kind: Kind

    public init(policy: String, kind: Kind) {
        self.policy = policy
        self.kind = kind
    }
}

/// What is enforced after a change.
public struct ChangeResult: Hashable, Sendable {
    public var generation: Int
    public var changes: [PolicyChange]
    /// Tasks that ran already and had no room for another policy.
    public var refused: Int
}

extension PolicyChange {
    public var json: JSON { ["policy": .string(policy), "change": .string(kind.rawValue)] }

    init?(_ json: JSON) {
        guard let policy = json["policy"]?.stringValue,
            let kind = json["change"]?.stringValue.flatMap(Kind.init(rawValue:))
        else { return nil }
        self.init(policy: policy, kind: kind)
    }
}

extension ChangeResult {
    public var json: JSON {
        [
            "generation": .int(generation), "changes": .array(changes.map(\.json)), "refused": .int(refused),
        ]
    }

    init?(_ json: JSON) {
        guard let generation = json["generation"]?.intValue,
            let changes = json["changes"]?.all(PolicyChange.init), let refused = json["refused"]?.intValue
        else { return nil }
        self.init(generation: generation, changes: changes, refused: refused)
    }
}

/// What is wrong with a policy, as the interface's file says it.
enum DiagnosticJSON {
    static func json(_ diagnostic: Diagnostic) -> JSON {
        let location = diagnostic.location
        var members: [(String, JSON)] = [
            ("file", .string(location.file)), ("line", .int(location.line)),
            ("column", .int(location.column)),
            ("length", .int(location.length)), ("severity", .string(diagnostic.severity.rawValue)),
            ("text", .string(diagnostic.text)),
        ]
        if let hint = diagnostic.hint { members.append(("hint", .string(hint))) }
        if let line = diagnostic.sourceLine { members.append(("source", .string(line))) }
        return .object(members)
    }

    static func diagnostic(_ json: JSON) -> Diagnostic? {
        guard let file = json["file"]?.stringValue, let line = json["line"]?.intValue,
            let column = json["column"]?.intValue, let length = json["length"]?.intValue,
            let severity = json["severity"]?.stringValue.flatMap(Diagnostic.Severity.init(rawValue:)),
            let text = json["text"]?.stringValue, line >= 0, column >= 0, length >= 0
        else { return nil }
        return Diagnostic(
            text, at: SourceLocation(file: file, line: line, column: column, length: length),
            severity: severity, hint: json["hint"]?.stringValue, sourceLine: json["source"]?.stringValue)
    }
}
