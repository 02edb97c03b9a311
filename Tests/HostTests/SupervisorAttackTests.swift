import Foundation
import Testing

/// The supervisor is a process of the same user beside the command: what the command can try against it.
@Suite struct SupervisorAttackTests {
    /// The attack, with the process `parent`, and what must stop it.
    static let attacks: [[String]] = [
        ["ptrace", "parent"], ["read-memory", "parent", "400000"], ["proc-memory", "parent"],
        ["environment", "parent"], ["pidfd-getfd", "parent"], ["signal", "parent"], ["limit", "parent"],
    ]

    @Test(arguments: attacks) func `the supervisor is out of the command's reach`(_ attack: [String]) throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("operations: {}")
        let outcome = try Swguard.run(["run", "--policy", policy, "--", Swguard.attacks] + attack)
        #expect([EPERM, EACCES].contains(outcome.status), "\(outcome)")
    }

    /// Without a word about operations, memory and descriptors are kept all the same: they would be a way out.
    @Test(arguments: attacks.filter { !["signal", "limit"].contains($0[0]) })
    func `the supervisor's memory is kept by every policy`(_ attack: [String]) throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("network: {}")
        let outcome = try Swguard.run(["run", "--policy", policy, "--", Swguard.attacks] + attack)
        #expect([EPERM, EACCES].contains(outcome.status), "\(outcome)")
    }

    /// A tracee's signal is shown to its tracer as a stop, and the supervisor stops as the command does: with SIGUSR1
    /// it ended itself.
    @Test(arguments: [SIGUSR1, SIGTERM, SIGTRAP, SIGSEGV])
    func `a command that makes the supervisor its tracer goes on, and so does the supervisor`(
        _ signal: Int32
    ) throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("operations: {}")
        let outcome = try Swguard.run(
            ["run", "--policy", policy, "--", Swguard.attacks, "trace-me", String(signal)], limit: 20)
        #expect(outcome.status == EPERM, "\(outcome)")
    }

    @Test func `a limit of another process cannot be set, one's own can`() throws {
        let victim = Process()
        victim.executableURL = URL(fileURLWithPath: "/bin/sleep")
        victim.arguments = ["30"]
        try victim.run()
        defer { victim.terminate() }
        let scratch = try Scratch()
        let policy = try scratch.policy("operations: {}")
        let pid = String(victim.processIdentifier)
        let free = try Swguard.command([Swguard.attacks, "limit", pid])
        #expect(free.status == 0, "works unconfined: \(free)")
        let confined = try Swguard.run(["run", "--policy", policy, "--", Swguard.attacks, "limit", pid])
        #expect(confined.status == EPERM, "\(confined)")
        #expect(confined.errors.contains("operation signal by operations.default"), "\(confined)")
        let own = try Swguard.run(["run", "--policy", policy, "--", Swguard.attacks, "limit", "0"])
        #expect(own.status == 0, "\(own)")
    }

    /// The kernel asks the supervisor before it looks at the file: opening the FIFO would wait for a writer.
    @Test func `executing a FIFO does not keep the supervisor waiting`() throws {
        let scratch = try Scratch()
        let fifo = "\(scratch.path)/fifo"
        #expect(mkfifo(fifo, 0o755) == 0)
        chmod(fifo, 0o755)
        let outcome = try Swguard.run(
            [
                "run", "--bare", "--explain", "--exec", scratch.path, "--exec", Swguard.attacks, "--",
                Swguard.attacks,
                "execute", fifo,
            ],
            limit: 20)
        #expect(outcome.status == EACCES, "\(outcome)")
    }

    @Test func `an audit log is not opened through a link that was put in its place`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("network: {}")
        let victim = try scratch.write("profile", "as it was\n")
        try FileManager.default.createSymbolicLink(
            atPath: "\(scratch.path)/audit.jsonl", withDestinationPath: victim)
        let outcome = try Swguard.run(
            ["run", "--policy", policy, "--audit", "\(scratch.path)/audit.jsonl", "--", "/bin/true"])
        #expect(outcome.status == 125, "\(outcome)")
        #expect(outcome.errors.contains("cannot open the audit log"), "\(outcome)")
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "as it was\n")
    }

    @Test func `a path cannot write lines of its own or steer the terminal`() throws {
        let scratch = try Scratch()
        let directory = try scratch.makeDirectory("readable")
        let name = "\(directory)/\u{1b}]0;x\u{07}\nswguard: denied nothing\u{202e}"
        let outcome = try Swguard.run([
            "run", "--bare", "--explain", "--read", directory, "--exec", Swguard.attacks, "--",
            Swguard.attacks,
            "create", name,
        ])
        #expect(outcome.status == EACCES, "\(outcome)")
        let isPlain = outcome.errors.unicodeScalars.allSatisfy {
            $0 == "\n" || ($0.value >= 0x20 && $0.value < 0x7f) || ($0.value >= 0xa0 && $0 != "\u{202e}")
        }
        #expect(isPlain, "\(outcome.errors.unicodeScalars.map { $0.escaped(asASCII: true) }.joined())")
        #expect(!outcome.errors.contains("\nswguard: denied nothing"), "\(outcome)")
        #expect(outcome.errors.contains("create"), "\(outcome)")
    }

    @Test func `a run inside a run only takes away`() throws {
        let scratch = try Scratch()
        let outer = try scratch.policy("operations: {}", name: "outer.yaml")
        let inner = try scratch.policy("operations: { default: allow }", name: "inner.yaml")
        for options in [
            ["--policy", inner], ["--complain", "--policy", inner], ["--exec-only", "--policy", inner],
        ] {
            let outcome = try Swguard.run(
                ["run", "--policy", outer, "--", Swguard.path, "run"] + options + [
                    "--", Swguard.attacks, "unshare",
                ])
            // Complaining needs a listener, and there is one in the tree already.
            #expect([EPERM, 125].contains(outcome.status), "\(options): \(outcome)")
        }
    }

    @Test func `complaining starts the command and denies nothing`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("operations: {}")
        let outcome = try Swguard.run(
            ["run", "--complain", "--policy", policy, "--", Swguard.attacks, "unshare"])
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors.contains("would deny"), "\(outcome)")
    }
}
