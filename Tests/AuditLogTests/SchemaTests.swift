import AuditLog
import Foundation
import Testing

/// Every line is checked against the published schema by a validator that is not ours.
@Suite struct SchemaTests {
    private static let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "audit/schema/event.json")
        .path

    /// Reads lines and answers each with the number of the first that is not valid, and why.
    private static let script = """
        import json, sys
        try:
            import jsonschema
        except ImportError:
            sys.exit("no jsonschema for python3: apt-get install python3-jsonschema")
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        expected = sys.argv[2] == "valid"
        for number, line in enumerate(sys.stdin.buffer.read().split(b"\\n")[:-1], 1):
            if len(line) + 1 > 16384:
                sys.exit(f"line {number} has {len(line) + 1} bytes")
            value = json.loads(line.decode("utf-8"))
            error = next(validator.iter_errors(value), None)
            if (error is None) != expected:
                deepest = error and jsonschema.exceptions.best_match(validator.iter_errors(value))
                sys.exit(f"line {number}: {deepest and deepest.message or 'valid'}: {line[:2000]!r}")
        """

    /// Nil when each line is (or is not) valid, else what the validator says.
    private func validate(_ lines: [[UInt8]], expecting: String = "valid") throws -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.script, Self.schema, expecting]
        let input = FileManager.default.temporaryDirectory.appending(path: "audit-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: input) }
        try Data(lines.joined()).write(to: input)
        let errors = Pipe()
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardError = errors
        try process.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 0 ? nil : said
    }

    @Test func `one event of each kind and of each shape is valid`() throws {
        var encoder = AuditEncoder(boot: Array("0f3c".utf8), host: Array("web-3".utf8))
        let lines = Samples.all.map { encoder.line($0, at: Samples.time) }
        #expect(Set(Samples.all.map(\.kind)) == Set(AuditEvent.Kind.allCases))
        #expect(try validate(lines) == nil)
    }

    @Test func `lines that are not as the page says are not valid`() throws {
        var encoder = AuditEncoder(boot: [], host: [])
        let line = String(decoding: encoder.line(Samples.denial, at: Samples.time), as: UTF8.self)
        let broken = [
            line.replacing("\"verdict\":\"deny\"", with: "\"verdict\":\"denied\""),
            line.replacing("\"verdict\":\"deny\"", with: "\"verdict\":\"allow\""),
            line.replacing("\"layer\":\"lsm\"", with: "\"layer\":\"kernel\""),
            line.replacing("\"count\":1", with: "\"count\":0"),
            line.replacing("\"count\":1", with: "\"count\":2,\"first\":\"2026-11-22T10:15:30.000000000Z\""),
            line.replacing("\"count\":1", with: "\"count\":1,\"more\":1"),
            line.replacing("\"errno\":\"EACCES\"", with: "\"errno\":null"),
            line.replacing("file.write", with: "file.peek"),
            line.replacing("/etc/passwd", with: "/etc/\\u0007"),
            line.replacing("\"seq\":1", with: "\"seq\":0"),
        ]
        #expect(broken.allSatisfy { $0 != line })
        #expect(try validate(broken.map { Array($0.utf8) }, expecting: "broken") == nil)
    }

    @Test func `whatever the strings hold, the line is valid and short enough`() throws {
        let seed = ProcessInfo.processInfo.environment["SWGUARD_SEED"].flatMap { UInt64($0) } ?? 20261122
        let count = ProcessInfo.processInfo.environment["AUDIT_CASES"].flatMap { Int($0) } ?? 400
        var random = Seeded(state: seed)
        var encoder = AuditEncoder(boot: random.bytes(upTo: 300), host: random.bytes(upTo: 300))
        let lines = (0..<count).map { _ in
            encoder.line(Samples.random(using: &random), at: Samples.time)
        }
        let complaint = try validate(lines)
        #expect(complaint == nil, "seed \(seed)")
    }

    @Test func `the longest strings everywhere still fit the line`() throws {
        let worst = [UInt8](repeating: 0xff, count: 20_000)
        var encoder = AuditEncoder(boot: worst, host: worst)
        let lines = Samples.all.map { Samples.filled($0, with: worst) }.map {
            encoder.line($0, at: Samples.time)
        }
        #expect(lines.allSatisfy { $0.count <= AuditEncoder.lineLimit })
        #expect(try validate(lines) == nil)
    }
}
