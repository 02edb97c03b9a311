import Clibseccomp
import Compiler
import Glibc
import Policy
import Testing

/// The tables of calls, groups and widths.
@Suite struct SyscallTableTests {
    private static let foreign: [UInt32] = [
        0x4000_0003, 0x4000_003e, 0xc000_00b7, 0x4000_0028, 0x0800_0000 | 8, 0xc000_00f3, 0x8000_0016, 0x14,
        0xc000_0015, 0xf,
    ]

    @Test func `every name that libseccomp knows of any architecture can be written`() {
        let names = SyscallTable.vocabulary.names
        for architecture in Self.foreign + [0xc000_003e] {
            for number in Array(-10300 ..< -10000) + Array(0..<1100) {
                for bits in [0, 0x4000_0000] {
                    guard
                        let text = seccomp_syscall_resolve_num_arch(architecture, CInt(number | bits))
                    else { continue }
                    #expect(names.contains(String(cString: text)), "\(String(cString: text))")
                    free(text)
                }
            }
        }
    }

    @Test(
        arguments: [
            ("read", 0), ("clone3", 435), ("cachestat", 451), ("fchmodat2", 452), ("map_shadow_stack", 453),
            ("futex_wake", 454), ("futex_wait", 455), ("futex_requeue", 456), ("statmount", 457),
            ("listmount", 458),
            ("lsm_get_self_attr", 459), ("lsm_list_modules", 461), ("mseal", 462), ("setxattrat", 463),
            ("removexattrat", 466), ("open_tree_attr", 467), ("file_getattr", 468), ("file_setattr", 469),
            ("memfd_secret", 447), ("process_mrelease", 448), ("set_mempolicy_home_node", 450),
            ("uretprobe", 335),
            ("uprobe", 336),
        ] as [(String, UInt32)])
    func `a call has the kernel's number`(name: String, number: UInt32) {
        #expect(SyscallTable.number(of: name, abi: .x86_64) == number)
        #expect(SyscallTable.name(of: number, abi: .x86_64) == name)
    }

    @Test func `numbers differ by ABI`() {
        #expect(SyscallTable.number(of: "mkdir", abi: .i386) == 39)
        #expect(SyscallTable.number(of: "mseal", abi: .i386) == 462)
        #expect(SyscallTable.number(of: "ioctl", abi: .x32) == UInt32(0x4000_0202))
        #expect(SyscallTable.number(of: "getppid", abi: .x32) == UInt32(0x4000_006e))
        #expect(SyscallTable.number(of: "socketcall", abi: .x86_64) == nil)
        #expect(SyscallTable.name(of: 470, abi: .x86_64) == nil)
    }

    @Test func `every native call has a width, if only to say that all is wide`() {
        // Without an entry point in Linux 6.18 (sys_ni_syscall): whatever the arguments, ENOSYS.
        let gone: Set<String> = [
            "afs_syscall", "create_module", "epoll_ctl_old", "epoll_wait_old", "get_kernel_syms",
            "get_thread_area", "getpmsg", "lookup_dcookie", "nfsservctl", "putpmsg", "query_module",
            "security",
            "set_thread_area", "tuxcall", "vserver",
        ]
        for call in SyscallTable.calls(of: .x86_64) {
            #expect(SyscallTable.isInWidthTable(call.name) != gone.contains(call.name), "\(call.name)")
        }
    }

    @Test(
        arguments: [
            ("ioctl", [true, true, false]), ("socket", [true, true, true]), ("clone", [true, false, false]),
            ("personality", [true]), ("prctl", [true, false, false]), ("mmap", [false, false, false, false]),
            ("sendto", [true, false, false, true, false, true]), ("kill", [true, true]),
            ("openat", [true, false, true, true]), ("mprotect", [false, false, false]),
            ("keyctl", [true, false]),
            ("quotactl", [true, false, true]), ("shmget", [true, false, true]),
            ("semctl", [true, true, true, false]),
            ("unshare", [false]), ("fcntl", [true, true, false]), ("lseek", [true, false, true]),
            ("pread64", [true, false, false, false]), ("fallocate", [true, true, false, false]),
            ("setresuid", [true, true, true]), ("timer_settime", [true, true]),
            ("mq_timedsend", [true, false]),
            ("add_key", [false, false, false, false, true]), ("ptrace", [false, false]),
        ] as [(String, [Bool])])
    func `an argument has the width that the kernel reads`(name: String, narrow: [Bool]) {
        for (index, isNarrow) in narrow.enumerated() {
            #expect(SyscallTable.vocabulary.width(of: index, of: name) == (isNarrow ? 32 : 64), "\(index)")
        }
    }

    @Test func `groups hold the calls of the groups in them`() {
        let vocabulary = SyscallTable.vocabulary
        #expect(vocabulary.groups.count == 30)
        for (inner, outer) in [
            ("default", "system-service"), ("file-system", "system-service"), ("sandbox", "default"),
            ("clock", "privileged"), ("chown", "privileged"), ("obsolete", "known"), ("mount", "known"),
        ] {
            #expect(vocabulary.groups[inner]?.isSubset(of: vocabulary.groups[outer] ?? []) == true)
        }
        #expect(vocabulary.groups["mount"]?.contains("open_tree_attr") == true)
        #expect(vocabulary.groups["system-service"]?.contains("mount") == false)
        for (name, members) in vocabulary.groups {
            #expect(!members.isEmpty && members.isSubset(of: vocabulary.names), "\(name)")
            #expect(!members.contains { $0.hasPrefix("@") })
        }
    }

    @Test func `every mount call of systemd's group is one of the operation, and the other way round`() {
        let group = SyscallTable.vocabulary.groups["mount"] ?? []
        let operation: Set<String> = [
            "mount", "umount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount",
            "fspick",
            "mount_setattr", "open_tree_attr", "pivot_root",
        ]
        #expect(group.subtracting(operation) == ["chroot"])
    }

    @Test func `what is always allowed is listed, sorted and once`() {
        let always = SyscallTable.alwaysAllowed
        #expect(always == Set(always).sorted())
        #expect(Set(always) == SyscallTable.vocabulary.alwaysAllowed)
        #expect(always.contains("execve") && always.contains("exit_group") && !always.contains("openat"))
    }
}
