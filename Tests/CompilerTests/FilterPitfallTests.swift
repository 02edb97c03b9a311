import Compiler
import Policy
import Seccomp
import Testing

/// Ways around filters that others have had, each tried on ours in the emulator.
@Suite struct FilterPitfallTests {
    /// A policy that says nothing: what always applies is all there is.
    static let plain = Policy(name: "plain", file: "plain.yaml")

    // MARK: - Other ways of making the same call

    @Test func `a call by int 0x80 is killed`() throws {
        let filter = try TestFilter(.syscalls([.deny(.name("mkdir"))], default: .allow))
        #expect(filter.answer(nativeCall("mkdir")) == .permissionDenied)
        #expect(filter.answer(nativeCall("getppid")) == .allow)
        for name in ["mkdir", "getppid", "exit"] {
            #expect(filter.answer(syscall(name, .i386)) == .killProcess)
        }
        // The native number under the other architecture, too.
        #expect(filter.answer(FilterInput(number: 39, architecture: 0x4000_0003)) == .killProcess)
    }

    @Test func `a call with x32's bit is killed, whatever its number`() throws {
        let filter = try TestFilter(Self.plain)
        for number: UInt32 in [0, 39, 110, 512, 547, 0x3fff_fffe, 0x8000_0000, 0xbfff_fffe] {
            let input = FilterInput(number: number | 0x4000_0000, architecture: 0xc000_003e)
            #expect(filter.answer(input) == .killProcess)
        }
    }

    @Test func `x32's own numbers without its bit answer ENOSYS`() throws {
        let filter = try TestFilter(Self.plain)
        for number: UInt32 in 512...547 {
            #expect(
                filter.answer(FilterInput(number: number, architecture: 0xc000_003e)) == .noSystemCall)
        }
    }

    @Test func `the number that a tracer leaves for no call answers ENOSYS`() throws {
        let filter = try TestFilter(Self.plain)
        #expect(filter.answer(FilterInput(number: 0xffff_ffff, architecture: 0xc000_003e)) == .noSystemCall)
    }

    @Test func `a listed ABI has decisions of its own`() throws {
        let filter = try TestFilter(
            .syscalls(
                [.allow(.name("umask")), .deny(.name("socketcall"), .name("mount"))],
                architectures: ["x86_64", "i386", "x32"]))
        for abi in [SyscallABI.x86_64, .i386, .x32] {
            #expect(filter.answer(syscall("umask", abi)) == .allow)
            #expect(filter.answer(syscall("exit_group", abi)) == .allow)
            #expect(filter.answer(syscall("mount", abi)) == .permissionDenied)
        }
        // i386's umask is x86_64's lstat… by number.
        #expect(filter.answer(FilterInput(number: 60, architecture: 0x4000_0003)) == .allow)
        #expect(filter.answer(syscall("socketcall", .i386)) == .permissionDenied)
        #expect(filter.answer(FilterInput(number: 9999, architecture: 0x4000_0003)) == .noSystemCall)
        #expect(
            filter.answer(FilterInput(number: 0x4000_0000 + 9999, architecture: 0xc000_003e)) == .noSystemCall
        )
    }

    @Test func `an ABI that one of two policies does not list is killed`() throws {
        let wide = Policy.syscalls([], default: .allow, architectures: ["x86_64", "i386"])
        let filter = try TestFilter([
            SyscallLayerInputs(policy: wide), SyscallLayerInputs(policy: Self.plain),
        ])
        #expect(filter.answer(syscall("umask", .i386)) == .killProcess)
        #expect(filter.answer(syscall("umask", .x86_64)) == .allow)
    }

    @Test func `architectures without the native one cannot be run`() throws {
        let (decisions, coverage) = SyscallDecisions.lower(
            SyscallLayerInputs(policy: .syscalls([], default: .allow, architectures: ["i386"])))
        #expect(coverage.findings.contains { $0.kind == .impossible })
        #expect(throws: FilterError.noABI) { try FilterCompiler.compile([decisions], flavor: .errno) }
    }

    // MARK: - Arguments

    @Test(arguments: [0x5412, 0x541c] as [UInt64])
    func `a terminal injection with a high bit set is refused`(request: UInt64) throws {
        let filter = try TestFilter(Self.plain)
        for high in [0, 1 << 32, 1 << 63, 0xffff_ffff_0000_0000] as [UInt64] {
            #expect(filter.answer(nativeCall("ioctl", 0, request | high, 0)) == .permissionDenied)
        }
        #expect(filter.answer(nativeCall("ioctl", 0, 0x5401)) == .allow)
        #expect(filter.answer(nativeCall("ioctl", 0, request << 32)) == .allow)
    }

    @Test func `ioctls that make names are refused`() throws {
        let filter = try TestFilter(Self.plain)
        for request: UInt64 in [0x5000_940e, 0x5000_9401, 0x5000_940f, 0x5000_9417, 0x5000_9418, 0x5000_943f]
        {
            #expect(filter.answer(nativeCall("ioctl", 3, request)) == .permissionDenied)
            #expect(filter.answer(nativeCall("ioctl", 3, request | 1 << 32)) == .permissionDenied)
        }
        let granted = try TestFilter(.allowingOperations(.subvolume, .terminalInjection))
        #expect(granted.answer(nativeCall("ioctl", 3, 0x5000_940e)) == .allow)
        #expect(granted.answer(nativeCall("ioctl", 3, 0x5412)) == .allow)
    }

    @Test func `an equality on a 32-bit argument does not see the other half`() throws {
        let filter = try TestFilter(
            .syscalls(
                [.deny(.name("prctl"), when: ArgumentCondition(argument: 0, comparison: .equal, value: 38))],
                default: .allow))
        #expect(filter.answer(nativeCall("prctl", 38)) == .permissionDenied)
        #expect(filter.answer(nativeCall("prctl", 38 | 1 << 32)) == .permissionDenied)
        #expect(filter.answer(nativeCall("prctl", 39)) == .allow)
    }

    @Test func `a negative value is compared on the argument's own width`() throws {
        let minusOne = ArgumentCondition(argument: 0, comparison: .equal, value: UInt64(bitPattern: -1))
        let filter = try TestFilter(
            .syscalls([.deny(.name("kill"), .name("munmap"), when: minusOne)], default: .allow))
        #expect(filter.answer(nativeCall("kill", 0xffff_ffff)) == .permissionDenied)
        #expect(filter.answer(nativeCall("kill", .max)) == .permissionDenied)
        #expect(filter.answer(nativeCall("munmap", 0xffff_ffff)) == .allow)
        #expect(filter.answer(nativeCall("munmap", .max)) == .permissionDenied)
    }

    // MARK: - Namespaces

    @Test func `namespaces are refused by every call that makes or enters one`() throws {
        let filter = try TestFilter(Self.plain)
        for flag: UInt64 in [
            0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
        ] {
            #expect(filter.answer(nativeCall("clone", flag | 17)) == .permissionDenied)
            #expect(filter.answer(nativeCall("unshare", flag)) == .permissionDenied)
        }
        #expect(filter.answer(nativeCall("unshare", 0x80)) == .permissionDenied)  // CLONE_NEWTIME
        #expect(filter.answer(nativeCall("unshare", 0x200 | 0x400)) == .allow)
        #expect(filter.answer(nativeCall("unshare", 1 << 37)) == .permissionDenied)
        #expect(filter.answer(nativeCall("setns", 3, 0)) == .permissionDenied)
        // A thread of glibc, and a fork.
        #expect(filter.answer(nativeCall("clone", 0x3d_0f00)) == .allow)
        #expect(filter.answer(nativeCall("clone", 0x120_0011)) == .allow)
    }

    @Test func `clone3 answers ENOSYS, so that threads still start`() throws {
        let filter = try TestFilter(Self.plain)
        #expect(filter.answer(nativeCall("clone3")) == .noSystemCall)
        // Also where the list of calls does not name it.
        let listed = try TestFilter(.syscalls([.allow(.name("clone"))], operations: nil))
        #expect(listed.answer(nativeCall("clone3")) == .noSystemCall)
        // A supervisor is not asked.
        #expect(try TestFilter(Self.plain, flavor: .notify()).answer(nativeCall("clone3")) == .noSystemCall)
        #expect(try TestFilter(.allowingOperations(.namespace)).answer(nativeCall("clone3")) == .allow)
    }

    // MARK: - Operations, each with all its calls

    static let families: [(Operation, String)] = [
        (
            .mount,
            """
            mount umount2 move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr open_tree_attr pivot_root
            """
        ),
        (.chroot, "chroot"), (.bpf, "bpf"), (.module, "init_module finit_module delete_module"),
        (.kexec, "kexec_load kexec_file_load"), (.rawIO, "iopl ioperm"), (.reboot, "reboot"),
        (.swap, "swapon swapoff"), (.quota, "quotactl quotactl_fd"),
        (.time, "settimeofday clock_settime adjtimex clock_adjtime"), (.syslog, "syslog"),
        (.perf, "perf_event_open"), (.keyring, "add_key keyctl request_key"),
        (.ioUring, "io_uring_setup io_uring_enter io_uring_register"), (.userfaultfd, "userfaultfd"),
        (
            .ipc,
            """
            shmget shmat shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink
            """
        ),
        (
            .setuid,
            """
            setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups
            """
        ),
    ]

    @Test(arguments: families)
    func `a denied operation has no call left, and an allowed one has all`(
        operation: Operation, calls: String
    ) throws {
        let denied = try TestFilter(.denyingOperations(operation))
        let allowed = try TestFilter(.allowingOperations(operation))
        for name in calls.split(whereSeparator: \.isWhitespace).map(String.init) {
            #expect(denied.answer(nativeCall(name)) == .permissionDenied)
            #expect(allowed.answer(nativeCall(name)) == .allow)
        }
    }

    @Test func `starred operations are denied where the section is absent, others are not`() throws {
        let filter = try TestFilter(Self.plain)
        for name in [
            "mount", "open_tree_attr", "chroot", "bpf", "finit_module", "kexec_load", "iopl", "setns",
        ] {
            #expect(filter.answer(nativeCall(name)) == .permissionDenied)
        }
        for name in ["reboot", "swapon", "keyctl", "setuid", "io_uring_setup", "shmget", "ptrace", "kill"] {
            #expect(filter.answer(nativeCall(name)) == .allow)
        }
    }

    @Test func `what Landlock does is left to it, and refused without it`() throws {
        let policy = Policy.denyingOperations(.ptrace, .signal)
        let with = try TestFilter([SyscallLayerInputs(policy: policy)])
        let without = try TestFilter([
            SyscallLayerInputs(policy: policy, ptraceByLandlock: false, signalByLandlock: false)
        ])
        for name in ["ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kill", "tgkill"] {
            #expect(with.answer(nativeCall(name)) == .allow)
            #expect(without.answer(nativeCall(name)) == .permissionDenied)
        }
        #expect(
            without.coverage.findings.contains { $0.kind == .excess && $0.text.contains("/proc/<pid>/mem") })
        #expect(!with.coverage.findings.contains { $0.kind == .excess })
    }

    // MARK: - Code

    @Test func `writable code is refused by every way that a filter can see`() throws {
        let filter = try TestFilter(.denyingOperations(.writableCode))
        #expect(filter.answer(nativeCall("mmap", 0, 4096, 7)) == .permissionDenied)
        #expect(filter.answer(nativeCall("mmap", 0, 4096, 7 | 1 << 32)) == .permissionDenied)
        #expect(filter.answer(nativeCall("mmap", 0, 4096, 6)) == .permissionDenied)
        #expect(filter.answer(nativeCall("mmap", 0, 4096, 5)) == .allow)
        #expect(filter.answer(nativeCall("mmap", 0, 4096, 3)) == .allow)
        for name in ["mprotect", "pkey_mprotect"] {
            #expect(filter.answer(nativeCall(name, 0, 4096, 5)) == .permissionDenied)
            #expect(filter.answer(nativeCall(name, 0, 4096, 1)) == .allow)
        }
        #expect(filter.answer(nativeCall("shmat", 0, 0, 0x8000)) == .permissionDenied)
        #expect(filter.answer(nativeCall("shmat", 0, 0, 0x1000)) == .allow)
        #expect(filter.answer(nativeCall("personality", 0x40_0000)) == .permissionDenied)
        #expect(filter.answer(nativeCall("personality", 0x40_0000 | 1 << 32)) == .permissionDenied)
        #expect(filter.answer(nativeCall("personality", 0xffff_ffff)) == .allow)
        #expect(filter.answer(nativeCall("personality", .max)) == .allow)
        #expect(filter.answer(nativeCall("personality", 0x4_0000)) == .allow)
        // Granted unless denied.
        #expect(try TestFilter(Self.plain).answer(nativeCall("mmap", 0, 4096, 7)) == .allow)
        #expect(try TestFilter(.allowingOperations()).answer(nativeCall("mmap", 0, 4096, 7)) == .allow)
    }

    @Test func `i386's mmap, whose arguments are in memory, is refused with writable code`() throws {
        var policy = Policy.syscalls([], default: .allow, architectures: ["x86_64", "i386"])
        policy.operations = ListSection(
            defaultVerdict: .allow, entries: [.entry(.deny, .writableCode)], location: syscallPlace())
        let filter = try TestFilter(policy)
        #expect(filter.answer(syscall("mmap", .i386)) == .permissionDenied)
        #expect(filter.answer(syscall("mmap2", .i386, [0, 4096, 7])) == .permissionDenied)
        #expect(filter.answer(syscall("mmap2", .i386, [0, 4096, 5])) == .allow)
        #expect(filter.answer(syscall("ipc", .i386, [21])) == .permissionDenied)
        #expect(filter.answer(syscall("ipc", .i386, [21 | 1 << 16])) == .permissionDenied)
        #expect(filter.answer(syscall("ipc", .i386, [22])) == .allow)
    }

    @Test func `memory without a name is not executed`() throws {
        let filter = try TestFilter(.denyingOperations(.anonymousExec))
        #expect(filter.answer(nativeCall("memfd_create", 0, 0)) == .permissionDenied)
        #expect(filter.answer(nativeCall("memfd_create", 0, 1)) == .permissionDenied)
        #expect(filter.answer(nativeCall("memfd_create", 0, 8 | 1)) == .allow)
        #expect(filter.answer(nativeCall("memfd_create", 0, 8 << 32)) == .permissionDenied)
        #expect(filter.answer(nativeCall("execveat", 3, 0, 0, 0, 0x1000)) == .permissionDenied)
        #expect(filter.answer(nativeCall("execveat", 3, 0, 0, 0, 0)) == .allow)
    }

    // MARK: - Rings

    @Test func `a filter that restricts leaves no ring`() throws {
        var sockets = SyscallLayerInputs(policy: Self.plain)
        sockets.sockets.refusesDatagram = DecidingRule(id: "network.default", location: nil)
        let listed = SyscallLayerInputs(
            policy: .syscalls([.allow(.group("system-service"))], operations: nil))
        let truncation = SyscallLayerInputs(policy: Self.plain, restrictsTruncation: true)
        for inputs in [sockets, listed, truncation] {
            let filter = try TestFilter([inputs])
            for name in ["io_uring_setup", "io_uring_enter", "io_uring_register"] {
                #expect(filter.answer(nativeCall(name)) == .permissionDenied)
            }
            #expect(!filter.coverage.findings.contains { $0.kind == .excess })
        }
    }

    @Test func `a ring that is allowed beside a restriction is a refusal`() throws {
        let filter = try TestFilter(.syscalls([.allow(.group("known"))]))
        #expect(filter.answer(nativeCall("io_uring_setup")) == .allow)
        let finding = filter.coverage.findings.first { $0.kind == .excess }
        #expect(finding?.subject == "operations.allow")
        // Alone it is nothing.
        #expect(
            !(try TestFilter(.allowingOperations(.ioUring, .rawSocket))).coverage.findings.contains {
                $0.kind == .excess
            })
    }

    // MARK: - Truncation

    @Test func `truncation is refused where Landlock does not see it`() throws {
        let filter = try TestFilter([SyscallLayerInputs(policy: Self.plain, restrictsTruncation: true)])
        #expect(filter.answer(nativeCall("truncate")) == .accessDenied)
        #expect(filter.answer(nativeCall("ftruncate")) == .allow)
        #expect(filter.answer(nativeCall("openat", 0, 0, 0x200)) == .accessDenied)
        #expect(filter.answer(nativeCall("openat", 0, 0, 0x203)) == .accessDenied)
        #expect(filter.answer(nativeCall("openat", 0, 0, 0x200 | 1 << 32)) == .accessDenied)
        #expect(filter.answer(nativeCall("openat", 0, 0, 0x201)) == .allow)
        #expect(filter.answer(nativeCall("openat", 0, 0, 0x242)) == .allow)
        #expect(filter.answer(nativeCall("open", 0, 0x200)) == .accessDenied)
        #expect(filter.answer(nativeCall("creat", 0, 0x1ff)) == .allow)
        #expect(filter.answer(nativeCall("openat2")) == .noSystemCall)
        #expect(filter.coverage.findings.contains { $0.kind == .narrowed && $0.section == "files" })
    }

    // MARK: - New calls

    @Test func `a call newer than the table answers ENOSYS, a known one that is not allowed EPERM`() throws {
        for policy in [Self.plain, .syscalls([]), .syscalls([], default: .allow)] {
            let filter = try TestFilter(policy)
            for number: UInt32 in [337, 400, 423, 470, 500, 548, 1000, 0x3fff_ffff] {
                #expect(
                    filter.answer(FilterInput(number: number, architecture: 0xc000_003e)) == .noSystemCall)
            }
        }
        let filter = try TestFilter(.syscalls([]))
        for name in ["mkdir", "file_setattr", "cachestat", "open"] {
            #expect(filter.answer(nativeCall(name)) == .permissionDenied)
        }
    }

    @Test func `what starting a command needs is always allowed`() throws {
        let filter = try TestFilter(.syscalls([], operations: nil))
        for name in SyscallTable.alwaysAllowed where SyscallTable.number(of: name, abi: .native) != nil {
            #expect(filter.answer(nativeCall(name)) == .allow)
        }
        for name in ["execve", "exit_group", "rt_sigreturn", "uretprobe", "seccomp"] {
            #expect(filter.answer(nativeCall(name)) == .allow)
        }
        let denied = try TestFilter(.syscalls([.deny(.name("execve"))]))
        #expect(denied.coverage.findings.contains { $0.kind == .impossible })
    }

    // MARK: - Supervisor

    @Test func `a denied call goes to the supervisor, but for those whose loss would hang a program`() throws
    {
        let filter = try TestFilter(.syscalls([], operations: nil), flavor: .notify())
        #expect(filter.answer(nativeCall("openat")) == .notify)
        #expect(filter.answer(nativeCall("mount")) == .notify)
        for name in [
            "close", "close_range", "dup", "dup2", "dup3", "fork", "vfork", "clone", "wait4", "waitid",
            "read", "write", "rt_sigaction", "rt_sigprocmask", "poll", "ppoll", "epoll_wait", "execveat",
        ] {
            #expect(filter.answer(nativeCall(name)) == .permissionDenied)
        }
        #expect(filter.answer(FilterInput(number: 1000, architecture: 0xc000_003e)) == .noSystemCall)
    }

    @Test func `a kill and a denial that is not reported do not go to the supervisor`() throws {
        var quiet = SyscallRule.deny(.name("mkdir"), action: .errno(13))
        quiet.header.log = false
        let filter = try TestFilter(
            .syscalls([
                quiet, .deny(.name("rmdir"), action: .kill), .deny(.name("umask"), action: .errno(38)),
            ]),
            flavor: .notify())
        #expect(filter.answer(nativeCall("mkdir")) == .accessDenied)
        #expect(filter.answer(nativeCall("rmdir")) == .killProcess)
        #expect(filter.answer(nativeCall("umask")) == .notify)
    }

    @Test func `a grant that is to be reported goes to the supervisor, and stays a grant`() throws {
        var loud = SyscallRule.allow(.name("mkdir"), .name("close"))
        loud.header.log = true
        let filter = try TestFilter(.syscalls([loud]), flavor: .notify())
        #expect(filter.answer(nativeCall("mkdir")) == .notify)
        #expect(filter.answer(nativeCall("close")) == .allow)
        let verdict = SyscallDecisions.decide(filter.decisions, nativeCall("mkdir"))
        #expect(
            verdict.outcome == .allow && verdict.cause?.rule.id == "syscalls.rules[0]" && verdict.layer == 0)
        #expect(try TestFilter(.syscalls([loud])).answer(nativeCall("mkdir")) == .allow)
    }

    @Test func `observed calls always go to the supervisor`() throws {
        let flavor = FilterFlavor.notify(observing: ["openat", "execve", "connect"])
        let filter = try TestFilter(Self.plain, flavor: flavor)
        for name in ["openat", "execve", "connect"] { #expect(filter.answer(nativeCall(name)) == .notify) }
        #expect(filter.answer(nativeCall("open")) == .allow)
        #expect(throws: FilterError.cannotObserve("close")) {
            try TestFilter(Self.plain, flavor: .notify(observing: ["close", "openat"]))
        }
    }

    @Test func `complain lets everything through and shows it to the supervisor`() throws {
        var policy = Policy.syscalls([.deny(.name("mkdir"), action: .kill)], operations: nil)
        policy.mode = .complain
        let alone = try TestFilter(policy)
        let watched = try TestFilter(policy, flavor: .notify())
        for input in [
            nativeCall("mkdir"), nativeCall("mount"), nativeCall("openat"), syscall("mkdir", .i386),
            FilterInput(number: 1000, architecture: 0xc000_003e),
            FilterInput(number: 0x4000_0001, architecture: 0xc000_003e),
        ] {
            #expect(alone.answer(input) == .allow)
        }
        #expect(watched.answer(nativeCall("mkdir")) == .notify)
        #expect(watched.answer(nativeCall("mount")) == .notify)
        #expect(watched.answer(nativeCall("close")) == .allow)
        let verdict = SyscallDecisions.decide(watched.decisions, nativeCall("mkdir"))
        #expect(
            verdict.isComplaint && verdict.outcome == .kill && verdict.cause?.rule.id == "syscalls.rules[0]")
    }

    // MARK: - Layers

    @Test func `a kill comes before an error, and the oldest error before the others`() throws {
        func layer(_ action: SyscallAction?) -> SyscallLayerInputs {
            SyscallLayerInputs(
                policy: .syscalls(action.map { [.deny(.name("mkdir"), action: $0)] } ?? [], default: .allow))
        }
        func answer(_ actions: SyscallAction?...) throws -> FilterAction {
            try TestFilter(actions.map(layer)).answer(nativeCall("mkdir"))
        }
        #expect(try answer(.errno(13), .kill) == .killProcess)
        #expect(try answer(.kill, .errno(13)) == .killProcess)
        #expect(try answer(.errno(13), .errno(95)) == .errno(13))
        #expect(try answer(nil, .errno(95), .errno(13)) == .errno(95))
        #expect(try answer(nil, nil) == .allow)
    }
}
