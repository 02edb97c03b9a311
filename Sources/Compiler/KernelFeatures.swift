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
    /// The flags that a filter with a listener is loaded with (`SECCOMP_FILTER_FLAG_*`).
    public var notificationFlags: UInt32
    /// Whether the caller is filtered already: then somebody may listen, and the kernel allows no second listener.
    public var isFiltered: Bool
    /// Whether the caller has capabilities that a confined process must lose (it is root, or has been given
    /// some).
    public var isPrivileged: Bool

    public init(
        landlock: LandlockFeatures?, hasUserNotification: Bool = true,
        notificationFlags: UInt32 = 1 << 3 | 1 << 5,
        isFiltered: Bool = true, isPrivileged: Bool = false
    ) {
        self.landlock = landlock
        self.hasUserNotification = hasUserNotification
        self.notificationFlags = notificationFlags
        self.isFiltered = isFiltered
        self.isPrivileged = isPrivileged
    }
}
