internal import Policy

/// What the filter refuses for each operation of the language page, and how much of the operation that is.
///
/// All calls of one thing are listed together, whatever the architecture: a list that names some of them is a
/// list with a way around.
struct OperationCalls {
    /// Some calls, refused when all the tests hold.
    struct Refusal {
        /// Separated by white space.
        var calls: String
        var tests: [SyscallDecisions.Test] = []
        /// ENOSYS for a call whose arguments a filter cannot see, so that the caller falls back to the one
        /// whose arguments it can.
        var errno = ErrorNumber.notPermitted
        /// The ABIs that it holds for; empty: all.
        var abis: Set<SyscallABI> = []
    }

    /// What the filter refuses.
    var refusals: [Refusal]
    /// How much of the operation that is.
    var extent: Coverage.Extent
    /// What is refused and what is not seen, in a few words.
    var mechanism: String

    /// The whole of an operation.
    private static func full(_ refusals: Refusal..., mechanism: String? = nil) -> Self {
        Self(
            refusals: refusals, extent: .full,
            mechanism: mechanism ?? "refuses " + refusals.map(\.calls).joined(separator: " "))
    }

    /// A part, with what is left out.
    private static func partial(_ refusals: Refusal..., mechanism: String) -> Self {
        Self(refusals: refusals, extent: .partial, mechanism: mechanism)
    }

    /// What an operation comes to; `nil` for those that are looked at elsewhere (`raw-socket`).
    static func of(_ operation: Operation) -> Self? {
        switch operation {
        case .mount:
            full(
                Refusal(
                    calls: """
                        mount umount umount2 move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr \
                        open_tree_attr pivot_root
                        """))
        case .chroot: full(Refusal(calls: "chroot"))
        case .namespace:
            partial(
                // Everything but the harmless flags: a kind of namespace that is newer than this table too.
                Refusal(
                    calls: "unshare",
                    tests: [.init(0, mask: ~CloneFlags.sharing, .notEqual, 0)]),
                Refusal(calls: "setns"),
                Refusal(calls: "clone", tests: [.init(0, mask: CloneFlags.namespaces, .notEqual, 0)]),
                // Its flags are in memory. glibc falls back to clone on ENOSYS, and on nothing else.
                Refusal(calls: "clone3", errno: ErrorNumber.noSystemCall),
                mechanism: """
                    refuses unshare, setns and clone with namespace flags; clone3 answers ENOSYS; opening nsfs \
                    files is not seen, entering through them is refused
                    """)
        case .terminalInjection:
            full(
                Refusal(calls: "ioctl", tests: [.init(1, .equal, 0x5412)]),  // TIOCSTI
                Refusal(calls: "ioctl", tests: [.init(1, .equal, 0x541c)]),  // TIOCLINUX
                mechanism: "refuses ioctl TIOCSTI and TIOCLINUX")
        case .ptrace:
            partial(
                Refusal(calls: "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd"),
                mechanism:
                    "refuses the calls for every process, its own children too; /proc/<pid>/mem is not seen"
            )
        case .bpf: full(Refusal(calls: "bpf"))
        case .module:
            full(
                Refusal(
                    calls: """
                        init_module finit_module delete_module create_module query_module get_kernel_syms
                        """))
        case .kexec: full(Refusal(calls: "kexec_load kexec_file_load"))
        case .rawIO:
            partial(
                Refusal(
                    calls: """
                        iopl ioperm pciconfig_iobase pciconfig_read pciconfig_write s390_pci_mmio_read \
                        s390_pci_mmio_write
                        """),
                mechanism:
                    "refuses iopl and ioperm; the devices are files")
        case .kernelHelper:
            Self(
                refusals: [Refusal(calls: "_sysctl")], extent: .none,
                mechanism: "no call of its own: files under /proc/sys and /sys, where files are mediated")
        case .subvolume:
            Self(
                refusals: namingControls.map {
                    Refusal(calls: "ioctl", tests: [.init(1, .equal, $0.number)])
                },
                extent: .full, mechanism: "refuses the ioctls of btrfs, bcachefs and OCFS2 that make names")
        case .signal:
            partial(
                Refusal(calls: "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal"),
                othersLimits,
                mechanism: """
                    refuses all sending of signals, to itself too, and setting limits by process id; signals of the \
                    kernel (SIGIO) are not seen
                    """
            )
        case .ipc:
            partial(
                Refusal(
                    calls: """
                        shmget shmat shmctl semget semop semtimedop semtimedop_time64 semctl msgget msgsnd msgrcv \
                        msgctl mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive \
                        mq_timedreceive_time64 mq_notify mq_getsetattr ipc
                        """),
                mechanism:
                    "refuses System V and POSIX queues, with every process; /dev/shm where files are mediated"
            )
        case .reboot: full(Refusal(calls: "reboot"))
        case .swap: full(Refusal(calls: "swapon swapoff"))
        case .quota: full(Refusal(calls: "quotactl quotactl_fd"))
        case .time:
            partial(
                Refusal(
                    calls: """
                        settimeofday clock_settime clock_settime64 stime adjtimex clock_adjtime clock_adjtime64
                        """),
                mechanism: "refuses the calls, reading with adjtimex too; /dev/rtc where files are mediated")
        case .syslog:
            partial(
                Refusal(calls: "syslog"), mechanism: "refuses syslog(2); /dev/kmsg where files are mediated")
        case .perf: full(Refusal(calls: "perf_event_open"))
        case .keyring: full(Refusal(calls: "add_key keyctl request_key"))
        case .ioUring: full(Refusal(calls: ioUringCalls))
        case .userfaultfd:
            partial(
                Refusal(calls: "userfaultfd"),
                mechanism: "refuses the call; /dev/userfaultfd where files are mediated")
        case .rawSocket: nil
        case .setuid:
            full(
                Refusal(
                    calls: """
                        setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid \
                        setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups \
                        setgroups32
                        """),
                mechanism: "refuses the calls; set-id files give nothing under no_new_privs")
        case .writableCode:
            partial(
                Refusal(calls: "mmap", tests: [writableAndExecutable], abis: [.x86_64, .x32, .aarch64]),
                // i386's mmap has its arguments in memory; what is left to its programs is mmap2.
                Refusal(calls: "mmap", abis: [.i386]),
                Refusal(calls: "mmap2", tests: [writableAndExecutable]),
                Refusal(calls: "mprotect pkey_mprotect", tests: [executable]),
                Refusal(calls: "shmat", tests: [.init(2, mask: 0x8000, .notEqual, 0)]),  // SHM_EXEC
                // i386's multiplexer, asked for SHMAT (21); the upper half is a version (ipc/syscall.c).
                Refusal(calls: "ipc", tests: [.init(0, mask: 0xffff, .equal, 21)]),
                // READ_IMPLIES_EXEC; all bits ask for the present value.
                Refusal(
                    calls: "personality",
                    tests: [.init(0, mask: 0x0040_0000, .notEqual, 0), .init(0, .notEqual, 0xffff_ffff)]),
                mechanism: """
                    refuses memory both writable and executable, and making memory executable; what one mapping of \
                    a file writes and another executes is not seen
                    """)
        case .anonymousExec:
            partial(
                // Without MFD_NOEXEC_SEAL.
                Refusal(calls: "memfd_create", tests: [.init(1, mask: 0x8, .equal, 0)]),
                Refusal(calls: "memfd_secret"),
                Refusal(calls: "execveat", tests: [.init(4, mask: 0x1000, .notEqual, 0)]),  // AT_EMPTY_PATH
                mechanism: """
                    refuses memfds that are not sealed against execution, and execveat without a name; unlinked \
                    files and descriptors from others are not seen
                    """)
        }
    }

    /// prlimit64 that sets a limit of a process named by its id, its own id too. RLIMIT_CPU ends a process as
    /// SIGKILL does, and the kernel asks for the same user only (check_prlimit_permission in kernel/sys.c): no
    /// Landlock hook sees it.
    static let othersLimits = Refusal(
        calls: "prlimit64", tests: [.init(0, .notEqual, 0), .init(2, .notEqual, 0)])

    /// The calls of io_uring, whose requests pass no filter.
    static let ioUringCalls = "io_uring_setup io_uring_enter io_uring_register"

    /// PROT_WRITE and PROT_EXEC in the third argument.
    private static let writableAndExecutable = SyscallDecisions.Test(2, mask: 0x6, .equal, 0x6)
    /// PROT_EXEC in the third argument.
    private static let executable = SyscallDecisions.Test(2, mask: 0x4, .notEqual, 0)

    /// Ioctls that make, copy or remove names.
    static let namingControls: [(number: UInt64, name: String)] = [
        (0x5000_9401, "BTRFS_IOC_SNAP_CREATE"),  // include/uapi/linux/btrfs.h
        (0x5000_940e, "BTRFS_IOC_SUBVOL_CREATE"),
        (0x5000_940f, "BTRFS_IOC_SNAP_DESTROY"),
        (0x5000_9417, "BTRFS_IOC_SNAP_CREATE_V2"),
        (0x5000_9418, "BTRFS_IOC_SUBVOL_CREATE_V2"),
        (0x5000_943f, "BTRFS_IOC_SNAP_DESTROY_V2"),
        (0x4020_bc10, "BCH_IOCTL_SUBVOLUME_CREATE"),  // fs/bcachefs/bcachefs_ioctl.h, 6.7 to 6.17
        (0x4020_bc11, "BCH_IOCTL_SUBVOLUME_DESTROY"),
        (0x4018_6f04, "OCFS2_IOC_REFLINK"),  // fs/ocfs2/ocfs2_ioctl.h
    ]
}

/// `CLONE_*` of `include/uapi/linux/sched.h`.
enum CloneFlags {
    /// CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID and NET. (CLONE_NEWTIME is among clone's signal bits.)
    static let namespaces: UInt64 =
        0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000
        | 0x2000_0000 | 0x4000_0000
    /// What unshare takes that is no namespace: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM.
    static let sharing: UInt64 = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000 | 0x4_0000
}
