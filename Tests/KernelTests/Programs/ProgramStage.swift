import Foundation
import Testing

/// Where programs do their work, and what they are not to touch: a home with a project in it, what is outside, and one
/// agent with the shipped policies, a unit's and a container's.
///
/// Unchecked: one suite uses it, one test after the other.
final class ProgramStage: Stage, @unchecked Sendable {
    static let root = "/programs"
    static let home = root + "/home"
    static let project = home + "/project"
    static let key = home + "/.ssh/id_rsa"
    static let outside = root + "/outside/file"
    /// What listens, and no rule names.
    static let port = "7011"

    /// The stage of the tests that run.
    @TaskLocal static var current: ProgramStage?
    static var scope: TaskLocal<ProgramStage?> { $current }

    /// Who comes under which shipped policy.
    private static let shipped = [
        "python-script": "[{exec: /usr/bin/python3}]",
        "git-clone": "[{exec: /usr/bin/git}]",
        "build": "[{exec: /usr/bin/make}]",
        "coding-agent": "[{exec: /usr/bin/bash}, {exec: /usr/bin/node}]",
    ]

    private static let build = """
        mkdir -p \(root); mount -t tmpfs -o mode=755 none \(root); cd \(root)
        mkdir -p home/.ssh tmp outside
        echo key >\(key); echo history >home/.bash_history
        printf '[user]\\n\\tname = A Person\\n\\temail = person@example.org\\n' >home/.gitconfig
        """

    let agent: RunningAgent
    /// Under no policy: it listens, and is what is signalled and traced.
    private let victim: Child
    /// What became of each command where no policy is, and under `swguard run`, by its name.
    private(set) var unconfined: [String: Ran] = [:]
    private(set) var run: [String: Ran] = [:]
    let unconfinedContainer: Ran
    /// systemd, and the units of the tests.
    let services: ServiceManager

    /// Prepares everything, runs each command without a policy and under `swguard run`, then starts the agent.
    init() throws {
        guard try Child("/bin/sh", "-e", "-c", Self.build).wait() == 0 else {
            throw Failure(reason: "the stage cannot be built")
        }
        victim = try Child(Program.attacks, "serve", Self.root + "/tmp/service", Self.port)
        try UnitProgram.prepare()
        try Container.prepare()
        unconfinedContainer = try Container.run()
        for command in ProgramCommand.all {
            unconfined[command.name] = try Self.perform(command, victim)
            run[command.name] = try Self.perform(
                command, victim,
                under: [RunningAgent.program, "run", "--policy", "/policies/\(command.policy).yaml", "--"])
        }
        services = try ServiceManager([
            "nginx.service": try String(contentsOfFile: "/lib/systemd/system/nginx.service", encoding: .utf8),
            // What a careful administrator adds.
            "nginx.service.d/hardening.conf":
                "[Service]\nPrivateTmp=yes\nPrivateDevices=yes\nProtectHome=yes\n",
            "worker.service": UnitProgram.unit,
        ])
        agent = try RunningAgent(
            ["unit": UnitProgram.policy, "container": Container.policy],
            configuration: "launchers: [\(Container.launcher)]"
        ) { directory in
            try ShippedPolicies.place(
                in: directory.path, subjects: Self.shipped,
                variables: ["HOME": Self.home, "CWD": Self.project, "TMPDIR": Self.root + "/tmp"])
        }
    }

    /// Runs a command in a project that is as it was.
    private static func perform(
        _ command: ProgramCommand, _ victim: Child, under wrapper: [String] = []
    ) throws -> Ran {
        try ProgramProject.renew(at: project)
        unlink(outside)
        try "text".write(toFile: outside, atomically: false, encoding: .utf8)
        let arguments = command.arguments.map {
            $0.replacingOccurrences(of: "@VICTIM@", with: "\(victim.identifier)")
        }
        return try Program.run(
            [
                "/usr/bin/env", "-i", "-C", project, "HOME=\(home)", "TMPDIR=\(root)/tmp", "LC_ALL=C",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            ] + wrapper + arguments)
    }

    /// Runs a command while the agent enforces.
    func perform(_ command: ProgramCommand) throws -> Ran { try Self.perform(command, victim) }

    /// Lets what was reported until now be.
    func forgetDenials() throws { _ = try agent.writtenEvents() }

    /// The denials that were reported since this was asked last; waits a little for one that is `expected`.
    func denials(until expected: (Event) -> Bool = { _ in true }) throws -> [Event] {
        try agent.events { $0["kind"] == "denial" && expected($0) }.filter { $0["kind"] == "denial" }
    }

    /// Ends the agent; afterwards everything is as it was without it.
    func end() throws {
        services.end()
        guard try agent.end() == 0 else { throw Failure(reason: "the agent failed: \(agent.errors)") }
        // Of each policy, the first.
        var policies: Set<String> = []
        for attack in ProgramAttack.all where policies.insert(attack.command.policy).inserted {
            let ended = try perform(attack.command)
            #expect(ended.status == 0, "afterwards: \(attack.command.name): \(ended)")
        }
        victim.end()
    }

    struct Failure: Error, CustomStringConvertible {
        let reason: String
        var description: String { reason }
    }
}

/// Programs as tests run them.
enum Program {
    /// The programs of the tests stand beside their bundle.
    private static let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    static let attacks = products.appending(path: "attacks").path
    static let containerLauncher = products.appending(path: "container-launcher").path

    /// Runs a program to its end with no signal blocked, as make and servers need it.
    static func run(_ command: [String]) throws -> Ran {
        let output = "/tmp/output-\(UUID().uuidString)"
        let errors = output + ".errors"
        defer { for file in [output, errors] { unlink(file) } }
        let status = try Child(command, output: output, errors: errors).wait()
        return Ran(
            status: status < 0 ? 128 - status : status,
            output: try String(contentsOfFile: output, encoding: .utf8),
            errors: try String(contentsOfFile: errors, encoding: .utf8))
    }
}

/// How a program ended.
struct Ran {
    let status: Int32
    let output: String
    let errors: String
}
