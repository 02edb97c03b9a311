import Foundation
import Policy
import Testing

@testable import AuditLog

/// Reading logs back, whoever wrote them.
@Suite struct LogReadingTests {
    private static func record(_ event: AuditEvent, at time: AuditTime = Samples.time) throws -> LogRecord {
        var encoder = AuditEncoder(boot: [], host: Array("web-3".utf8))
        return try #require(LogRecord(encoder.line(event, at: time)))
    }

    private static func query(_ change: (inout LogQuery) -> Void) -> LogQuery {
        var query = LogQuery()
        change(&query)
        return query
    }

    /// Conditions, and whether the sample denial (write /etc/passwd by files.default, nginx 812) meets them.
    static let conditions: [(name: String, query: LogQuery, isMet: Bool)] = [
        ("none", query { _ in }, true),
        ("policy", query { $0.policies = ["web-server"] }, true),
        ("another policy", query { $0.policies = ["web"] }, false),
        ("one of two rules", query { $0.rules = ["x", "files.default"] }, true),
        ("kind", query { $0.kinds = ["grant"] }, false),
        ("verdict", query { $0.verdicts = ["deny"] }, true),
        ("process id", query { $0.processes = [.init("812")] }, true),
        ("another process id", query { $0.processes = [.init("81")] }, false),
        ("process name", query { $0.processes = [.init("nginx")] }, true),
        ("executable", query { $0.processes = [.init("/usr/sbin/nginx")] }, true),
        ("path", query { $0.paths = patterns("/etc/**") }, true),
        ("another path", query { $0.paths = patterns("/etc/*.conf") }, false),
        ("since", query { $0.since = Samples.time }, true),
        ("since later", query { $0.since = Samples.later }, false),
        ("until", query { $0.until = Samples.time }, false),
        ("until later", query { $0.until = Samples.later }, true),
        ("all together, one is not met", query { ($0.policies, $0.rules) = (["web-server"], ["x"]) }, false),
    ]

    private static func patterns(_ text: String) -> [PathPattern] {
        (try? PathPattern.parse(text.utf8)) ?? []
    }

    @Test(arguments: conditions) func `a record meets conditions`(
        _ row: (name: String, query: LogQuery, isMet: Bool)
    ) throws {
        #expect(row.query.accepts(try Self.record(Samples.denial)) == row.isMet, "\(row.name)")
    }

    @Test func `a path is matched by its bytes, whatever they are`() throws {
        let path: [UInt8] = Array("/srv/".utf8) + [0xff, 0x0a, 0x5c, 0x22]
        let record = try Self.record(.denial(Samples.access(.file(path: path))))
        #expect(record.path == path)
        #expect(Self.query { $0.paths = Self.patterns("/srv/????") }.accepts(record))
    }

    @Test func `a record that stands for several is wanted if one of them is`() throws {
        let record = try Self.record(
            .denial(Samples.access(.file(path: Array("/x".utf8)), count: 3)), at: Samples.time)
        #expect(Self.query { $0.since = Samples.later }.accepts(record))
    }

    @Test func `what occurs most stands first, by requests and not by lines`() throws {
        var summary = LogSummary(by: .path)
        for (path, count) in [("/a", 1), ("/b", 7), ("/a", 2), ("/c", 3)] as [(String, UInt64)] {
            summary.add(try Self.record(.denial(Samples.access(.file(path: Array(path.utf8)), count: count))))
        }
        summary.add(try Self.record(Samples.all.last ?? Samples.denial))
        #expect(
            summary.top(2) == [
                .init(text: "/b", count: 7, records: 1), .init(text: "/a", count: 3, records: 2),
            ])
    }

    static let times: [(String, String?)] = [
        ("2026-11-22T10:15:30.123456789Z", "2026-11-22T10:15:30.123456789Z"),
        ("2026-11-22", "2026-11-22T00:00:00.000000000Z"),
        ("2024-02-29 23:59", "2024-02-29T23:59:00.000000000Z"),
        ("2026-11-22T10:15:30.5Z", "2026-11-22T10:15:30.500000000Z"),
        ("1969-12-31", "1969-12-31T00:00:00.000000000Z"),
        ("2026-02-29", nil), ("2026-13-01", nil), ("2026-11-22T24:00", nil), ("2026-11-22T10:15:60", nil),
        ("2026-11-22T10", nil), ("2026-11-22T10:15x", nil), ("", nil), ("yesterday", nil),
        ("2026-11-22T10:15:30.", nil),
    ]

    @Test(arguments: times) func `times are read as they are written`(_ row: (String, String?)) {
        #expect(AuditTime(row.0)?.text == row.1)
    }

    @Test(arguments: 1...200) func `any time is read back`(_ seed: UInt64) {
        var random = Seeded(state: seed)
        let time = AuditTime(
            seconds: .random(in: -60_000_000_000...250_000_000_000, using: &random),
            nanoseconds: .random(in: 0...999_999_999, using: &random))
        #expect(AuditTime(time.text) == time)
    }

    @Test func `nothing of a log reaches a terminal raw`() throws {
        let hostile =
            "{\"v\":1,\"seq\":1,\"kind\":\"denial\",\"verdict\":\"\\u001b[2J\",\"object\":{\"path\":\"/a\\u202eb\\u009b\\n\\ue000\"},\"process\":{\"comm\":\"\\u0007\\u2028\"}}"
        let record = try #require(LogRecord(Array(hostile.utf8)))
        let shown = TerminalText.of(record.text)
        #expect(shown.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) })
        #expect(!shown.contains("\u{202e}") && !shown.contains("\u{2028}") && !shown.contains("\u{e000}"))
        #expect(shown.contains("\\xe2\\x80\\xae"))
        // What our writer escaped is shown as it is.
        #expect(TerminalText.of("a\\x1b\\\\b") == "a\\x1b\\\\b")
        #expect(TerminalText.of("abcdef", limit: 3) == "abc…")
    }

    @Test func `lines that are none are passed over and counted, however long they are`() throws {
        let directory = try LogDirectory()
        var encoder = AuditEncoder(boot: [], host: [])
        let line = encoder.line(Samples.denial, at: Samples.time)
        let junk: [[UInt8]] = [
            [UInt8](repeating: 0x61, count: 300_000), [0xff, 0xfe], [],
            Array("{\"kind\":[[[[[[[[[[[[1]]]]]]]]]]]]}".utf8),
            Array("[1]".utf8), Array("{\"kind\":1e999}".utf8), [0, 0, 0],
        ]
        var bytes: [UInt8] = []
        for part in junk { bytes += part + [0x0a] + line }
        try directory.write(bytes)
        var records = LogRecords([directory.log])
        var count = 0
        while try records.next() != nil { count += 1 }
        #expect(count == junk.count && records.strangeCount == junk.count)
        #expect(records.strange.first?.line == 1)
        #expect(try directory.verify().damage != nil)
    }

    @Test(arguments: 1...60) func `any bytes are read without an end that is not theirs`(_ seed: UInt64)
        throws
    {
        var random = Seeded(state: seed)
        let directory = try LogDirectory()
        var bytes: [UInt8] = []
        var encoder = AuditEncoder(boot: [], host: [])
        for _ in 0..<30 {
            bytes += encoder.line(
                Samples.all.randomElement(using: &random) ?? Samples.denial, at: Samples.time)
        }
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        try directory.write(bytes)
        _ = try directory.verify()
        var records = LogRecords([directory.log])
        while let record = try records.next() {
            _ = (record.text, record.object, LogQuery().accepts(record), record.span, record.path)
        }
        _ = try? LogRecovery(place: directory.place).run()
    }

    @Test func `a follower says which numbers are missing, however many`() throws {
        let directory = try LogDirectory()
        var lines: [UInt8] = []
        for number in [1, LogLine.lastNumber, UInt64.max - 1] {
            var encoder = AuditEncoder(boot: [], host: [], next: number)
            lines += encoder.line(Samples.denial, at: Samples.time)
        }
        try directory.write(lines)
        var follower = try LogFollower(directory.log, lines: 5)
        #expect(try follower.takeLines().count == 3)
        #expect(follower.takeNotices() == ["numbers 2 to \(LogLine.lastNumber - 1) are missing"])
    }

    @Test func `a follower sees every line once, through rotations that it slept over`() throws {
        let directory = try LogDirectory()
        var log = try SteppedLog(directory.place, .init(rotationSize: 64 << 10))
        func event(_ number: Int) -> AuditEvent {
            .denial(Samples.access(.file(path: Array("/\(number)".utf8))))
        }
        for number in 0..<20 { try log.write(event(number)) }
        var follower = try LogFollower(directory.log, lines: 5)
        var seen: [String] = []
        func take(_ lines: [[UInt8]]) {
            seen += lines.compactMap { LogRecord($0) }.filter { $0.kind != "seal" }.compactMap(\.object)
        }
        take(try follower.takeLines())
        #expect(seen == (15..<20).map { "/\($0)" })
        for number in 20..<1000 {
            try log.write(event(number))
            // Sometimes several rotations pass, some compressed.
            if number % 333 == 0 { take(try follower.takeLines()) }
            if number == 600 { _ = LogSweep(place: directory.place, keep: nil).run() }
        }
        take(try follower.takeLines())
        #expect(directory.names.count > 4)
        #expect(seen == (15..<1000).map { "/\($0)" })
        #expect(follower.takeNotices() == [])
        // Half a line is none yet.
        let line = log.composer.write(event(1000), at: Samples.time, now: 0)
        guard case .line(let bytes)? = line.last else { return }
        let handle = try #require(FileHandle(forWritingAtPath: directory.log))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(bytes[..<40]))
        #expect(try follower.takeLines().isEmpty)
        try handle.write(contentsOf: Data(bytes[40...]))
        take(try follower.takeLines())
        #expect(seen.last == "/1000")
    }
}
