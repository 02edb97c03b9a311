import Compiler
import Policy

/// Random policies, small enough that rules meet.
struct SyscallRandomPolicy {
    var random: SyscallRandom

    init(seed: UInt64) { random = SyscallRandom(seed: seed) }

    private static let names = [
        "openat", "socket", "ioctl", "clone", "clone3", "personality", "prctl", "mmap", "kill", "sendto",
        "fcntl",
        "execve", "ptrace", "read", "exit_group", "mseal", "futex", "keyctl", "openat2", "umask", "lseek",
    ]
    private static let groups = [
        "default", "system-service", "file-system", "network-io", "process", "mount", "known", "privileged",
    ]
    private static let interesting: [UInt64] = [
        0, 1, 2, 10, 16, 38, 39, 40, 41, 0x5412, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000,
        0x1_0000_5412, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, .max, 0x7e02_0000,
    ]

    mutating func condition() -> ArgumentCondition {
        ArgumentCondition(
            argument: Int.random(in: 0..<6, using: &random) % (random.chance(70) ? 3 : 6),
            mask: random.chance(30)
                ? random.pick([
                    0xf, 0xff, 0x8000_0000, 0xffff_ffff, 0xffff_0000_0000, 1 << 40, 0, 0x7e02_0000,
                ])
                : .max,
            comparison: random.pick(ArgumentCondition.Comparison.allCases),
            value: random.chance(90) ? random.pick(Self.interesting) : random.next())
    }

    mutating func rule() -> SyscallRule {
        let verdict: Verdict = random.chance(50) ? .allow : .deny
        var selectors: [SyscallSelector] = []
        var conditions: [ArgumentCondition] = []
        if random.chance(60) {
            for _ in 0...Int.random(in: 0...3, using: &random) {
                let name = random.pick(Self.names)
                selectors.append(random.chance(20) ? .optionalName(name) : .name(name))
            }
            if random.chance(60) {
                for _ in 0...Int.random(in: 0...2, using: &random) { conditions.append(condition()) }
            }
        } else {
            selectors = [random.chance(10) ? .all : .group(random.pick(Self.groups))]
        }
        let action: SyscallAction =
            random.chance(20) ? .kill : .errno(random.pick([1, 1, 13, 38, 95]))
        var rule = SyscallRule.make(verdict, selectors, conditions, action)
        rule.header.log = random.chance(verdict == .deny ? 80 : 20)
        return rule
    }

    mutating func policy(_ name: String) -> Policy {
        var policy = Policy.syscalls(
            (0..<Int.random(in: 0...8, using: &random)).map { _ in rule() },
            default: random.chance(60) ? .deny : .allow,
            architectures: random.chance(30) ? ["x86_64", "i386", "x32"] : [],
            operations: random.chance(50) ? .everything : nil)
        policy.name = name
        if random.chance(15) { policy.syscalls = nil }
        if random.chance(30) {
            policy.operations = ListSection(
                defaultVerdict: random.chance(50) ? .deny : .allow,
                entries: (0..<4).map { _ in
                    .entry(random.chance(50) ? .allow : .deny, random.pick(Operation.allCases))
                }, location: syscallPlace())
        }
        if random.chance(15) { policy.mode = .complain }
        return policy
    }

    mutating func inputs(_ name: String) -> SyscallLayerInputs {
        var inputs = SyscallLayerInputs(
            policy: policy(name), restrictsTruncation: random.chance(10), ptraceByLandlock: random.chance(80),
            signalByLandlock: random.chance(80))
        if random.chance(40) { inputs.sockets = sockets() }
        return inputs
    }

    mutating func sockets() -> SocketRestrictions {
        var sockets = SocketRestrictions()
        let cause = DecidingRule(id: "network.default", location: syscallPlace())
        if random.chance(50) {
            sockets.families = [
                SocketFamily(name: "unix", number: 1), SocketFamily(name: "inet", number: 2),
                SocketFamily(name: "inet6", number: 10),
                SocketFamily(name: "netlink:route", number: 16, protocolNumber: 0),
            ].filter { _ in random.chance(70) }
            sockets.familiesCause = DecidingRule(id: "network.families", location: syscallPlace())
        }
        if random.chance(30) { sockets.refusesUnix = cause }
        if random.chance(50) { sockets.refusesDatagram = cause }
        if random.chance(30) { sockets.refusesStream = cause }
        if random.chance(50) { sockets.refusesOtherProtocols = cause }
        if random.chance(50) { sockets.refusesMultipathTCP = cause }
        if random.chance(50) { sockets.refusesFastOpen = cause }
        if random.chance(50) { sockets.refusesListen = cause }
        return sockets
    }
}
