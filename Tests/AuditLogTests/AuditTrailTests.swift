import Foundation
import Testing

@testable import AuditLog

/// The log as the agent writes it: threads, full disks, readers that stand still.
@Suite(.serialized) struct AuditTrailTests {
    private static func event(_ number: Int, policy: String = "web-server") -> AuditEvent {
        var record = Samples.access(.file(path: Array("/srv/\(number)".utf8)))
        record.policy.name = policy
        return .denial(record)
    }

    private func trail(_ settings: AuditTrail.Settings) throws -> Trail {
        Trail(try AuditTrail(settings, boot: Array("0f3c".utf8), host: Array("web-3".utf8)))
    }

    /// How long a busy disk may take, in milliseconds.
    private static let patience: UInt64 = 120_000

    /// Waits for something that another thread does.
    private func eventually(_ isSo: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<6000 {
            if try isSo() { return true }
            usleep(10_000)
        }
        return false
    }

    @Test func `events are in the file, in order and sealed, and the file is for its owner and group`() throws
    {
        let directory = try LogDirectory()
        let trail = try trail(directory.settings())
        for number in 0..<500 { #expect(trail.write(Self.event(number))) }
        #expect(trail.end(patience: Self.patience) == [])
        let finding = try directory.verify()
        #expect(finding.damage == nil && finding.unsealed == 0 && finding.sealed == 501)
        #expect(try directory.records().map(\.object) == (0..<500).map { "/srv/\($0)" })
        var status = stat()
        #expect(stat(directory.log, &status) == 0 && status.st_mode & 0o777 == 0o640)
    }

    @Test func `rotated files are compressed beside the log, and only so many are kept`() throws {
        let directory = try LogDirectory()
        let settings = directory.settings {
            $0.log.rotationSize = 64 << 10
            $0.keep = 2
        }
        let trail = try trail(settings)
        for number in 0..<1500 { #expect(trail.write(Self.event(number))) }
        #expect(trail.end(patience: Self.patience) == [])
        let isSwept = eventually {
            directory.names.count == 3 && directory.names.filter { $0.hasSuffix(".jsonl.gz") }.count == 2
        }
        #expect(isSwept, "\(directory.names)")
        let finding = try directory.verify()
        #expect(finding.damage == nil && (finding.numbers?.lowerBound ?? 0) > 1)
        let records = try directory.records()
        #expect(records.last?.object == "/srv/1499")
        // Another program's gzip takes them.
        for name in directory.names where name.hasSuffix(".gz") {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["gzip", "--test", directory.path + "/" + name]
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
    }

    @Test func `a log goes on where the agent before ended, and what it tore is told`() throws {
        let directory = try LogDirectory()
        let first = try trail(directory.settings())
        for number in 0..<10 { first.write(Self.event(number)) }
        #expect(first.end(patience: Self.patience) == [])
        try directory.write(try directory.contents() + Array("{\"v\":1,\"seq\":12,\"ti".utf8))
        let second = try trail(directory.settings())
        second.write(Self.event(10))
        let said = second.end(patience: Self.patience)
        #expect(said.count == 1 && said[0].contains("torn"))
        let records = try directory.records()
        #expect(records.suffix(2).map(\.kind) == ["gap", "denial"])
        #expect(records[10].fields["reason"] == "restart" && records[10].fields["count"] == "1")
        let finding = try directory.verify()
        #expect(finding.damage == nil && finding.numbers == 1...14)
    }

    @Test func `after a rename and USR1 both files are whole, and nothing is missing`() throws {
        let directory = try LogDirectory()
        let trail = try trail(directory.settings())
        for number in 0..<10 { trail.write(Self.event(number)) }
        #expect(eventually { (try? directory.records().count) == 10 })
        rename(directory.log, directory.path + "/audit.jsonl.1")
        // What comes before the signal is in the file that was renamed.
        trail.write(Self.event(10))
        trail.reopen()
        for number in 11..<20 { trail.write(Self.event(number)) }
        // A reopening without a rename goes on in the same file.
        trail.reopen()
        trail.write(Self.event(20))
        #expect(trail.end(patience: Self.patience) == [])
        let finding = try LogVerifier.verify([directory.path + "/audit.jsonl.1", directory.log])
        #expect(finding.damage == nil && finding.unsealed == 0, "\(finding)")
        #expect(try directory.records().map(\.object) == (11...20).map { "/srv/\($0)" })
        // And the next agent goes on there, too.
        let next = try self.trail(directory.settings())
        next.write(Self.event(21))
        #expect(next.end(patience: Self.patience) == [])
        #expect(try LogVerifier.verify([directory.path + "/audit.jsonl.1", directory.log]).damage == nil)
    }

    @Test func `a log that somebody took away is begun anew, and that is said`() throws {
        let directory = try LogDirectory()
        let trail = try trail(directory.settings())
        trail.write(Self.event(0))
        #expect(eventually { (try? directory.records().count) == 1 })
        unlink(directory.log)
        var said: [String] = []
        let isSaid = eventually {
            usleep(100_000)
            trail.write(Self.event(1))
            said += trail.turn()
            return !said.isEmpty
        }
        #expect(isSaid && said[0].contains("not at its path"))
        trail.write(Self.event(2))
        #expect(trail.end(patience: Self.patience) == [])
        #expect(try directory.records().last?.object == "/srv/2")
        #expect(try LogVerifier.verify([directory.log]).damage == nil)
    }

    @Test func `a reader that stands still stops nobody; what had no room is counted by policy`() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { close(ends[0]) }
        // No line finds room: how fast the output is has no part in this. Empty lines are none.
        let flags = fcntl(ends[1], F_GETFL)
        _ = fcntl(ends[1], F_SETFL, flags | O_NONBLOCK)
        while write(ends[1], [UInt8](repeating: 0x0a, count: 4096), 4096) > 0 {}
        _ = fcntl(ends[1], F_SETFL, flags)
        let queue = try StepQueue(limit: 64 << 10)
        try OutputTarget.stream(ends[1]).start(queue)
        let trail = Trail(AuditTrail(primary: queue, LogComposer(.beginning, boot: [], host: [])))
        var accepted = 0
        // Where a write waited for the reader, this would not end.
        for number in 0..<4000 {
            if trail.write(Self.event(number, policy: number % 4 == 0 ? "a" : "b")) { accepted += 1 }
        }
        #expect(accepted < 1000 && Int(trail.lost) == 4000 - accepted)

        // The reader comes back.
        let reader = ends[0]
        let all = Bytes()
        let hasEnded = DispatchSemaphore(value: 0)
        let thread = Thread {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while case let count = read(reader, &buffer, buffer.count), count > 0 {
                all.add(buffer[..<count])
            }
            hasEnded.signal()
        }
        thread.start()
        #expect(
            eventually {
                _ = trail.turn()
                return trail.lost == 0
            })
        #expect(trail.write(Self.event(4000)))
        let said = trail.end(patience: Self.patience)
        #expect(said.isEmpty, "\(said)")
        // All is written by now: the reader has it when it sees the end.
        close(ends[1])
        #expect(hasEnded.wait(timeout: .now() + 60) == .success)
        let lines = all.value.split(separator: 0x0a).compactMap { LogRecord(Array($0)) }
        #expect(lines.map(\.sequence) == (1...lines.count).map(String.init))
        let gaps = lines.filter { $0.kind == "gap" }
        #expect(gaps.map { $0.fields["policy", "name"] } == ["a", "b"])
        #expect(gaps.allSatisfy { $0.fields["reason"] == "disk" })
        let told = gaps.reduce(0) { $0 + $1.count }
        let denials = lines.count { $0.kind == "denial" }
        #expect(denials + told == 4001)
    }

    @Test func `lines that are gathered are written when all are there, and a single one at once`() throws {
        let directory = try LogDirectory()
        let trail = try trail(AuditTrail.Settings(file: directory.log))
        for round in 0..<20 {
            trail.isGathering = true
            for number in 0..<round { trail.write(Self.event(round * 100 + number)) }
            trail.isGathering = false
            let expected = (0...round).reduce(0, +)
            #expect(eventually { (try? directory.records().count) == expected })
        }
        trail.write(Self.event(1))
        #expect(eventually { (try? directory.records().count) == 191 })
        #expect(trail.end(patience: Self.patience) == [])
        #expect(try LogVerifier.verify([directory.log]).damage == nil)
    }

    @Test(.enabled("mounts need root") { geteuid() == 0 })
    func `a disk that is full loses nothing in silence, and is written again when it can be`() throws {
        let directory = try LogDirectory()
        let disk = directory.path + "/disk"
        mkdir(disk, 0o755)
        try #require(mount("none", disk, "tmpfs", 0, "size=128k,mode=755") == 0)
        defer { umount2(disk, Int32(MNT_DETACH)) }
        let ballast = disk + "/ballast"
        try Data(count: 64 << 10).write(to: URL(fileURLWithPath: ballast))
        var settings = AuditTrail.Settings(file: disk + "/audit.jsonl")
        settings.buffer = 64 << 10
        let trail = try trail(settings)
        var said: [String] = []
        for number in 0..<2000 {
            trail.write(Self.event(number))
            if number % 50 == 0 {
                usleep(1000)
                said += trail.turn()
            }
        }
        #expect(
            eventually {
                said += trail.turn()
                return said.contains { $0.contains("No space left on device") }
            })
        let lost = trail.lost
        #expect(lost > 0 && trail.failure != nil)
        unlink(ballast)
        try #require(mount("none", disk, "tmpfs", UInt(MS_REMOUNT), "size=8m,mode=755") == 0)
        #expect(
            eventually {
                said += trail.turn()
                return trail.lost == 0
            })
        trail.write(Self.event(2000))
        said += trail.end(patience: Self.patience)
        #expect(said.contains { $0.contains("written again") })
        let files = try LogPlace(disk + "/audit.jsonl").files()
        let finding = try LogVerifier.verify(files)
        #expect(finding.damage == nil && finding.unsealed == 0, "\(finding)")
        var records = LogRecords(files)
        var denials = 0
        var told = 0
        while let record = try records.next() {
            if record.kind == "denial" { denials += 1 }
            if record.kind == "gap" { told += record.count }
        }
        #expect(denials + told == 2001 && told == lost)
    }

    @Test func `where nothing can be written at all, that is said at the end`() throws {
        let directory = try LogDirectory()
        var settings = directory.settings()
        settings.file = "/proc/nowhere/audit.jsonl"
        let trail = try trail(settings)
        trail.write(Self.event(0))
        trail.write(Self.event(1))
        let said = trail.end(patience: 300)
        #expect(said.contains { $0.contains("/proc/nowhere/audit.jsonl") })
        #expect(said.last == "3 events were not written to the audit log")
    }
}

/// Bytes that a thread collects.
final class Bytes: @unchecked Sendable {
    private let lock = NSLock()
    private var bytes: [UInt8] = []

    func add(_ more: ArraySlice<UInt8>) { lock.withLock { bytes += more } }
    var value: [UInt8] { lock.withLock { bytes } }
}

/// A trail that macros can hold, whose clock stands still: no seal comes by age.
final class Trail {
    private var trail: AuditTrail

    init(_ trail: consuming AuditTrail) { self.trail = trail }

    @discardableResult func write(_ event: AuditEvent) -> Bool { trail.write(event, now: 0) }
    var isGathering: Bool {
        get { trail.isGathering }
        set { trail.isGathering = newValue }
    }
    func turn() -> [String] { trail.turn(now: 0) }
    func reopen() { trail.reopen() }
    func end(patience: UInt64) -> [String] { trail.end(now: 0, patience: patience) }
    var lost: UInt64 { trail.lost }
    var failure: String? { trail.failure }
}
