internal import CLinux
public import Compiler
private import Glibc
internal import Landlock
internal import Seccomp

extension KernelFeatures {
    /// Asks this kernel, by trying.
    ///
    /// The second value says why there is no Landlock, where there is none.
    public static func probe() -> (features: Self, landlockObstacle: String?) {
        let landlock = LandlockFeatures.probe()
        let seccomp = SeccompFeatures.probe()
        let features = Self(
            landlock: landlock.features,
            hasUserNotification: seccomp.canNotify && seccomp.canContinue,
            notificationFlags: seccomp.listenerFlags.rawValue,
            isFiltered: SeccompFeatures.isFiltered,
            isPrivileged: geteuid() == 0 || swguard_has_capabilities() != 0)
        return (features, landlock.obstacle)
    }
}
