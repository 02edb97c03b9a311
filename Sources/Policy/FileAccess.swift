/// What can be asked of a file, in the order of the language page's table.
public enum FileAccess: UInt8, CaseIterable, Hashable, Sendable {
    case read, write, create, remove, execute, map, metadata, link, device

    /// The word that policies use.
    public var name: String {
        switch self {
        case .read: "read"
        case .write: "write"
        case .create: "create"
        case .remove: "remove"
        case .execute: "execute"
        case .map: "map"
        case .metadata: "metadata"
        case .link: "link"
        case .device: "device"
        }
    }

    /// The access that policies call `name`.
    public init?(name: some StringProtocol) {
        guard let access = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = access
    }
}

/// A set of file accesses; iterates in the order of the table.
public struct FileAccessSet: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// The set of just `access`.
    public init(_ access: FileAccess) { rawValue = 1 << UInt16(access.rawValue) }

    public static let read = Self(.read)
    public static let write = Self(.write)
    public static let create = Self(.create)
    public static let remove = Self(.remove)
    public static let execute = Self(.execute)
    public static let map = Self(.map)
    public static let metadata = Self(.metadata)
    public static let link = Self(.link)
    public static let device = Self(.device)
    /// Every access there is.
    public static let all = Self(FileAccess.allCases.map { Self($0) })

    /// The members, in the order of the table.
    public var members: [FileAccess] { FileAccess.allCases.filter { contains(Self($0)) } }

    /// What a deny rule that lists these accesses denies.
    ///
    /// Denying `write` also denies `create` and `remove` of the same names, and denying `execute` also denies
    /// `map`: otherwise a rename over the name, or the loader run as a program, does what was denied.
    public var closedForDeny: Self {
        var closed = self
        if contains(.write) { closed.formUnion([.create, .remove]) }
        if contains(.execute) { closed.formUnion(.map) }
        return closed
    }
}
