import Foundation

extension Request {
    /// Every operation of the language, by every kind of call that asks for it.
    static let operations: [Request] = [
        // mount
        starred("mount", "mount", ["mount-briefly", "DIR"]),
        starred("mount", "umount2", ["umount", "/etc"], otherwise: EINVAL),
        starred(
            "mount", "move_mount", ["call", "429", "-1", "0", "-1", "0", "0x80000000"], otherwise: EINVAL),
        starred("mount", "open_tree", ["open-tree", "/"]),
        starred("mount", "fsopen", ["fsopen"]),
        starred("mount", "fsmount", ["call", "432", "-1", "0xff"], otherwise: EINVAL),
        starred("mount", "fspick", ["call", "433", "-100", "0", "0xff000000"], otherwise: EINVAL),
        starred("mount", "mount_setattr", ["mount-attributes", "/"]),
        starred("mount", "pivot_root", ["call", "155", "0", "0"], otherwise: EFAULT),
        // chroot
        starred("chroot", "chroot", ["chroot", "/"]),
        // namespace
        starred("namespace", "unshare of users", ["unshare"]),
        starred("namespace", "unshare of mounts", ["unshare-mounts"]),
        starred("namespace", "clone", ["call", "56", "0x04000011"]),
        starred("namespace", "clone of users", ["clone"]),
        starred("namespace", "clone3 of users", ["clone3"]),
        starred("namespace", "opening nsfs", ["setns"]),
        starred("namespace", "setns by a process", ["setns-of-process", "TARGET"], besides: ["ptrace"]),
        // terminal-injection
        starred("terminal-injection", "TIOCSTI", ["inject"]),
        starred("terminal-injection", "TIOCSTI, nowhere", ["tiocsti"], otherwise: ENOTTY),
        starred("terminal-injection", "TIOCLINUX, nowhere", ["tioclinux"], otherwise: ENOTTY),
        // ptrace
        starred("ptrace", "PTRACE_SEIZE", ["call", "101", "0x4206", "TARGET", "0", "0"]),
        starred("ptrace", "process_vm_readv", ["read-memory", "TARGET", "0"], otherwise: EFAULT),
        starred("ptrace", "pidfd_getfd", ["pidfd-getfd", "TARGET"]),
        starred("ptrace", "/proc/<n>/mem", ["proc-memory", "TARGET"], errno: EACCES),
        // bpf
        starred("bpf", "bpf", ["call", "321", "0", "0", "0"], otherwise: EINVAL),
        // module
        starred("module", "delete_module", ["call", "176", "0", "0"], otherwise: EFAULT),
        starred("module", "init_module", ["call", "175", "0", "0", "0"], otherwise: ENOEXEC),
        starred("module", "finit_module", ["call", "313", "0", "0", "0"], otherwise: EINVAL),
        // kexec
        starred("kexec", "kexec_load", ["call", "246", "0", "0", "0", "0xffff"], otherwise: EINVAL),
        starred(
            "kexec", "kexec_file_load", ["call", "320", "-1", "-1", "0", "0", "0xffff"], otherwise: EINVAL),
        // raw-io
        starred("raw-io", "ioperm", ["call", "173", "0x80", "1", "1"]),
        starred("raw-io", "iopl", ["call", "172", "3"]),
        // kernel-helper
        starred("kernel-helper", "core_pattern", ["write", "/proc/sys/kernel/core_pattern"]),
        starred("kernel-helper", "modprobe", ["write", "/proc/sys/kernel/modprobe"]),
        // subvolume
        starred(
            "subvolume", "BTRFS_IOC_SUBVOL_CREATE", ["call", "16", "0", "0x5000940e", "0"], otherwise: ENOTTY),
        starred(
            "subvolume", "BTRFS_IOC_SNAP_DESTROY_V2", ["call", "16", "0", "0x5000943f", "0"],
            otherwise: ENOTTY),
        // signal
        plain("signal", "kill", ["call", "62", "TARGET", "0"]),
        plain("signal", "tgkill", ["call", "234", "TARGET", "TARGET", "0"]),
        plain("signal", "pidfd_send_signal", ["signal-by-descriptor", "TARGET"]),
        plain("signal", "F_SETOWN", ["call", "72", "0", "8", "TARGET"]),
        plain("signal", "F_SETOWN of a group", ["call", "72", "0", "8", "-1"]),
        plain("signal", "F_SETOWN_EX", ["call", "72", "0", "15", "0"], otherwise: EFAULT),
        plain("signal", "F_SETSIG", ["call", "72", "0", "10", "9"]),
        plain("signal", "FIOSETOWN", ["call", "16", "0", "0x8901", "0"], otherwise: ENOTTY),
        // ipc
        plain("ipc", "shmat", ["call", "30", "SHM", "0", "0x1000"], errno: EACCES),
        plain("ipc", "shmctl", ["call", "31", "SHM", "11", "0"]),
        plain("ipc", "semctl", ["call", "66", "SEM", "0", "12", "0"], errno: EACCES),
        // IPC_STAT, to nowhere
        plain("ipc", "msgctl", ["call", "71", "MSG", "2", "0"], errno: EACCES, otherwise: EFAULT),
        // Whose objects they are is not asked: SHM_STAT_ANY, SEM_STAT_ANY, MSG_STAT_ANY, to nowhere
        plain("ipc", "shmctl of any", ["call", "31", "SHM-INDEX", "15", "0"], otherwise: EFAULT),
        plain("ipc", "semctl of any", ["call", "66", "SEM-INDEX", "0", "20", "0"], otherwise: EFAULT),
        plain("ipc", "msgctl of any", ["call", "71", "MSG-INDEX", "13", "0"], otherwise: EFAULT),
        // reboot, by a command that there is not
        plain(
            "reboot", "reboot", ["call", "169", "0xfee1dead", "672274793", "0xbad", "0"], otherwise: EINVAL),
        // swap
        plain("swap", "swapon", ["call", "167", "0", "0"], otherwise: EFAULT),
        plain("swap", "swapoff", ["call", "168", "0"], otherwise: EFAULT),
        // quota: Q_SYNC of all
        plain("quota", "quotactl", ["call", "179", "0x80000100", "0", "0", "0"]),
        // time
        plain("time", "settimeofday", ["call", "164", "0", "0"]),
        plain("time", "adjtimex", ["adjust-time"]),
        // syslog: SYSLOG_ACTION_SIZE_BUFFER
        plain("syslog", "syslog", ["call", "103", "10", "0", "0"]),
        // perf
        plain("perf", "perf_event_open", ["perf"]),
        // keyring: KEYCTL_GET_KEYRING_ID makes one
        plain("keyring", "add_key", ["add-key"]),
        plain("keyring", "keyctl", ["call", "250", "0", "-2", "1"]),
        // io-uring
        plain("io-uring", "io_uring_setup", ["io-uring"]),
        // userfaultfd
        plain("userfaultfd", "userfaultfd", ["call", "323", "1"]),
        // raw-socket
        plain("raw-socket", "SOCK_RAW", ["raw"]),
        plain("raw-socket", "AF_PACKET", ["packet"]),
        plain("raw-socket", "SCTP by number", ["sctp"], otherwise: EPROTONOSUPPORT),
        plain("raw-socket", "SCTP by type", ["call", "41", "2", "5", "0"], otherwise: ESOCKTNOSUPPORT),
        // setuid
        plain("setuid", "setuid", ["call", "105", "0"]),
        plain("setuid", "setgid", ["call", "106", "0"]),
        plain("setuid", "setgroups", ["call", "116", "0", "0"]),
        plain("setuid", "executing a set-id file", ["execute", "SETID", "nothing"]),
        // writable-code
        granted("writable-code", "mmap", ["writable-code"], errno: EPERM),
        granted("writable-code", "mprotect", ["made-executable"], errno: EPERM),
        // anonymous-exec
        granted(
            "anonymous-exec", "execveat of a memfd", ["memfd-execute", "PROGRAM", "nothing"], errno: EPERM),
        granted("anonymous-exec", "mmap of a memfd", ["memfd-map"], errno: EPERM),
    ]

    /// - Parameter besides: what else the call asks for, always granted.
    private static func operation(
        _ operation: String, _ call: String, _ arguments: [String], _ errno: Int32, _ otherwise: Int32,
        besides: [String] = [], byDefault: Denial?
    ) -> Request {
        let granted = (besides + [operation]).joined(separator: ", ")
        let others = besides.isEmpty ? "" : ", allow: [\(besides.joined(separator: ", "))]"
        let named = Denial(
            sections: "operations: {default: allow\(others), deny: [\(operation)]}",
            rule: "operations.deny[0]")
        return Request(
            name: "\(operation): \(call)", call: arguments,
            granting: "operations: {default: allow, allow: [\(granted)]}",
            denying: [named] + (byDefault.map { [$0] } ?? []), action: "operation.\(operation)",
            errno: errno, otherwise: otherwise)
    }

    /// Denied where the section is absent.
    private static func starred(
        _ name: String, _ call: String, _ arguments: [String], besides: [String] = [], errno: Int32 = EPERM,
        otherwise: Int32 = 0
    ) -> Request {
        operation(
            name, call, arguments, errno, otherwise, besides: besides,
            byDefault: besides.isEmpty ? Denial(sections: "", rule: "operations.default") : nil)
    }

    /// Denied where the section is there.
    private static func plain(
        _ name: String, _ call: String, _ arguments: [String], errno: Int32 = EPERM, otherwise: Int32 = 0
    ) -> Request {
        operation(
            name, call, arguments, errno, otherwise,
            byDefault: Denial(sections: "operations: {allow: []}", rule: "operations.default"))
    }

    /// Granted unless it is denied by name.
    private static func granted(
        _ name: String, _ call: String, _ arguments: [String], errno: Int32
    ) -> Request {
        operation(name, call, arguments, errno, 0, byDefault: nil)
    }
}
