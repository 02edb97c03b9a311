internal import Landlock

/// One ruleset that a command is to enter, and what the command's process adds to it first.
///
/// Its end closes the ruleset's descriptor.
public final class LandlockLayer {
    private let prepared: PreparedRuleset?
    /// The ruleset's descriptor, for the C code of the new process. It is this object's.
    let descriptor: CInt
    /// What the new process grants itself: paths that mean another object in each.
    let ownGrants: [PreparedRuleset.OwnGrant]

    public init(_ prepared: consuming PreparedRuleset) {
        descriptor = prepared.ruleset.withDescriptor { $0 }
        ownGrants = prepared.ownGrants
        self.prepared = consume prepared
    }

    /// A ruleset that is somebody else's, and outlives this object.
    public init(borrowing descriptor: CInt, ownGrants: [PreparedRuleset.OwnGrant] = []) {
        self.descriptor = descriptor
        self.ownGrants = ownGrants
        prepared = nil
    }
}
