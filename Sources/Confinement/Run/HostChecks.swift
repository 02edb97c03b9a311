private import Glibc
internal import Landlock
internal import Seccomp

/// One thing that `doctor` tried.
public struct HostCheck: Sendable {
    /// How it went.
    public enum State: String, Sendable {
        /// It works.
        case good = "ok"
        /// It works in part: some policies are refused or narrowed.
        case partial = "partial"
        /// It does not work: nothing that needs it can be run.
        case missing = "missing"
    }

    public var subject: String
    public var state: State
    /// What was found.
    public var found: String
    /// What to do about it.
    public var advice: String?

    public init(subject: String, state: State, found: String, advice: String? = nil) {
        self.subject = subject
        self.state = state
        self.found = found
        self.advice = advice
    }
}

/// What `doctor` tries.
public enum HostChecks {
    /// Every check, in the order of what `run` needs.
    public static func all() -> [HostCheck] {
        [landlock(), files(), network(), scopes(), seccomp(), notification(), terminal(), cache()]
    }

    private static var features: LandlockFeatures? { LandlockFeatures.probe().features }

    private static func landlock() -> HostCheck {
        let availability = LandlockFeatures.probe()
        guard let features = availability.features else {
            return HostCheck(
                subject: "landlock", state: .missing, found: availability.obstacle ?? "cannot be used",
                advice: "boot a kernel with CONFIG_SECURITY_LANDLOCK=y and 'landlock' in its lsm= list")
        }
        return HostCheck(subject: "landlock", state: .good, found: "ABI \(features.abi)")
    }

    private static func files() -> HostCheck {
        let rights = features?.fileRights ?? []
        let wanted: [(FileRights, String)] = [
            (.refer, "renaming between directories (Linux 5.19)"), (.truncate, "truncation (Linux 6.2)"),
            (.deviceControl, "ioctl on devices (Linux 6.10)"),
        ]
        let lacking = wanted.filter { !rights.contains($0.0) }.map(\.1)
        return HostCheck(
            subject: "files", state: rights.isEmpty ? .missing : lacking.isEmpty ? .good : .partial,
            found: rights.isEmpty
                ? "rules on files cannot be enforced"
                : lacking.isEmpty
                    ? rights.names.joined(separator: ", ") : "without \(lacking.joined(separator: ", "))",
            advice: lacking.isEmpty || rights.isEmpty
                ? nil : "seccomp refuses what is not seen; a newer kernel sees it")
    }

    private static func network() -> HostCheck {
        let hasPorts = features?.networkRights.contains([.bindTCP, .connectTCP]) ?? false
        let hasUnix = features?.fileRights.contains(.resolveUnix) ?? false
        return HostCheck(
            subject: "network", state: !hasPorts ? .missing : hasUnix ? .good : .partial,
            found: !hasPorts ? "no TCP ports" : hasUnix ? "TCP ports, unix sockets by path" : "TCP ports",
            advice: hasUnix
                ? nil
                : hasPorts
                    ? "unix sockets by path need Landlock ABI 9; until then they are refused"
                    : "TCP ports need Landlock ABI 4 (Linux 6.7); until then rules on ports are refused")
    }

    private static func scopes() -> HostCheck {
        let scopes = features?.scopes ?? []
        let isGood = scopes.contains([.signal, .abstractUnixSocket])
        return HostCheck(
            subject: "signals and abstract sockets", state: isGood ? .good : .partial,
            found: isGood ? "can be kept inside" : "cannot be kept inside",
            advice: isGood ? nil : "that needs Landlock ABI 6 (Linux 6.12)")
    }

    private static func seccomp() -> HostCheck {
        let features = SeccompFeatures.probe()
        return HostCheck(
            subject: "seccomp filters", state: features.canKillProcess ? .good : .missing,
            found: features.canKillProcess ? "can be loaded" : "the kernel has none (CONFIG_SECCOMP_FILTER)",
            advice: features.canKillProcess ? nil : "boot a kernel with CONFIG_SECCOMP_FILTER=y")
    }

    private static func notification() -> HostCheck {
        let features = SeccompFeatures.probe()
        let isGood = features.canNotify && features.canContinue
        return HostCheck(
            subject: "reports of denied system calls",
            state: !isGood ? .partial : features.canWaitKillable ? .good : .partial,
            found: !isGood
                ? "none: denied calls fail and nobody is told"
                : features.canWaitKillable ? "by notification" : "by notification, interrupted by signals",
            advice: isGood && features.canWaitKillable
                ? nil : "Linux 5.19 lets a denied call wait for its report through all but fatal signals")
    }

    private static func terminal() -> HostCheck {
        let setting = FileContents.readText("/proc/sys/dev/tty/legacy_tiocsti")
        let isOpen = setting != "0"
        return HostCheck(
            subject: "terminal injection", state: .good,
            found: isOpen
                ? "the kernel allows TIOCSTI; every confined command is refused it" : "the kernel refuses it")
    }

    private static func cache() -> HostCheck {
        let directory = HostEnvironment.read().cacheDirectory
        let isGood = PlanCache(directory) != nil && BuildIdentity.isKnown
        return HostCheck(
            subject: "cache of compiled policies", state: isGood ? .good : .partial,
            found: isGood ? directory ?? "" : "none: each run reads its policies anew",
            advice: isGood
                ? nil : "make \(directory ?? "~/.cache/swguard/1") a directory of your own, mode 0700")
    }
}
