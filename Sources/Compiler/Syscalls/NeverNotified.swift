/// Calls that are never sent to the supervisor when they are denied: their errno is given at once.
///
/// A notification can be taken back by a signal before the supervisor has seen it; the caller then gets EINTR
/// for a call that never fails so, or must not be made twice. Losing one of these hangs or corrupts a program:
/// a pipe whose end was not closed, a child that was forked twice, a lock that is never woken.
public enum NeverNotified {
    static let table: [(calls: String, reason: String)] = [
        ("close close_range dup dup2 dup3", "an end of a pipe stays open, and its reader waits for ever"),
        ("fork vfork clone clone3", "a child that is not there, or is there twice"),
        ("exit exit_group", "the process does not end"),
        ("wait4 waitid waitpid", "a child is not collected"),
        (
            "futex futex_time64 futex_waitv futex_wake futex_wait futex_requeue set_robust_list",
            "a lock is never woken"
        ),
        (
            "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2",
            "data is lost, or written twice"
        ),
        (
            """
            rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
            rt_sigpending sigaction sigprocmask sigreturn sigsuspend sigaltstack signal
            """, "asked by the handler of the signal that would take it back"
        ),
        (
            "nanosleep clock_nanosleep clock_nanosleep_time64 pause sched_yield restart_syscall",
            "restarted by the kernel itself"
        ),
        (
            """
            poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_wait epoll_pwait
            epoll_pwait2
            """, "an event loop that spins"
        ),
        ("execve execveat", "a shell that takes EINTR for a missing program"),
        ("mmap mmap2 munmap mprotect brk rseq set_tid_address", "asked while memory or threads are set up"),
    ]

    /// The names.
    public static let names: Set<String> = Set(table.flatMap { SyscallTable.words($0.calls) })

    /// Those that may be observed on request all the same: what a supervisor must see to explain a denied
    /// execution. Received, it waits through all but fatal signals.
    static let observable: Set<String> = ["execve", "execveat"]
}
