import CRunSupport
import Foundation
import Testing

@testable import Confinement

/// What the command inherits, and when the wrapper stops and lets go.
@Suite struct RunSignalTests {
    /// The signal sets of a process, as /proc shows them.
    private static let sets = ["grep", "-E", "^(SigBlk|SigIgn)", "/proc/self/status"]

    @Test func `ignored and blocked signals are passed on exactly`() throws {
        let setting = RunHarness.Setting(
            ignored: [SIGHUP, SIGPIPE, SIGCHLD, SIGTSTP], blocked: [SIGUSR1, SIGALRM])
        let bare = try RunHarness.start(Self.sets, setting)
        #expect(bare.wait() == .exited(0))
        let run = try RunHarness.start(RunHarness.wrapped(Self.sets), setting)
        #expect(run.wait() == .exited(0))
        #expect(run.written == bare.written)
        let become = try RunHarness.start(RunHarness.wrapped(Self.sets, options: ["--exec-only"]), setting)
        #expect(become.wait() == .exited(0))
        #expect(become.written == bare.written)
    }

    @Test func `nohup works`() throws {
        let run = try RunHarness.start(
            RunHarness.wrapped(["sh", "-c", "echo ready; sleep 0.3; echo survived"]), .init(ignored: [SIGHUP])
        )
        #expect(run.expect("ready"))
        run.send(SIGHUP)
        #expect(run.wait() == .exited(0))
        #expect(run.written.contains("survived"))
    }

    @Test(arguments: [SIGSTOP, SIGTSTP]) func `the wrapper stops and goes on with the command`(
        _ signal: Int32
    ) throws {
        let run = try RunHarness.start(
            RunHarness.wrapped(["sh", "-c", "echo ready; kill -\(signal) $$; echo again; exit 5"]),
            .init(newGroup: true))
        #expect(run.wait() == .stopped(signal), "\(run.complaints)")
        #expect(!run.written.contains("again"))
        // As a shell does: to the whole group.
        kill(-run.pid, SIGCONT)
        #expect(run.wait() == .exited(5))
    }

    @Test func `a command wakes when only the wrapper is woken`() throws {
        let run = try RunHarness.start(
            RunHarness.wrapped(["sh", "-c", "kill -STOP $$; exit 6"]), .init(newGroup: true))
        #expect(run.wait() == .stopped(SIGSTOP))
        run.send(SIGCONT)
        #expect(run.wait() == .exited(6))
    }

    @Test func `a pipe ends when the command closes it`() throws {
        let pipe = try RunHarness.pipe()
        // Standard output and the kept descriptor are the pipe; standard error is not.
        let run = try RunHarness.start(
            ["sh", "-c", "exec \"$@\" 2>/dev/null", "sh"]
                + RunHarness.wrapped(
                    ["sh", "-c", "exec >&- 9>&-; exec sleep 60"], options: ["--keep-fd", "9"]),
            .init(output: pipe.writing, extra: (pipe.writing, 9)))
        close(pipe.writing)
        var poll = pollfd(fd: pipe.reading, events: Int16(POLLIN), revents: 0)
        #expect(Glibc.poll(&poll, 1, 20_000) == 1)
        var byte: UInt8 = 0
        #expect(read(pipe.reading, &byte, 1) == 0, "the end of the pipe")
        close(pipe.reading)
        #expect(RunHarness.isAlive(run.pid), "the command goes on")
    }

    @Test(arguments: [Set([0]), [1], [2], [0, 1, 2]])
    func `closed standard descriptors stay closed`(_ closed: Set<Int>) throws {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let script = "ls /proc/$$/fd > \(directory)/list"
        let run = try RunHarness.start(RunHarness.wrapped(["bash", "-c", script]), .init(closed: closed))
        #expect(run.wait() == .exited(0))
        let list = try String(contentsOfFile: directory + "/list", encoding: .utf8).split(separator: "\n")
        for descriptor in 0...2 {
            // bash keeps a descriptor of its own high up.
            #expect(list.contains(Substring(String(descriptor))) == !closed.contains(descriptor), "\(list)")
        }
    }

    @Test func `children of others are no concern`() throws {
        // The shell leaves a child behind and becomes the wrapper: its end is not the command's.
        let run = try RunHarness.start(
            ["sh", "-c", "sleep 0.1 & exec \"$@\"", "sh"]
                + RunHarness.wrapped(["sh", "-c", "sleep 0.4; exit 7"]))
        #expect(run.wait() == .exited(7))
    }

    /// A signal, where it came from, and whether it is sent on.
    static let relayed: [(Int32, SignalRelay.Origin, leads: Bool, relays: Bool)] = [
        (SIGTERM, .process, false, true), (SIGTSTP, .process, false, true), (SIGCONT, .process, false, true),
        (SIGCHLD, .process, false, false), (SIGINT, .kernel, false, false), (SIGQUIT, .kernel, true, false),
        (SIGTSTP, .kernel, false, false), (SIGWINCH, .kernel, true, false), (SIGHUP, .kernel, false, false),
        (SIGHUP, .kernel, true, true), (SIGCONT, .kernel, true, true), (SIGALRM, .kernel, false, true),
        (SIGTERM, .command, false, false),
    ]

    @Test(arguments: relayed) func `what the terminal sends to the group is not sent twice`(
        _ row: (Int32, SignalRelay.Origin, leads: Bool, relays: Bool)
    ) {
        #expect(SignalRelay(leadsSession: row.leads).relays(row.0, from: row.1) == row.relays)
    }
}
