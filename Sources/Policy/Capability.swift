/// The kernel's capabilities, in the kernel's numbering (`include/uapi/linux/capability.h`, 6.18).
public enum Capability: UInt8, CaseIterable, Hashable, Sendable {
    case chown = 0, dac_override, dac_read_search, fowner, fsetid, kill, setgid, setuid, setpcap
    case linux_immutable, net_bind_service, net_broadcast, net_admin, net_raw, ipc_lock, ipc_owner
    case sys_module, sys_rawio, sys_chroot, sys_ptrace, sys_pacct, sys_admin, sys_boot, sys_nice
    case sys_resource, sys_time, sys_tty_config, mknod, lease, audit_write, audit_control, setfcap
    case mac_override, mac_admin, syslog, wake_alarm, block_suspend, audit_read, perfmon, bpf
    case checkpoint_restore

    /// The word that policies use: lower case, without `CAP_`.
    public var name: String { Self.names[Int(rawValue)] }

    /// The capability that policies call `name`.
    public init?(name: some StringProtocol) {
        guard let index = Self.names.firstIndex(where: { $0 == name }) else { return nil }
        self.init(rawValue: UInt8(index))
    }

    /// The names, by number. Written out: what `String(describing:)` does takes longer than reading a policy.
    private static let names = [
        "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
        "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock",
        "ipc_owner",
        "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot",
        "sys_nice",
        "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control",
        "setfcap",
        "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
        "checkpoint_restore",
    ]
}
