/// What the evaluator and the checker must know of system calls: names, groups and the widths of arguments.
///
/// It comes from outside (the compiler asks libseccomp), so that policies are read without a C library; and it is made
/// when it is asked for: most policies name nothing that a quick look does not find.
public struct SyscallVocabulary: Sendable {
    /// All of it.
    public struct Contents: Sendable {
        /// Every name that is known on some architecture.
        public var names: Set<String>
        /// The groups, without the `@`, with every name in them, nested groups included.
        public var groups: [String: Set<String>]
        /// Allowed whatever a policy says: `@default`, and what starting the command needs.
        public var alwaysAllowed: Set<String>
        /// For each call, the arguments that the kernel reads as 32 bits, as a bit mask.
        public var narrowArguments: [String: UInt8]

        public init(
            names: Set<String>, groups: [String: Set<String>], alwaysAllowed: Set<String>,
            narrowArguments: [String: UInt8]
        ) {
            self.names = names
            self.groups = groups
            self.alwaysAllowed = alwaysAllowed
            self.narrowArguments = narrowArguments
        }
    }

    /// What a denied call returns unless its rule says otherwise (EPERM).
    public var permissionError: Int32 = 1
    private let contents: @Sendable () -> Contents
    private let isPlainlyKnown: @Sendable (String) -> Bool
    private let isPlainlyGroup: @Sendable (String) -> Bool

    /// A vocabulary that is at hand.
    public init(
        names: Set<String>, groups: [String: Set<String>], alwaysAllowed: Set<String>,
        narrowArguments: [String: UInt8]
    ) {
        let contents = Contents(
            names: names, groups: groups, alwaysAllowed: alwaysAllowed, narrowArguments: narrowArguments)
        self.init(isPlainlyKnown: { _ in false }, isPlainlyGroup: { _ in false }) { contents }
    }

    /// A vocabulary whose contents are made when they are asked for; `contents` gives the same each time, and at little
    /// cost after the first. The quick looks may miss a name or a group, and never find one that is not there.
    public init(
        isPlainlyKnown: @escaping @Sendable (String) -> Bool,
        isPlainlyGroup: @escaping @Sendable (String) -> Bool, contents: @escaping @Sendable () -> Contents
    ) {
        self.isPlainlyKnown = isPlainlyKnown
        self.isPlainlyGroup = isPlainlyGroup
        self.contents = contents
    }

    /// Every name that is known on some architecture.
    public var names: Set<String> { contents().names }
    /// The groups and their members.
    public var groups: [String: Set<String>] { contents().groups }
    /// Allowed whatever a policy says.
    public var alwaysAllowed: Set<String> { contents().alwaysAllowed }

    /// Whether some architecture has a call of this name.
    public func isKnown(_ name: String) -> Bool { isPlainlyKnown(name) || contents().names.contains(name) }

    /// Whether there is a group of this name, without the `@`.
    public func isGroup(_ name: String) -> Bool { isPlainlyGroup(name) || contents().groups[name] != nil }

    /// Whether `selector` covers the call `name`.
    public func selector(_ selector: SyscallSelector, covers name: String) -> Bool {
        switch selector {
        case .name(let wanted), .optionalName(let wanted): wanted == name
        case .group(let group): contents().groups[group]?.contains(name) ?? false
        case .all: true
        }
    }

    /// The width of argument `argument` of the call `name`: 32 or 64 bits.
    public func width(of argument: Int, of name: String) -> Int {
        (contents().narrowArguments[name] ?? 0) & (1 << UInt8(argument)) != 0 ? 32 : 64
    }
}
