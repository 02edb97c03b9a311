import Foundation
import Testing

/// Where a shipped policy is used: a home with secrets in it, a project in that, temporary files, and what is
/// outside of all of them.
final class Workplace {
    let home: String
    let project: String
    let temporary: String
    let outside: String
    private let scratch: Scratch

    /// What no output of a confined program may have in it.
    static let secret = "SECRET-8f1d"

    init() throws {
        scratch = try Scratch()
        home = try scratch.makeDirectory("home")
        project = try scratch.makeDirectory("home/project")
        temporary = try scratch.makeDirectory("tmp")
        outside = try scratch.makeDirectory("outside")
        for name in [
            ".ssh/id_ed25519", ".netrc", ".git-credentials", ".bash_history", ".config/git/credentials",
            ".aws/credentials",
        ] {
            try scratch.write("home/\(name)", "\(Self.secret)\n")
        }
        try scratch.write("home/.gitconfig", "[user]\n\tname = A Person\n\temail = person@example.org\n")
        try scratch.write("outside/file", "as it was\n")
        // A server that drops its privileges must still get here.
        for directory in [scratch.path, home, project, outside] { chmod(directory, 0o755) }
    }

    /// Writes a file of the project.
    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws -> String {
        let path = try scratch.write("home/project/\(name)", text)
        chmod(path, mode)
        return path
    }

    /// Writes a file of the home.
    func writeHome(_ name: String, _ text: String) throws { try scratch.write("home/\(name)", text) }

    /// Writes a policy that may include the shipped ones; returns its path.
    func writePolicy(_ sections: String) throws -> String {
        try scratch.policy(sections, name: "policies/policy-\(UUID().uuidString).yaml")
    }

    /// Makes a directory of the project.
    @discardableResult
    func makeDirectory(_ name: String) throws -> String { try scratch.makeDirectory("home/project/\(name)") }

    func read(_ name: String) -> String? {
        try? String(contentsOfFile: "\(project)/\(name)", encoding: .utf8)
    }

    /// Puts the program of all attacks into the project.
    func bringAttacks() throws {
        try FileManager.default.copyItem(atPath: Swguard.attacks, toPath: "\(project)/attacks")
    }

    /// What the programs get to see: nothing of whoever runs the tests.
    private var environment: [String] {
        [
            "/usr/bin/env", "-i", "HOME=\(home)", "TMPDIR=\(temporary)", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL=C", "LESS=", "SWGUARD_POLICY_PATH=\(Swguard.policies)",
        ]
    }

    /// Runs a command in the project, unconfined.
    @discardableResult
    func unconfined(_ command: [String]) throws -> Swguard.Outcome {
        try Self.finish(environment + command, in: project, limit: 60)
    }

    /// Runs to the end, with no signal blocked: the threads of tests block all, and children inherit that.
    static func finish(_ command: [String], in directory: String, limit: Double) throws -> Swguard.Outcome {
        let run = try RunHarness.start(command, .init(directory: directory))
        let status: Int32
        switch run.wait(limit: limit) {
        case .exited(let code): status = code
        case .killed(let signal): status = 128 + signal
        case .stopped, .nothing:
            Issue.record("\(command) took longer than \(limit) s")
            status = -1
        }
        return Swguard.Outcome(status: status, output: run.written, errors: run.complaints)
    }

    /// Runs a command in the project under a shipped policy (`build`) or under the file given by path.
    func run(
        _ policy: String, options: [String] = [], in directory: String? = nil, _ command: [String],
        limit: Double = 60
    ) throws -> Confined {
        let file = policy.hasPrefix("/") ? policy : "\(Swguard.policies)/\(policy).yaml"
        let audit = "\(scratch.path)/audit-\(UUID().uuidString).jsonl"
        let outcome = try Self.finish(
            environment + [Swguard.path, "run", "--policy", file, "--audit", audit, "--explain"] + options
                + ["--"] + command, in: directory ?? project, limit: limit)
        let leaked = outcome.output.contains(Self.secret) || outcome.errors.contains(Self.secret)
        #expect(!leaked, "\(command) shows the secret: \(outcome)")
        try #require(FileManager.default.fileExists(atPath: audit), "\(command) was not started: \(outcome)")
        return Confined(outcome: outcome, denials: try Denial.all(in: audit))
    }

    /// The file outside is as it was, and no copy of the secret is in the project.
    func expectUntouched(sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(
            try String(contentsOfFile: "\(outside)/file", encoding: .utf8) == "as it was\n",
            sourceLocation: sourceLocation)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: outside) == ["file"],
            sourceLocation: sourceLocation)
        let found = try unconfined(["/bin/grep", "-rlI", Self.secret, "."])
        #expect(found.output == "", sourceLocation: sourceLocation)
    }
}

/// How a confined command ended, and what was denied to it.
struct Confined: CustomStringConvertible {
    let outcome: Swguard.Outcome
    let denials: [Denial]

    var status: Int32 { outcome.status }
    var output: String { outcome.output }
    var errors: String { outcome.errors }
    var description: String { "\(outcome)\ndenials: \(denials)" }

    /// Fails unless the audit stream has this denial, and its place in the policy is that rule's.
    func expectDenied(
        _ action: String, _ object: String, by rule: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard let denial = denials.first(where: { $0.action == action && $0.object == object }) else {
            Issue.record("no denial of \(action) \(object) in \(self)", sourceLocation: sourceLocation)
            return
        }
        #expect(denial.rule == rule, "\(denial)", sourceLocation: sourceLocation)
        denial.expectPlace(sourceLocation: sourceLocation)
    }
}

/// A denial as the audit stream has it.
struct Denial: CustomStringConvertible {
    let action: String
    /// A path, an endpoint, or a name.
    let object: String
    let rule: String
    let source: String?

    var description: String { "\(action) \(object) by \(rule) (\(source ?? "built in"))" }

    static func all(in file: String) throws -> [Denial] {
        try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap { line in
            let event = try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard event["kind"] as? String == "denial" else { return nil }
            let object = try #require(event["object"] as? [String: Any])
            let rule = try #require(event["rule"] as? [String: Any])
            return Denial(
                action: try #require(event["action"] as? String), object: text(of: object),
                rule: try #require(rule["id"] as? String), source: rule["source"] as? String)
        }
    }

    private static func text(of object: [String: Any]) -> String {
        if let path = object["path"] as? String { return path }
        if let name = object["name"] as? String { return name }
        if let address = object["address"], let port = object["port"], let kind = object["protocol"] {
            return "\(kind):\(address):\(port)"
        }
        return object["family"] as? String ?? "\(object)"
    }

    /// The place is a line of the policy that has the rule, or its section, in it.
    func expectPlace(sourceLocation: SourceLocation = #_sourceLocation) {
        guard let source, let colon = source.lastIndex(of: ":"),
            let line = Int(source[source.index(after: colon)...]),
            let text = try? String(contentsOfFile: String(source[..<colon]), encoding: .utf8)
        else {
            #expect(source == nil, "\(self): no such place", sourceLocation: sourceLocation)
            #expect(rule == "operations.default", sourceLocation: sourceLocation)
            return
        }
        let there = text.split(separator: "\n", omittingEmptySubsequences: false)[line - 1]
        let name = rule.split(separator: ":").last.map(String.init) ?? rule
        let section = name.split(separator: ".").first.map(String.init) ?? name
        let isThere =
            there.contains("id: \(name)") || there.hasPrefix("\(section):") || there.contains("rules:")
            || there.contains("deny:") || there.contains("families:")
        #expect(isThere, "\(self) is at: \(there)", sourceLocation: sourceLocation)
    }
}

/// A server that a test started, on an address of loopback that is its own; ended with the object.
final class LoopbackServer {
    let address: String
    private let process: Started

    /// A host of 127/8 that hardly anyone else uses: the ports in the policies are fixed, the address is not.
    static func newAddress() -> String {
        "127.\(Int.random(in: 1...254)).\(Int.random(in: 1...254)).\(Int.random(in: 2...254))"
    }

    /// Starts `command` and waits until it listens on `port`; it lives 120 s at most.
    init(_ command: [String], address: String, port: UInt16, in directory: String) throws {
        self.address = address
        process = try RunHarness.start(
            ["/usr/bin/timeout", "-k", "1", "120"] + command, .init(directory: directory))
        let isListening = RunHarness.eventually { Self.listens(address, port) }
        try #require(isListening, "\(command) does not listen on \(address):\(port): \(process.complaints)")
    }

    deinit { stop() }

    /// Asks it to end, and waits.
    func stop() {
        guard !process.hasEnded else { return }
        process.send(SIGTERM)
        if process.wait() == .nothing { Issue.record("the server on \(address) does not end") }
    }

    /// Whether somebody takes connections there.
    static func listens(_ address: String, _ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &name.sin_addr) == 1 else { return false }
        return withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
