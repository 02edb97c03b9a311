public import AuditLog
internal import Policy

/// What becomes of events: written at once, or counted with their equals; and the lines after a failure.
///
/// A denial is written when it happens. Equal ones (same policy, rule, object and executable) that follow within a
/// second are counted and written once. Every denial given is written or counted; what is still counted at the end is
/// written then.
public struct Reporter: ~Copyable {
    /// What the user asked for.
    public struct Options: Sendable {
        /// What is enforced, and every repetition.
        public var isVerbose = false
        /// What Landlock denies is observed and reported too (`--explain`), or there is no Landlock in force.
        public var reportsEverything = true
        /// What the user called the command.
        public var command = ""

        public init() {}
    }

    /// How long equal events are counted before they are written again, in nanoseconds.
    static let window: Int64 = 1_000_000_000
    /// How many different denials are remembered; beyond, the oldest is written and forgotten.
    static let capacity = 1024
    /// How many lines a failure gives at most.
    static let closingLines = 32

    /// Where JSON lines go; nil: a readable line each goes to standard error.
    private var writer: AuditWriter?
    /// Descriptors that must stay open for writing.
    let descriptors: [CInt]
    /// Nobody listens to what the filter denies: a run around this one does that for its own.
    var isDeaf = false
    /// The rules that end a process; set where SIGSYS, by which the filter does that, ended the command.
    var killers: [DecidingRule] = []
    private let isReadable: Bool
    private let options: Options
    private var entries: [DenialKey: Entry] = [:]
    /// The keys of `entries`, oldest first, from `head`.
    private var order: [DenialKey] = []
    private var head = 0
    private var forgotten = 0
    /// How many entries have something counted.
    private var counting = 0
    private var ticked = AuditTime(seconds: 0, nanoseconds: 0)

    /// Events become readable lines on standard error.
    public init(options: Options) {
        writer = nil
        descriptors = []
        isReadable = true
        self.options = options
    }

    /// Events become JSON lines.
    public init(_ writer: consuming AuditWriter, options: Options) {
        descriptors = [writer.descriptor]
        isReadable = false
        self.writer = consume writer
        self.options = options
    }

    /// Whether the first record names the process; a verbose line does not.
    var wantsCommandProcess: Bool { !isReadable }

    /// Whether counted events wait to be written.
    var isCounting: Bool { counting > 0 }

    /// Writes the first record: what is enforced.
    mutating func began(_ record: EnforcementRecord) {
        _ = write(.enforcement(record), at: .now())
        if options.isVerbose { say(ReadableLine.text(record)) }
    }

    /// Whether the process behind an event like `key` must be looked at: it is written, or the first of those that are
    /// counted.
    func wantsProcess(of key: DenialKey) -> Bool { entries[key].map { $0.counted == 0 } ?? true }

    /// Reports a denial or a logged grant: writes it, or counts it with its equals.
    mutating func report(
        _ report: DenialReport, key: DenialKey, process: ProcessIdentity?, at time: AuditTime
    ) {
        if let entry = entries[key], !isDue(entry, at: time) { return count(key, process, at: time) }
        // A process is missing only where one is counted already, and these are not due.
        guard let process else { return count(key, nil, at: time) }
        let record = report.record(process: process, count: 1, span: nil)
        if !write(report.isGrant ? .grant(record) : .denial(record), at: time) {
            say(ReadableLine.text(report, process: process))
        }
        remember(key, report, process, at: time)
    }

    /// Whether a further equal event is written at once: the last was long ago, and none waits. Readable lines wait for
    /// the end.
    private func isDue(_ entry: Entry, at time: AuditTime) -> Bool {
        entry.counted == 0 && !isReadable && entry.written.nanoseconds(until: time) >= Self.window
    }

    private mutating func count(_ key: DenialKey, _ process: ProcessIdentity?, at time: AuditTime) {
        guard var entry = entries.removeValue(forKey: key) else { return }
        entry.total += 1
        entry.counted += 1
        if entry.counted == 1 { counting += 1 }
        if entry.counted == 1, let process { entry.process = process }
        entry.first = entry.first ?? time
        entry.last = time
        entries[key] = entry
    }

    private mutating func remember(
        _ key: DenialKey, _ report: DenialReport, _ process: ProcessIdentity, at time: AuditTime
    ) {
        if var entry = entries.removeValue(forKey: key) {
            entry.total += 1
            entry.written = time
            entries[key] = entry
            return
        }
        if entries.count >= Self.capacity { forgetOldest() }
        entries[key] = Entry(report: report, process: process, written: time)
        order.append(key)
    }

    private mutating func forgetOldest() {
        let key = order[head]
        head += 1
        if head > Self.capacity {
            order.removeFirst(head)
            head = 0
        }
        flush(key)
        entries[key] = nil
        forgotten += 1
    }

    /// Writes what has been counted for a window and longer. Readable lines wait for the end.
    mutating func tick(at time: AuditTime) {
        // The clock can have been set back: then at once, and from there on.
        if isReadable || (ticked <= time && ticked.nanoseconds(until: time) < Self.window) { return }
        ticked = time
        for (key, entry) in entries where entry.counted > 0 {
            if let first = entry.first, first.nanoseconds(until: time) >= Self.window { flush(key) }
        }
    }

    private mutating func flush(_ key: DenialKey) {
        guard var entry = entries[key], entry.counted > 0, let first = entry.first, let last = entry.last
        else {
            return
        }
        let span = entry.counted > 1 ? first...max(first, last) : nil
        let record = entry.report.record(process: entry.process, count: entry.counted, span: span)
        if !write(entry.report.isGrant ? .grant(record) : .denial(record), at: last) {
            say(ReadableLine.text(entry.report, process: entry.process, moreTimes: entry.counted))
        }
        entry.written = last
        entry.counted = 0
        counting -= 1
        entry.first = nil
        entry.last = nil
        entries[key] = entry
    }

    /// Writes what is left, and what a user should know of a failure.
    mutating func finish(_ record: EnforcementRecord?, outcome: Outcome) {
        for key in order[head...] { flush(key) }
        if var record {
            record.state = .ended
            record.status = outcome.status
            _ = write(.enforcement(record), at: .now())
        }
        if outcome.status != 0 { explainFailure(outcome) }
        if let lost = writer?.lost, lost > 0, let error = writer?.lastError ?? nil {
            let events = lost == 1 ? "1 event is" : "\(lost) events are"
            say("cannot write the audit log: \(SystemError.text(error)); \(events) lost")
        }
    }

    /// Readable lines were said when it happened; where events went elsewhere, each denial is said once here.
    private mutating func explainFailure(_ outcome: Outcome) {
        if !isReadable {
            let denials = order[head...].compactMap { entries[$0] }.filter { !$0.report.isGrant }
            for entry in denials.prefix(Self.closingLines) {
                say(ReadableLine.text(entry.report, process: entry.process, times: entry.total))
            }
            let more = max(0, denials.count - Self.closingLines) + forgotten
            if more > 0 { say("\(more) more kinds of denials are in the audit log") }
        }
        if case .notStarted = outcome { return }
        if !killers.isEmpty {
            say(ReadableLine.killed(options.command, by: killers))
            return
        }
        if isDeaf {
            say(
                "'\(options.command)' failed; it runs inside another run, and denied system calls are not reported"
            )
        }
        if !options.reportsEverything {
            say(
                "'\(options.command)' failed; what Landlock denied is not reported: "
                    + "run it again with --explain to see it")
        }
    }

    /// Writes a JSON line; false where lines are for people.
    private mutating func write(_ event: AuditEvent, at time: AuditTime) -> Bool {
        if isReadable { return false }
        writer?.write(event, at: time)
        return true
    }

    private func say(_ text: String) { StandardError.say(text) }

    /// What is known of equal denials.
    private struct Entry {
        let report: DenialReport
        var process: ProcessIdentity
        /// When one of them was written last.
        var written: AuditTime
        var total: UInt64 = 1
        /// How many are not written yet, and from when to when.
        var counted: UInt64 = 0
        var first: AuditTime?
        var last: AuditTime?

        init(report: DenialReport, process: ProcessIdentity, written: AuditTime) {
            self.report = report
            self.process = process
            self.written = written
        }
    }
}

extension AuditTime {
    /// Nanoseconds from here to `other`; the clock can have been set back, then 0.
    func nanoseconds(until other: Self) -> Int64 {
        if other < self { return 0 }
        // More than 100 years do not fit, and do not matter.
        let seconds = min(other.seconds - seconds, 3_000_000_000)
        return seconds * 1_000_000_000 + Int64(other.nanoseconds) - Int64(nanoseconds)
    }
}
