import Foundation

@testable import AuditLog

/// A directory of a test's own with a log in it.
final class LogDirectory {
    let path: String
    var log: String { path + "/audit.jsonl" }
    var place: LogPlace { LogPlace(log) }

    init() throws {
        let url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
            .appending(path: "swguard-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
        chmod(path, 0o755)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Events for `log`, with everything that a test wants otherwise.
    func settings(_ change: (inout AuditTrail.Settings) -> Void = { _ in }) -> AuditTrail.Settings {
        var settings = AuditTrail.Settings(file: log)
        change(&settings)
        return settings
    }

    func contents(_ name: String = "audit.jsonl") throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }

    func write(_ bytes: [UInt8], _ name: String = "audit.jsonl") throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    }

    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    func verify() throws -> LogVerifier.Finding { try LogVerifier.verify(place.files()) }

    /// Every record of all files but seals.
    func records() throws -> [LogRecord] {
        var records = LogRecords(try place.files())
        var found: [LogRecord] = []
        while let record = try records.next() {
            if record.kind != "seal" { found.append(record) }
        }
        return found
    }
}

/// A log that is written step by step, with no thread: a crash is where the steps end.
struct SteppedLog: ~Copyable {
    var composer: LogComposer
    var file: LogFile
    let place: LogPlace
    let recovered: LogResumption

    init(_ place: LogPlace, _ settings: LogComposer.Settings = .init(), host: String = "web-3") throws {
        let resumption = try LogRecovery(place: place).run()
        recovered = resumption
        self.place = place
        file = LogFile(place, keeping: resumption.torn > 0 ? resumption.file.size : nil)
        composer = LogComposer(
            resumption, boot: Array("0f3c".utf8), host: Array(host.utf8), settings: settings)
    }

    mutating func take(_ steps: [LogStep]) throws {
        for step in steps {
            switch step {
            case .line(let line): _ = try file.write([line])
            case .sync: try file.sync()
            case .rotate(let first): try file.rotate(first: first)
            case .reopen: try file.reopen()
            }
        }
    }

    mutating func write(_ event: AuditEvent, now: UInt64 = 0) throws {
        try take(composer.write(event, at: Samples.time, now: now))
    }
}
