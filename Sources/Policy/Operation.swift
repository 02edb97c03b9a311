/// What the kernel does that has no object name: the language page's operations table.
public enum Operation: String, CaseIterable, Hashable, Sendable {
    case mount
    case chroot
    case namespace
    case terminalInjection = "terminal-injection"
    case ptrace
    case bpf
    case module
    case kexec
    case rawIO = "raw-io"
    case kernelHelper = "kernel-helper"
    case subvolume
    case signal
    case ipc
    case reboot
    case swap
    case quota
    case time
    case syslog
    case perf
    case keyring
    case ioUring = "io-uring"
    case userfaultfd
    case rawSocket = "raw-socket"
    case setuid
    case writableCode = "writable-code"
    case anonymousExec = "anonymous-exec"

    /// When an operation that no list names is denied.
    public enum Default: Sendable {
        /// Denied to every confined process, also where the section is absent (`*` in the table): it would
        /// change what paths mean, or hand the caller a process or a kernel that is not confined.
        case denied
        /// Denied where the section is present.
        case sectionDefault
        /// Granted (`†` in the table): programs that compile while they run need it.
        case granted
    }

    /// The word that policies use.
    public var name: String { rawValue }

    /// When it is denied unless listed.
    public var defaultRule: Default {
        switch self {
        case .mount, .chroot, .namespace, .terminalInjection, .ptrace, .bpf, .module, .kexec, .rawIO,
            .kernelHelper, .subvolume:
            .denied
        case .writableCode, .anonymousExec: .granted
        default: .sectionDefault
        }
    }
}
