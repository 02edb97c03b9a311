/// What starting a command needs beside systemd's `@default`: always allowed, whatever a policy lists.
///
/// Short on purpose: the launcher loads the filter last, and then only executes the command. What the dynamic
/// loader asks for (openat, read, close, mmap …) is the program's own, and a policy must grant it.
enum StartingSyscalls {
    static let table: [(name: String, reason: String)] = [
        (
            "execve",
            "the launcher's last call; in @default too, stated here because nothing starts without it"
        ),
        ("exit", "a launcher whose execve failed ends"),
        ("exit_group", "the same, for the whole process"),
        ("rt_sigreturn", "a signal that arrives before the command has begun returns"),
        ("restart_syscall", "the kernel's own way back into a call that a signal interrupted"),
        ("uretprobe", "the kernel puts it into processes that an administrator traces (Linux 6.11)"),
        ("uprobe", "the same (Linux 6.18), newer than the groups"),
    ]
}
