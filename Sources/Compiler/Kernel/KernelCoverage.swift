public import Policy

/// By which hook, system call or capability the agent's programs enforce each access and operation, and what they cannot.
public enum KernelCoverage {
    /// What enforces one access, operation or section.
    public struct Mechanism: Hashable, Sendable {
        public var extent: Coverage.Extent
        /// The hooks on every kernel that is supported, separated by commas; what stands in parentheses behind one says when
        /// it counts: of `capable`, the capability and the calls that ask for it.
        public var hooks: String
        /// Those on 6.1, in place of `hooks`.
        public var older: String?
        /// What is not enforced.
        public var limit: String?

        static func full(_ hooks: String, older: String? = nil) -> Self {
            Self(extent: .full, hooks: hooks, older: older)
        }

        static func partial(_ hooks: String, older: String? = nil, limit: String) -> Self {
            Self(extent: .partial, hooks: hooks, older: older, limit: limit)
        }

        static func none(_ limit: String) -> Self { Self(extent: .none, hooks: "", limit: limit) }

        /// `file_open, path_truncate (6.1: file_open); not seen: …`
        public var text: String {
            var text = hooks
            if let older { text += " (6.1: \(older))" }
            if let limit { text += text.isEmpty ? limit : "; \(limit)" }
            return text
        }
    }

    /// What enforces an access to files.
    public static func mechanism(of access: FileAccess) -> Mechanism {
        switch access {
        case .read: .full("file_open, file_receive, path_notify")
        case .write: .full("file_open, file_receive, path_truncate")
        case .create: .full("path_mknod, path_mkdir, path_symlink, path_link, path_rename")
        case .remove: .full("path_unlink, path_rmdir, path_rename")
        case .execute: .full("file_open (of execve)")
        case .map: .full("mmap_file, file_mprotect")
        case .metadata:
            .full(
                "path_chmod, path_chown, inode_setattr, inode_setxattr, inode_removexattr, inode_set_acl, "
                    + "inode_remove_acl, file_ioctl (file flags), file_ioctl_compat, mnt_want_write (the mount), "
                    + "mnt_want_write_file, mnt_get_write_access",
                older: "path_chmod, path_chown, inode_setattr, inode_setxattr (ACLs too), inode_removexattr, "
                    + "file_ioctl (file flags), mnt_want_write (the mount), mnt_want_write_file")
        case .link: .full("path_link")
        case .device: .full("path_mknod")
        }
    }

    /// What enforces an access to sockets.
    public static func mechanism(of access: NetworkAccess) -> Mechanism {
        switch access {
        case .connect:
            .full(
                "socket_connect, socket_sendmsg, socket_setsockopt (source routes), unix_stream_connect, unix_may_send"
            )
        case .bind: .full("socket_bind, path_mknod (of a unix path)")
        case .listen: .full("socket_listen")
        }
    }

    /// What enforces `families`.
    public static let families = Mechanism.full("socket_create")

    /// What enforces a capability.
    public static let capabilities = Mechanism.full("capable")

    /// What enforces an operation.
    public static func mechanism(of operation: Operation) -> Mechanism {
        switch operation {
        case .mount:
            .full(
                "sb_mount, sb_umount, sb_pivotroot, move_mount, capable (sys_admin: open_tree, move_mount, fsopen, "
                    + "fsconfig, fsmount, fspick, mount_setattr, open_tree_attr, mount, umount2, pivot_root)")
        case .chroot: .full("path_chroot")
        case .namespace:
            .full("userns_create, capable (sys_admin: unshare, setns, clone, clone3), file_open (of nsfs)")
        case .terminalInjection: .full("file_ioctl, file_ioctl_compat", older: "file_ioctl")
        case .ptrace: .full("ptrace_access_check, ptrace_traceme")
        case .bpf: .full("bpf")
        case .module: .full("kernel_read_file, kernel_load_data, capable (sys_module)")
        case .kexec:
            .full("kernel_read_file, kernel_load_data, capable (sys_boot: kexec_load, kexec_file_load)")
        case .rawIO: .full("capable (sys_rawio)")
        case .kernelHelper:
            .full(
                "file_open (of the files that name such programs), file_receive, path_truncate, path_mknod, path_unlink, "
                    + "path_rename, path_link")
        case .subvolume: .full("file_ioctl, file_ioctl_compat", older: "file_ioctl")
        case .signal:
            .partial(
                "task_kill, file_fcntl (F_SETOWN, F_SETSIG), file_ioctl",
                limit: "cgroup.kill and a terminal's other end are files")
        case .ipc:
            .partial(
                "ipc_permission, msg_queue_msgctl, shm_shmctl, sem_semctl",
                limit: "POSIX shared memory is files; a POSIX queue is a file that is unresolved")
        case .reboot: .full("capable (sys_boot)")
        case .swap: .full("capable (sys_admin: swapon, swapoff)")
        case .quota: .full("quotactl")
        case .time: .full("settime, capable (sys_time)")
        case .syslog: .full("syslog")
        case .perf: .full("perf_event_open")
        case .keyring: .full("key_alloc, key_permission")
        case .ioUring: .full("inode_init_security_anon, uring_sqpoll, uring_cmd")
        case .userfaultfd: .full("inode_init_security_anon")
        case .rawSocket: .full("socket_create")
        case .setuid:
            .full("task_fix_setuid, task_fix_setgid, task_fix_setgroups, bprm_creds_from_file (set-id files)")
        case .writableCode: .full("mmap_file, file_mprotect")
        case .anonymousExec: .full("file_open (of execve), mmap_file, file_mprotect")
        }
    }

    /// What to do where system calls are to be filtered.
    private static let syscallLimit =
        "a filter cannot be put on a process from outside: use 'swguard run', or the drop-in of "
        + "'swguard export systemd'"

    /// What will be enforced of `policy`, rule by rule.
    ///
    /// - Parameter isRun: `swguard run` brings it, which filters system calls by itself.
    public static func coverage(of policy: Policy, isRun: Bool = false) -> Coverage {
        var coverage = Coverage()
        func row(_ section: String, _ subject: String, _ location: SourceLocation?, _ mechanism: Mechanism) {
            coverage.rows.append(
                .init(
                    section: section, subject: subject, location: location, extent: mechanism.extent,
                    layers: mechanism.extent == .none ? [] : [.lsm], mechanism: mechanism.text))
        }
        if let files = policy.files {
            for rule in files.rules {
                row(
                    "files", rule.header.id, rule.header.location,
                    combined(rule.decidedAccesses.members.map { mechanism(of: $0) }, by: "by path"))
                if rule.header.verdict == .deny, rule.patterns.contains(where: { isBindable($0.value) }) {
                    coverage.findings.append(
                        .init(
                            .gap, section: "files", subject: rule.header.id, location: rule.header.location,
                            text: isRun
                                ? "denied by its path alone: a hard link or a bind mount of it is another name"
                                : "bound in the directory that is there when loaded: where that is replaced or made later, what "
                                    + "comes under the name is denied by its path alone"
                        ))
                }
            }
            row("files", "files.default", files.location, .full("by path"))
            for access in FileAccess.allCases { row("files", access.name, nil, mechanism(of: access)) }
        }
        if let network = policy.network {
            for rule in network.rules {
                row(
                    "network", rule.header.id, rule.header.location,
                    combined(rule.accesses.members.map { mechanism(of: $0) }, by: "by address and name"))
            }
            row("network", "network.default", network.location, .full("by address and name"))
            row("network", "families", network.location, families)
            for access in NetworkAccess.allCases { row("network", access.name, nil, mechanism(of: access)) }
        }
        if let section = policy.capabilities {
            row("capabilities", "capabilities", section.location, capabilities)
        }
        for operation in Operation.allCases
        where policy.operations != nil || operation.defaultRule == .denied {
            row("operations", operation.name, policy.operations?.location, mechanism(of: operation))
        }
        if let section = policy.syscalls, !isRun {
            row("syscalls", "syscalls", section.location, .none(syscallLimit))
            coverage.findings.append(
                .init(
                    .gap, section: "syscalls", subject: "syscalls", location: section.location,
                    text: syscallLimit))
        }
        addGaps(of: policy, to: &coverage)
        return coverage
    }

    /// What a default denies and nothing sees.
    private static func addGaps(of policy: Policy, to coverage: inout Coverage) {
        for operation in Operation.allCases where !KernelPolicy.grants(operation, in: policy) {
            let mechanism = mechanism(of: operation)
            guard let limit = mechanism.limit else { continue }
            coverage.findings.append(
                .init(
                    .gap, section: "operations", subject: operation.name,
                    location: policy.operations?.location,
                    text: limit))
        }
        guard let files = policy.files else { return }
        for access in FileAccess.allCases {
            guard let limit = mechanism(of: access).limit else { continue }
            coverage.findings.append(
                .init(
                    .gap, section: "files", subject: access.name, location: files.location, text: limit))
        }
    }

    /// The least of several extents; the hooks stand in the rows of the accesses.
    private static func combined(_ mechanisms: [Mechanism], by what: String) -> Mechanism {
        let isFull = mechanisms.allSatisfy { $0.extent == .full }
        return isFull ? .full(what) : .partial(what, limit: "see the accesses below")
    }

    /// Whether a deny of the pattern is to protect the object itself.
    private static func isBindable(_ pattern: PathPattern) -> Bool {
        pattern.isLiteral || pattern.literalSubtree != nil
    }

    /// One section of a policy as a whole.
    public struct Section: Hashable, Sendable {
        public var name: String
        public var extent: Coverage.Extent
        public var gaps: [String]
    }

    /// The sections of `policy`, as the audit log says them.
    public static func sections(of policy: Policy, isRun: Bool = false) -> [Section] {
        let coverage = coverage(of: policy, isRun: isRun)
        var names: [String] = []
        for row in coverage.rows where !names.contains(row.section) { names.append(row.section) }
        return names.map { name in
            let rows = coverage.rows.filter { $0.section == name }
            let gaps = coverage.findings.filter { $0.section == name }
            let isNone = rows.allSatisfy { $0.extent == .none }
            return Section(
                name: name, extent: isNone ? .none : gaps.isEmpty ? .full : .partial,
                gaps: gaps.map { "\($0.subject): \($0.text)" })
        }
    }
}
