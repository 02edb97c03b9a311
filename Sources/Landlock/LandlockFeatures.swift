/// What a kernel's Landlock handles, as found by asking it for each right apart.
public struct LandlockFeatures: Hashable, Sendable {
    /// The ABI version that the kernel reports, from 1; for people, decisions look at the rights.
    public var abi: Int
    /// The file rights that a ruleset may handle (`LANDLOCK_ACCESS_FS_*`).
    public var fileRights: FileRights
    /// The network rights that a ruleset may handle (`LANDLOCK_ACCESS_NET_*`).
    public var networkRights: NetworkRights
    /// What can be scoped to the domain (`LANDLOCK_SCOPE_*`).
    public var scopes: Scopes

    public init(abi: Int, fileRights: FileRights, networkRights: NetworkRights, scopes: Scopes) {
        self.abi = abi
        self.fileRights = fileRights
        self.networkRights = networkRights
        self.scopes = scopes
    }
}

/// `LANDLOCK_ACCESS_FS_*` of `include/uapi/linux/landlock.h`.
///
/// # Minimum kernel version
/// Linux 5.13 (ABI 1), where a right says nothing else.
public struct FileRights: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let execute = Self(rawValue: 1 << 0)
    public static let writeFile = Self(rawValue: 1 << 1)
    public static let readFile = Self(rawValue: 1 << 2)
    public static let readDirectory = Self(rawValue: 1 << 3)
    public static let removeDirectory = Self(rawValue: 1 << 4)
    public static let removeFile = Self(rawValue: 1 << 5)
    public static let makeCharacterDevice = Self(rawValue: 1 << 6)
    public static let makeDirectory = Self(rawValue: 1 << 7)
    public static let makeRegular = Self(rawValue: 1 << 8)
    public static let makeSocket = Self(rawValue: 1 << 9)
    public static let makeFIFO = Self(rawValue: 1 << 10)
    public static let makeBlockDevice = Self(rawValue: 1 << 11)
    public static let makeSymbolicLink = Self(rawValue: 1 << 12)
    /// Link or rename between directories. ABI 2, Linux 5.19.
    public static let refer = Self(rawValue: 1 << 13)
    /// ABI 3, Linux 6.2.
    public static let truncate = Self(rawValue: 1 << 14)
    /// ABI 5, Linux 6.10.
    public static let deviceControl = Self(rawValue: 1 << 15)
    /// Connect or send to a named unix socket of a process outside the domain. ABI 9, Linux 7.1.
    public static let resolveUnix = Self(rawValue: 1 << 16)
}

/// `LANDLOCK_ACCESS_NET_*`. ABI 4, Linux 6.7.
///
/// ABI 10 (Linux 7.2) adds rights on UDP ports; the policy language counts UDP as not seen, so they are left out.
public struct NetworkRights: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let bindTCP = Self(rawValue: 1 << 0)
    public static let connectTCP = Self(rawValue: 1 << 1)
}

/// `LANDLOCK_SCOPE_*`. ABI 6, Linux 6.12.
public struct Scopes: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let abstractUnixSocket = Self(rawValue: 1 << 0)
    public static let signal = Self(rawValue: 1 << 1)
}
