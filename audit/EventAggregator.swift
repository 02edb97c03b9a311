/// Makes one event of equal ones, so that a storm does not become as many lines.
///
/// The first is to be written at once. Those that equal it within the window are held, and written as one when the
/// window ends; then the next window begins, until one passes without any. Equal are requests of the same policy, rule, object,
/// executable, user and outcome.
public struct EventAggregator: Sendable {
    /// How long equal events are held at most, in milliseconds.
    public static let window: UInt64 = 1000
    /// How many kinds of events are told apart at once; what is beyond is written as it comes.
    static let limit = 4096

    /// A record without what differs between equal ones.
    private struct Key: Hashable {
        var record: AccessRecord

        init(_ record: AccessRecord) {
            self.record = record
            let process = record.process
            // Where the file is not known, the name tells at least some apart.
            self.record.process = ProcessIdentity(
                pid: 0, uid: process.uid, gid: process.gid, comm: process.exe == nil ? process.comm : nil,
                exe: process.exe, cgroup: process.cgroup)
        }

        /// Of everything that who is denied can choose; bytes at once, which an array hashes one by one.
        func hash(into hasher: inout Hasher) {
            let process = record.process
            hasher.combine(record.policy.layer)
            hasher.combine(record.denied.first)
            hasher.combine(process.uid)
            hasher.combine(process.gid)
            switch record.object {
            case .file(let path, _, _): unsafe path.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
            default: hasher.combine(record.object)
            }
            for bytes in [process.exe ?? process.comm, process.cgroup] {
                unsafe (bytes ?? []).withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
            }
        }
    }

    private struct Window: Sendable {
        var end: UInt64
        /// The first of those that are held, which stands for them.
        var record: AccessRecord?
        var count: UInt64 = 0
        var first = AuditTime(seconds: 0, nanoseconds: 0)
        var last = AuditTime(seconds: 0, nanoseconds: 0)

        mutating func take(_ record: AccessRecord, _ time: AuditTime) {
            if self.record == nil {
                self.record = record
                (first, last) = (time, time)
            }
            // Records of several processors are not in order.
            (first, last) = (min(first, time), max(last, time))
            count += 1
        }
    }

    /// An event that is due, and how many equal ones it stands for.
    public struct Due: Hashable, Sendable {
        public var event: AuditEvent
        public var time: AuditTime
        public var count: UInt64
    }

    private var windows: [Key: Window] = [:]
    /// The windows by their ends, earliest first; all are of one length.
    private var order: [Key] = []
    private var passed = 0

    public init() {}

    /// Takes an event that happened at `time`, by a clock of milliseconds that nobody sets.
    ///
    /// - Returns: whether it is held; else it is to be written as it is.
    public mutating func holds(_ event: AuditEvent, at time: AuditTime, now: UInt64) -> Bool {
        switch event {
        case .denial(let record), .grant(let record): return holds(record, at: time, now: now)
        default: return false
        }
    }

    private mutating func holds(_ record: AccessRecord, at time: AuditTime, now: UInt64) -> Bool {
        let key = Key(record)
        if let index = windows.index(forKey: key) {
            windows.values[index].take(record, time)
            return true
        }
        if windows.count < Self.limit {
            windows[key] = Window(end: now + Self.window)
            order.append(key)
        }
        return false
    }

    /// When the next window ends; nil: there is none.
    public var nextEnd: UInt64? { passed < order.count ? windows[order[passed]]?.end : nil }

    /// The events of all windows that have ended.
    public mutating func due(now: UInt64) -> [Due] {
        var due: [Due] = []
        while let end = nextEnd, end <= now {
            let key = order[passed]
            passed += 1
            let window = windows.removeValue(forKey: key)
            guard let event = window.flatMap(Self.event(of:)) else { continue }
            due.append(event)
            // It may go on.
            windows[key] = Window(end: now + Self.window)
            order.append(key)
        }
        if passed > 1024, passed > order.count / 2 {
            order.removeFirst(passed)
            passed = 0
        }
        return due
    }

    /// Everything that is held, and nothing is held after it.
    public mutating func flush() -> [Due] {
        let due = order[passed...].compactMap { windows[$0].flatMap(Self.event(of:)) }
        self = Self()
        return due
    }

    private static func event(of window: Window) -> Due? {
        guard var record = window.record else { return nil }
        record.count = window.count
        if window.count > 1 { record.span = window.first...window.last }
        let event: AuditEvent = record.verdict == .allow ? .grant(record) : .denial(record)
        return Due(event: event, time: window.first, count: window.count)
    }
}
