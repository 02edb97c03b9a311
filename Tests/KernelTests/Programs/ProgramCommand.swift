import Foundation
import Testing

/// A command under a shipped policy. `@VICTIM@` stands for the number of a process that is under none.
struct ProgramCommand: Sendable {
    let name: String
    let policy: String
    let arguments: [String]

    static let all = ProgramWork.all.map(\.command) + ProgramAttack.all.map(\.command)
}

/// What a program is there for.
struct ProgramWork: CustomTestStringConvertible, Sendable {
    let command: ProgramCommand
    let output: String

    init(_ name: String, _ policy: String, _ arguments: [String], output: String) {
        command = ProgramCommand(name: name, policy: policy, arguments: arguments)
        self.output = output
    }

    var testDescription: String { command.name }

    static let all = [
        ProgramWork(
            "a script computes", "python-script", ["/usr/bin/python3", "script.py"], output: "total 42\n"),
        ProgramWork(
            "git commits, clones and pushes", "git-clone", ["/bin/sh", "-e", "commit.sh"],
            output: "second\nfirst\n"),
        ProgramWork(
            "make has a program compiled, and runs it", "build", ["/usr/bin/make"], output: "built\n"),
        ProgramWork(
            "node compiles, writes, and starts a program and a thread", "coding-agent",
            ["/usr/bin/node", "app.js"], output: "text 299995 Linux 42\n"),
        ProgramWork(
            "a shell starts the others", "coding-agent",
            ["/usr/bin/bash", "-e", "-c", "python3 script.py; git init -q -b main new; cat new/.git/HEAD"],
            output: "total 42\nref: refs/heads/main\n"),
    ]
}

/// What a program does once it has been taken over.
struct ProgramAttack: CustomTestStringConvertible, Sendable {
    let command: ProgramCommand
    /// Of the event.
    let action: String
    let rule: String
    /// nil: the action has none that is known beforehand.
    let path: String?

    init(
        _ name: String, _ policy: String, _ arguments: [String], _ action: String, by rule: String,
        _ path: String? = nil
    ) {
        command = ProgramCommand(name: name, policy: policy, arguments: arguments)
        self.action = action
        self.rule = rule
        self.path = path
    }

    var testDescription: String { command.name }

    private static func python(_ text: String) -> [String] { ["/usr/bin/python3", "-I", "-S", "-c", text] }
    private static func git(_ command: String) -> [String] {
        ["/usr/bin/git", "-c", "alias.attack=!\(command)", "attack"]
    }
    private static func bash(_ text: String) -> [String] { ["/usr/bin/bash", "-c", text] }
    private static func node(_ text: String) -> [String] { ["/usr/bin/node", "-e", text] }
    private static func make(_ target: String) -> [String] { ["/usr/bin/make", "VICTIM=@VICTIM@", target] }

    private static let connect = "exec 3<>/dev/tcp/127.0.0.1/\(ProgramStage.port)"
    /// PTRACE_ATTACH and PTRACE_DETACH.
    private static let trace = """
        import ctypes, os, sys
        libc = ctypes.CDLL(None)
        if libc.ptrace(16, @VICTIM@, 0, 0): sys.exit(1)
        os.waitpid(@VICTIM@, 0x40000000)
        libc.ptrace(17, @VICTIM@, 0, 0)
        """

    static let all = [
        ProgramAttack(
            "python reads a key", "python-script", python("open('\(ProgramStage.key)')"), "file.read",
            by: "base/secrets:keys", ProgramStage.key),
        ProgramAttack(
            "python reads a key through a link", "python-script",
            python("import os; os.symlink('\(ProgramStage.key)', 'out/x'); open('out/x')"), "file.read",
            by: "base/secrets:keys", ProgramStage.key),
        ProgramAttack(
            "python writes outside", "python-script", python("open('\(ProgramStage.outside)', 'a')"),
            "file.write", by: "files.default", ProgramStage.outside),
        ProgramAttack(
            "python writes its own source", "python-script", python("open('script.py', 'a')"), "file.write",
            by: "files.default", ProgramStage.project + "/script.py"),
        ProgramAttack(
            "python executes another program", "python-script",
            python("import os; os.execv('/usr/bin/id', ['id'])"), "file.execute", by: "files.default",
            "/usr/bin/id"),
        ProgramAttack(
            "python connects", "python-script",
            python("import socket; socket.create_connection(('127.0.0.1', \(ProgramStage.port)))"),
            "socket.create", by: "network.families"),
        ProgramAttack(
            "python traces another process", "python-script", python(trace), "operation.ptrace",
            by: "operations.default"),
        ProgramAttack(
            "python signals another process", "python-script", python("import os; os.kill(@VICTIM@, 0)"),
            "operation.signal", by: "operations.default"),
        ProgramAttack(
            "git reads a key", "git-clone", git("cat \(ProgramStage.key)"), "file.read",
            by: "base/secrets:keys", ProgramStage.key),
        ProgramAttack(
            "git executes another program", "git-clone", git("/usr/bin/id"), "file.execute",
            by: "files.default", "/usr/bin/id"),
        ProgramAttack(
            "git writes outside", "git-clone",
            ["/usr/bin/git", "config", "-f", ProgramStage.outside + ".conf", "section.key", "value"],
            "file.create", by: "files.default", ProgramStage.outside + ".conf.lock"),
        ProgramAttack(
            "git connects by another port", "git-clone", git("bash -c '\(connect)'"), "socket.connect",
            by: "network.default"),
        ProgramAttack(
            "make reads a key", "build", make("key"), "file.read", by: "base/secrets:keys", ProgramStage.key),
        ProgramAttack(
            "make writes outside", "build", make("spoil"), "file.write", by: "files.default",
            ProgramStage.outside),
        ProgramAttack(
            "make connects", "build", make("call"), "socket.create", by: "network.families"),
        ProgramAttack(
            "make signals another process", "build", make("signal"), "operation.signal",
            by: "operations.default"),
        ProgramAttack(
            "a shell reads what was typed", "coding-agent", bash("cat ~/.bash_history"), "file.read",
            by: "base/secrets:history", ProgramStage.home + "/.bash_history"),
        ProgramAttack(
            "a shell reads password hashes", "coding-agent", bash("cat /etc/shadow"), "file.read",
            by: "host-secrets", "/etc/shadow"),
        ProgramAttack(
            "a shell writes outside", "coding-agent", bash("echo x >\(ProgramStage.outside)"), "file.write",
            by: "files.default", ProgramStage.outside),
        ProgramAttack(
            "a shell connects by another port", "coding-agent", bash(connect), "socket.connect",
            by: "network.default"),
        ProgramAttack(
            "node reads a key", "coding-agent", node("fs.readFileSync('\(ProgramStage.key)')"), "file.read",
            by: "base/secrets:keys", ProgramStage.key),
        ProgramAttack(
            "node connects by another port", "coding-agent",
            node("net.connect(\(ProgramStage.port), '127.0.0.1').on('connect', () => process.exit(0))"),
            "socket.connect", by: "network.default"),
        ProgramAttack(
            "node signals another process", "coding-agent", node("process.kill(@VICTIM@, 0)"),
            "operation.signal", by: "operations.default"),
    ]
}
