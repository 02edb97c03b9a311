import AuditLog
import Testing

/// What becomes of equal events, by a clock of the test's.
@Suite struct AggregatorTests {
    private static func time(_ milliseconds: Int64) -> AuditTime {
        AuditTime(seconds: milliseconds / 1000, nanoseconds: Int32(milliseconds % 1000) * 1_000_000)
    }

    private static func record(
        _ path: String = "/etc/passwd", verdict: AuditEvent.Verdict = .deny, pid: Int32 = 812
    ) -> AccessRecord {
        var record = Samples.access(.file(path: Array(path.utf8)), verdict: verdict)
        record.process.pid = pid
        return record
    }

    private static func count(_ event: AuditEvent) -> UInt64 {
        switch event {
        case .denial(let record), .grant(let record): record.count
        default: 0
        }
    }

    private static func content(_ event: AuditEvent) -> AccessRecord? {
        switch event {
        case .denial(let record), .grant(let record): record
        default: nil
        }
    }

    @Test func `the first is written at once, and the rest of a window as one`() throws {
        let aggregator = Aggregator()
        #expect(!aggregator.holds(.denial(Self.record()), at: Self.time(10), now: 0))
        for (pid, time) in [(900, 30), (901, 20), (902, 40)] as [(Int32, Int64)] {
            #expect(aggregator.holds(.denial(Self.record(pid: pid)), at: Self.time(time), now: 5))
        }
        #expect(aggregator.due(now: EventAggregator.window - 1).isEmpty)
        let due = aggregator.due(now: EventAggregator.window)
        let merged = try #require(due.first.flatMap { Self.content($0.event) })
        #expect(due.count == 1 && due[0].count == 3 && merged.count == 3)
        // Of the first that is held; times may come out of order.
        #expect(merged.process.pid == 900)
        #expect(merged.span == Self.time(20)...Self.time(40) && due[0].time == Self.time(20))
    }

    @Test func `a storm is one line a window, and one that is over is forgotten`() {
        let aggregator = Aggregator()
        var written = 0
        var counted: UInt64 = 0
        for now in stride(from: UInt64(0), to: 5_000, by: 10) {
            if !aggregator.holds(.denial(Self.record()), at: Self.time(Int64(now)), now: now) {
                written += 1
                counted += 1
            }
            for due in aggregator.due(now: now) {
                written += 1
                counted += due.count
            }
        }
        counted += aggregator.flush().reduce(0) { $0 + $1.count }
        #expect(counted == 500 && written == 5)
        #expect(!aggregator.holds(.denial(Self.record()), at: Self.time(0), now: 6_000))
        #expect(aggregator.due(now: 7_000).isEmpty && aggregator.nextEnd == nil)
        #expect(!aggregator.holds(.denial(Self.record()), at: Self.time(0), now: 7_001))
    }

    @Test func `one that was held alone is an event like any other`() throws {
        let aggregator = Aggregator()
        _ = aggregator.holds(.denial(Self.record()), at: Self.time(1), now: 0)
        #expect(aggregator.holds(.denial(Self.record(pid: 3)), at: Self.time(2), now: 1))
        let due = aggregator.flush()
        let record = try #require(due.first.flatMap { Self.content($0.event) })
        #expect(due.count == 1 && record.count == 1 && record.span == nil && record.process.pid == 3)
        #expect(due[0].time == Self.time(2))
    }

    /// What makes an event another one, and what does not.
    private static let changes: [(String, Bool, @Sendable (inout AccessRecord) -> Void)] = [
        ("path", true, { $0.object = .file(path: Array("/etc/shadow".utf8)) }),
        ("rule", true, { $0.rule = RuleReference(id: "other") }),
        ("policy", true, { $0.policy.name = "other" }),
        ("generation", true, { $0.policy.generation = 8 }),
        ("access", true, { $0.access = ["read", "write"] }),
        ("verdict", true, { $0.verdict = .wouldDeny }),
        ("user", true, { $0.process.uid = 0 }),
        ("executable", true, { $0.process.exe = Array("/usr/bin/cat".utf8) }),
        ("cgroup", true, { $0.process.cgroup = Array("/other".utf8) }),
        ("process", false, { $0.process.pid = 1 }),
        ("thread", false, { $0.process.tid = 1 }),
        ("parent", false, { $0.process.ppid = 2 }),
        ("start", false, { $0.process.start = 2 }),
        ("name of one whose file is known", false, { $0.process.comm = Array("x".utf8) }),
    ]

    @Test(arguments: changes.indices)
    func `equal are those of one policy, rule, object, executable, user and outcome`(_ index: Int) {
        let (name, isOther, change) = Self.changes[index]
        let aggregator = Aggregator()
        _ = aggregator.holds(.denial(Self.record()), at: Self.time(1), now: 0)
        var record = Self.record()
        change(&record)
        #expect(aggregator.holds(.denial(record), at: Self.time(1), now: 0) != isOther, "\(name)")
    }

    @Test func `where the file is not known the name tells processes apart`() {
        let aggregator = Aggregator()
        var record = Self.record()
        record.process.exe = nil
        _ = aggregator.holds(.denial(record), at: Self.time(1), now: 0)
        record.process.comm = Array("x".utf8)
        #expect(!aggregator.holds(.denial(record), at: Self.time(1), now: 0))
        #expect(aggregator.holds(.denial(record), at: Self.time(1), now: 0))
    }

    @Test func `other kinds of events are never held`() {
        let aggregator = Aggregator()
        for _ in 0..<3 {
            #expect(!aggregator.holds(.agent(AgentRecord(state: .started)), at: Self.time(0), now: 0))
        }
        #expect(aggregator.nextEnd == nil)
    }

    @Test(arguments: [1, 20_261_122, 77] as [UInt64])
    func `every event is written or counted in a line, whatever comes when`(_ seed: UInt64) {
        var random = Seeded(state: seed)
        let aggregator = Aggregator()
        var now: UInt64 = 0
        var given: UInt64 = 0
        var written: UInt64 = 0
        for _ in 0..<20_000 {
            now += UInt64.random(in: 0..<50, using: &random)
            // Some are frequent, most are rare: more kinds than are told apart.
            let kind = Bool.random(using: &random) ? 0 : Int.random(in: 0..<9_000, using: &random)
            let verdict: AuditEvent.Verdict = Bool.random(using: &random) ? .deny : .allow
            let record = Self.record("/\(kind)", verdict: verdict)
            let event: AuditEvent = verdict == .deny ? .denial(record) : .grant(record)
            given += 1
            if !aggregator.holds(event, at: Self.time(Int64(now)), now: now) { written += 1 }
            if Int.random(in: 0..<10, using: &random) == 0 {
                for due in aggregator.due(now: now) {
                    #expect(due.count == Self.count(due.event))
                    written += due.count
                }
                #expect(aggregator.nextEnd ?? .max > now, "seed \(seed)")
            }
        }
        written += aggregator.flush().reduce(0) { $0 + $1.count }
        #expect(written == given, "seed \(seed)")
    }
}

/// The aggregator as an object: `#expect` takes no mutating calls.
private final class Aggregator {
    private var inner = EventAggregator()

    var nextEnd: UInt64? { inner.nextEnd }
    func holds(_ event: AuditEvent, at time: AuditTime, now: UInt64) -> Bool {
        inner.holds(event, at: time, now: now)
    }
    func due(now: UInt64) -> [EventAggregator.Due] { inner.due(now: now) }
    func flush() -> [EventAggregator.Due] { inner.flush() }
}
