/// Symbolic constants that conditions on system calls may name, with the kernel's values on x86-64.
///
/// Where arm64 has another value (O_DIRECTORY, O_NOFOLLOW, O_DIRECT, O_LARGEFILE and what is made of them) the
/// constant is left out there: a condition must not mean something else.
enum KernelConstants {
    /// The value of each name.
    static let values: [String: UInt64] = {
        var values: [String: UInt64] = [:]
        for table in tables { for (name, value) in table { values[name] = value } }
        #if arch(arm64)
            for name in ["O_DIRECTORY", "O_NOFOLLOW", "O_DIRECT", "O_LARGEFILE", "O_TMPFILE", "MAP_32BIT"] {
                values[name] = nil
            }
        #endif
        return values
    }()

    private static let tables: [[(String, UInt64)]] = [
        // Socket families: socket, socketpair argument 0 (`include/linux/socket.h`).
        [
            ("AF_UNSPEC", 0), ("AF_LOCAL", 1), ("AF_UNIX", 1), ("AF_INET", 2), ("AF_AX25", 3),
            ("AF_IPX", 4), ("AF_APPLETALK", 5), ("AF_NETROM", 6), ("AF_BRIDGE", 7), ("AF_ATMPVC", 8),
            ("AF_X25", 9), ("AF_INET6", 0xa), ("AF_ROSE", 0xb), ("AF_DECNET", 0xc), ("AF_NETBEUI", 0xd),
            ("AF_SECURITY", 0xe), ("AF_KEY", 0xf), ("AF_NETLINK", 0x10), ("AF_ROUTE", 0x10),
            ("AF_PACKET", 0x11), ("AF_ASH", 0x12), ("AF_ECONET", 0x13), ("AF_ATMSVC", 0x14),
            ("AF_RDS", 0x15), ("AF_SNA", 0x16), ("AF_IRDA", 0x17), ("AF_PPPOX", 0x18), ("AF_WANPIPE", 0x19),
            ("AF_LLC", 0x1a), ("AF_IB", 0x1b), ("AF_MPLS", 0x1c), ("AF_CAN", 0x1d), ("AF_TIPC", 0x1e),
            ("AF_BLUETOOTH", 0x1f), ("AF_IUCV", 0x20), ("AF_RXRPC", 0x21), ("AF_ISDN", 0x22),
            ("AF_PHONET", 0x23), ("AF_IEEE802154", 0x24), ("AF_CAIF", 0x25), ("AF_ALG", 0x26),
            ("AF_NFC", 0x27), ("AF_VSOCK", 0x28), ("AF_KCM", 0x29), ("AF_QIPCRTR", 0x2a), ("AF_SMC", 0x2b),
            ("AF_XDP", 0x2c), ("AF_MCTP", 0x2d),
        ],
        // Socket types: socket argument 1 (`include/linux/net.h`).
        [
            ("SOCK_STREAM", 1), ("SOCK_DGRAM", 2), ("SOCK_RAW", 3), ("SOCK_RDM", 4), ("SOCK_SEQPACKET", 5),
            ("SOCK_DCCP", 6), ("SOCK_PACKET", 0xa), ("SOCK_NONBLOCK", 0x800), ("SOCK_CLOEXEC", 0x80000),
        ],
        // Internet protocols: socket argument 2 (`include/uapi/linux/in.h`).
        [
            ("IPPROTO_IP", 0), ("IPPROTO_ICMP", 1), ("IPPROTO_IGMP", 2), ("IPPROTO_TCP", 6),
            ("IPPROTO_UDP", 0x11), ("IPPROTO_DCCP", 0x21), ("IPPROTO_IPV6", 0x29), ("IPPROTO_GRE", 0x2f),
            ("IPPROTO_ESP", 0x32), ("IPPROTO_AH", 0x33), ("IPPROTO_SCTP", 0x84), ("IPPROTO_UDPLITE", 0x88),
            ("IPPROTO_RAW", 0xff), ("IPPROTO_MPTCP", 0x106),
        ],
        // Netlink protocols: socket argument 2 (`include/uapi/linux/netlink.h`).
        [
            ("NETLINK_ROUTE", 0), ("NETLINK_USERSOCK", 2), ("NETLINK_SOCK_DIAG", 4), ("NETLINK_XFRM", 6),
            ("NETLINK_SELINUX", 7), ("NETLINK_AUDIT", 9), ("NETLINK_CONNECTOR", 0xb),
            ("NETLINK_NETFILTER", 0xc), ("NETLINK_KOBJECT_UEVENT", 0xf), ("NETLINK_GENERIC", 0x10),
            ("NETLINK_CRYPTO", 0x15),
        ],
        // Memory protection: mmap, mprotect argument 2 (`asm-generic/mman-common.h`).
        [
            ("PROT_NONE", 0), ("PROT_READ", 1), ("PROT_WRITE", 2), ("PROT_EXEC", 4),
            ("PROT_GROWSDOWN", 0x1000000), ("PROT_GROWSUP", 0x2000000),
        ],
        // Mappings: mmap argument 3.
        [
            ("MAP_SHARED", 1), ("MAP_PRIVATE", 2), ("MAP_SHARED_VALIDATE", 3), ("MAP_TYPE", 0xf),
            ("MAP_FIXED", 0x10), ("MAP_ANONYMOUS", 0x20), ("MAP_32BIT", 0x40), ("MAP_GROWSDOWN", 0x100),
            ("MAP_DENYWRITE", 0x800), ("MAP_EXECUTABLE", 0x1000), ("MAP_LOCKED", 0x2000),
            ("MAP_NORESERVE", 0x4000), ("MAP_POPULATE", 0x8000), ("MAP_NONBLOCK", 0x10000),
            ("MAP_STACK", 0x20000), ("MAP_HUGETLB", 0x40000), ("MAP_SYNC", 0x80000),
            ("MAP_FIXED_NOREPLACE", 0x100000),
        ],
        // New namespaces and what clone shares (`include/uapi/linux/sched.h`).
        [
            ("CLONE_NEWTIME", 0x80), ("CLONE_VM", 0x100), ("CLONE_FS", 0x200), ("CLONE_FILES", 0x400),
            ("CLONE_SIGHAND", 0x800), ("CLONE_PIDFD", 0x1000), ("CLONE_PTRACE", 0x2000),
            ("CLONE_VFORK", 0x4000), ("CLONE_PARENT", 0x8000), ("CLONE_THREAD", 0x10000),
            ("CLONE_NEWNS", 0x20000), ("CLONE_SYSVSEM", 0x40000), ("CLONE_SETTLS", 0x80000),
            ("CLONE_PARENT_SETTID", 0x100000), ("CLONE_CHILD_CLEARTID", 0x200000),
            ("CLONE_DETACHED", 0x400000), ("CLONE_UNTRACED", 0x800000), ("CLONE_CHILD_SETTID", 0x1000000),
            ("CLONE_NEWCGROUP", 0x2000000), ("CLONE_NEWUTS", 0x4000000), ("CLONE_NEWIPC", 0x8000000),
            ("CLONE_NEWUSER", 0x10000000), ("CLONE_NEWPID", 0x20000000), ("CLONE_NEWNET", 0x40000000),
            ("CLONE_IO", 0x80000000), ("CLONE_CLEAR_SIGHAND", 0x100000000),
            ("CLONE_INTO_CGROUP", 0x200000000),
        ],
        // Opening files (`asm-generic/fcntl.h`).
        [
            ("O_RDONLY", 0), ("O_WRONLY", 1), ("O_RDWR", 2), ("O_ACCMODE", 3), ("O_CREAT", 0x40),
            ("O_EXCL", 0x80), ("O_NOCTTY", 0x100), ("O_TRUNC", 0x200), ("O_APPEND", 0x400),
            ("O_NONBLOCK", 0x800), ("O_DSYNC", 0x1000), ("O_DIRECT", 0x4000), ("O_LARGEFILE", 0x8000),
            ("O_DIRECTORY", 0x10000), ("O_NOFOLLOW", 0x20000), ("O_NOATIME", 0x40000),
            ("O_CLOEXEC", 0x80000), ("O_SYNC", 0x101000), ("O_PATH", 0x200000), ("O_TMPFILE", 0x410000),
        ],
        // Commands of fcntl (`asm-generic/fcntl.h`).
        [
            ("F_DUPFD", 0), ("F_GETFD", 1), ("F_SETFD", 2), ("F_GETFL", 3), ("F_SETFL", 4), ("F_GETLK", 5),
            ("F_SETLK", 6), ("F_SETLKW", 7), ("F_SETOWN", 8), ("F_GETOWN", 9), ("F_SETSIG", 0xa),
            ("F_GETSIG", 0xb), ("F_SETLEASE", 0x400), ("F_GETLEASE", 0x401), ("F_NOTIFY", 0x402),
            ("F_DUPFD_CLOEXEC", 0x406), ("F_SETPIPE_SZ", 0x407), ("F_GETPIPE_SZ", 0x408),
            ("F_ADD_SEALS", 0x409), ("F_GET_SEALS", 0x40a),
        ],
        // Kinds of files: mknod argument 1 (`include/uapi/linux/stat.h`).
        [
            ("S_ISVTX", 0x200), ("S_ISGID", 0x400), ("S_ISUID", 0x800), ("S_IFIFO", 0x1000),
            ("S_IFCHR", 0x2000), ("S_IFDIR", 0x4000), ("S_IFBLK", 0x6000), ("S_IFREG", 0x8000),
            ("S_IFLNK", 0xa000), ("S_IFSOCK", 0xc000), ("S_IFMT", 0xf000),
        ],
        // Terminal ioctls (`asm-generic/ioctls.h`).
        [
            ("TCGETS", 0x5401), ("TCSETS", 0x5402), ("TCSETSW", 0x5403), ("TCSETSF", 0x5404),
            ("TIOCEXCL", 0x540c), ("TIOCNXCL", 0x540d), ("TIOCSCTTY", 0x540e), ("TIOCGPGRP", 0x540f),
            ("TIOCSPGRP", 0x5410), ("TIOCSTI", 0x5412), ("TIOCGWINSZ", 0x5413), ("TIOCSWINSZ", 0x5414),
            ("FIONREAD", 0x541b), ("TIOCLINUX", 0x541c), ("TIOCCONS", 0x541d), ("FIONBIO", 0x5421),
            ("TIOCNOTTY", 0x5422), ("TIOCSETD", 0x5423), ("TIOCGETD", 0x5424), ("TIOCVHANGUP", 0x5437),
            ("TIOCGPTPEER", 0x5441), ("FIONCLEX", 0x5450), ("FIOCLEX", 0x5451), ("FIOASYNC", 0x5452),
            ("TIOCSPTLCK", 0x40045431), ("TIOCGPTN", 0x80045430),
        ],
        // Commands of prctl (`include/uapi/linux/prctl.h`).
        [
            ("PR_CAP_AMBIENT_IS_SET", 1), ("PR_SET_PDEATHSIG", 1), ("PR_CAP_AMBIENT_RAISE", 2),
            ("PR_GET_PDEATHSIG", 2), ("PR_CAP_AMBIENT_LOWER", 3), ("PR_GET_DUMPABLE", 3),
            ("PR_CAP_AMBIENT_CLEAR_ALL", 4), ("PR_SET_DUMPABLE", 4), ("PR_GET_UNALIGN", 5),
            ("PR_SET_UNALIGN", 6), ("PR_GET_KEEPCAPS", 7), ("PR_SET_KEEPCAPS", 8), ("PR_GET_FPEMU", 9),
            ("PR_SET_FPEMU", 0xa), ("PR_GET_FPEXC", 0xb), ("PR_SET_FPEXC", 0xc), ("PR_GET_TIMING", 0xd),
            ("PR_SET_TIMING", 0xe), ("PR_SET_NAME", 0xf), ("PR_GET_NAME", 0x10), ("PR_GET_ENDIAN", 0x13),
            ("PR_SET_ENDIAN", 0x14), ("PR_GET_SECCOMP", 0x15), ("PR_SET_SECCOMP", 0x16),
            ("PR_CAPBSET_READ", 0x17), ("PR_CAPBSET_DROP", 0x18), ("PR_GET_TSC", 0x19),
            ("PR_SET_TSC", 0x1a), ("PR_GET_SECUREBITS", 0x1b), ("PR_SET_SECUREBITS", 0x1c),
            ("PR_SET_TIMERSLACK", 0x1d), ("PR_GET_TIMERSLACK", 0x1e), ("PR_TASK_PERF_EVENTS_DISABLE", 0x1f),
            ("PR_TASK_PERF_EVENTS_ENABLE", 0x20), ("PR_MCE_KILL", 0x21), ("PR_SET_MM", 0x23),
            ("PR_SET_CHILD_SUBREAPER", 0x24), ("PR_GET_CHILD_SUBREAPER", 0x25),
            ("PR_SET_NO_NEW_PRIVS", 0x26), ("PR_GET_NO_NEW_PRIVS", 0x27), ("PR_GET_TID_ADDRESS", 0x28),
            ("PR_SET_THP_DISABLE", 0x29), ("PR_GET_THP_DISABLE", 0x2a), ("PR_MPX_ENABLE_MANAGEMENT", 0x2b),
            ("PR_MPX_DISABLE_MANAGEMENT", 0x2c), ("PR_SET_FP_MODE", 0x2d), ("PR_GET_FP_MODE", 0x2e),
            ("PR_CAP_AMBIENT", 0x2f), ("PR_SVE_SET_VL", 0x32), ("PR_SVE_GET_VL", 0x33),
            ("PR_GET_SPECULATION_CTRL", 0x34), ("PR_SET_SPECULATION_CTRL", 0x35),
            ("PR_PAC_RESET_KEYS", 0x36), ("PR_SET_TAGGED_ADDR_CTRL", 0x37),
            ("PR_GET_TAGGED_ADDR_CTRL", 0x38), ("PR_SET_IO_FLUSHER", 0x39), ("PR_GET_IO_FLUSHER", 0x3a),
            ("PR_SET_SYSCALL_USER_DISPATCH", 0x3b), ("PR_PAC_SET_ENABLED_KEYS", 0x3c),
            ("PR_PAC_GET_ENABLED_KEYS", 0x3d), ("PR_SCHED_CORE", 0x3e), ("PR_SME_SET_VL", 0x3f),
            ("PR_SME_GET_VL", 0x40), ("PR_SET_VMA", 0x53564d41), ("PR_SET_PTRACER", 0x59616d61),
        ],
        // Personalities (`include/uapi/linux/personality.h`).
        [
            ("PER_LINUX", 0), ("PER_BSD", 6), ("PER_LINUX32", 8), ("PER_MASK", 0xff), ("UNAME26", 0x20000),
            ("ADDR_NO_RANDOMIZE", 0x40000), ("FDPIC_FUNCPTRS", 0x80000), ("MMAP_PAGE_ZERO", 0x100000),
            ("ADDR_COMPAT_LAYOUT", 0x200000), ("READ_IMPLIES_EXEC", 0x400000),
            ("ADDR_LIMIT_32BIT", 0x800000), ("SHORT_INODE", 0x1000000), ("WHOLE_SECONDS", 0x2000000),
            ("STICKY_TIMEOUTS", 0x4000000), ("PER_SVR4", 0x4100001), ("ADDR_LIMIT_3GB", 0x8000000),
        ],
        // Requests of ptrace (`include/uapi/linux/ptrace.h`).
        [
            ("PTRACE_TRACEME", 0), ("PTRACE_PEEKSIGINFO_SHARED", 1), ("PTRACE_PEEKTEXT", 1),
            ("PTRACE_PEEKDATA", 2), ("PTRACE_PEEKUSR", 3), ("PTRACE_POKETEXT", 4), ("PTRACE_POKEDATA", 5),
            ("PTRACE_POKEUSR", 6), ("PTRACE_CONT", 7), ("PTRACE_KILL", 8), ("PTRACE_SINGLESTEP", 9),
            ("PTRACE_GETREGS", 0xc), ("PTRACE_SETREGS", 0xd), ("PTRACE_GETFPREGS", 0xe),
            ("PTRACE_SETFPREGS", 0xf), ("PTRACE_ATTACH", 0x10), ("PTRACE_DETACH", 0x11),
            ("PTRACE_GETFPXREGS", 0x12), ("PTRACE_SETFPXREGS", 0x13), ("PTRACE_OLDSETOPTIONS", 0x15),
            ("PTRACE_SYSCALL", 0x18), ("PTRACE_GET_THREAD_AREA", 0x19), ("PTRACE_SET_THREAD_AREA", 0x1a),
            ("PTRACE_ARCH_PRCTL", 0x1e), ("PTRACE_SYSEMU", 0x1f), ("PTRACE_SYSEMU_SINGLESTEP", 0x20),
            ("PTRACE_SINGLEBLOCK", 0x21), ("PTRACE_SETOPTIONS", 0x4200), ("PTRACE_GETEVENTMSG", 0x4201),
            ("PTRACE_GETSIGINFO", 0x4202), ("PTRACE_SETSIGINFO", 0x4203), ("PTRACE_GETREGSET", 0x4204),
            ("PTRACE_SETREGSET", 0x4205), ("PTRACE_SEIZE", 0x4206), ("PTRACE_INTERRUPT", 0x4207),
            ("PTRACE_LISTEN", 0x4208), ("PTRACE_PEEKSIGINFO", 0x4209), ("PTRACE_GETSIGMASK", 0x420a),
            ("PTRACE_SETSIGMASK", 0x420b), ("PTRACE_SECCOMP_GET_FILTER", 0x420c),
            ("PTRACE_SECCOMP_GET_METADATA", 0x420d), ("PTRACE_GET_SYSCALL_INFO", 0x420e),
            ("PTRACE_GET_RSEQ_CONFIGURATION", 0x420f),
        ],
        // Operations of seccomp (`include/uapi/linux/seccomp.h`).
        [
            ("SECCOMP_SET_MODE_STRICT", 0), ("SECCOMP_SET_MODE_FILTER", 1), ("SECCOMP_GET_ACTION_AVAIL", 2),
            ("SECCOMP_GET_NOTIF_SIZES", 3),
        ],
    ]
}
