internal import CLinux
internal import Landlock

/// One ruleset that a command is to enter, shared by what starts the command.
///
/// Its end closes the ruleset's descriptor.
@safe
public final class LandlockLayer {
    private let prepared: PreparedRuleset?
    /// The ruleset's descriptor, for the C code of the new process. It is this object's.
    let descriptor: CInt
    /// What the new process adds beneath its own `/proc/self`; valid while this object lives.
    let grants: (first: UnsafePointer<swguard_landlock_process_grant>?, count: Int)

    public init(_ prepared: consuming PreparedRuleset) {
        descriptor = prepared.ruleset.withDescriptor { $0 }
        // `withEntries` gives memory that the grants own, and these are owned here.
        unsafe grants = prepared.processGrants.withEntries { unsafe ($0, $1) }
        self.prepared = consume prepared
    }

    /// A ruleset that is somebody else's, and outlives this object.
    public init(borrowing descriptor: CInt) {
        self.descriptor = descriptor
        unsafe grants = (nil, 0)
        prepared = nil
    }
}
