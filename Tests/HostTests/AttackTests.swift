import Foundation
import Glibc
import Testing

/// Every way around a policy that is known, tried for real: allowed without a policy, stopped with one.
///
/// The attacks are in `Tests/attacks`; each exits with the errno that stopped it, or 128 + the signal.
@Suite(.serialized) struct AttackTests {
    static let killed: Int32 = 128 + SIGSYS

    /// What a policy says, the attack, and how it must end.
    struct Case: CustomTestStringConvertible, Sendable {
        var attack: String
        var arguments: [String] = []
        var stops: Set<Int32>
        /// Whether the attack works here without a policy: otherwise the test would prove nothing.
        var worksUnconfined = true
        var testDescription: String { ([attack] + arguments).joined(separator: " ") }
    }

    // MARK: the filter

    static let filterCases: [Case] = [
        // Another ABI gives numbers another meaning.
        Case(attack: "int80-mkdir", arguments: ["SCRATCH/granted/new"], stops: [killed]),
        Case(attack: "int80-socketcall", stops: [killed]),
        Case(attack: "int80-getpid", stops: [killed]),
        Case(attack: "x32-getppid", stops: [killed], worksUnconfined: false),
        // Namespaces, by every call that makes or enters one.
        Case(attack: "unshare", stops: [EPERM]),
        Case(attack: "setns", stops: [EPERM], worksUnconfined: false),
        Case(attack: "clone", stops: [EPERM]),
        Case(attack: "clone3", stops: [ENOSYS]),
        Case(attack: "mount", arguments: ["SCRATCH/granted"], stops: [EPERM], worksUnconfined: false),
        Case(attack: "umount", arguments: ["/proc"], stops: [EPERM], worksUnconfined: false),
        Case(attack: "fsopen", stops: [EPERM], worksUnconfined: false),
        Case(attack: "open-tree", arguments: ["/"], stops: [EPERM], worksUnconfined: false),
        Case(attack: "pivot-root", arguments: ["SCRATCH/granted"], stops: [EPERM], worksUnconfined: false),
        Case(attack: "chroot", arguments: ["SCRATCH/granted"], stops: [EPERM], worksUnconfined: false),
        // What io_uring does passes no filter.
        Case(attack: "io-uring", stops: [EPERM], worksUnconfined: false),
        // The upper half of a 32-bit argument is ignored by the kernel, and must be by the filter.
        Case(attack: "tiocsti", stops: [EPERM], worksUnconfined: false),
        Case(attack: "tiocsti-wide", stops: [EPERM], worksUnconfined: false),
        Case(attack: "tioclinux", stops: [EPERM], worksUnconfined: false),
        Case(attack: "unix-wide", stops: [EACCES]),
    ]

    @Test(arguments: filterCases) func `a call that the policy denies`(_ attack: Case) throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            """
            files: { rules: [{ allow: all, paths: ["\(scratch.path)/granted/**"] }, { allow: [read, execute, map], paths: ["\(Swguard.attacks)", "/proc/**"] }] }
            network: {}
            syscalls: { default: allow }
            """)
        try expect(attack, stoppedBy: policy, in: scratch)
    }

    // MARK: files

    static let fileCases: [Case] = [
        Case(attack: "read", arguments: ["SCRATCH/secret/key"], stops: [EACCES]),
        Case(attack: "openat2", arguments: ["SCRATCH/secret/key"], stops: [EACCES]),
        // Access mode 3 asks for both, and Landlock for nothing. What openat2 asks for no filter sees; what it gives
        // is a descriptor that is for neither.
        Case(attack: "open-both", arguments: ["SCRATCH/secret/key"], stops: [EACCES]),
        Case(attack: "openat2-both", arguments: ["SCRATCH/secret/key"], stops: [EBADF, EACCES]),
        Case(attack: "read", arguments: ["SCRATCH/granted/link-to-key"], stops: [EACCES]),
        Case(attack: "read", arguments: ["/proc/self/root/SCRATCH/secret/key"], stops: [EACCES]),
        Case(attack: "reopen", arguments: ["SCRATCH/secret/key"], stops: [EACCES]),
        Case(
            attack: "handle", arguments: ["SCRATCH/secret/key"], stops: [EPERM, EACCES],
            worksUnconfined: false),
        Case(attack: "thread-read", arguments: ["SCRATCH/secret/key"], stops: [EACCES]),
        Case(attack: "daemon-read", arguments: ["SCRATCH/secret/key"], stops: [EACCES]),
        Case(attack: "list", arguments: ["SCRATCH/secret"], stops: [EACCES]),
        Case(attack: "write", arguments: ["SCRATCH/secret/key"], stops: [EACCES]),
        Case(attack: "append", arguments: ["SCRATCH/readable/file"], stops: [EACCES]),
        Case(attack: "truncate", arguments: ["SCRATCH/readable/file"], stops: [EACCES]),
        Case(attack: "open-truncate", arguments: ["SCRATCH/readable/file"], stops: [EACCES]),
        Case(attack: "create", arguments: ["SCRATCH/readable/new"], stops: [EACCES]),
        Case(attack: "mkdir", arguments: ["SCRATCH/readable/new"], stops: [EACCES]),
        Case(attack: "mkdirat", arguments: ["SCRATCH/readable/new"], stops: [EACCES]),
        Case(
            attack: "io-uring-mkdir", arguments: ["SCRATCH/readable/new"], stops: [EACCES, EPERM],
            worksUnconfined: false),
        Case(attack: "unlink", arguments: ["SCRATCH/readable/file"], stops: [EACCES]),
        Case(attack: "symlink", arguments: ["x", "SCRATCH/readable/new"], stops: [EACCES]),
        Case(
            attack: "mknod", arguments: ["SCRATCH/readable/new"], stops: [EACCES, EPERM],
            worksUnconfined: false),
        // Names that would give what the old name did not.
        Case(
            attack: "link", arguments: ["SCRATCH/secret/key", "SCRATCH/granted/key"], stops: [EACCES, EXDEV]),
        Case(
            attack: "rename", arguments: ["SCRATCH/secret/key", "SCRATCH/granted/key"],
            stops: [EACCES, EXDEV]),
        Case(
            attack: "rename", arguments: ["SCRATCH/secret", "SCRATCH/granted/secret"], stops: [EACCES, EXDEV]),
        Case(
            attack: "exchange", arguments: ["SCRATCH/secret/key", "SCRATCH/granted/file"],
            stops: [EACCES, EXDEV]),
        Case(
            attack: "tmpfile-link", arguments: ["SCRATCH/granted", "SCRATCH/readable/new"],
            stops: [EACCES, EXDEV]),
        Case(attack: "execute", arguments: ["/usr/bin/true"], stops: [EACCES]),
        Case(attack: "inherited-descriptor", arguments: ["77"], stops: [EBADF], worksUnconfined: false),
    ]

    @Test(arguments: fileCases) func `a file that the policy denies`(_ attack: Case) throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            """
            files:
              rules:
                - { allow: [read, write, create, remove, link, metadata], paths: ["\(scratch.path)/granted/**"] }
                - { allow: [read], paths: ["\(scratch.path)/readable/**", "/proc/**"] }
                - { allow: [read, execute, map], paths: ["\(Swguard.attacks)"] }
            """)
        try expect(attack, stoppedBy: policy, in: scratch)
    }

    // MARK: sockets

    static let socketCases: [Case] = [
        Case(attack: "udp", stops: [EACCES]),
        Case(attack: "udp6", stops: [EACCES], worksUnconfined: false),
        Case(attack: "udplite", stops: [EACCES], worksUnconfined: false),
        Case(attack: "raw", stops: [EACCES, EPERM], worksUnconfined: false),
        Case(attack: "ping", stops: [EACCES, EPERM], worksUnconfined: false),
        Case(attack: "packet", stops: [EACCES, EPERM], worksUnconfined: false),
        Case(attack: "sctp", stops: [EACCES, EPERM], worksUnconfined: false),
        Case(attack: "mptcp", stops: [EACCES, EPERM], worksUnconfined: false),
        Case(attack: "netlink-audit", stops: [EACCES], worksUnconfined: false),
        Case(attack: "alg", stops: [EACCES], worksUnconfined: false),
        Case(attack: "vsock", stops: [EACCES], worksUnconfined: false),
        Case(attack: "unix", stops: [EACCES]),
        // A pair of datagram sockets can be sent to any name: the wish to leave pairs alone must not open that.
        Case(attack: "pair-sendto", arguments: ["/nonexistent"], stops: [EACCES], worksUnconfined: false),
        Case(attack: "connect", arguments: ["9"], stops: [EACCES], worksUnconfined: false),
        Case(attack: "connect-mapped", arguments: ["9"], stops: [EACCES], worksUnconfined: false),
        Case(attack: "connect-unspecified", arguments: ["9"], stops: [EACCES], worksUnconfined: false),
        Case(attack: "fast-open", arguments: ["9"], stops: [EACCES, EPERM], worksUnconfined: false),
        Case(attack: "fast-open-message", arguments: ["9"], stops: [EACCES, EPERM], worksUnconfined: false),
        Case(attack: "bind", arguments: ["9999"], stops: [EACCES]),
        // A program that says it is a 32-bit one is the same to the filter.
        Case(attack: "linux32-socket", stops: [EACCES]),
    ]

    @Test(arguments: socketCases) func `a socket that the policy denies`(_ attack: Case) throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            #"network: { rules: [{ allow: [connect], endpoints: ["tcp:*:443"] }] }"#)
        try expect(attack, stoppedBy: policy, in: scratch)
    }

    @Test func `a stream socketpair is never denied`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("network: { families: [] }")
        let outcome = try Swguard.run(["run", "--policy", policy, "--", Swguard.attacks, "pair-stream"])
        #expect(outcome.status == 0, "\(outcome)")
    }

    // MARK: other processes

    /// Advice on another's memory takes a capability that only root has.
    static let processAttacks =
        [
            "ptrace", "read-memory", "write-memory", "proc-memory", "memory-map", "environment", "compare",
            "pidfd-getfd", "read-by-descriptor", "signal",
        ] + (geteuid() == 0 ? ["advise-memory"] : [])

    @Test(arguments: processAttacks)
    func `a process that is not confined`(_ attack: String) throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            """
            files: { rules: [{ allow: [read, write], paths: [/proc/**, /dev/null] }, { allow: [read, execute, map], paths: ["\(Swguard.attacks)"] }] }
            operations: {}
            """)
        let victim = try Self.victim()
        defer { victim.terminate() }
        let pid = String(victim.processIdentifier)
        let address = try #require(Self.writableAddress(of: pid))
        let unconfined = try Swguard.command([Swguard.attacks, attack, pid, address])
        #expect(unconfined.status == 0, "works unconfined: \(unconfined)")
        let confined = try Swguard.run([
            "run", "--policy", policy, "--", Swguard.attacks, attack, pid, address,
        ])
        #expect([EPERM, EACCES].contains(confined.status), "\(confined)")
    }

    @Test func `the root of a process that is not confined leads to nothing denied`() throws {
        let scratch = try Scratch()
        let key = try scratch.write("secret/key")
        let policy = try scratch.policy(
            """
            files: { rules: [{ allow: [read], paths: [/proc/**] }, { allow: [read, execute, map], paths: ["\(Swguard.attacks)"] }] }
            """)
        let victim = try Self.victim()
        defer { victim.terminate() }
        let attempt = [Swguard.attacks, "read-by-root", String(victim.processIdentifier), key]
        #expect(try Swguard.command(attempt).status == 0)
        #expect(try Swguard.run(["run", "--policy", policy, "--"] + attempt).status == EACCES)
    }

    /// A process of the same user, outside; nothing is its standard input.
    private static func victim() throws -> Process {
        let victim = Process()
        victim.executableURL = URL(fileURLWithPath: "/bin/sleep")
        victim.arguments = ["30"]
        victim.standardInput = FileHandle.nullDevice
        try victim.run()
        return victim
    }

    /// Where the process has memory of its own, in hexadecimal.
    private static func writableAddress(of pid: String) -> String? {
        var found: String?
        // There is one when the program has begun, not before.
        _ = RunHarness.eventually {
            let maps = (try? String(contentsOfFile: "/proc/\(pid)/maps", encoding: .utf8)) ?? ""
            found = maps.split(separator: "\n").first { $0.hasSuffix("[heap]") }.map {
                String($0.prefix { $0 != "-" })
            }
            return found != nil
        }
        return found
    }

    // MARK: code

    @Test(arguments: ["writable-code", "made-executable", "read-implies-exec", "read-implies-exec-wide"])
    func `memory that is written and executed`(_ attack: String) throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("operations: { deny: [writable-code, anonymous-exec] }")
        let case_ = Case(attack: attack, stops: [EPERM])
        try expect(case_, stoppedBy: policy, in: scratch)
    }

    @Test func `a program that has no file`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("operations: { deny: [writable-code, anonymous-exec] }")
        try expect(
            Case(attack: "memfd-execute", arguments: ["/usr/bin/true"], stops: [EPERM, EACCES]),
            stoppedBy: policy,
            in: scratch)
    }

    // MARK: the check

    private func expect(_ attack: Case, stoppedBy policy: String, in scratch: Scratch) throws {
        let arguments = attack.arguments.map { $0.replacing("SCRATCH", with: scratch.path) }
        try lay(out: scratch)
        if attack.worksUnconfined {
            let free = try Swguard.command([Swguard.attacks, attack.attack] + arguments)
            #expect(free.status == 0, "unconfined it must work: \(free)")
            try lay(out: scratch)
        }
        let confined = try Swguard.run(
            ["run", "--policy", policy, "--", Swguard.attacks, attack.attack] + arguments)
        #expect(attack.stops.contains(confined.status), "\(confined)")
    }

    /// What the attacks go for, as before any of them.
    private func lay(out scratch: Scratch) throws {
        for directory in ["granted", "readable", "secret"] {
            try? FileManager.default.removeItem(atPath: "\(scratch.path)/\(directory)")
        }
        try scratch.write("secret/key")
        try scratch.write("readable/file")
        try scratch.write("granted/file")
        try FileManager.default.createSymbolicLink(
            atPath: "\(scratch.path)/granted/link-to-key", withDestinationPath: "\(scratch.path)/secret/key")
    }
}
