import Compiler
import Landlock
import Policy
import Seccomp
import Testing

/// How long programs get.
@Suite struct FilterCountTests {
    /// What container engines deny by default; the rest of the native calls is allowed, some by arguments.
    static let containerDenied = """
        acct add_key afs_syscall bpf clock_adjtime clock_settime create_module delete_module epoll_ctl_old \
        epoll_wait_old finit_module fsconfig fsmount fsopen fspick get_kernel_syms get_mempolicy getpmsg \
        init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load \
        keyctl lookup_dcookie lsm_set_self_attr mbind migrate_pages mount mount_setattr move_mount move_pages \
        nfsservctl open_by_handle_at open_tree open_tree_attr perf_event_open pidfd_getfd pivot_root \
        process_madvise process_mrelease process_vm_readv process_vm_writev ptrace putpmsg query_module quotactl \
        quotactl_fd reboot request_key security set_mempolicy set_mempolicy_home_node setdomainname sethostname \
        setns settimeofday statmount listmount swapoff swapon _sysctl sysfs syslog tuxcall umount2 unshare \
        uselib userfaultfd ustat vhangup vserver
        """

    /// A list of some 300 calls with rules on arguments, like the one that container engines ship.
    static let containerList: Policy = {
        let denied = Set(containerDenied.split(separator: " ").map(String.init))
        let conditional: Set<String> = ["socket", "personality", "clone", "clone3"]
        let allowed = SyscallTable.calls(of: .native).map(\.name).filter {
            !denied.contains($0) && !conditional.contains($0)
        }
        func equal(_ value: UInt64) -> ArgumentCondition {
            ArgumentCondition(argument: 0, comparison: .equal, value: value)
        }
        return Policy.syscalls(
            [SyscallRule.make(.allow, allowed.map { .name($0) }, [], .errno(1))]
                + [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff].map {
                    .allow(.name("personality"), when: equal($0))
                } + [
                    .allow(
                        .name("socket"), when: ArgumentCondition(argument: 0, comparison: .less, value: 38)),
                    .allow(.name("socket"), when: equal(39)),
                    .allow(
                        .name("socket"), when: ArgumentCondition(argument: 0, comparison: .greater, value: 40)
                    ),
                    .allow(
                        .name("clone"),
                        when: ArgumentCondition(argument: 0, mask: 0x7e02_0000, comparison: .equal, value: 0)),
                ])
    }()

    @Test func `a list of 300 calls with rules on arguments takes at most 250 instructions`() throws {
        let count = Self.containerList.syscalls?.rules[0].selectors.count ?? 0
        #expect(count >= 280)
        let program = try TestFilter(Self.containerList).program
        #expect(program.instructions.count <= 150)
    }

    @Test func `the list together with every restriction takes at most 250 instructions`() throws {
        var policy = Self.containerList
        policy.operations = ListSection(location: syscallPlace())
        var inputs = SyscallLayerInputs(policy: policy)
        let cause = DecidingRule(id: "network.default", location: syscallPlace())
        inputs.sockets.families = [
            SocketFamily(name: "inet", number: 2), SocketFamily(name: "unix", number: 1),
        ]
        inputs.sockets.familiesCause = cause
        inputs.sockets.refusesDatagram = cause
        inputs.sockets.refusesMultipathTCP = cause
        inputs.sockets.refusesFastOpen = cause
        for flavor in [FilterFlavor.errno, .notify(), .notify(observing: ["openat", "connect"])] {
            let program = try TestFilter([inputs], flavor: flavor).program
            #expect(program.instructions.count <= 250)
        }
    }

    @Test func `no number takes long to find`() throws {
        let filter = try TestFilter(Self.containerList)
        let counts = SyscallAgreement.numbers(of: .native).map {
            filter.emulator.run(FilterInput(number: $0, architecture: SyscallABI.native.architecture))
                .instructionCount
        }
        #expect(counts.max()! <= 20)
        #expect(counts.reduce(0, +) / counts.count <= 12)
    }

    /// The kernel answers from a bitmap, without running a filter, what is allowed whatever the arguments
    /// (`seccomp_cache_prepare`): the calls of a program's inner loops must stay there.
    @Test(arguments: ShippedPolicies.names)
    func `calls of inner loops are allowed by their number alone`(_ name: String) throws {
        let policy = try ShippedPolicies.load(name)
        var inputs = SyscallLayerInputs(policy: policy)
        let lowered = LandlockLowering.lower(policy, features: .abi(7), isPrivileged: true)
        inputs.sockets = lowered.sockets
        inputs.restrictsAccessMode = lowered.restrictsAccessMode
        let decisions = SyscallDecisions.lower(inputs).decisions
        let table = try #require(decisions.tables.first { $0.abi == .native })
        for name in [
            "read", "write", "pread64", "lseek", "close", "fstat", "newfstatat", "futex", "epoll_wait",
            "poll",
            "clock_gettime", "nanosleep", "sched_yield", "getpid", "brk", "munmap", "recvfrom",
        ] {
            let call = try #require(table.calls.first { $0.name == name })
            let branches = decisions.lists[call.list]
            #expect(branches.count == 1 && branches[0].outcome == .allow, "\(name): \(branches)")
        }
    }

    @Test func `a policy without sections takes few instructions`() throws {
        let program = try TestFilter(Policy(name: "p", file: "p.yaml")).program
        #expect(program.instructions.count <= 60)
    }

    @Test func `three ABIs take three trees, not a refusal`() throws {
        let policy = Policy.syscalls(
            [.allow(.group("system-service"))], architectures: ["x86_64", "i386", "x32"], operations: nil)
        let program = try TestFilter(policy).program
        #expect(program.instructions.count <= 450)
    }

    @Test func `what the kernel would not take is an error that names the rule`() throws {
        let rules = (0..<5000).map { index in
            SyscallRule.allow(
                .name("fcntl"),
                when: ArgumentCondition(argument: 2, comparison: .equal, value: UInt64(index) << 20))
        }
        let error = #expect(throws: FilterError.self) { try TestFilter(Policy.syscalls(rules)) }
        #expect(error == .tooLong(blame: "syscalls.rules[0] (test.yaml:1) of policy 'test'"))
    }

    @Test func `a long program still reaches everything`() throws {
        let rules = (0..<1500).map { index in
            SyscallRule.allow(
                .name(["fcntl", "prctl", "futex"][index % 3]),
                when: ArgumentCondition(argument: 1, comparison: .equal, value: UInt64(index) * 3))
        }
        let filter = try TestFilter(Policy.syscalls(rules))
        #expect(filter.program.instructions.count > 1000)
        for index in 0..<1500 {
            for name in ["fcntl", "prctl", "futex", "personality"] {
                let input = nativeCall(name, 0, UInt64(index) * 3)
                let verdict = SyscallDecisions.decide(filter.decisions, input)
                #expect(filter.answer(input) == (verdict.outcome == .allow ? .allow : .permissionDenied))
            }
        }
    }
}
