/// What is to be done to the log, in this order.
public enum LogStep: Hashable, Sendable {
    /// A line, with its newline.
    case line([UInt8])
    /// What was written is to be on the disk.
    case sync
    /// The file is to be called after the number of its first line; the next line begins another at its path.
    case rotate(first: UInt64)
    /// The file is to be left as it is, wherever it is now; the next line begins another at the path.
    case reopen
}

/// Turns events into lines, seals and rotations: the log as a sequence of steps, by clocks that are given.
///
/// Nothing happens here. What was composed and could not be handed on is forgotten by forgetting the composer that did it:
/// it is a value, and numbers and hashes are taken with it.
public struct LogComposer: Sendable {
    /// How a log is kept.
    public struct Settings: Hashable, Sendable {
        /// A file that would grow beyond as many bytes is rotated before.
        public var rotationSize: UInt64
        /// A file whose first line is older, in seconds, is rotated.
        public var rotationAge: Int64
        /// When lines are to be on the disk.
        public var sync: Sync

        public init(
            rotationSize: UInt64 = 64 << 20, rotationAge: Int64 = 86_400, sync: Sync = .seals
        ) {
            self.rotationSize = rotationSize
            self.rotationAge = rotationAge
            self.sync = sync
        }
    }

    /// When lines are to be on the disk (fdatasync(2)).
    public enum Sync: String, CaseIterable, Hashable, Sendable {
        /// When the kernel writes them back.
        case never
        /// Behind each seal.
        case seals
        /// Behind each line.
        case lines
    }

    /// A seal comes behind as many lines at the latest…
    static let sealLines: UInt64 = 4096
    /// … and as many milliseconds after the first line that it seals.
    static let sealInterval: UInt64 = 10_000

    private let settings: Settings
    private var encoder: AuditEncoder
    private var chain: LogChain
    private var file: OpenLog
    /// The number of the last event's line; 0: there was none.
    private(set) var lastEvent: UInt64 = 0
    /// When the first line came that no seal covers, in milliseconds.
    private var unsealedSince: UInt64?

    /// A composer that goes on where `resumption` ends.
    public init(_ resumption: LogResumption, boot: [UInt8], host: [UInt8], settings: Settings = Settings()) {
        self.settings = settings
        encoder = AuditEncoder(boot: boot, host: host, next: resumption.next)
        chain = resumption.chain
        file = resumption.file
        // What an earlier writer left without a seal gets one soon.
        if chain.lines > 0 { unsealedSince = 0 }
    }

    /// Bytes of the file when all steps were taken.
    var size: UInt64 { file.size }
    /// The number of the next line.
    var next: UInt64 { encoder.next }

    /// The line of `event`, and what belongs around it.
    ///
    /// - Parameter now: In milliseconds, by a clock that nobody sets.
    public mutating func write(_ event: AuditEvent, at time: AuditTime, now: UInt64) -> [LogStep] {
        var steps: [LogStep] = []
        let expected = encoder.next
        var encoded = encoder
        var line = encoded.line(event, at: time)
        // A seal has its place left behind each line: it is as the size allows, too.
        if file.hasRecords, file.size + UInt64(line.count + Self.sealRoom) > settings.rotationSize {
            steps += rotate(at: time)
        }
        open(at: time, &steps)
        if encoder.next != expected {
            // A line came before it: this one has another number.
            encoded = encoder
            line = encoded.line(event, at: time)
        }
        lastEvent = encoder.next
        encoder = encoded
        chain.add(line)
        file.size += UInt64(line.count)
        file.hasRecords = true
        steps.append(.line(line))
        if settings.sync == .lines { steps.append(.sync) }
        if unsealedSince == nil { unsealedSince = now }
        if chain.lines >= Self.sealLines { steps += seal(at: time) }
        return steps
    }

    /// What is due now.
    public mutating func turn(at time: AuditTime, now: UInt64) -> [LogStep] {
        if file.hasRecords, let began = file.began, time.seconds - began.seconds >= settings.rotationAge {
            return rotate(at: time)
        }
        guard let since = unsealedSince, now >= since + Self.sealInterval else { return [] }
        return seal(at: time)
    }

    /// The file ends here, wherever somebody put it; what follows goes to a new one at its path.
    public mutating func reopen(at time: AuditTime) -> [LogStep] {
        let steps = chain.lines > 0 ? seal(at: time) : []
        file = OpenLog()
        return steps + [.reopen]
    }

    /// The writer goes.
    public mutating func end(at time: AuditTime) -> [LogStep] { chain.lines > 0 ? seal(at: time) : [] }

    /// The most that a seal takes: numbers of 20 digits, names of boot and host at their limits.
    private static let sealRoom = 1024

    private mutating func rotate(at time: AuditTime) -> [LogStep] {
        let steps = chain.lines > 0 ? seal(at: time) : []
        let first = file.first ?? encoder.next
        file = OpenLog()
        return steps + [.rotate(first: first)]
    }

    /// The first line of a file that continues another.
    private mutating func open(at time: AuditTime, _ steps: inout [LogStep]) {
        guard file.first == nil else { return }
        file.first = encoder.next
        file.began = time
        guard chain.last != .none else { return }
        let line = encoder.line(.seal(SealRecord(lines: 0, sha256: chain.last.text)), at: time)
        chain = LogChain(after: chain.last)
        chain.addOpening(line)
        file.size += UInt64(line.count)
        steps.append(.line(line))
    }

    private mutating func seal(at time: AuditTime) -> [LogStep] {
        // The hash covers the line up to its digits, which all hashes have as many of.
        var line = encoder.line(.seal(SealRecord(lines: chain.lines, sha256: LogHash.none.text)), at: time)
        let digits = LogLine.digits(of: line[...])
        let hash = chain.seal(line[..<digits])
        line.replaceSubrange(digits..<(digits + LogHash.digits), with: Array(hash.text.utf8))
        file.size += UInt64(line.count)
        unsealedSince = nil
        return settings.sync == .never ? [.line(line)] : [.line(line), .sync]
    }
}

/// The file that is written to, as the composer knows it.
public struct OpenLog: Hashable, Sendable {
    /// The number of its first line; nil: nothing is in it.
    public var first: UInt64?
    /// The time of its first line.
    public var began: AuditTime?
    /// In bytes.
    public var size: UInt64 = 0
    /// Whether more is in it than the line that it opens with.
    public var hasRecords = false
}
