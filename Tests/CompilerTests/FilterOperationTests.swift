import Compiler
import Policy
import Seccomp
import Testing

/// Operations: each with all the calls that do the same, and none that is left.
@Suite struct FilterOperationTests {
    // MARK: - Namespaces

    @Test func `namespaces are refused by every call that makes or enters one`() throws {
        let filter = try TestFilter(plainPolicy)
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
        let filter = try TestFilter(plainPolicy)
        #expect(filter.answer(nativeCall("clone3")) == .noSystemCall)
        // Also where the list of calls does not name it.
        let listed = try TestFilter(.syscalls([.allow(.name("clone"))], operations: nil))
        #expect(listed.answer(nativeCall("clone3")) == .noSystemCall)
        // A supervisor is not asked.
        #expect(try TestFilter(plainPolicy, flavor: .notify()).answer(nativeCall("clone3")) == .noSystemCall)
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
        let filter = try TestFilter(plainPolicy)
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
        #expect(try TestFilter(plainPolicy).answer(nativeCall("mmap", 0, 4096, 7)) == .allow)
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
        var sockets = SyscallLayerInputs(policy: plainPolicy)
        sockets.sockets.refusesDatagram = DecidingRule(id: "network.default", location: nil)
        let listed = SyscallLayerInputs(
            policy: .syscalls([.allow(.group("system-service"))], operations: nil))
        let truncation = SyscallLayerInputs(policy: plainPolicy, restrictsTruncation: true)
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
        let filter = try TestFilter([SyscallLayerInputs(policy: plainPolicy, restrictsTruncation: true)])
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

    @Test func `access mode 3 is refused where Landlock must see what is read and written`() throws {
        let filter = try TestFilter([SyscallLayerInputs(policy: plainPolicy, restrictsAccessMode: true)])
        for call in ["openat", "open_by_handle_at"] {
            #expect(filter.answer(nativeCall(call, 0, 0, 3)) == .accessDenied)
            #expect(filter.answer(nativeCall(call, 0, 0, 0x80003 | 1 << 32)) == .accessDenied)
            for mode: UInt64 in 0...2 { #expect(filter.answer(nativeCall(call, 0, 0, mode)) == .allow) }
        }
        #expect(filter.answer(nativeCall("open", 0, 0x243)) == .accessDenied)
        // What it asks for is in memory.
        #expect(filter.answer(nativeCall("openat2", 0, 0, 3)) == .allow)
        #expect(try TestFilter(plainPolicy).answer(nativeCall("openat", 0, 0, 3)) == .allow)
    }
}
