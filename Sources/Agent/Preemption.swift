internal import AuditLog
internal import BPF

/// How the kernel is preempted.
enum Preemption {
    /// Whether a task's storage can be found busy, because another task was preempted while it looked something up in its
    /// own: before 6.2, where LSM programs had no helpers of their own for it, and with full preemption only
    /// (kernel/bpf/bpf_task_storage.c, bpf_task_storage_trylock).
    static func makesStorageBusy() throws(KernelError) -> Bool {
        guard isFull else { return false }
        return try !KernelTypes().has(function: "bpf_task_storage_get_recur")
    }

    /// Where it cannot be found out, it is taken for full: that only denies more.
    private static var isFull: Bool {
        let version = text("/proc/sys/kernel/version")
        if version.contains("PREEMPT_DYNAMIC") {
            // `none voluntary (full)`: only with debugfs; else what the kernel was told at boot. Debian's default is voluntary.
            let modes = text("/sys/kernel/debug/sched/preempt")
            if !modes.isEmpty { return modes.contains("(full)") }
            return text("/proc/cmdline").split(whereSeparator: \.isWhitespace).contains("preempt=full")
        }
        return version.isEmpty || version.contains("PREEMPT")
    }

    private static func text(_ path: String) -> String {
        String(decoding: ProcessFile.read(path) ?? [], as: UTF8.self)
    }
}
