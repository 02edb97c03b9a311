/// Which arguments of a system call the kernel reads as 32 bits.
///
/// A comparison of such an argument must look at the low half alone: the kernel drops the high half, so that a
/// filter that compared 64 bits could be passed by setting a bit there (`TIOCSTI | 1 << 32`, CVE-2019-10063).
///
/// Taken from the `SYSCALL_DEFINE` signatures of Linux 6.19 behind every entry of
/// `arch/x86/entry/syscalls/syscall_64.tbl`; other 64-bit architectures share them. int, unsigned int, u32 and
/// the types that are one of these (pid_t, uid_t, key_serial_t, clockid_t, mqd_t, timer_t, qid_t, rwf_t …) are
/// narrow, umode_t too, of which the kernel reads 16 bits. Everything else, and what is not listed, is taken
/// as 64 bits. One departure: clone declares its flags as unsigned long but reads
/// `lower_32_bits(clone_flags)` (kernel/fork.c, since 5.8).
enum SyscallWidths {
    /// `i` for an argument of 32 bits, `L` for one of 64 (left out at the end), and the calls that are so.
    static let signatures: [(pattern: String, calls: String)] = [
        (
            "i",
            """
            accept alarm arch_prctl clock_adjtime clock_getres clock_gettime clock_settime clone close
            dup epoll_create epoll_create1 eventfd exit exit_group fchdir fdatasync fgetxattr
            flistxattr fremovexattr fstat fstatfs fsync ftruncate futimesat get_robust_list getgroups
            getitimer getpeername getpgid getrlimit getrusage getsid getsockname inotify_init1
            io_setup io_uring_setup iopl keyctl memfd_secret migrate_pages mlockall modify_ldt
            mq_getsetattr mq_notify mq_timedreceive openat2 personality pkey_free prctl pread64
            process_vm_readv process_vm_writev pselect6 pwrite64 read readahead rt_sigaction
            rt_sigprocmask sched_get_priority_max sched_get_priority_min sched_getparam
            sched_getscheduler sched_rr_get_interval sched_setparam select set_mempolicy setfsgid
            setfsuid setgid setgroups setitimer setrlimit setuid signalfd syncfs sysfs timer_create
            timer_delete timer_getoverrun timer_gettime timerfd_gettime umask userfaultfd ustat write
            """
        ),
        (
            "Li",
            """
            access chmod creat delete_module fsopen memfd_create mkdir pipe2 ppoll setdomainname
            sethostname swapon symlinkat umount2
            """
        ),
        (
            "ii",
            """
            clock_nanosleep dup2 eventfd2 fallocate fanotify_init fchmod fcntl flock getpriority
            inotify_rm_watch ioctl ioprio_get kexec_file_load kill landlock_restrict_self listen
            msgctl msgget pidfd_open prlimit64 process_mrelease rt_sigqueueinfo sched_getaffinity
            sched_setaffinity sched_setscheduler seccomp sendfile setns setpgid setregid setreuid
            shmctl shutdown timer_settime timerfd_create timerfd_settime tkill
            """
        ),
        (
            "LLi",
            """
            getrandom ioperm landlock_create_ruleset lsm_list_modules madvise map_shadow_stack mlock2
            msync readlink
            """
        ),
        ("Lii", "chown lchown mknod mq_open open poll"),
        (
            "iLi",
            """
            bind bpf connect epoll_pwait2 faccessat fchmodat finit_module fspick getdents getdents64
            getxattrat inotify_add_watch listxattrat lseek mkdirat mount_setattr open_by_handle_at
            open_tree open_tree_attr quotactl recvmsg removexattrat renameat sched_setattr semop
            semtimedop sendmsg setxattrat shmat shmget syslog unlinkat wait4
            """
        ),
        (
            "iii",
            """
            close_range dup3 epoll_ctl fchown fsmount getsockopt ioprio_set kcmp membarrier
            pidfd_getfd quotactl_fd reboot rt_tgsigqueueinfo semctl semget setpriority setresgid
            setresuid socket socketpair tgkill
            """
        ),
        ("LLLi", "listmount pkey_mprotect request_key statmount"),
        ("LLii", "futex_wake"),
        ("Liii", "futex_requeue perf_event_open rseq"),
        (
            "iLLi",
            """
            accept4 cachestat fadvise64 lsm_get_self_attr mq_timedsend msgsnd newfstatat readlinkat
            recvfrom signalfd4 sync_file_range utimensat vmsplice
            """
        ),
        (
            "iLii",
            """
            epoll_pwait epoll_wait faccessat2 fchmodat2 lsm_set_self_attr mknodat openat recvmmsg
            sched_getattr sendmmsg statx
            """
        ),
        ("iiLi", "fanotify_mark io_uring_register landlock_add_rule pidfd_send_signal tee waitid"),
        ("iiii", "io_uring_enter"),
        ("LLLLi", "add_key lsetxattr setxattr"),
        ("LiiLi", "futex_waitv"),
        ("iLLLi", "execveat file_getattr file_setattr fsetxattr msgrcv name_to_handle_at"),
        ("iLLii", "process_madvise"),
        ("iLiLi", "linkat move_mount renameat2"),
        ("iLiii", "fchownat"),
        ("iiLLi", "fsconfig"),
        ("iiiLi", "setsockopt"),
        ("LLLLLi", "mbind preadv2 pwritev2"),
        ("LLLiLi", "futex_wait"),
        ("LiiLLi", "futex"),
        ("iLLLLi", "move_pages"),
        ("iLLiLi", "sendto"),
        ("iLiLLi", "copy_file_range splice"),
    ]

    /// What x32 reads as 32 bits beside these: its own entry points (numbers from 512 on) take compat_ulong_t,
    /// compat_size_t and the like.
    static let narrowerInX32: [String: UInt8] = [
        "rt_sigaction": 0b001000, "ioctl": 0b000100, "recvfrom": 0b000100, "ptrace": 0b001111,
        "rt_sigpending": 0b000010, "rt_sigtimedwait": 0b001000, "kexec_load": 0b001011,
        "set_robust_list": 0b000010, "io_submit": 0b000001,
    ]

    /// The calls without such an argument; listed so that the table is seen to be complete.
    static let wide = """
        _sysctl acct adjtimex brk capget capset chdir chroot clone3 execve fork get_mempolicy getcpu
        getcwd getegid geteuid getgid getpgrp getpid getppid getresgid getresuid gettid gettimeofday
        getuid getxattr init_module inotify_init io_cancel io_destroy io_getevents io_pgetevents io_submit
        kexec_load lgetxattr link listxattr llistxattr lremovexattr lstat mincore mlock mmap mount
        mprotect mq_unlink mremap mseal munlock munlockall munmap nanosleep pause pipe pivot_root
        pkey_alloc preadv ptrace pwritev readv remap_file_pages removexattr rename restart_syscall rmdir
        rt_sigpending rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_yield set_mempolicy_home_node
        set_robust_list set_tid_address setsid settimeofday shmdt sigaltstack stat statfs swapoff symlink
        sync sysinfo time times truncate uname unlink unshare uprobe uretprobe uselib utime utimes vfork
        vhangup writev
        """
}
