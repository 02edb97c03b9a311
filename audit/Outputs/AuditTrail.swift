internal import CLinux
private import Glibc

/// The audit log of the host agent: events in, lines to everything that is to have them, and an account of what was not.
///
/// Nothing here waits for a disk or a reader: each output has a thread and a queue with a limit. Given = written +
/// waiting + lost; what is lost is told as a `gap` by policy as soon as there is room again.
public struct AuditTrail: ~Copyable {
    /// Where events go, and how the log is kept.
    public struct Settings: Hashable, Sendable {
        /// The file; nil: none.
        public var file: String?
        public var standardOutput = false
        public var syslog: SyslogAddress?
        public var journal = false
        public var log = LogComposer.Settings()
        /// How many rotated files are kept; nil: all.
        public var keep: Int?
        /// How much may wait for each output, in bytes.
        public var buffer = 4 << 20

        public init(file: String? = LogPlace.standard) { self.file = file }
    }

    /// The clock that nobody sets, in milliseconds.
    public static var clock: UInt64 { swguard_monotonic_milliseconds() }

    /// Events that were not written and that no `gap` has told of yet.
    public var lost: UInt64 { losses.values.reduce(0) { $0 + $1.count } }

    private struct Loss {
        var count: UInt64
        var span: ClosedRange<AuditTime>
    }

    /// The output whose lines are accounted for; the others get copies.
    private let primary: StepQueue
    private var copies: [Copy]
    private var composer: LogComposer
    private var losses: [String?: Loss] = [:]
    /// Since when there was no room; until half of it is free, nothing is written.
    private var isLosing = false
    private var notices: [String] = []
    /// Whether more is to come at once: the outputs hear of it when this is false again.
    public var isGathering = false {
        didSet { if !isGathering { wake() } }
    }
    /// Losses of policies' decisions that gaps have told of, until somebody takes note of it.
    private var told: [ToldLoss] = []
    /// The number of the log's last line when this writer began.
    public let firstBehind: UInt64
    /// Lines of the writer before that it did not write to their ends, and when that was seen; told with the first line.
    private var torn: (count: UInt64, time: AuditTime)?

    /// A gap that was given to the log, for requests that it had no room for.
    public struct ToldLoss: Hashable, Sendable {
        public var policy: String
        public var count: UInt64
        /// The number of the gap's line, and the last of `steps` by then.
        public var line: UInt64
        public var step: UInt64
    }

    private struct Copy {
        let queue: StepQueue
        let name: String
        var lost: UInt64 = 0
    }

    /// Begins, where the file's writer before ended.
    /// - Throws: Where the file's place cannot be trusted, or what is there cannot be understood.
    /// - Parameter done: Hears, in another thread, how many of `steps` are done.
    public init(
        _ settings: Settings, boot: [UInt8], host: [UInt8], done: (@Sendable (UInt64) -> Void)? = nil
    ) throws(LogError) {
        var targets: [(OutputTarget, String)] = []
        var resumption = LogResumption.beginning
        var wasDamaged = false
        var log = settings.log
        if let path = settings.file {
            let place = LogPlace(path)
            resumption = try LogRecovery(place: place).run()
            wasDamaged = resumption.isDamaged
            let whole = resumption.torn > 0 ? resumption.file.size : nil
            targets.append((.file(place, whole: whole, keep: settings.keep), "the file"))
        } else {
            (log.rotationSize, log.rotationAge) = (.max, .max)
        }
        if settings.standardOutput { targets.append((.stream(STDOUT_FILENO), "standard output")) }
        if settings.journal { targets.append((.journal(JournalOutput.standardPath), "the journal")) }
        if let address = settings.syslog { targets.append((.syslog(address), "syslog")) }
        let queue = try StepQueue(limit: settings.buffer, done: done)
        var copies: [Copy] = []
        if let target = targets.first?.0 { try target.start(queue) }
        for (target, name) in targets.dropFirst() {
            let queue = try StepQueue(limit: settings.buffer)
            try target.start(queue)
            copies.append(Copy(queue: queue, name: name))
        }
        primary = queue
        self.copies = copies
        composer = LogComposer(resumption, boot: boot, host: host, settings: log)
        firstBehind = composer.next - 1
        if wasDamaged {
            notices.append(
                "the audit log was damaged: it was put aside as it is, and a new file begins ('swguard audit verify')"
            )
        }
        if resumption.torn > 0 {
            notices.append("the audit log's end was torn: it is cut off, and counted")
            torn = (resumption.torn, .now())
        }
    }

    /// A log that begins with `composer`, on its way through `primary` alone.
    init(primary: StepQueue, _ composer: LogComposer) {
        self.primary = primary
        self.composer = composer
        firstBehind = composer.next - 1
        copies = []
    }

    /// How much was given to the output whose lines are accounted for, in steps: what was written last is there when as many
    /// are done.
    public var steps: UInt64 { primary.taken }

    /// The number of the line that was written last.
    public var line: UInt64 { composer.lastEvent }

    /// Takes over what a writer before lost and did not tell of.
    public mutating func owe(_ count: UInt64, of policy: String, _ span: ClosedRange<AuditTime>) {
        lose(count, policy, at: span.lowerBound)
        lose(0, policy, at: span.upperBound)
        isLosing = true
    }

    /// What gaps have told of since this was asked last.
    public mutating func takeTold() -> [ToldLoss] {
        defer { told = [] }
        return told
    }

    private mutating func lose(_ count: UInt64, _ policy: String?, at time: AuditTime) {
        var loss = losses[policy] ?? Loss(count: 0, span: time...time)
        loss.count += count
        loss.span = min(loss.span.lowerBound, time)...max(loss.span.upperBound, time)
        losses[policy] = loss
    }

    /// Writes `event`, and before it what was lost before.
    ///
    /// What is lost is told of later: requests under their policy, other events under none. A gap is not: whoever
    /// tells it tells it again.
    ///
    /// - Parameter now: In milliseconds, by a clock that nobody sets.
    /// - Returns: Whether it will be written; else it is counted.
    @discardableResult
    public mutating func write(
        _ event: AuditEvent, at time: AuditTime = .now(), now: UInt64 = Self.clock
    ) -> Bool {
        if tellLosses(at: time, now: now), hand({ $0.write(event, at: time, now: now) }) { return true }
        if case .gap = event { return false }
        isLosing = true
        lose(event.weight, event.account, at: time)
        return false
    }

    /// Does what is due: seals, rotation, gaps.
    /// - Returns: What is to be said on standard error.
    public mutating func turn(at time: AuditTime = .now(), now: UInt64 = Self.clock) -> [String] {
        if primary.takeMoved() {
            notices.append("the audit log is not at its path any more: a new file begins")
            hand { $0.reopen(at: time) }
        }
        // A seal that finds no room is due still.
        hand { $0.turn(at: time, now: now) }
        _ = tellLosses(at: time, now: now)
        var said = notices + primary.takeNotices()
        notices = []
        for index in copies.indices {
            said += copies[index].queue.takeNotices()
            if copies[index].lost > 0 {
                said.append(
                    "\(copies[index].lost) lines were not given to \(copies[index].name): it does not take them"
                )
                copies[index].lost = 0
            }
        }
        return said
    }

    /// Leaves the file, wherever it is now, and begins another at its path.
    public mutating func reopen(at time: AuditTime = .now()) { hand { $0.reopen(at: time) } }

    /// What the file is refused now; nil: nothing.
    public var failure: String? { primary.failure?.description }

    /// Seals, and waits for a while until everything is written.
    /// - Returns: What is to be said: also what is not written.
    public mutating func end(
        at time: AuditTime = .now(), now: UInt64 = Self.clock, patience: UInt64 = 5000
    ) -> [String] {
        _ = tellLosses(at: time, now: now)
        hand { $0.end(at: time) }
        let left = primary.waitForRest(milliseconds: patience)
        var said = turn(at: time, now: now)
        primary.end()
        for copy in copies {
            let left = copy.queue.waitForRest(milliseconds: patience / 5)
            copy.queue.end()
            if left > 0 { said.append("\(left) lines were not given to \(copy.name)") }
        }
        let missing = lost + UInt64(left)
        if missing > 0 { said.append("\(missing) events were not written to the audit log") }
        return said
    }

    /// Says what is missing. False: there is no room yet.
    private mutating func tellLosses(at time: AuditTime, now: UInt64) -> Bool {
        if let torn {
            let gap = GapRecord(reason: .restart, count: torn.count, policy: nil, span: torn.time...torn.time)
            guard hand({ $0.write(.gap(gap), at: time, now: now) }) else { return false }
            self.torn = nil
        }
        guard isLosing else { return true }
        guard primary.used <= primary.limit / 2 else { return false }
        for (policy, loss) in losses.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) {
            let gap = GapRecord(reason: .disk, count: loss.count, policy: policy, span: loss.span)
            guard hand({ $0.write(.gap(gap), at: time, now: now) }) else { return false }
            losses[policy] = nil
            if let policy {
                told.append(ToldLoss(policy: policy, count: loss.count, line: line, step: steps))
            }
        }
        isLosing = false
        return true
    }

    /// Composes and hands on: all of it, or the composer stays what it was.
    @discardableResult
    private mutating func hand(_ compose: (inout LogComposer) -> [LogStep]) -> Bool {
        var trial = composer
        let steps = compose(&trial)
        if steps.isEmpty { return true }
        guard primary.offer(steps) else { return false }
        composer = trial
        if !copies.isEmpty {
            let lines = steps.filter(\.isLine)
            for index in copies.indices where !lines.isEmpty && !copies[index].queue.offer(lines) {
                copies[index].lost += UInt64(lines.count)
            }
        }
        if !isGathering { wake() }
        return true
    }

    private func wake() {
        primary.wake()
        for copy in copies { copy.queue.wake() }
    }
}

extension AuditEvent {
    /// How many requests it stands for.
    fileprivate var weight: UInt64 {
        switch self {
        case .denial(let record), .grant(let record): record.count
        case .tamper(let record): record.count
        default: 1
        }
    }

    /// By which the kernel knows the policy of a request.
    public var policyLayer: UInt32? {
        switch self {
        case .denial(let record), .grant(let record): record.policy.layer
        default: nil
        }
    }

    /// For which policy a request is accounted; nil: it is none, or of no policy.
    fileprivate var account: String? {
        switch self {
        case .denial(let record), .grant(let record): record.policy.account
        case .tamper(let record): record.policy?.account
        default: nil
        }
    }
}
