public import Landlock
public import Policy

extension FileRights {
    /// What Landlock knows of each access of the language page's table. None for `map`, `metadata` and `link`:
    /// no hook of Landlock's sees them.
    private static let byAccess: [(access: FileAccess, rights: FileRights)] = [
        (.read, [.readFile, .readDirectory]),
        (.write, [.writeFile, .truncate]),
        (.create, [.makeRegular, .makeDirectory, .makeSymbolicLink, .makeFIFO, .makeSocket]),
        (.remove, [.removeFile, .removeDirectory]),
        (.execute, .execute),
        (.device, [.makeCharacterDevice, .makeBlockDevice]),
    ]

    /// The rights that `accesses` ask for. `refer` and `deviceControl` follow from what is granted of others.
    public init(_ accesses: FileAccessSet) {
        self = Self.byAccess.reduce(into: []) { rights, entry in
            if accesses.contains(FileAccessSet(entry.access)) { rights.formUnion(entry.rights) }
        }
    }

    /// The accesses of which at least one right is here, in the order of the table.
    public var accesses: FileAccessSet {
        Self.byAccess.reduce(into: []) { accesses, entry in
            if !isDisjoint(with: entry.rights) { accesses.formUnion(FileAccessSet(entry.access)) }
        }
    }

    /// These rights, with those that go with them.
    ///
    /// - `refer`: without it Landlock denies every link and rename between directories, and with it the rights
    ///   of both names are compared by the kernel.
    /// - `deviceControl`: ioctl on a descriptor is not mediated; what this right denies is a device that was
    ///   opened with nothing granted (access mode 3 asks Landlock for no right at all).
    public var withCompanions: Self {
        var rights = self
        if !isDisjoint(with: Self([.create, .remove])) { rights.formUnion(.refer) }
        if !isDisjoint(with: Self([.read, .write])) { rights.formUnion(.deviceControl) }
        return rights
    }

    /// The accesses that Landlock has rights for.
    public static let seenAccesses: FileAccessSet = [.read, .write, .create, .remove, .execute, .device]
}

extension FileAccessSet {
    /// The names, with commas.
    var names: String { members.map(\.name).joined(separator: ", ") }
}
