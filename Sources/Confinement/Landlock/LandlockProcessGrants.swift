public import CLinux
import Landlock

/// The grants beneath `/proc/self` in the form that the child's C code reads: fixed memory, nothing to allocate.
///
/// Its end frees the memory; the child has its own copy, or has added them.
@safe
public struct ProcessGrants: ~Copyable {
    private let entries: UnsafeMutableBufferPointer<swguard_landlock_process_grant>
    private let text: UnsafeMutableBufferPointer<CChar>

    /// One grant: `path` is beneath `/proc/self`, `.` for itself.
    struct Entry: Hashable {
        var path: [UInt8]
        /// On it and everything beneath, where it is a directory; empty: nothing.
        var directoryRights: FileRights
        /// Where it is anything else; empty: nothing.
        var fileRights: FileRights
    }

    init(_ grants: [Entry]) {
        let size = grants.reduce(0) { $0 + $1.path.count + 1 }
        let text = UnsafeMutableBufferPointer<CChar>.allocate(capacity: size)
        let entries = UnsafeMutableBufferPointer<swguard_landlock_process_grant>.allocate(
            capacity: grants.count)
        var offset = 0
        for (index, grant) in grants.enumerated() {
            let start = offset
            for byte in grant.path + [0] {
                // Within `size`, which was summed over the same paths.
                unsafe text.initializeElement(at: offset, to: CChar(bitPattern: byte))
                offset += 1
            }
            // `text` is not empty here, so it has a base address, and outlives `entries` in the same owner.
            unsafe entries.initializeElement(
                at: index,
                to: swguard_landlock_process_grant(
                    path: UnsafePointer(text.baseAddress! + start),
                    directory_rights: grant.directoryRights.rawValue, file_rights: grant.fileRights.rawValue))
        }
        unsafe self.text = text
        unsafe self.entries = entries
    }

    deinit {
        unsafe entries.deallocate()
        unsafe text.deallocate()
    }

    /// How many there are.
    public var count: Int { unsafe entries.count }

    /// Hands the grants to `body`, for `swguard_landlock_add_process`; valid while the owner lives.
    public func withEntries<Result: ~Copyable>(
        _ body: (UnsafePointer<swguard_landlock_process_grant>?, Int) throws -> Result
    ) rethrows -> Result {
        unsafe try body(entries.isEmpty ? nil : UnsafePointer(entries.baseAddress), entries.count)
    }
}
