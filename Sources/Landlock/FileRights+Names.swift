extension FileRights {
    /// What each right is called, as the kernel's documentation has it, in the order of the bits.
    private static let table: [(right: FileRights, name: String)] = [
        (.execute, "execute"), (.writeFile, "write-file"), (.readFile, "read-file"),
        (.readDirectory, "read-dir"),
        (.removeDirectory, "remove-dir"), (.removeFile, "remove-file"), (.makeCharacterDevice, "make-char"),
        (.makeDirectory, "make-dir"), (.makeRegular, "make-reg"), (.makeSocket, "make-sock"),
        (.makeFIFO, "make-fifo"), (.makeBlockDevice, "make-block"), (.makeSymbolicLink, "make-sym"),
        (.refer, "refer"), (.truncate, "truncate"), (.deviceControl, "ioctl-dev"),
        (.resolveUnix, "resolve-unix"),
    ]

    /// The names of the members.
    public var names: [String] { Self.table.filter { contains($0.right) }.map(\.name) }
}
