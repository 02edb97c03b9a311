import Foundation
import Testing

/// Known mistakes of confinement that no other suite tries for real; and what is not enforced, as documented.
@Suite struct PitfallTests {
    private func attack(_ policy: String, _ attack: String..., input: String? = nil) throws -> Swguard.Outcome
    {
        let scratch = try Scratch()
        let file = try scratch.policy(policy)
        return try Swguard.run(
            ["run", "--policy", file, "--", Swguard.attacks] + attack, input: input)
    }

    // MARK: calls

    /// Calls of mounts that a list made for the older ones leaves out, by number.
    static let mountCalls = [428, 429, 430, 431, 432, 433, 442, 467]

    @Test(arguments: mountCalls) func `no newer call mounts`(_ number: Int) throws {
        #expect(try attack("network: {}", "call", String(number)).status == EPERM)
    }

    @Test(arguments: [425, 426, 427]) func `no call of io_uring is left`(_ number: Int) throws {
        #expect(try attack("network: {}", "call", String(number)).status == EPERM)
    }

    /// glibc falls back to older calls on ENOSYS alone.
    @Test(arguments: [("9999", ENOSYS), ("83", EPERM)])
    func `a call that is not known answers ENOSYS, a known one that is not allowed EPERM`(
        _ number: String, _ code: Int32
    ) throws {
        let policy = "syscalls: { rules: [{ allow: [\"@system-service\"] }, { deny: [mkdir] }] }"
        #expect(try attack(policy, "call", number).status == code)
    }

    @Test func `a rule chooses the error, and kill kills`() throws {
        let chosen = "syscalls: { default: allow, rules: [{ deny: [getsid], action: \"errno:EDOM\" }] }"
        #expect(try attack(chosen, "call", "124").status == EDOM)
        let kill = "syscalls: { default: allow, rules: [{ deny: [getsid], action: kill }] }"
        #expect(try attack(kill, "call", "124").status == AttackTests.killed)
    }

    @Test func `a name that is no call is an error that names the near one`() throws {
        let outcome = try attack("syscalls: { rules: [{ allow: [mkdirr] }] }", "call", "39")
        #expect(outcome.status == 125)
        #expect(outcome.errors.contains("mkdir"), "\(outcome)")
    }

    @Test func `threads are filtered like the process`() throws {
        #expect(try attack("network: {}", "threads", "4").status == EPERM)
    }

    @Test func `no privilege is gained by execve`() throws {
        #expect(try attack("network: {}", "new-privileges").status == EPERM)
    }

    /// Filters add up in every call whose arguments are looked at.
    @Test func `several policies make one filter`() throws {
        let scratch = try Scratch()
        let policies = try (0..<4).flatMap { number in
            ["--policy", try scratch.policy("syscalls: { default: allow }", name: "p\(number).yaml")]
        }
        let status = ["--", "/bin/grep", "-s", "Seccomp_filters", "/proc/self/status"]
        let before = try Swguard.command(Array(status.dropFirst()))
        let number = { (text: String) in Int(text.split(whereSeparator: \.isWhitespace).last ?? "") }
        // Linux before 5.9 does not say.
        guard let outside = number(before.output) else { return }
        for options in [[], ["--exec-only"]] {
            let outcome = try Swguard.run(["run"] + policies + options + status)
            #expect(number(outcome.output) == outside + 1, "\(outcome)")
        }
    }

    /// A ring passes no filter, but Landlock asks in its requests as in calls, whoever makes them.
    @Test(arguments: [
        ["io-uring-open", "SCRATCH/key"], ["io-uring-worker", "SCRATCH/key"],
        ["io-uring-poller", "SCRATCH/key"],
        ["io-uring-mkdir", "SCRATCH/new"], ["io-uring-unlink", "SCRATCH/key"],
        ["io-uring-rename", "SCRATCH/key", "SCRATCH/other"],
    ])
    func `a ring that is allowed does nothing to denied files`(_ attack: [String]) throws {
        let scratch = try Scratch()
        let key = try scratch.write("key")
        let command = [Swguard.attacks] + attack.map { $0.replacing("SCRATCH", with: scratch.path) }
        let free = try Swguard.command(command)
        // Switched off on this host (io_uring_disabled), or no poller for who is nobody: nothing to try.
        guard free.status == 0 else { return }
        _ = try scratch.write("key")
        try? FileManager.default.removeItem(atPath: scratch.path + "/new")
        let policy = try scratch.policy(
            """
            files: { rules: [{ allow: [read, execute, map], paths: ["\(Swguard.attacks)"] }] }
            operations: { default: allow, allow: [io-uring] }
            """)
        // Below Landlock ABI 9 the filter refuses unix sockets, which a ring passes by: refused without the option.
        let outcome = try Swguard.run(["run", "--allow-partial", "--policy", policy, "--"] + command)
        #expect(outcome.status == EACCES, "\(outcome)")
        #expect(FileManager.default.fileExists(atPath: key))
    }

    // MARK: sockets

    /// AF_TIPC (30) has pairs that can be sent to anybody; the others are made before they turn out to have none.
    @Test(arguments: [2, 16, 30, 38, 40]) func `pairs are of a family that is granted`(_ family: Int) throws {
        let policy =
            "network: { families: [unix], rules: [{ allow: all, endpoints: [\"unix:/**\", \"unix:@**\"] }] }"
        #expect(try attack(policy, "pair-family", String(family)).status == EACCES)
        #expect(try attack(policy, "pair-family", "1").status == 0)
    }

    @Test func `a TCP socket stays one`() throws {
        let limited = "network: { rules: [{ allow: [connect], endpoints: [\"tcp:*:443\"] }] }"
        #expect(try attack(limited, "upper-layer", "smc").status == EACCES)
        let open = "network: { rules: [{ allow: all, endpoints: [\"tcp:*:*\"] }] }"
        #expect(try attack(open, "upper-layer", "no-such-protocol").status == ENOENT)
    }

    // MARK: descriptors

    @Test func `no descriptor but the standard ones reaches the command`() throws {
        for options in [[], ["--explain"], ["--exec-only"], ["--audit", "/dev/null"]] {
            let outcome = try Swguard.run(
                ["run", "--bare", "--exec", Swguard.attacks] + options + [
                    "--", Swguard.attacks, "any-descriptor",
                ])
            #expect(outcome.status == EBADF, "\(options): \(outcome)")
        }
    }

    @Test func `a directory that was open gives nothing beneath it`() throws {
        let scratch = try Scratch()
        let directory = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(directory) }
        let run = try RunHarness.start(
            [
                Swguard.path, "run", "--exec", Swguard.attacks, "--bare", "--", Swguard.attacks,
                "mkdir-beneath", "0", "new",
            ], .init(input: directory))
        #expect(run.wait() == .exited(EACCES), "\(run.complaints)")
    }

    // MARK: what is not enforced, and said

    /// A file that was open before keeps its mode: the page says so.
    @Test func `a file that was open stays open`() throws {
        let scratch = try Scratch()
        let file = open(try scratch.write("file"), O_RDWR | O_CLOEXEC)
        defer { close(file) }
        let run = try RunHarness.start(
            [
                Swguard.path, "run", "--exec", Swguard.attacks, "--bare", "--", Swguard.attacks,
                "write-descriptor", "0",
            ], .init(input: file))
        #expect(run.wait() == .exited(0), "\(run.complaints)")
    }

    /// access(2), chmod(2) and inotify pass by Landlock, whatever it denies; the plan names the last two.
    @Test func `what Landlock does not see is done, and stands in the plan`() throws {
        let scratch = try Scratch()
        let secret = try scratch.write("secret/key")
        let policy = try scratch.policy(
            "files: { rules: [{ allow: [read, execute], paths: [\"\(Swguard.attacks)\"] }] }")
        for name in ["access", "chmod", "watch"] {
            let outcome = try Swguard.run(["run", "--policy", policy, "--", Swguard.attacks, name, secret])
            #expect(outcome.status == 0, "\(name): \(outcome)")
        }
        let denied = try Swguard.run(["run", "--policy", policy, "--", Swguard.attacks, "write", secret])
        #expect(denied.status == EACCES, "\(denied)")
        let plan = try Swguard.run(["plan", policy])
        let words = plan.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains("does not see map, metadata"), "\(plan)")
        #expect(words.contains("watching (inotify, fanotify) is not seen"), "\(plan)")
        #expect(try Swguard.run(["plan", "--strict", policy]).status == 1)
    }

    /// A deny of it would be broken in silence.
    @Test(arguments: ["metadata", "map", "link"]) func `a deny that Landlock does not see is refused`(
        _ access: String
    ) throws {
        let outcome = try attack(
            "files: { rules: [{ allow: all, paths: [/srv/**] }, { deny: [\(access)], paths: [/srv/**] }] }",
            "access",
            "/etc/passwd")
        #expect(outcome.status == 125, "\(outcome)")
        #expect(outcome.errors.contains("Landlock does not see \(access)"), "\(outcome)")
    }

    @Test func `what may be read runs all the same, and the plan says so where execute is denied`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy(
            "files: { default: allow, rules: [{ deny: [execute], paths: [/usr/bin/id] }] }")
        let plan = try Swguard.run(["plan", policy])
        let words = plan.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains("denying execute keeps execve from starting it"), "\(plan)")
    }

    /// A file that names a program of the kernel's; as anybody else its own permissions keep it.
    @Test(
        arguments: [
            "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/poweroff_cmd",
            "/sys/kernel/uevent_helper",
        ])
    func `what names a program that the kernel starts is not written`(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        #expect(try attack("network: {}", "write", path).status == EACCES)
    }
}
