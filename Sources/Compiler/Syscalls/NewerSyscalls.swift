/// System calls that the oldest libseccomp in use (2.5.4, Debian 12) does not know, or knows only with a
/// distribution's patch.
///
/// Numbers from Linux 6.18, `scripts/syscall.tbl` and `arch/x86/entry/syscalls/syscall_64.tbl` and
/// `syscall_32.tbl`: from 424 on all architectures share them.
enum NewerSyscalls {
    /// The highest number that is known: listns, 470, came with 6.19. What is above answers ENOSYS, also
    /// where libseccomp knows more, so that a policy means the same wherever it is compiled.
    static let last: UInt32 = 469

    /// The release that the numbers are complete for.
    static let release = "Linux 6.18"

    /// Shared by all architectures.
    static let common: [(name: String, number: UInt32)] = [
        ("memfd_secret", 447),  // 5.14
        ("process_mrelease", 448),  // 5.15
        ("futex_waitv", 449),  // 5.16
        ("set_mempolicy_home_node", 450),  // 5.17
        ("cachestat", 451),  // 6.5
        ("fchmodat2", 452),  // 6.6
        ("map_shadow_stack", 453),  // 6.6
        ("futex_wake", 454),  // 6.7
        ("futex_wait", 455),  // 6.7
        ("futex_requeue", 456),  // 6.7
        ("statmount", 457),  // 6.8
        ("listmount", 458),  // 6.8
        ("lsm_get_self_attr", 459),  // 6.8
        ("lsm_set_self_attr", 460),  // 6.8
        ("lsm_list_modules", 461),  // 6.8
        ("mseal", 462),  // 6.10
        ("setxattrat", 463),  // 6.13
        ("getxattrat", 464),  // 6.13
        ("listxattrat", 465),  // 6.13
        ("removexattrat", 466),  // 6.13
        ("open_tree_attr", 467),  // 6.15
        ("file_getattr", 468),  // 6.17
        ("file_setattr", 469),  // 6.17
    ]

    /// Of x86_64 and x32 only: what a traced process runs where a probe was put; the kernel puts them there.
    static let x86_64: [(name: String, number: UInt32)] = [
        ("uretprobe", 335),  // 6.11
        ("uprobe", 336),  // 6.18
    ]
}
