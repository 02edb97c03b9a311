public import Policy

/// Which records of a log are wanted: those that meet every condition that is made.
public struct LogQuery: Sendable {
    /// A process by its number, its name, or the path of its executable.
    public enum Process: Hashable, Sendable {
        case pid(Int32)
        case name(String)
        case executable(String)

        /// A number, a path, or else a name.
        public init(_ text: String) {
            if let pid = Int32(text) {
                self = .pid(pid)
            } else if text.hasPrefix("/") {
                self = .executable(text)
            } else {
                self = .name(text)
            }
        }
    }

    /// One of these names; empty: any.
    public var policies: Set<String> = []
    public var rules: Set<String> = []
    public var kinds: Set<String> = []
    public var verdicts: Set<String> = []
    public var processes: [Process] = []
    /// The object's path matches one of these; empty: any.
    public var paths: [PathPattern] = []
    public var since: AuditTime?
    public var until: AuditTime?

    public init() {}

    /// Whether `record` is wanted. What it does not tell meets no condition.
    public func accepts(_ record: LogRecord) -> Bool {
        func isOne(_ text: String?, of wanted: Set<String>) -> Bool {
            wanted.isEmpty || text.map { wanted.contains($0) } ?? false
        }
        guard isOne(record.kind, of: kinds), isOne(record.verdict, of: verdicts),
            isOne(record.rule, of: rules),
            policies.isEmpty || record.policies.contains(where: { policies.contains($0) })
        else { return false }
        if since != nil || until != nil {
            // A record that stands for several is wanted if one of them is.
            guard let time = record.span else { return false }
            if let since, time.upperBound < since { return false }
            if let until, time.lowerBound >= until { return false }
        }
        guard processes.isEmpty || processes.contains(where: { accepts(record, $0) }) else { return false }
        if paths.isEmpty { return true }
        guard let path = record.path else { return false }
        return paths.contains { $0.matches(path) }
    }

    private func accepts(_ record: LogRecord, _ process: Process) -> Bool {
        switch process {
        case .pid(let pid): record.pid == String(pid)
        case .name(let name): record.command == AuditText(name).string
        case .executable(let path): record.executable == AuditText(path).string
        }
    }
}

extension LogRecord {
    /// From the first to the last of what it stands for.
    var span: ClosedRange<AuditTime>? {
        guard let time else { return nil }
        let first = fields["first"].flatMap { AuditTime($0) } ?? time
        let last = fields["last"].flatMap { AuditTime($0) } ?? time
        return first <= last ? first...last : time...time
    }
}

/// How often what occurs in records: the most frequent first.
public struct LogSummary: Sendable {
    /// By what records are counted.
    public enum Key: String, CaseIterable, Sendable {
        case policy, rule, path, process, action, user

        /// What a record counts for; nil: for nothing.
        func text(of record: LogRecord) -> String? {
            switch self {
            case .policy: record.policies.first
            case .rule: record.rule
            case .path: record.object
            case .process: record.executable ?? record.command
            case .action: record.action
            case .user: record.user
            }
        }
    }

    /// How much was counted for one text.
    public struct Entry: Hashable, Sendable {
        public var text: String
        /// Requests; a record can stand for several.
        public var count: Int
        public var records: Int
    }

    public let key: Key
    private var counts: [String: (count: Int, records: Int)] = [:]
    /// Records whose text had no room any more: what is seldom is then not all counted.
    public private(set) var uncounted = 0

    /// As many texts are told apart; a log can hold more names than there is memory.
    static let limit = 200_000

    public init(by key: Key) { self.key = key }

    public mutating func add(_ record: LogRecord) {
        guard let text = key.text(of: record) else { return }
        guard counts[text] != nil || counts.count < Self.limit else {
            uncounted += 1
            return
        }
        let (sum, isTooLarge) = (counts[text]?.count ?? 0).addingReportingOverflow(record.count)
        counts[text] = (isTooLarge ? .max : sum, (counts[text]?.records ?? 0) + 1)
    }

    /// The `limit` most frequent.
    public func top(_ limit: Int) -> [Entry] {
        counts.map { Entry(text: $0.key, count: $0.value.count, records: $0.value.records) }
            .sorted { ($1.count, $0.text) < ($0.count, $1.text) }.prefix(limit).map { $0 }
    }
}

/// The records of a log's files, oldest first.
public struct LogRecords: ~Copyable {
    private var files: ArraySlice<String>
    private var reader: LineReader?
    private var current = ""
    private var number = 0
    /// Lines that are none of an event, by file and number; the first few.
    public private(set) var strange: [LogVerifier.Place] = []
    public private(set) var strangeCount = 0

    public init(_ files: [String]) { self.files = files[...] }

    /// The next record; nil: there is none.
    public mutating func next() throws(LogError) -> LogRecord? {
        while true {
            if reader == nil {
                guard let file = files.popFirst() else { return nil }
                reader = try LineReader(file)
                current = file
                number = 0
            }
            guard let line = try reader?.next() else {
                reader = nil
                continue
            }
            number += 1
            if line.isWhole, let record = LogRecord(line.bytes) { return record }
            // The end of what is being written is not strange.
            if line.isLast, files.isEmpty { continue }
            strangeCount += 1
            if strange.count < 8 { strange.append(LogVerifier.Place(file: current, line: number)) }
        }
    }
}
