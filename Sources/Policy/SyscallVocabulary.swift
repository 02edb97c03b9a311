/// What the evaluator and the checker must know of system calls: names, groups and the widths of arguments.
///
/// The names come from outside (the compiler asks libseccomp), so that policies are read without a C library.
public struct SyscallVocabulary: Sendable {
    /// Every name that is known on some architecture.
    public var names: Set<String>
    /// The groups, without the `@`, with every name in them, nested groups included.
    public var groups: [String: Set<String>]
    /// Allowed whatever a policy says: `@default`, and what starting the command needs.
    public var alwaysAllowed: Set<String>
    /// For each call, the arguments that the kernel reads as 32 bits, as a bit mask.
    public var narrowArguments: [String: UInt8]
    /// What a denied call returns unless its rule says otherwise (EPERM).
    public var permissionError: Int32 = 1

    public init(
        names: Set<String>, groups: [String: Set<String>], alwaysAllowed: Set<String>,
        narrowArguments: [String: UInt8]
    ) {
        self.names = names
        self.groups = groups
        self.alwaysAllowed = alwaysAllowed
        self.narrowArguments = narrowArguments
    }

    /// Whether `selector` covers the call `name`.
    public func selector(_ selector: SyscallSelector, covers name: String) -> Bool {
        switch selector {
        case .name(let wanted), .optionalName(let wanted): wanted == name
        case .group(let group): groups[group]?.contains(name) ?? false
        case .all: true
        }
    }

    /// The width of argument `argument` of the call `name`: 32 or 64 bits.
    public func width(of argument: Int, of name: String) -> Int {
        (narrowArguments[name] ?? 0) & (1 << UInt8(argument)) != 0 ? 32 : 64
    }
}
