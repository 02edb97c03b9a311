import Foundation
import Testing

@testable import AuditLog

/// The chain of seals: what is written is whole, and what is changed is not.
@Suite struct LogChainTests {
    private static func event(_ number: Int) -> AuditEvent {
        .denial(Samples.access(.file(path: Array("/etc/\(number)".utf8))))
    }

    /// A log of a few files, with seals.
    private func write(_ directory: LogDirectory, events: Int, settings: LogComposer.Settings = .init())
        throws
    {
        var log = try SteppedLog(directory.place, settings)
        for number in 0..<events {
            try log.write(Self.event(number), now: UInt64(number) * 1000)
            try log.take(log.composer.turn(at: Samples.time, now: UInt64(number) * 1000))
        }
        try log.take(log.composer.end(at: Samples.time))
    }

    @Test func `a log is whole, and says so by numbers, seals and hashes that another program computes`()
        throws
    {
        let directory = try LogDirectory()
        try write(directory, events: 40)
        let finding = try directory.verify()
        #expect(finding.damage == nil && finding.unsealed == 0 && finding.torn == nil)
        #expect(finding.numbers == 1...finding.sealed)
        let script = """
            import hashlib, json, re, sys
            data = open(sys.argv[1], "rb").read()
            last, start, seals = bytes(32), 0, 0
            for found in re.finditer(rb'"kind":"seal","lines":[1-9][0-9]*,"sha256":"([0-9a-f]{64})"}\\n', data):
                digits = found.start(1)
                last = hashlib.sha256(last + data[start:digits]).digest()
                assert last.hex().encode() == found.group(1)
                start, seals = found.end(1), seals + 1
            assert data[start:] == b'"}\\n', data[start:]
            print(seals)
            """
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, directory.log]
        process.standardOutput = output
        try process.run()
        let seals = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(Int(seals.trimmingCharacters(in: .whitespacesAndNewlines)) == 4)
    }

    @Test func `a file's first line carries the last hash of the file before, and the chain spans all files`()
        throws
    {
        let directory = try LogDirectory()
        try write(directory, events: 300, settings: .init(rotationSize: 64 << 10))
        let files = try directory.place.files()
        #expect(files.count >= 2)
        var last: String?
        for file in files {
            let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
            let first = try #require(LogRecord(Array(lines[0].utf8)))
            if let last {
                #expect(first.kind == "seal")
                #expect(first.fields["sha256"] == last && first.fields["lines"] == "0")
            }
            let end = try #require(LogRecord(Array(lines[lines.count - 1].utf8)))
            #expect(end.kind == "seal")
            last = end.fields["sha256"]
        }
        #expect(try directory.verify().damage == nil)
        #expect(try directory.records().count == 300)
    }

    @Test func `a seal comes every 4,096 lines and every ten seconds`() throws {
        var composer = LogComposer(.beginning, boot: [], host: [])
        var seals = 0
        for _ in 0..<4096 * 2 {
            seals += composer.write(Self.event(1), at: Samples.time, now: 0).count { isSeal($0) }
        }
        #expect(seals == 2)
        _ = composer.write(Self.event(1), at: Samples.time, now: 5000)
        #expect(composer.turn(at: Samples.time, now: 14_999).isEmpty)
        #expect(composer.turn(at: Samples.time, now: 15_000).count { isSeal($0) } == 1)
        #expect(composer.turn(at: Samples.time, now: 99_000).isEmpty)
        #expect(composer.end(at: Samples.time).isEmpty)
    }

    private func isSeal(_ step: LogStep) -> Bool {
        if case .line(let line) = step { LogLine(line[...])?.seal != nil } else { false }
    }

    @Test func `a file is rotated by its age, and not while nothing is in it`() throws {
        var composer = LogComposer(.beginning, boot: [], host: [], settings: .init(rotationAge: 60))
        let begun = Samples.time
        _ = composer.write(Self.event(1), at: begun, now: 0)
        let before = AuditTime(seconds: begun.seconds + 59, nanoseconds: 0)
        let after = AuditTime(seconds: begun.seconds + 60, nanoseconds: 0)
        #expect(!composer.turn(at: before, now: 1).contains(.rotate(first: 1)))
        #expect(composer.turn(at: after, now: 2).contains(.rotate(first: 1)))
        #expect(composer.turn(at: AuditTime(seconds: begun.seconds + 900, nanoseconds: 0), now: 3).isEmpty)
    }

    /// Records that are short: every byte of the log is changed.
    private static func shortEvent(_ number: Int) -> AuditEvent {
        .agent(AgentRecord(state: .started, reason: "\(number)"))
    }

    @Test func `any single byte that is changed is found, and its line named`() throws {
        let directory = try LogDirectory()
        var log = try SteppedLog(directory.place)
        for number in 0..<12 {
            try log.write(Self.shortEvent(number), now: UInt64(number) * 3000)
            try log.take(log.composer.turn(at: Samples.time, now: UInt64(number) * 3000))
        }
        try log.take(log.composer.end(at: Samples.time))
        let whole = try directory.contents()
        // Which line each byte is in.
        var line = 1
        let numbers = whole.map { byte in
            defer { if byte == 0x0a { line += 1 } }
            return line
        }
        var random = Seeded(state: 20)
        for index in whole.indices {
            var changed = whole
            // Every bit of some bytes, and something else for the rest.
            changed[index] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
            try directory.write(changed)
            let damage = try directory.verify().damage
            guard let damage else {
                Issue.record("byte \(index) of \(whole.count) is \(changed[index]), and nobody knows")
                return
            }
            // A newline that is gone joins two lines, one that came parts one.
            #expect(
                (damage.first...max(damage.line, damage.first)).contains(numbers[index])
                    || numbers[index] == damage.line - 1, "byte \(index), line \(numbers[index]): \(damage)")
        }
    }

    @Test func `lines that are taken out, put in, doubled or exchanged are missed`() throws {
        let directory = try LogDirectory()
        try write(directory, events: 24)
        let lines = try directory.contents().split(separator: 0x0a).map { Array($0) + [0x0a] }
        for index in lines.indices.dropLast() {
            var without = lines
            without.remove(at: index)
            var exchanged = lines
            exchanged.swapAt(index, index + 1)
            var doubled = lines
            doubled.insert(lines[index], at: index)
            for changed in [without, exchanged, doubled] {
                try directory.write(Array(changed.joined()))
                #expect(try directory.verify().damage != nil, "line \(index + 1)")
            }
        }
    }

    @Test func `a log that begins with a seal of lines that are not there is broken`() throws {
        let directory = try LogDirectory()
        var encoder = AuditEncoder(boot: [], host: [])
        let seal = AuditEvent.seal(SealRecord(lines: 1, sha256: LogHash.none.text))
        try directory.write(encoder.line(seal, at: Samples.time))
        #expect(try directory.verify().damage?.reason == "a seal of lines that are not there")
    }

    @Test func `a file that is missing between others is missed, and one before all is not`() throws {
        let directory = try LogDirectory()
        try write(directory, events: 600, settings: .init(rotationSize: 64 << 10))
        let files = try directory.place.files()
        #expect(files.count >= 3)
        #expect(try LogVerifier.verify(Array(files.dropFirst())).damage == nil)
        let damage = try LogVerifier.verify([files[0]] + files[2...]).damage
        #expect(damage?.file == files[2] && damage?.line == 1)
        #expect(damage?.reason.contains("missing") == true)
    }

    @Test(arguments: 1...40) func `whatever a line holds, it is no seal and ends where it ends`(
        _ seed: UInt64
    ) throws {
        var random = Seeded(state: seed)
        var encoder = AuditEncoder(boot: [], host: [], next: 7)
        let trap = Array(#"","kind":"seal","lines":1,"sha256":"\#(LogHash.none.text)"}"#.utf8)
        let event = Samples.filled(Samples.denial, with: random.bytes(upTo: 200) + trap)
        let line = try #require(LogLine(encoder.line(event, at: Samples.time)[...]))
        #expect(line.sequence == 7 && line.seal == nil)
    }
}
