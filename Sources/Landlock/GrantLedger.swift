/// What was granted by a ruleset, kept beside it: the kernel does not give its own copy back.
///
/// Objects are told apart as Landlock tells them apart: by inode, whatever their names.
public final class GrantLedger {
    /// A file or directory of this host.
    public struct Object: Hashable, Sendable {
        /// `st_dev` and `st_ino` of stat(2).
        public var device: UInt64
        public var inode: UInt64

        public init(device: UInt64, inode: UInt64) {
            self.device = device
            self.inode = inode
        }
    }

    private var files: [Object: FileRights] = [:]
    private var ports: [UInt16: NetworkRights] = [:]

    /// A ledger with nothing in it.
    public init() {}

    /// Several rules on one object grant what any of them does.
    public func add(_ rights: FileRights, on object: Object) { files[object, default: []].formUnion(rights) }
    public func add(_ rights: NetworkRights, onPort port: UInt16) {
        ports[port, default: []].formUnion(rights)
    }

    /// What is granted on the object itself; what is granted on directories above it counts as well, and is asked
    /// of them.
    public func rights(on object: Object) -> FileRights { files[object] ?? [] }
    public func rights(onPort port: UInt16) -> NetworkRights { ports[port] ?? [] }
}
