internal import Policy

/// Files whose content names a program that the kernel starts: writing them is the operation `kernel-helper`.
enum KernelHelperFiles {
    /// All but the `release_agent` of cgroups.
    static let patterns: [PathPattern] = [
        PathPattern(literal: "/proc/sys/kernel/core_pattern".utf8),
        PathPattern(literal: "/proc/sys/kernel/modprobe".utf8),
        PathPattern(literal: "/proc/sys/kernel/hotplug".utf8),
        PathPattern(literal: "/proc/sys/kernel/poweroff_cmd".utf8),
        PathPattern(subtree: "/proc/sys/kernel/usermodehelper".utf8),
        PathPattern(subtree: "/proc/sys/fs/binfmt_misc".utf8),
        PathPattern(literal: "/sys/kernel/uevent_helper".utf8),
    ]

    /// Where cgroups are mounted.
    static let cgroups = Array("/sys/fs/cgroup".utf8)

    /// Of each hierarchy of version 1, in any directory.
    static let releaseAgents = PathPattern(
        tokens: cgroups.map { .byte($0) } + [.anything] + "/release_agent".utf8.map { .byte($0) })
}
