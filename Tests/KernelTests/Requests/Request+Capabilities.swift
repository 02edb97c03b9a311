import Foundation

extension Request {
    /// Capabilities, by calls that ask for one and nothing else.
    static let capabilities: [Request] = [
        capability("chown", ["chown", "FILE"]),
        capability("fowner", ["chmod", "OTHERS"]),
        capability("dac_override", ["write", "CLOSED"], errno: EACCES),
        capability("kill", ["call", "62", "NOBODY", "0"]),
        capability("net_bind_service", ["endpoint-bind", "tcp", "127.0.0.1", "80"], errno: EACCES),
        capability("net_raw", ["raw"]),
        // sethostname of a size that there is not
        capability("sys_admin", ["call", "170", "0", "-1"], otherwise: EINVAL),
        // setpriority
        capability("sys_nice", ["call", "141", "0", "0", "-5"], errno: EACCES),
        capability("sys_chroot", ["chroot", "/"]),
        capability("sys_time", ["call", "164", "0", "0"]),
        capability("sys_boot", ["call", "169", "0xfee1dead", "672274793", "0xbad", "0"], otherwise: EINVAL),
        capability("sys_module", ["call", "176", "0", "0"], otherwise: EFAULT),
        capability("sys_rawio", ["call", "172", "3"]),
        capability("mknod", ["make-device", "DEVICE"]),
        capability("setuid", ["call", "105", "65534"]),
        capability("setgid", ["call", "106", "65534"]),
        // PR_CAPBSET_DROP
        capability("setpcap", ["call", "157", "24", "0"]),
        // SYSLOG_ACTION_SIZE_UNREAD
        // The kernel takes sys_admin in its place, before 6.2.
        capability("syslog", ["call", "103", "9", "0", "0"], besides: ["sys_admin"]),
        // timerfd_create(CLOCK_REALTIME_ALARM)
        capability("wake_alarm", ["call", "283", "8", "0"]),
        // acct(NULL)
        capability("sys_pacct", ["call", "163", "0"]),
        // vhangup
        capability("sys_tty_config", ["call", "153"]),
    ]

    private static func capability(
        _ name: String, _ call: [String], besides: [String] = [], errno: Int32 = EPERM, otherwise: Int32 = 0
    ) -> Request {
        // The operations that such calls are besides.
        let operations = "operations: {default: allow, allow: [chroot, module, raw-io]}"
        return Request(
            name: "capability \(name)", call: call,
            granting: "capabilities: {allow: [\(name)]}\n\(operations)",
            denying: [
                Denial(
                    sections:
                        "capabilities: {default: allow, deny: [\(([name] + besides).joined(separator: ", "))]}\n\(operations)",
                    rule: "capabilities.deny[0]"),
                Denial(sections: "capabilities: {allow: []}\n\(operations)", rule: "capabilities.default"),
            ], action: "capability.\(name)", errno: errno, otherwise: otherwise)
    }
}
