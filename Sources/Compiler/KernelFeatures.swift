public import Landlock

/// What the kernel and the privileges at hand can enforce, as found by trying it.
///
/// A value, so that plans for other kernels than this one can be made and tested.
public struct KernelFeatures: Hashable, Sendable {
    /// What Landlock handles here; nil where the kernel has no Landlock.
    public var landlock: LandlockFeatures?
    /// Whether seccomp can hand a call to a supervisor (Linux 5.0), which can be kept waiting by fatal signals
    /// only (`SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`, Linux 5.19).
    public var hasUserNotification: Bool
    /// Whether the caller has capabilities that a confined process must lose (it is root, or has been given
    /// some).
    public var isPrivileged: Bool

    public init(landlock: LandlockFeatures?, hasUserNotification: Bool = true, isPrivileged: Bool = false) {
        self.landlock = landlock
        self.hasUserNotification = hasUserNotification
        self.isPrivileged = isPrivileged
    }
}
