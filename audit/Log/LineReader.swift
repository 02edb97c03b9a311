/// The lines of a file of the log, compressed or not; of a line that is longer than any is, its beginning.
struct LineReader: ~Copyable {
    /// A line as it is in the file.
    struct Line {
        /// With the newline, if it is there.
        var bytes: [UInt8]
        /// Where it begins.
        var offset: UInt64
        /// Whether it ends in a newline, and is no longer than a line can be.
        var isWhole: Bool
        /// Whether there is no newline behind it: somebody may be writing it.
        var isLast: Bool
        /// Whether all that `bytes` leaves out of it is zeros, as a power cut can leave them at the end of a file.
        var isPadded: Bool
    }

    private let source: LogSource
    private var buffer: [UInt8] = []
    private var position = 0
    /// Where the buffer begins in the file.
    private var offset: UInt64 = 0
    private var isAtEnd = false

    private static let newline = UInt8(ascii: "\n")
    private static let piece = 128 << 10

    init(_ path: String) throws(LogError) { source = try LogSource(path) }

    /// The next line; nil: there is none.
    mutating func next() throws(LogError) -> Line? {
        var line: [UInt8] = []
        var start: UInt64?
        var isPadded = true
        while true {
            if position == buffer.count {
                guard try fill() else {
                    guard let start else { return nil }
                    return Line(bytes: line, offset: start, isWhole: false, isLast: true, isPadded: isPadded)
                }
            }
            let first = start ?? offset + UInt64(position)
            start = first
            let end = buffer[position...].firstIndex(of: Self.newline)
            let piece = buffer[position..<(end.map { $0 + 1 } ?? buffer.count)]
            position = piece.endIndex
            // What no writer wrote is not kept in memory, however long it is.
            let kept = piece.prefix(AuditEncoder.lineLimit + 1 - line.count)
            line += kept
            isPadded = isPadded && piece[kept.endIndex...].allSatisfy { $0 == 0 }
            if end != nil {
                return Line(
                    bytes: line, offset: first, isWhole: line.count <= AuditEncoder.lineLimit, isLast: false,
                    isPadded: isPadded)
            }
        }
    }

    private mutating func fill() throws(LogError) -> Bool {
        if isAtEnd { return false }
        offset += UInt64(buffer.count)
        buffer = try source.read(Self.piece)
        position = 0
        isAtEnd = buffer.isEmpty
        return !isAtEnd
    }
}
