import CRunSupport
import Foundation
import Testing

/// A person at a terminal: keys go in, a screen comes out.
private final class Person {
    let shell: Started
    private let master: Int32
    private(set) var screen: TerminalScreen
    /// Everything that was written, for messages.
    private(set) var transcript: [UInt8] = []

    init(_ arguments: [String], in directory: String, environment: [String: String] = [:]) throws {
        var slave: Int32 = -1
        master = run_open_terminal(24, 80, &slave)
        try #require(master >= 0)
        screen = TerminalScreen(rows: 24, columns: 80)
        let fixed = [
            "TERM": "vt100", "PS1": "P> ", "HISTFILE": "", "INPUTRC": "/dev/null", "HOME": directory,
            "LESS": "",
            "PROMPT_COMMAND": "",
        ]
        shell = try RunHarness.start(
            arguments,
            .init(
                environment: environment.merging(fixed) { $1 }, directory: directory, input: slave,
                output: slave,
                newSession: true))
        close(slave)
    }

    deinit { close(master) }

    func type(_ keys: String) {
        let bytes = Array(keys.utf8)
        _ = write(master, bytes, bytes.count)
    }

    func resize(rows: Int, columns: Int) {
        _ = run_resize_terminal(master, Int32(rows), Int32(columns))
        screen.resize(rows: rows, columns: columns)
    }

    /// Reads until the screen says so and nothing has come for a moment.
    func expect(_ what: String, limit: Double = 60, where condition: (TerminalScreen) -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: limit)
        var isQuiet = false
        while Date() < deadline {
            if isQuiet, condition(screen) { return }
            isQuiet = !read(milliseconds: 150)
        }
        Issue.record("\(what) did not come; the screen:\n\(screen.text)")
        throw Missing()
    }

    func expect(_ text: String) throws { try expect(text) { $0.text.contains(text) } }

    /// Waits for a new prompt, with nothing typed behind it.
    func expectPrompt() throws { try expect("a prompt") { $0.lines.last == "P>" } }

    /// Whether something came.
    private func read(milliseconds: Int32) -> Bool {
        var poll = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, milliseconds) > 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(master, &buffer, buffer.count)
        guard count > 0 else {
            usleep(10_000)
            return false
        }
        transcript += buffer[..<count]
        screen.write(buffer[..<count])
        return true
    }

    struct Missing: Error {}
}

/// A terminal behind the wrapper shows what it shows without.
@Suite(.serialized) struct TerminalTests {
    private static let bash = ["bash", "--norc", "--noprofile", "-i"]

    /// A session that goes through what shells and full-screen programs do with a terminal.
    struct Session: CustomTestStringConvertible, Sendable {
        var name: String
        var testDescription: String { name }
        /// Types and waits; gives what is to be compared beside the screen.
        fileprivate var act: @Sendable (Person) throws -> Void
    }

    private static func line(_ text: String) -> String { text + "\r" }

    static let sessions: [Session] = [
        Session(name: "^C") { person in
            // Before it runs, the shell would take the signal for itself.
            person.type(line("$W sh -c 'echo r''uns; exec sleep 60'"))
            try person.expect("runs") { $0.lines.contains("runs") }
            person.type("\u{3}")
            // A shell ends the line where its child died of the signal; the wrapper exits with 130 instead.
            try person.expect("the command's end") { $0.text.hasSuffix("P>") }
            person.type(line("echo status $? > numbers; clear; cat numbers"))
            try person.expect("status 130")
        },
        Session(name: "^Z, jobs, fg") { person in
            // Nothing is typed before it reads: the shell gives the terminal away with its own modes.
            person.type(line("$W sh -c 'echo here; exec cat'"))
            try person.expect("here") { $0.lines.last == "here" }
            person.type(line("one"))
            try person.expect("one\none")
            person.type("\u{1a}")
            try person.expect("Stopped")
            person.type(line("jobs"))
            try person.expectPrompt()
            person.type(line("fg"))
            try person.expect("the job in front") { $0.lines.last?.hasPrefix("$W sh") == true }
            person.type(line("two"))
            try person.expect("two\ntwo")
            person.type("\u{4}")
            try person.expectPrompt()
            person.type(line("echo status $?"))
            try person.expect("status 0")
        },
        Session(name: "bg and a read from the background") { person in
            person.type(line("$W cat &>/dev/null & sleep 0.5; jobs"))
            try person.expect("Stopped")
            // In front, it is waited for; how it ended is said at once or before the next prompt.
            person.type(line("clear; kill -TERM %1; fg"))
            try person.expect("a prompt") {
                $0.lines.first?.hasPrefix("P>") == false && $0.lines.last == "P>"
            }
            person.type(line(""))
            try person.expectPrompt()
            person.type(line("clear; jobs; echo end"))
            try person.expect("end") { $0.lines.first == "end" || $0.lines.contains("end") }
        },
        Session(name: "resize") { person in
            let script = "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done"
            person.type(line("clear; $W bash -c \"\(script)\""))
            try person.expect("ready") { $0.lines.contains("ready") }
            person.resize(rows: 30, columns: 100)
            try person.expect("30 100")
            try person.expectPrompt()
        },
        Session(name: "less") { person in
            person.type(line("$W less numbers"))
            try person.expect("line 1") { $0.lines.first == "line 1" }
            person.type(" ")
            try person.expect("line 24") { $0.lines.first == "line 24" }
            person.type("\u{1a}")
            try person.expect("Stopped")
            person.type(line("fg"))
            try person.expect("line 24") { $0.lines.contains("line 40") && !$0.text.contains("P>") }
            person.type("/line 70\r")
            try person.expect("line 70") { $0.lines.first == "line 70" }
            person.type("q")
            try person.expectPrompt()
        },
        Session(name: "vim -c wq") { person in
            person.type(line("$W vim -u NONE -N -c wq numbers"))
            try person.expect("written") { $0.text.contains("written") && $0.lines.last == "P>" }
        },
        Session(name: "vim, stopped and resumed") { person in
            person.type(line("$W vim -u NONE -N numbers"))
            try person.expect("line 1") { $0.lines.first == "line 1" }
            person.type("x")
            person.type("\u{1a}")
            try person.expect("Stopped")
            person.type(line("fg"))
            try person.expect("ine 1") { $0.lines.first == "ine 1" }
            person.type("\u{1b}:wq\r")
            try person.expectPrompt()
            person.type(line("head -1 numbers"))
            try person.expect("ine 1")
        },
        Session(name: "a shell within") { person in
            person.type(line("$W bash --norc --noprofile -i"))
            try person.expect("a prompt") { $0.lines.last == "P>" && $0.lines.count == 2 }
            let command = "sh -c 'echo r''uns; exec sleep 60'"
            person.type(line(command))
            try person.expect("runs") { $0.lines.contains("runs") }
            person.type("\u{1a}")
            try person.expect("Stopped")
            person.type(line("suspend"))
            try person.expect("two stopped jobs") { $0.text.components(separatedBy: "Stopped").count == 3 }
            person.type(line("fg"))
            try person.expectPrompt()
            person.type(line("fg"))
            try person.expect("the job in front") { $0.lines.last == command }
            person.type("\u{3}")
            try person.expectPrompt()
            person.type(line("exit 0"))
            try person.expectPrompt()
            person.type(line("echo status $?"))
            try person.expect("status 0")
        },
    ]

    @Test(arguments: sessions) func `a job of a shell looks the same behind the wrapper`(_ session: Session)
        throws
    {
        let bare = try perform(session, Self.bash, wrapper: [])
        let wrapped = try perform(session, Self.bash, wrapper: RunHarness.run + ["--"])
        #expect(wrapped == bare, "bare:\n\(bare)\nwrapped:\n\(wrapped)")
    }

    @Test(arguments: sessions) func `a whole shell looks the same behind the wrapper`(_ session: Session)
        throws
    {
        let bare = try perform(session, Self.bash, wrapper: [])
        let wrapped = try perform(session, RunHarness.wrapped(Self.bash), wrapper: [])
        #expect(wrapped == bare, "bare:\n\(bare)\nwrapped:\n\(wrapped)")
    }

    @Test func `when the terminal hangs up, the command is told`() throws {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let script = "trap 'echo hung up > told; exit 0' HUP; echo ready; while :; do sleep 0.05; done"
        var person: Person? = try Person(RunHarness.wrapped(["bash", "-c", script]), in: directory)
        try person?.expect("ready")
        let shell = try #require(person).shell
        person = nil
        #expect(RunHarness.eventually { FileManager.default.fileExists(atPath: directory + "/told") })
        _ = shell.wait()
    }

    /// The calls that put keys into a terminal's input, by which a command would type into the shell behind it; the
    /// terminal is inherited, so Landlock's right for devices does not see them. Asked with a high bit set, too, which
    /// the kernel ignores.
    @Test(arguments: ["tiocsti", "tiocsti-wide"]) func `a command types nothing into its terminal`(
        _ attack: String
    ) throws {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let command = [Swguard.attacks, attack]
        func ending(_ command: [String]) throws -> Started.Change {
            let person = try Person(command, in: directory)
            // The terminal hangs up when the person leaves.
            return withExtendedLifetime(person) { person.shell.wait() }
        }
        let free = try ending(command)
        let allowed = try? String(contentsOfFile: "/proc/sys/dev/tty/legacy_tiocsti", encoding: .utf8)
        // Where the administrator has switched it off, the kernel refuses it to all but root.
        if geteuid() == 0 || allowed == "1\n" { #expect(free == .exited(0), "unconfined it must work") }
        for options in [[], ["--exec-only"]] {
            let ended = try ending(RunHarness.wrapped(command, options: options))
            #expect(ended == .exited(EPERM), "\(options)")
        }
    }

    @Test func `the wrapper changes no mode of the terminal`() throws {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let command = [
            "bash", "-c", "stty -echo -icanon min 3; stty -a > before; kill -STOP $$; stty -a > after",
        ]
        let person = try Person(
            ["bash", "--norc", "--noprofile", "-i"], in: directory, environment: ["W": ""])
        try person.expectPrompt()
        let typed = (RunHarness.wrapped(Array(command.prefix(2))) + ["'" + command[2] + "'"]).joined(
            separator: " ")
        person.type("clear; \(typed); stty -echo -icanon min 3; fg\r")
        #expect(RunHarness.eventually { FileManager.default.fileExists(atPath: directory + "/after") })
        person.type("exit\r")
        _ = person.shell.wait()
        let before = try String(contentsOfFile: directory + "/before", encoding: .utf8)
        #expect(try String(contentsOfFile: directory + "/after", encoding: .utf8) == before)
        #expect(before.contains("-icanon"))
    }

    /// The screen at the end of a session, and the shell's status.
    private func perform(_ session: Session, _ shell: [String], wrapper: [String]) throws -> String {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let numbers = (1...100).map { "line \($0)\n" }.joined()
        try Data(numbers.utf8).write(to: URL(fileURLWithPath: directory + "/numbers"))
        let person = try Person(
            shell, in: directory, environment: ["W": wrapper.joined(separator: " ")])
        try person.expectPrompt()
        try session.act(person)
        let screen = person.screen.text
        person.type("\u{15}exit 4\r")
        let ended = person.shell.wait()
        return "\(screen)\n-- \(ended)"
    }
}
