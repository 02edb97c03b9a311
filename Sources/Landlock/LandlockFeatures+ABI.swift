extension FileRights {
    /// The rights that came with each ABI version, oldest first (`Documentation/userspace-api/landlock.rst`).
    static let byABI: [(abi: Int, rights: FileRights)] = [
        (
            1,
            [
                .execute, .writeFile, .readFile, .readDirectory, .removeDirectory, .removeFile,
                .makeCharacterDevice, .makeDirectory, .makeRegular, .makeSocket, .makeFIFO,
                .makeBlockDevice, .makeSymbolicLink,
            ]
        ),
        (2, .refer),
        (3, .truncate),
        (5, .deviceControl),
        (9, .resolveUnix),
    ]

    /// What a rule on anything but a directory may grant (`ACCESS_FILE` of security/landlock/fs.c); more is
    /// EINVAL.
    public static let ofFiles: Self = [
        .execute, .writeFile, .readFile, .truncate, .deviceControl, .resolveUnix,
    ]
}

extension NetworkRights {
    static let byABI: [(abi: Int, rights: NetworkRights)] = [(4, [.bindTCP, .connectTCP])]
}

extension Scopes {
    static let byABI: [(abi: Int, rights: Scopes)] = [(6, [.abstractUnixSocket, .signal])]
}

extension OptionSet where RawValue == UInt64, Element == Self {
    /// Each right or scope of the set apart, lowest bit first.
    public var members: some Sequence<Self> {
        sequence(state: rawValue) { rest in
            guard rest != 0 else { return nil }
            defer { rest &= rest - 1 }
            return Self(rawValue: rest & ~(rest - 1))
        }
    }
}

extension LandlockFeatures {
    /// The newest ABI version that brings something that is used here.
    public static let newestABI = 9

    /// What a kernel with ABI version `version` handles: for plans and tests of other kernels than this one.
    ///
    /// What the running kernel handles is found by `probe`, not from its version.
    public static func abi(_ version: Int) -> Self {
        Self(
            abi: version,
            fileRights: FileRights.byABI.reduce(into: []) { set, entry in
                if entry.abi <= version { set.formUnion(entry.rights) }
            },
            networkRights: NetworkRights.byABI.reduce(into: []) { set, entry in
                if entry.abi <= version { set.formUnion(entry.rights) }
            },
            scopes: Scopes.byABI.reduce(into: []) { set, entry in
                if entry.abi <= version { set.formUnion(entry.rights) }
            })
    }

    /// These features, less what an older kernel with ABI version `version` does not have.
    public func limited(toABI version: Int) -> Self {
        let limit = Self.abi(version)
        return Self(
            abi: min(abi, version), fileRights: fileRights.intersection(limit.fileRights),
            networkRights: networkRights.intersection(limit.networkRights),
            scopes: scopes.intersection(limit.scopes))
    }
}
