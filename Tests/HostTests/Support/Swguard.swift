import Foundation
import Testing

/// The built `swguard`, run as a user would.
enum Swguard {
    /// What a finished command left.
    struct Outcome: CustomStringConvertible {
        var status: Int32
        var output: String
        var errors: String

        var description: String { "status \(status)\noutput: \(output)\nerrors: \(errors)" }
    }

    /// `$SWGUARD`, or the release build of this checkout.
    static let path: String =
        ProcessInfo.processInfo.environment["SWGUARD"]
        ?? repository.appending(path: ".build/release/swguard").path

    /// The program of `Tests/attacks`, which stands beside the test bundle.
    static let attacks: String = {
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let built = repository.appending(path: ".build/debug/attacks").path
        let beside = bundle.appending(path: "attacks").path
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : built
    }()

    /// The shipped policies.
    static let policies: String =
        ProcessInfo.processInfo.environment["SWGUARD_POLICIES"] ?? repository.appending(path: "policies").path

    /// The checkout; where the bundle was copied from it, only the files of the package are missed.
    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Runs `swguard` with `arguments`; a command that takes longer than `limit` seconds is killed and fails.
    static func run(
        _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
        input: String? = nil, limit: Double = 60
    ) throws -> Outcome {
        try command(
            [path] + arguments, in: directory, environment: environment, input: input, limit: limit)
    }

    /// Runs any command.
    static func command(
        _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
        input: String? = nil, limit: Double = 60
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = try Captured()
        let errors = try Captured()
        let source = try input.map { try Captured(holding: $0) }
        defer { source?.remove() }
        process.standardInput = source?.handle ?? FileHandle.nullDevice
        process.standardOutput = output.handle
        process.standardError = errors.handle
        try process.run()
        let deadline = Date(timeIntervalSinceNow: limit)
        while process.isRunning, Date() < deadline { usleep(2000) }
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            Issue.record("\(arguments) took longer than \(limit) s")
        }
        let status =
            process.terminationReason == .exit
            ? process.terminationStatus : 128 + process.terminationStatus
        return Outcome(status: status, output: try output.text(), errors: try errors.text())
    }

    /// A file that a command's output goes to: no pipe that a forgotten child could keep open.
    private struct Captured {
        let url: URL
        let handle: FileHandle

        init() throws {
            url = FileManager.default.temporaryDirectory.appending(path: "swguard-\(UUID().uuidString)")
            guard FileManager.default.createFile(atPath: url.path, contents: nil) else {
                throw CocoaError(.fileWriteNoPermission)
            }
            handle = try FileHandle(forWritingTo: url)
        }

        /// A file to read `text` from.
        init(holding text: String) throws {
            url = FileManager.default.temporaryDirectory.appending(path: "swguard-\(UUID().uuidString)")
            try Data(text.utf8).write(to: url)
            handle = try FileHandle(forReadingFrom: url)
        }

        func remove() { try? FileManager.default.removeItem(at: url) }

        func text() throws -> String {
            defer { remove() }
            try handle.close()
            return String(decoding: try Data(contentsOf: url), as: UTF8.self)
        }
    }
}

/// A directory of a test's own, removed at the end of its life.
final class Scratch {
    let path: String

    /// - Parameter place: Where; nil: among the temporary files, of which others can leave thousands.
    init(in place: String? = nil) throws {
        // Resolved, so that the paths in policies are the kernel's.
        let base = (place.map { URL(fileURLWithPath: $0) } ?? FileManager.default.temporaryDirectory)
            .resolvingSymlinksInPath()
        let url = base.appending(path: "swguard-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file beneath, with its directories; returns its path.
    @discardableResult
    func write(_ name: String, _ text: String = "x\n") throws -> String {
        let file = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Makes a directory beneath; returns its path.
    @discardableResult
    func makeDirectory(_ name: String) throws -> String {
        let directory = "\(path)/\(name)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return directory
    }

    /// A policy in the directory: the required head, then `sections`.
    func policy(_ sections: String, name: String = "policy.yaml") throws -> String {
        try write(
            name,
            """
            apiVersion: swguard/v1
            kind: Policy
            metadata: { name: test }
            \(sections)

            """)
    }
}
