import Foundation

/// A running `swguard agent`, and what it writes.
final class AgentProcess: Sendable {
    private let process: Child
    private let output: URL
    private let complaints: URL

    /// Starts the agent with one policy, and waits until that is enforced.
    init(policy: String, waitingFor limit: Double = 60) throws {
        let place = URL(filePath: "/run/swguard-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try Data((policy + "\n").utf8).write(to: place.appending(path: "policy.yaml"))
        output = place.appending(path: "output")
        complaints = place.appending(path: "errors")
        for file in [output, complaints] { try Data().write(to: file) }
        process = try Child(
            [KernelTestPrograms.swguard, "agent", place.appending(path: "policy.yaml").path],
            output: output.path, errors: complaints.path)
        let end = Date(timeIntervalSinceNow: limit)
        while !said.contains("enforcing") {
            guard process.isRunning, Date() < end else {
                if process.isRunning { process.end() }
                throw Failure(reason: "the agent enforces nothing: \(said)")
            }
            usleep(20_000)
        }
    }

    /// What it said on standard error.
    var said: String { (try? String(contentsOf: complaints, encoding: .utf8)) ?? "" }

    func end() throws {
        guard process.end() == 0 else { throw Failure(reason: "the agent failed: \(said)") }
    }

    /// What is written from here on.
    func events() -> Events { Events(of: output) }

    struct Failure: Error, CustomStringConvertible {
        let reason: String
        var description: String { reason }
    }

    /// Lines of the agent's output, from one moment on.
    struct Events {
        private let file: URL
        private let start: UInt64

        fileprivate init(of file: URL) {
            self.file = file
            start = (try? FileHandle(forReadingFrom: file).seekToEnd()) ?? 0
        }

        /// The whole lines that there are by now.
        func all() throws -> [Event] {
            let handle = try FileHandle(forReadingFrom: file)
            try handle.seek(toOffset: start)
            let data = try handle.readToEnd() ?? Data()
            return try data.prefix((data.lastIndex(of: 10) ?? -1) + 1).split(separator: 10).map {
                Event(try JSONSerialization.jsonObject(with: Data($0)) as? [String: Any] ?? [:])
            }
        }

        /// The first denial, once there is one; nil where none comes in a second and a half.
        func firstDenial() throws -> Event? {
            let end = Date(timeIntervalSinceNow: 1.5)
            repeat {
                if let event = try all().first(where: { $0.kind == "denial" }) { return event }
                usleep(5_000)
            } while Date() < end
            return nil
        }
    }

    /// One line, as far as tests look at it.
    struct Event: Hashable, Sendable, CustomStringConvertible {
        let kind: String
        let action: String
        let errno: String
        let rule: String
        let path: String

        init(_ line: [String: Any]) {
            func text(_ keys: String...) -> String {
                var value: Any? = line
                for key in keys { value = (value as? [String: Any])?[key] }
                return value as? String ?? ""
            }
            kind = text("kind")
            action = text("action")
            errno = text("errno")
            rule = text("rule", "id")
            path = text("object", "path")
        }

        var description: String { "\(action) by \(rule) (\(errno)) \(path)" }
    }
}

/// The programs that kernel tests run.
enum KernelTestPrograms {
    static let swguard = ProcessInfo.processInfo.environment["SWGUARD"] ?? "/usr/bin/swguard"

    /// The program of `Tests/attacks`, which stands beside the test bundle.
    static let attacks = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
        path: "attacks"
    ).path
}
