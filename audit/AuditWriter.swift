/// Writes events to a file and accounts for those that it cannot write.
///
/// Written + lost = given, always: what is lost is counted, and told as a `gap` as soon as a line can be written
/// again; what is still untold at the end is in `lost`, for the caller to say elsewhere.
public struct AuditWriter: ~Copyable {
    /// Events that were not written and that no `gap` has told of yet.
    public private(set) var lost: UInt64 = 0
    /// The errno of the last failure.
    public private(set) var lastError: Int32?
    private var lostSpan: ClosedRange<AuditTime>?
    private var encoder: AuditEncoder
    private let file: AuditFile

    /// A writer of lines to `file`.
    public init(_ file: consuming AuditFile, encoder: AuditEncoder) {
        self.file = file
        self.encoder = encoder
    }

    /// The descriptor that is written to.
    public var descriptor: Int32 { file.number }

    /// Writes `event`, and before it the gap if there is one.
    public mutating func write(_ event: AuditEvent, at time: AuditTime = .now()) {
        if let span = lostSpan {
            let gap = GapRecord(reason: .disk, count: lost, policy: nil, span: span)
            var trial = encoder
            if let error = file.write(trial.line(.gap(gap), at: time)) { return lose(at: time, error) }
            encoder = trial
            lost = 0
            lostSpan = nil
        }
        // A line that could not be written keeps its number free: a hole would say the same twice.
        var trial = encoder
        if let error = file.write(trial.line(event, at: time)) { return lose(at: time, error) }
        encoder = trial
    }

    private mutating func lose(at time: AuditTime, _ error: Int32) {
        lost += 1
        lastError = error
        lostSpan = min(lostSpan?.lowerBound ?? time, time)...max(lostSpan?.upperBound ?? time, time)
    }
}
