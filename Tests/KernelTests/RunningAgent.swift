import Foundation
import Testing

/// `swguard agent` as people run it, with one policy; its events as they are written.
///
/// Starting and ending it takes seconds on an emulated machine: a suite starts one and asks it much.
final class RunningAgent {
    /// The program that ships; in the virtual machines it is on PATH.
    static let program = ProcessInfo.processInfo.environment["SWGUARD"] ?? ".build/release/swguard"

    private var process = Process()
    let directory: URL
    /// Where it writes its events when it is started first; nil: to a file.
    private var pipe: Pipe?
    private let configuration: URL
    /// How many bytes of its events were taken.
    private var taken: UInt64 = 0

    var identifier: Int32 { process.processIdentifier }

    /// Starts the agent with policies (name and YAML), and waits until it says that they are in force. `place` puts others
    /// beside them.
    init(
        _ policies: [String: String], configuration: String? = nil, pipe: Pipe? = nil,
        place: (URL) throws -> Void = { _ in }
    ) throws {
        self.pipe = pipe
        directory = FileManager.default.temporaryDirectory.appending(path: "agent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for (name, yaml) in policies {
            try RunningAgent.document(name, yaml).write(
                to: directory.appending(path: "\(name).yaml"), atomically: false, encoding: .utf8)
        }
        try place(directory)
        for name in ["out", "err"] {
            _ = FileManager.default.createFile(atPath: directory.appending(path: name).path, contents: nil)
        }
        self.configuration = directory.appending(path: "agent.conf")
        // Events where a test finds them, unless it says where.
        let configuration = configuration ?? ""
        let audit = configuration.contains("audit:") ? "" : "audit: {file: none, stdout: true}\n"
        try "apiVersion: swguard/v1\nkind: Agent\n\(audit)\(configuration)\n".write(
            to: self.configuration, atomically: false, encoding: .utf8)
        try start()
    }

    /// Starts it, again where it has ended: it goes on with the same files.
    func start(_ program: String = RunningAgent.program) throws {
        let before = errors.count
        process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["agent", "--policies", directory.path, "--config", configuration.path]
        try run()
        try waitForReadiness(after: before)
    }

    /// Runs it with its environment, and what it writes behind what is written.
    private func run() throws {
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = try FileHandle(forWritingTo: directory.appending(path: "out"))
        let errors = try FileHandle(forWritingTo: directory.appending(path: "err"))
        try output.seekToEnd()
        try errors.seekToEnd()
        if let pipe { process.standardOutput = pipe } else { process.standardOutput = output }
        process.standardError = errors
        try process.run()
        // Its end for writing is closed now.
        pipe = nil
    }

    /// Ends it as nothing else does: it can do nothing about it.
    func killAtOnce() {
        kill(identifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Has it end, and leave what it enforces.
    func stop() throws -> Int32 {
        guard process.isRunning else {
            tellEnd()
            return process.terminationReason == .exit ? process.terminationStatus : -1
        }
        process.terminate()
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -1
    }

    /// Prints how it ended by itself, and what it said last: it is gone with its directory.
    private func tellEnd() {
        let how = process.terminationReason == .exit ? "with status" : "by signal"
        print(
            "agent \(identifier) ended \(how) \(process.terminationStatus), and had said:\n"
                + errors.suffix(4000))
    }

    /// Takes out what is enforced when no agent runs.
    func tearDown() throws -> Int32 {
        process = Process()
        process.executableURL = URL(filePath: RunningAgent.program)
        process.arguments = ["agent", "--teardown", "--config", configuration.path]
        try run()
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -1
    }

    /// What leads to this agent, and to no other.
    var environment: [String: String] { ["SWGUARD_SOCKET": socket] }
    var socket: String { socketDirectory + "/control" }
    /// Not among the policies: what is there nobody writes to who is confined, and connecting is writing.
    var socketDirectory: String { directory.path + "-socket" }

    /// What a command of `swguard` prints that asks it.
    func ask(_ arguments: String...) throws -> Ended {
        try Ended(RunningAgent.program, arguments, environment: environment)
    }

    /// The result of a command that asks it.
    func result(_ command: String) throws -> [String: Any] {
        let ended = try ask(command, "--format", "json")
        #expect(ended.status == 0, "\(ended.output)")
        let whole = try JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any]
        return try #require(whole?["result"] as? [String: Any], "\(ended.output)")
    }

    /// What became of the decisions of a policy that is in force, or of all: the causes of those that were dropped as `disk`.
    func counts(_ policy: String? = nil) throws -> [String: Int] {
        let status = try result("status")
        guard let policy else { return Self.counts(try #require(status["counts"] as? [String: Any])) }
        let policies = status["policies"] as? [[String: Any]] ?? []
        let found = try #require(policies.first { $0["name"] as? String == policy })
        return Self.counts(try #require(found["counts"] as? [String: Any]))
    }

    private static func counts(_ json: [String: Any]) -> [String: Int] {
        let dropped = json["dropped"] as? [String: Int] ?? [:]
        return json.compactMapValues { $0 as? Int }.merging(dropped) { $1 }
    }

    static func document(_ name: String, _ yaml: String) -> String {
        "apiVersion: swguard/v1\nkind: Policy\nmetadata: {name: \(name)}\n\(yaml)\n"
    }

    /// What it said on standard error.
    var errors: String {
        (try? String(contentsOf: directory.appending(path: "err"), encoding: .utf8)) ?? ""
    }

    private func waitForReadiness(after count: Int) throws {
        for _ in 0..<1200 {
            if errors.dropFirst(count).contains("swguard: enforcing ") { return }
            guard process.isRunning else { break }
            usleep(100_000)
        }
        throw Failure(text: "the agent is not ready: \(errors)")
    }

    struct Failure: Error, CustomStringConvertible {
        var text: String
        var description: String { text }
    }

    /// Replaces a policy, or removes it, and has them all read anew; waits until they are in force, or until it says that
    /// they are not. `place` puts others beside it.
    func reload(_ name: String, _ yaml: String?, place: (URL) throws -> Void = { _ in }) throws {
        let before = errors
        let file = directory.appending(path: "\(name).yaml")
        if let yaml {
            try RunningAgent.document(name, yaml).write(to: file, atomically: false, encoding: .utf8)
        } else {
            try FileManager.default.removeItem(at: file)
        }
        try place(directory)
        kill(identifier, SIGHUP)
        // Thousands of policies take minutes in an emulated machine.
        for _ in 0..<3000 {
            let said = errors.dropFirst(before.count)
            if said.contains("swguard: enforcing ") || said.contains("swguard: cannot ") { return }
            guard process.isRunning else { break }
            usleep(100_000)
        }
        throw Failure(text: "the agent did not answer: \(errors)")
    }

    /// The events that were written and not asked for yet; waits a little for the first that is `expected`.
    func events(until expected: (Event) -> Bool = { _ in true }) throws -> [Event] {
        var found: [Event] = []
        for _ in 0..<150 {
            found += try writtenEvents()
            if found.contains(where: expected) { break }
            usleep(20_000)
        }
        return found
    }

    /// The events that were written by now and not asked for yet; not the log's seals, which come as time passes.
    func writtenEvents() throws -> [Event] {
        let file = try FileHandle(forReadingFrom: directory.appending(path: "out"))
        try file.seek(toOffset: taken)
        let data = try file.readToEnd() ?? Data()
        // A line that is not whole yet is left for the next time.
        guard let end = data.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        taken += UInt64(end - data.startIndex + 1)
        return try data[..<end].split(separator: UInt8(ascii: "\n"))
            .map { try Event(String(decoding: $0, as: UTF8.self)) }
            .filter { $0["kind"] != "seal" }
    }

    /// Ends it as a service manager does, takes out what it enforces, and gives the exit status that is not 0, if one is.
    func end() throws -> Int32 {
        let status = try stop()
        return status == 0 ? try tearDown() : status
    }

    deinit {
        if process.isRunning {
            killAtOnce()
        } else if process.terminationReason == .uncaughtSignal, process.terminationStatus != SIGKILL {
            tellEnd()
        }
        if FileManager.default.fileExists(atPath: "/sys/fs/bpf/swguard") { _ = try? tearDown() }
        try? FileManager.default.removeItem(atPath: socketDirectory)
        try? FileManager.default.removeItem(at: directory)
    }
}

/// One line of the audit log.
struct Event: CustomStringConvertible {
    let fields: [String: Any]

    init(_ line: String) throws {
        fields = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
    }

    subscript(_ path: String...) -> String? {
        var value: Any? = fields
        for key in path { value = (value as? [String: Any])?[key] }
        if let text = value as? String { return text }
        return (value as? NSNumber).map { "\($0)" }
    }

    /// `denial file.read /etc/shadow files.default EACCES`.
    var description: String {
        [
            self["kind"], self["action"], self["object", "path"] ?? self["object", "address"],
            self["rule", "id"], self["errno"],
        ].compactMap { $0 }.joined(separator: " ")
    }
}

/// A program that is run to its end.
struct Ended {
    let status: Int32
    let output: String

    /// Runs `program`, an absolute path.
    init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        do {
            try process.run()
        } catch {
            // An exec that is denied.
            status = 126
            output = "\(error)"
            return
        }
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        status =
            process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        output = String(decoding: data, as: UTF8.self)
    }
}
