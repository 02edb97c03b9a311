import Foundation
import Testing

@testable import AuditLog

/// What becomes of a log whose writer ended in the middle of it.
@Suite struct LogRecoveryTests {
    private static func event(_ number: Int) -> AuditEvent {
        .denial(Samples.access(.file(path: Array("/srv/\(number)".utf8))))
    }

    /// A log whose last lines no seal covers.
    private func unsealed(_ directory: LogDirectory) throws -> [UInt8] {
        var log = try SteppedLog(directory.place)
        for number in 0..<20 { try log.write(Self.event(number)) }
        try log.take(log.composer.turn(at: Samples.time, now: 20_000))
        for number in 20..<22 { try log.write(Self.event(number), now: 30_000) }
        return try directory.contents()
    }

    @Test func `cut at any byte of its last lines, it is whole up to the last whole line and goes on there`()
        throws
    {
        let directory = try LogDirectory()
        let whole = try unsealed(directory)
        let lines = whole.split(separator: 0x0a).map { $0.endIndex + 1 }
        // From within the last seal to the end.
        for cut in lines[19]...whole.count {
            try directory.write(Array(whole[..<cut]))
            let finding = try directory.verify()
            #expect(finding.damage == nil, "cut at \(cut): \(String(describing: finding.damage))")
            let wholeLines = lines.count { $0 <= cut }
            #expect(finding.numbers?.upperBound == UInt64(wholeLines))
            #expect((finding.torn != nil) == !lines.contains(cut))

            var log = try SteppedLog(directory.place)
            #expect(log.recovered.torn == (lines.contains(cut) ? 0 : 1), "cut at \(cut)")
            #expect(log.recovered.next == UInt64(wholeLines) + 1)
            try log.write(Self.event(99))
            try log.take(log.composer.end(at: Samples.time))
            let after = try directory.verify()
            #expect(after.damage == nil && after.unsealed == 0, "cut at \(cut): \(after)")
            #expect(after.numbers == 1...UInt64(wholeLines + 2))
        }
    }

    @Test func `zeros that a power cut left are cut off`() throws {
        let directory = try LogDirectory()
        let whole = try unsealed(directory)
        for zeros in [1, 512, 4096, 20_000, 300_000] {
            try directory.write(whole + [UInt8](repeating: 0, count: zeros))
            // Before anybody has recovered it, too.
            let found = try directory.verify()
            #expect(found.damage == nil && found.torn != nil)
            var log = try SteppedLog(directory.place)
            #expect(log.recovered.torn == 1)
            try log.write(Self.event(1))
            try log.take(log.composer.end(at: Samples.time))
            #expect(try directory.verify().damage == nil)
        }
    }

    @Test(arguments: ["", "{\"v\":1,"])
    func `a file of a torn first line and zeros is begun anew`(_ text: String) throws {
        for zeros in [1, 4096, 300_000] {
            let directory = try LogDirectory()
            try directory.write(Array(text.utf8) + [UInt8](repeating: 0, count: zeros))
            #expect(try directory.verify().damage == nil)
            var log = try SteppedLog(directory.place)
            try log.write(Self.event(1))
            try log.take(log.composer.end(at: Samples.time))
            #expect(try directory.verify().damage == nil)
            // What is behind the zeros is nobody's to overwrite.
            try directory.write(Array(text.utf8) + [UInt8](repeating: 0, count: zeros) + [1])
            #expect(try directory.verify().damage != nil)
            #expect(throws: LogError.self) { _ = try SteppedLog(directory.place) }
        }
    }

    @Test func `a file that goes on behind damage is put aside as it is, and the chain goes on in another`()
        throws
    {
        let directory = try LogDirectory()
        var whole = try unsealed(directory)
        // A page that never came to the disk, before one that did.
        let end = whole.count - 300
        whole.replaceSubrange(end - 900..<end - 700, with: [UInt8](repeating: 0, count: 200))
        try directory.write(whole)
        var log = try SteppedLog(directory.place)
        #expect(log.recovered.isDamaged)
        try log.write(Self.event(1))
        try log.take(log.composer.end(at: Samples.time))
        #expect(directory.names == ["audit-1.jsonl", "audit.jsonl"])
        #expect(try directory.contents("audit-1.jsonl") == whole)
        #expect(try directory.verify().damage?.file == directory.path + "/audit-1.jsonl")
        // What the new file carries is the last hash that can be believed.
        let opening = try #require(LogRecord(Array(try directory.contents().split(separator: 0x0a)[0])))
        #expect(opening.kind == "seal")
        #expect(try LogVerifier.verify([directory.log]).damage == nil)
    }

    @Test func `between a rotation and the next line the chain is found in the rotated file`() throws {
        for isCompressed in [false, true] {
            let directory = try LogDirectory()
            var log = try SteppedLog(directory.place, .init(rotationSize: 64 << 10))
            var count = 0
            while !directory.names.contains(where: { $0.hasPrefix("audit-") }) {
                let steps = log.composer.write(Self.event(count), at: Samples.time, now: 0)
                // The agent ends behind the rotation.
                try log.take(steps.contains { $0 == .rotate(first: 1) } ? Array(steps.prefix(3)) : steps)
                count += 1
            }
            #expect(directory.names == ["audit-1.jsonl"])
            if isCompressed {
                #expect(LogSweep(place: directory.place, keep: nil).run() == [])
                #expect(directory.names == ["audit-1.jsonl.gz"])
            }
            var next = try SteppedLog(directory.place)
            try next.write(Self.event(1))
            try next.take(next.composer.end(at: Samples.time))
            let finding = try directory.verify()
            #expect(finding.damage == nil && finding.files == 2)
        }
    }

    /// A line of the log with a number that somebody else has given it.
    private static func line(_ number: UInt64, isSeal: Bool = false) -> [UInt8] {
        var encoder = AuditEncoder(boot: [], host: [], next: number)
        let seal = AuditEvent.seal(SealRecord(lines: 1, sha256: LogHash.none.text))
        return encoder.line(isSeal ? seal : event(1), at: Samples.time)
    }

    @Test(arguments: [false, true])
    func `a last line whose number no writer gets to is put aside with all that is before it`(
        _ isSeal: Bool
    ) throws {
        for number in [LogLine.lastNumber + 1, UInt64.max - 1] {
            let directory = try LogDirectory()
            let whole = try unsealed(directory) + Self.line(number, isSeal: isSeal)
            try directory.write(whole)
            var log = try SteppedLog(directory.place)
            #expect(log.recovered.isDamaged)
            try log.write(Self.event(1))
            try log.take(log.composer.end(at: Samples.time))
            #expect(directory.names == ["audit-1.jsonl", "audit.jsonl"])
            #expect(try directory.contents("audit-1.jsonl") == whole)
            // The chain goes on behind what the writer wrote.
            let finding = try LogVerifier.verify([directory.log])
            #expect(finding.damage == nil && (finding.numbers?.upperBound ?? .max) < 30)
        }
    }

    @Test(arguments: [LogLine.lastNumber, LogLine.lastNumber / 2 + 1])
    func `a log whose numbers are nearly used up is refused, and says why`(_ number: UInt64) throws {
        let directory = try LogDirectory()
        let whole = try unsealed(directory) + Self.line(number, isSeal: true)
        for (name, text) in [("audit.jsonl", whole), ("audit-1.jsonl", whole)] {
            unlink(directory.log)
            try directory.write(text, name)
            #expect {
                _ = try SteppedLog(directory.place)
            } throws: { error in
                "\(error)".hasSuffix(
                    "its last line has number \(number), which no writer gets to: somebody else wrote it")
            }
            #expect(try directory.contents(name) == whole)
        }
    }

    @Test func `a last line that no power cut has torn is put aside, and not cut off`() throws {
        for text in ["x\n", "{\"v\":1,\"seq\":5}\n", "\n"] {
            let directory = try LogDirectory()
            let whole = try unsealed(directory) + Array(text.utf8)
            try directory.write(whole)
            var log = try SteppedLog(directory.place)
            try log.write(Self.event(1))
            #expect(try directory.contents("audit-1.jsonl") == whole)
        }
    }

    @Test func `what is no log is not written to`() throws {
        let directory = try LogDirectory()
        for text in ["root:x:0:0:\n", "{}\n", "x", "{\"v\":1,\"seq\":1}\nx\n"] {
            try directory.write(Array(text.utf8))
            #expect(throws: LogError.self, "\(text)") { _ = try SteppedLog(directory.place) }
            #expect(try directory.contents() == Array(text.utf8))
        }
    }

    @Test func `a path that somebody else has a hand in is refused`() throws {
        let directory = try LogDirectory()
        _ = try unsealed(directory)
        let elsewhere = directory.path + "/elsewhere.jsonl"
        func refusal() -> String {
            do { _ = try SteppedLog(directory.place) } catch { return "\(error)" }
            return "nothing is wrong"
        }
        rename(directory.log, elsewhere)
        symlink(elsewhere, directory.log)
        #expect(refusal().contains("symbolic link"))
        unlink(directory.log)
        link(elsewhere, directory.log)
        #expect(refusal().contains("another name"))
        unlink(elsewhere)
        chmod(directory.log, 0o666)
        #expect(refusal().contains("others can write it"))
        chmod(directory.log, 0o640)
        chmod(directory.path, 0o777)
        #expect(refusal().contains("others can write its directory"))
        chmod(directory.path, 0o755)
        #expect(refusal() == "nothing is wrong")
        if geteuid() == 0 {
            chown(directory.log, 4711, 4711)
            #expect(refusal().contains("belongs to user 4711"))
        }
        unlink(directory.log)
        mkfifo(directory.log, 0o600)
        #expect(refusal().contains("no regular file"))
    }
}
