/// What `${HOME}` and its like stand for.
public struct PolicyVariables: Hashable, Sendable {
    /// The variables there are.
    public enum Name: String, CaseIterable, Hashable, Sendable {
        case home = "HOME"
        case cwd = "CWD"
        case user = "USER"
        case uid = "UID"
        case tmpdir = "TMPDIR"
        case runtime = "RUNTIME"

        /// Whether the value is a path, and not one name in it.
        var isPath: Bool { self != .user && self != .uid }
    }

    /// What one variable stands for.
    public enum Value: Hashable, Sendable {
        /// A path with its links resolved, or a name; as it is, nothing escaped.
        case set([UInt8])
        /// Nothing, and why: `HOME is not set`.
        case unset(String)
    }

    private let home, cwd, user, uid, tmpdir, runtime: Value

    /// What a variable stands for.
    public func value(of name: Name) -> Value {
        switch name {
        case .home: home
        case .cwd: cwd
        case .user: user
        case .uid: uid
        case .tmpdir: tmpdir
        case .runtime: runtime
        }
    }

    /// The values, each given or missing with a reason.
    public init(home: Value, cwd: Value, user: Value, uid: Value, tmpdir: Value, runtime: Value) {
        self.home = home
        self.cwd = cwd
        self.user = user
        self.uid = uid
        self.tmpdir = tmpdir
        self.runtime = runtime
    }

    /// No variable has a value, for `reason`.
    public static func none(_ reason: String) -> Self {
        let unset = Value.unset(reason)
        return Self(home: unset, cwd: unset, user: unset, uid: unset, tmpdir: unset, runtime: unset)
    }

    /// What the variable stands for.
    public subscript(name: Name) -> Value {
        switch name {
        case .home: home
        case .cwd: cwd
        case .user: user
        case .uid: uid
        case .tmpdir: tmpdir
        case .runtime: runtime
        }
    }

    /// The bytes to insert, checked: a path must be absolute, normal and not `/`.
    func bytes(of name: Name, at offset: Int) throws(PolicyTextError) -> [UInt8] {
        let written = "${\(name.rawValue)}"
        func fail(_ reason: String, hint: String? = nil) -> PolicyTextError {
            PolicyTextError("\(written) \(reason)", at: offset, length: written.utf8.count, hint: hint)
        }
        let value: [UInt8]
        switch self[name] {
        case .unset(let reason): throw fail("has no value here", hint: reason)
        case .set(let bytes): value = bytes
        }
        if value.isEmpty { throw fail("is empty") }
        if value.contains(0) || String(validating: value, as: UTF8.self) == nil {
            throw fail("is not UTF-8 text", hint: "a policy can only name paths that are")
        }
        guard name.isPath else {
            if value.contains(UInt8(ascii: "/")) || value == Array(".".utf8) || value == Array("..".utf8) {
                throw fail("is no name: \(quoted(String(decoding: value, as: UTF8.self)))")
            }
            return value
        }
        if value.first != UInt8(ascii: "/") {
            throw fail("is not absolute: \(quoted(String(decoding: value, as: UTF8.self)))")
        }
        if value == [UInt8(ascii: "/")] {
            throw fail("is '/'", hint: "a rule for it would be for everything")
        }
        let components = value.dropFirst().split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if components.contains(where: { $0.isEmpty || Array($0) == [0x2e] || Array($0) == [0x2e, 0x2e] }) {
            throw fail("is not a normal path: \(quoted(String(decoding: value, as: UTF8.self)))")
        }
        return value
    }
}

/// Which variables a text may use.
enum VariableScope {
    case values(PolicyVariables)
    /// None, and why.
    case forbidden(String)

    /// Reads the variable at `offset` of `text`, where `${` stands: its bytes, and the offset behind it.
    func expand(_ text: [UInt8], at offset: Int) throws(PolicyTextError) -> (bytes: [UInt8], end: Int) {
        guard let close = text[offset...].firstIndex(of: UInt8(ascii: "}")) else {
            throw PolicyTextError(
                "'${' without '}'", at: offset, length: 2, hint: "a '$' itself before a brace is '\\$'")
        }
        let word = String(decoding: text[(offset + 2)..<close], as: UTF8.self)
        guard let name = PolicyVariables.Name(rawValue: word) else {
            let names = PolicyVariables.Name.allCases.map(\.rawValue)
            let hint =
                nearest(to: word.uppercased(), in: names).map { "did you mean '${\($0)}'?" }
                ?? "the variables are " + names.map { "${\($0)}" }.joined(separator: ", ")
            throw PolicyTextError(
                "unknown variable \(quoted("${\(word)}"))", at: offset, length: close + 1 - offset, hint: hint
            )
        }
        switch self {
        case .values(let variables): return (try variables.bytes(of: name, at: offset), close + 1)
        case .forbidden(let reason):
            throw PolicyTextError(
                "'${\(word)}' cannot be used here", at: offset, length: close + 1 - offset, hint: reason)
        }
    }
}
