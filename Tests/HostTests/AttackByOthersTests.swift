import Foundation
import Glibc
import Testing

/// Ways around a policy that lead through somebody else: a process outside that hands something over, the kernel that
/// writes down a crash, a caller who has prepared the process.
@Suite(.landlock, .serialized) struct AttackByOthersTests {
    private static let attacks = #"{ allow: [read, execute, map], paths: ["\#(Swguard.attacks)"] }"#

    // MARK: descriptors

    @Test func `a descriptor from outside is what its sender opened, and a socket to it must be granted`()
        throws
    {
        let scratch = try Scratch()
        let key = try scratch.write("secret/key")
        let socket = "\(scratch.path)/s"
        let confined = { (network: String, attack: [String]) in
            let policy = try scratch.policy(
                "files: { rules: [\(Self.attacks)] }\nnetwork: { rules: [\(network)] }")
            return try Swguard.run(["run", "--policy", policy, "--", Swguard.attacks] + attack)
        }
        let server = Process()
        server.executableURL = URL(fileURLWithPath: Swguard.attacks)
        server.arguments = ["send-descriptor", socket, key]
        try server.run()
        defer { server.terminate() }
        #expect(RunHarness.eventually { FileManager.default.fileExists(atPath: socket) })

        let rule = #"{ allow: [connect], endpoints: ["unix:\#(socket)"], coarse: true }"#
        #expect(try confined(rule, ["read", key]).status == EACCES)
        // No rule names a unix socket: there is none to be had.
        #expect(try confined("", ["receive-descriptor", socket]).status == EACCES)
        // Landlock looks at what is opened, and this was opened outside: the limit that the README states.
        let received = try confined(rule, ["receive-descriptor", socket])
        #expect(received.status == 0, "\(received)")
    }

    @Test func `a descriptor that is handed over cannot be opened again`() throws {
        let scratch = try Scratch()
        let key = try scratch.write("secret/key")
        let input = open(key, O_RDONLY | O_CLOEXEC)
        defer { close(input) }
        // Standard input stays, whatever it is; by its name in procfs it is asked for like any other.
        let policy = try scratch.policy(
            "files: { rules: [\(Self.attacks), { allow: [read], paths: [/proc/**] }] }")
        let run = try RunHarness.start(
            [Swguard.path, "run", "--policy", policy, "--", Swguard.attacks, "read", "/proc/self/fd/0"],
            .init(input: input))
        #expect(run.wait() == .exited(EACCES), "\(run.complaints)")
    }

    // MARK: crashes

    /// Whether a crash here leaves a file in the directory of the process; elsewhere the host's own program gets it,
    /// which is no process of the command's and cannot be tried without changing the host.
    private static let leavesCore: Bool = {
        let pattern = (try? String(contentsOfFile: "/proc/sys/kernel/core_pattern", encoding: .utf8)) ?? "|"
        var limit = rlimit()
        return !pattern.hasPrefix("|") && !pattern.contains("/")
            && getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 && limit.rlim_max != 0
    }()

    @Test(.enabled("a crash here leaves no file in its directory") { leavesCore })
    func `a crash leaves a core file only where the policy grants one`() throws {
        let scratch = try Scratch()
        let directory = try scratch.makeDirectory("crash")
        let attempt = [Swguard.attacks, "crash", directory]
        let left = { try FileManager.default.contentsOfDirectory(atPath: directory) }
        let clear = {
            for name in try left() { try FileManager.default.removeItem(atPath: "\(directory)/\(name)") }
        }
        #expect(try Swguard.command(attempt).status == 128 + SIGABRT)
        try #require(try left().count == 1, "unconfined there must be one")
        try clear()

        for accesses in ["read", "read, write", "read, create"] {
            let policy = try scratch.policy(
                "files: { rules: [\(Self.attacks), { allow: [\(accesses)], paths: [\"\(directory)/**\"] }] }")
            let denied = try Swguard.run(["run", "--policy", policy, "--"] + attempt)
            #expect(denied.status == 128 + SIGABRT, "\(denied)")
            // The name may be made where names may, but nothing comes into it.
            let sizes = try left().map {
                try FileManager.default.attributesOfItem(atPath: "\(directory)/\($0)")[.size] as? Int ?? -1
            }
            #expect(
                sizes.allSatisfy { $0 == 0 } && (sizes.isEmpty || accesses.contains("create")), "\(accesses)")
            try clear()
        }

        let policy = try scratch.policy(
            "files: { rules: [\(Self.attacks), { allow: [write, create], paths: [\"\(directory)/**\"] }] }")
        #expect(try Swguard.run(["run", "--policy", policy, "--"] + attempt).status == 128 + SIGABRT)
        let name = try #require(try left().first)
        let mode = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")[.posixPermissions]
        #expect(mode as? Int == 0o600, "nobody else reads it")
    }

    // MARK: what the caller has set

    @Test func `a personality that makes memory executable does not reach the command`() throws {
        let scratch = try Scratch()
        let policy = try scratch.policy("operations: { deny: [writable-code, anonymous-exec] }")
        let outcome = try Swguard.command([
            "/usr/bin/setarch", "x86_64", "-X", Swguard.path, "run", "--policy", policy, "--",
            Swguard.attacks,
            "inherited-personality",
        ])
        #expect(outcome.status == EPERM, "\(outcome)")
    }

    // MARK: programs of another ABI

    #if arch(x86_64)
        /// getpid and exit, by the only way that an i386 program has.
        private static let program = #"""
            void _start(void)
            {
                int answer;
                __asm__ volatile("int $0x80" : "=a"(answer) : "a"(20));
                __asm__ volatile("int $0x80" : : "a"(1), "b"(0));
            }
            """#

        @Test func `an i386 program is killed at its first call`() throws {
            let scratch = try Scratch()
            let source = try scratch.write("main.c", Self.program)
            let built = "\(scratch.path)/program"
            let compiler = try Swguard.command([
                "/usr/bin/gcc", "-m32", "-O1", "-nostdlib", "-static", "-fno-pie", "-no-pie", "-o", built,
                source,
            ])
            try #require(compiler.status == 0, "\(compiler)")
            #expect(try Swguard.command([built]).status == 0, "unconfined it runs")
            let grant = #"files: { rules: [{ allow: [read, execute, map], paths: ["\#(built)"] }] }"#
            for sections in [grant, "syscalls: { default: allow }", "operations: {}", "network: {}"] {
                let policy = try scratch.policy(sections)
                let outcome = try Swguard.run(["run", "--policy", policy, "--", built])
                #expect(outcome.status == 128 + SIGSYS, "\(sections): \(outcome)")
            }
        }
    #endif
}
