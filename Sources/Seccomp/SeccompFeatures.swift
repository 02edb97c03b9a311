internal import CLinux

/// What seccomp can do here, found by asking the kernel for each thing; nothing is loaded.
///
/// Minimum kernel version: 4.17 for filters with actions that can be asked for; 5.0 for notification.
public struct SeccompFeatures: Hashable, Sendable {
    /// Whether a whole process can be killed (`SECCOMP_RET_KILL_PROCESS`, Linux 4.14).
    public var canKillProcess: Bool
    /// Whether a call can wait for a supervisor (`SECCOMP_RET_USER_NOTIF` and `NEW_LISTENER`, Linux 5.0).
    public var canNotify: Bool
    /// Whether a call that a supervisor has received is interrupted by fatal signals only
    /// (`SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`, Linux 5.19).
    public var canWaitKillable: Bool
    /// Whether the supervisor may let a call go on (`SECCOMP_USER_NOTIF_FLAG_CONTINUE`, Linux 5.5), judged by
    /// the kernel's having `WAIT_KILLABLE_RECV` or `TSYNC_ESRCH` (Linux 5.7): the flag itself cannot be asked
    /// for without a call that waits.
    public var canContinue: Bool

    public init(canKillProcess: Bool, canNotify: Bool, canWaitKillable: Bool, canContinue: Bool) {
        self.canKillProcess = canKillProcess
        self.canNotify = canNotify
        self.canWaitKillable = canWaitKillable
        self.canContinue = canContinue
    }

    /// Asks the kernel.
    public static func probe() -> Self {
        func has(flags: UInt32) -> Bool { swguard_seccomp_flags_available(flags) == 0 }
        func has(_ action: FilterAction) -> Bool {
            swguard_seccomp_action_available(action.returnValue) == 0
        }
        let listener = FilterInstallFlags.newListener.rawValue
        let canNotify = has(.notify) && has(flags: listener)
        return Self(
            canKillProcess: has(.killProcess), canNotify: canNotify,
            canWaitKillable: canNotify
                && has(flags: listener | FilterInstallFlags.waitKillable.rawValue),
            canContinue: canNotify && has(flags: listener | FilterInstallFlags.synchronise.rawValue | 1 << 4))
    }

    /// Whether this process is filtered already; what cannot be asked is taken for yes.
    public static var isFiltered: Bool { swguard_seccomp_mode() != 0 }

    /// The flags for a filter with a listener here: `waitKillable` only where the kernel has it. Without it a
    /// signal can take back a call that the supervisor is answering; say so where it matters.
    public var listenerFlags: FilterInstallFlags {
        canWaitKillable ? [.newListener, .waitKillable] : [.newListener]
    }
}

/// `SECCOMP_FILTER_FLAG_*` of `include/uapi/linux/seccomp.h`.
public struct FilterInstallFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// All threads of the process, not just the calling one.
    public static let synchronise = Self(rawValue: 1 << 0)
    /// Returns a descriptor on which the filter's notifications arrive. Linux 5.0.
    public static let newListener = Self(rawValue: 1 << 3)
    /// A call that was received waits through all but fatal signals. Linux 5.19.
    public static let waitKillable = Self(rawValue: 1 << 5)
}

/// What the kernel answered.
public struct SeccompError: Error, Hashable, CustomStringConvertible {
    /// What was tried, to stand behind "cannot": `load the filter`.
    public var operation: String
    /// The error number.
    public var code: Int32

    public init(operation: String, code: Int32) {
        self.operation = operation
        self.code = code
    }

    public var description: String { "cannot \(operation): error \(code)" }
}
