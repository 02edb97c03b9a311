internal import CLinux

/// Which build of swguard this is: another one may compile the same policy to something else.
enum BuildIdentity {
    /// The linker's build id of this executable; empty where it has none.
    static let bytes: [UInt8] = {
        var size = 0
        guard let id = unsafe swguard_build_id(&size), size > 0 else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: id, count: size))
    }()

    /// Whether the build can be told from others: without that nothing is cached.
    static var isKnown: Bool { !bytes.isEmpty }
}
