import Foundation
import Testing

/// The table of wrapper behaviour: `swguard run` is like no wrapper at all.
@Suite struct RunWrapperTests {
    /// A command and how it ends, behind the wrapper.
    struct Ending: CustomTestStringConvertible, Sendable {
        var command: [String]
        var status: Int32
        var testDescription: String { command.joined(separator: " ") }
    }

    static let endings: [Ending] = [
        Ending(command: ["sh", "-c", "exit 42"], status: 42),
        Ending(command: ["true"], status: 0),
        Ending(command: ["sh", "-c", "exit 255"], status: 255),
        Ending(command: ["sh", "-c", "kill -TERM $$"], status: 143),
        Ending(command: ["sh", "-c", "kill -KILL $$"], status: 137),
        Ending(command: ["sh", "-c", "kill -HUP $$"], status: 129),
        Ending(command: ["no-such-command"], status: 127),
        Ending(command: ["/no/such/command"], status: 127),
        Ending(command: ["/etc/passwd"], status: 126),
        Ending(command: ["/etc"], status: 126),
        Ending(command: [""], status: 127),
    ]

    @Test(arguments: endings) func `a command's status is the wrapper's`(_ ending: Ending) throws {
        let run = try RunHarness.start(RunHarness.wrapped(ending.command))
        #expect(run.wait() == .exited(ending.status), "\(run.complaints)")
    }

    @Test(arguments: [42, 143]) func `becoming the command ends as the command does`(_ status: Int32) throws {
        let script = status == 42 ? "exit 42" : "kill -TERM $$"
        let run = try RunHarness.start(
            RunHarness.wrapped(["sh", "-c", script], options: ["--exec-only"]))
        #expect(run.wait() == (status == 42 ? .exited(42) : .killed(SIGTERM)), "\(run.complaints)")
    }

    @Test(arguments: [("no-such-command", Int32(127)), ("/etc/passwd", Int32(126))])
    func `a command that cannot be become is told as env tells it`(_ name: String, _ status: Int32) throws {
        let run = try RunHarness.start(RunHarness.wrapped([name], options: ["--exec-only"]))
        #expect(run.wait() == .exited(status))
        #expect(run.complaints.contains("swguard: cannot execute '\(name)'"), "\(run.complaints)")
    }

    @Test func `a command that is not there is named`() throws {
        let run = try RunHarness.start(RunHarness.wrapped(["no-such-command"]))
        #expect(run.wait() == .exited(127))
        #expect(
            run.complaints.contains("swguard: cannot execute 'no-such-command': no such file or directory"))
    }

    @Test(arguments: [[], ["--exec-only"]])
    func `a script whose interpreter is missing was found, and cannot be executed`(_ options: [String]) throws
    {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let script = directory + "/script"
        try "#!/no/such/interpreter\n".write(toFile: script, atomically: true, encoding: .utf8)
        chmod(script, 0o755)
        let run = try RunHarness.start(RunHarness.wrapped([script], options: options))
        #expect(run.wait() == .exited(126), "\(run.complaints)")
        #expect(run.complaints.contains("its interpreter does not exist"), "\(run.complaints)")
    }

    static let usageErrors: [[String]] = [
        ["run", "--no-such-option", "--", "true"], ["run", "--policy"], ["run", "true"], ["run", "--"],
        ["run", "--keep-fd", "x", "--", "true"], ["run", "--backend", "none", "--", "true"],
        ["run", "--keep-fd", "700", "--", "true"],
    ]

    @Test(arguments: usageErrors) func `wrong usage is 125 and starts nothing`(_ arguments: [String]) throws {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var arguments = arguments
        if arguments.last == "true" {
            arguments.removeLast()
            arguments += ["touch", directory + "/started"]
        }
        let run = try RunHarness.start([RunHarness.run[0]] + arguments)
        #expect(run.wait() == .exited(125))
        #expect(run.complaints.hasPrefix("swguard: ") || run.complaints.contains("rror"), "\(run.complaints)")
        #expect(!FileManager.default.fileExists(atPath: directory + "/started"))
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2])
    func `a signal to the wrapper ends the command`(_ signal: Int32) throws {
        let run = try RunHarness.start(RunHarness.wrapped(["sh", "-c", "echo $$; exec sleep 60"]))
        #expect(run.expect("\n"))
        let command = try #require(Int32(run.written.trimmingCharacters(in: .newlines)))
        run.send(signal)
        #expect(run.wait() == .exited(128 + signal), "\(run.complaints)")
        #expect(RunHarness.eventually { !RunHarness.isAlive(command) })
    }

    @Test(arguments: [
        "TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "CONT", "ALRM", "TSTP", "RTMIN+3",
    ])
    func `a signal to the wrapper is the command's to handle, once`(_ name: String) throws {
        let script =
            "n=0; trap 'n=$((n+1)); echo got' \(name); echo ready; "
            + "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; done; echo total $n"
        let run = try RunHarness.start(RunHarness.wrapped(["bash", "-c", script]), .init(newGroup: true))
        #expect(run.expect("ready"))
        let kill = try RunHarness.start(["bash", "-c", "kill -\(name) \(run.pid)"])
        #expect(kill.wait() == .exited(0))
        #expect(run.wait() == .exited(0), "\(run.complaints)")
        #expect(run.written.contains("total 1"), "\(run.written)")
    }

    @Test func `if the wrapper is killed, the command dies`() throws {
        let run = try RunHarness.start(RunHarness.wrapped(["sh", "-c", "echo $$; exec sleep 60"]))
        #expect(run.expect("\n"))
        let command = try #require(Int32(run.written.trimmingCharacters(in: .newlines)))
        run.send(SIGKILL)
        #expect(run.wait() == .killed(SIGKILL))
        #expect(RunHarness.eventually { !RunHarness.isAlive(command) })
    }

    @Test func `an inherited descriptor is closed`() throws {
        let file = open("/etc/passwd", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        let probe = ["sh", "-c", "ls /proc/self/fd | tr '\\n' ' '; test -e /proc/self/fd/77"]
        let setting = RunHarness.Setting(extra: (file, 77))
        #expect(try RunHarness.start(probe, setting).wait() == .exited(0), "the test leaks it on purpose")
        let run = try RunHarness.start(RunHarness.wrapped(probe), setting)
        #expect(run.wait() == .exited(1))
        // 3 is the directory that ls reads.
        #expect(run.written == "0 1 2 3 ")
    }

    @Test func `a descriptor is kept where that is asked for`() throws {
        let file = open("/etc/passwd", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        let run = try RunHarness.start(
            RunHarness.wrapped(["sh", "-c", "ls -l /proc/self/fd/77"], options: ["--keep-fd", "77"]),
            .init(extra: (file, 77)))
        #expect(run.wait() == .exited(0))
        #expect(run.written.contains("/etc/passwd"))
    }

    @Test func `the environment and the arguments are kept`() throws {
        let run = try RunHarness.start(
            RunHarness.wrapped([
                "sh", "-c", "echo \"$RUN_TEST\"; printf '<%s>' \"$@\"", "name", "", "a b", "--", "é",
            ]),
            .init(environment: ["RUN_TEST": "kept as it is"]))
        #expect(run.wait() == .exited(0))
        #expect(run.written == "kept as it is\n<><a b><--><é>")
    }

    @Test func `no_new_privs is set`() throws {
        let run = try RunHarness.start(RunHarness.wrapped(["grep", "NoNewPrivs", "/proc/self/status"]))
        #expect(run.wait() == .exited(0))
        #expect(run.written == "NoNewPrivs:\t1\n")
    }

    @Test func `the command stays in the session and process group of the wrapper`() throws {
        let run = try RunHarness.start(
            RunHarness.wrapped(["sh", "-c", "cut -d' ' -f5,6 /proc/$$/stat"]), .init(newSession: true))
        #expect(run.wait() == .exited(0))
        #expect(run.written == "\(run.pid) \(run.pid)\n")
    }

    @Test func `the first of the PATH that can be executed is`() throws {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for (name, mode) in [("a", 0o644), ("b", 0o755)] {
            try FileManager.default.createDirectory(
                atPath: "\(directory)/\(name)", withIntermediateDirectories: false)
            let file = "\(directory)/\(name)/tool"
            try Data("#!/bin/sh\necho \(name)\n".utf8).write(to: URL(fileURLWithPath: file))
            chmod(file, mode_t(mode))
        }
        let path = "/nowhere:\(directory)/a:\(directory)/b:/usr/bin:/bin"
        let run = try RunHarness.start(RunHarness.wrapped(["tool"]), .init(environment: ["PATH": path]))
        #expect(run.wait() == .exited(0))
        #expect(run.written == "b\n")
        let last = try RunHarness.start(
            RunHarness.wrapped(["tool"]), .init(environment: ["PATH": "\(directory)/a:/nowhere"]))
        #expect(last.wait() == .exited(126))
    }
}
