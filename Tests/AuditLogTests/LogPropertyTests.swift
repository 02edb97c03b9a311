import Foundation
import Testing

@testable import AuditLog

/// Random records, sizes, crashes and reopenings: what was written to its end is read back, in order, and is whole.
@Suite struct LogPropertyTests {
    /// SWGUARD_LOG_RUNS: how many logs are made.
    private static let runs =
        ProcessInfo.processInfo.environment["SWGUARD_LOG_RUNS"].flatMap(UInt64.init) ?? 12

    @Test(arguments: 0..<runs) func `whatever happens, the log is read back complete and in order`(
        _ seed: UInt64
    ) throws {
        var random = Seeded(state: 4000 + seed)
        let directory = try LogDirectory()
        /// The lines that were written to their ends, seals excepted.
        var written: [[UInt8]] = []
        var now: UInt64 = 0
        for _ in 0..<Int.random(in: 2...5, using: &random) {
            let settings = LogComposer.Settings(
                rotationSize: UInt64.random(in: 20_000...90_000, using: &random))
            var log = try SteppedLog(directory.place, settings)
            #expect(!log.recovered.isDamaged, "seed \(seed)")
            var isCrashed = false
            for _ in 0..<Int.random(in: 1...25, using: &random) where !isCrashed {
                now += UInt64.random(in: 0...4000, using: &random)
                var steps: [LogStep]
                switch Int.random(in: 0..<20, using: &random) {
                case 0: steps = log.composer.reopen(at: Samples.time)
                case 1, 2: steps = log.composer.turn(at: Samples.time, now: now)
                default:
                    steps = log.composer.write(Self.event(using: &random), at: Samples.time, now: now)
                }
                if Int.random(in: 0..<30, using: &random) == 0, !steps.isEmpty {
                    isCrashed = true
                    steps = Array(steps.prefix(Int.random(in: 0...steps.count, using: &random)))
                }
                try log.take(steps)
                written += steps.compactMap { step in
                    guard case .line(let line) = step, LogLine(line[...])?.seal == nil else { return nil }
                    return line
                }
            }
            if isCrashed {
                try tear(directory, &written, using: &random)
            } else if Bool.random(using: &random) {
                try log.take(log.composer.end(at: Samples.time))
            }
            if Bool.random(using: &random) {
                #expect(LogSweep(place: directory.place, keep: nil).run() == [])
            }
            #expect(try directory.verify().damage == nil, "seed \(seed)")
        }
        let finding = try directory.verify()
        #expect(finding.damage == nil, "seed \(seed): \(String(describing: finding.damage))")
        let expected = written.map { Array($0.dropLast()) }
        #expect(try directory.records().map(\.line) == expected, "seed \(seed)")
    }

    /// Any event; seals are the log's own.
    private static func event(using random: inout Seeded) -> AuditEvent {
        while true {
            let event = Samples.random(using: &random)
            if event.kind != .seal { return event }
        }
    }

    /// Takes some bytes of the last line away, as a power cut does that came while it was written.
    private func tear(
        _ directory: LogDirectory, _ written: inout [[UInt8]], using random: inout Seeded
    ) throws {
        guard var bytes = try? directory.contents(), Bool.random(using: &random) else { return }
        let lines = bytes.split(separator: 0x0a)
        guard lines.count > 1, let last = lines.last else { return }
        if LogLine(Array(last)[...] + [0x0a])?.seal == nil { written.removeLast() }
        bytes.removeLast(Int.random(in: 1...last.count, using: &random))
        try directory.write(bytes)
    }
}
