private import Glibc

/// Finds where the log at a place goes on.
struct LogRecovery {
    let place: LogPlace

    /// The highest number that a log is gone on with: no writer gets there, and none that begins below it gets to the end of
    /// all numbers.
    private static let lastNumber = LogLine.lastNumber / 2

    /// The state of the log, of which a damaged file was put aside.
    /// - Throws: Where it cannot be read, or is none of ours: nothing is written behind what cannot be understood.
    func run() throws(LogError) -> LogResumption {
        var found = try find()
        guard found.next <= Self.lastNumber else {
            throw LogError(
                "use '\(place.path)' as the audit log",
                "its last line has number \(found.next - 1), which no writer gets to: somebody else wrote it")
        }
        if found.isDamaged {
            var aside = LogFile(place, keeping: nil)
            try aside.rotate(first: found.file.first ?? found.next)
            found.file = OpenLog()
        }
        return found
    }

    private func find() throws(LogError) -> LogResumption {
        let unfound = unsafe access(place.path, F_OK) != 0 && errno == ENOENT
        guard !unfound else { return try behindRotated() }
        let file = try LogDescriptor(place.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let status = file.status()
        try LogFile.check(status, place)
        guard status.size > 0 else { return try behindRotated() }
        let (tail, offset) = try end(of: file, size: status.size)
        let head = try file.read(AuditEncoder.lineLimit, at: 0)
        // Nothing at all where root has emptied the file since.
        let first = LogLine(head.firstIndex(of: UInt8(ascii: "\n")).map { head[...$0] } ?? head[...])
        let isOurs = if first == nil { try isTornBeginning() } else { true }
        guard isOurs else {
            throw LogError("use '\(place.path)' as the audit log", "its first line is none of an audit log")
        }
        var found = LogResumption(
            tail: tail, offset: offset,
            opening: first.map { ($0.sequence, AuditTime(ofLine: head)) })
        if first == nil {
            // Only the beginning of its first line came to the disk.
            found = try behindRotated()
            found.torn = 1
        }
        return found
    }

    /// Whether all of the file is the beginning of a line, and zeros: what a power cut can leave.
    private func isTornBeginning() throws(LogError) -> Bool {
        var reader = try LineReader(place.path)
        guard let line = try reader.next(), line.isLast, line.isPadded else { return false }
        let text = line.bytes.prefix { $0 != 0 }
        return text.count <= AuditEncoder.lineLimit
            && (text.starts(with: LogLine.beginning) || LogLine.beginning.starts(with: text))
            && line.bytes[text.endIndex...].allSatisfy { $0 == 0 }
    }

    /// The end of a file, from its last seal or from its beginning.
    private func end(of file: borrowing LogDescriptor, size: UInt64) throws(LogError) -> ([UInt8], UInt64) {
        var length = min(size, 1 << 18)
        while true {
            let bytes = try file.read(Int(length), at: size - length)
            if let seal = Self.lastSeal(in: bytes, isWhole: length == size) {
                return (Array(bytes[seal...]), size - length + UInt64(seal))
            }
            if length == size { return (bytes, 0) }
            length = min(size, length * 4)
        }
    }

    /// Where the last line begins that is a seal.
    private static func lastSeal(in bytes: [UInt8], isWhole: Bool) -> Int? {
        let newline = UInt8(ascii: "\n")
        var end = bytes.lastIndex(of: newline)
        while let newlineOfLine = end {
            let before = bytes[..<newlineOfLine].lastIndex(of: newline)
            if before == nil, !isWhole { return nil }
            let start = before.map { $0 + 1 } ?? 0
            if let line = LogLine(bytes[start...newlineOfLine]), line.seal != nil { return start }
            end = before
        }
        return nil
    }

    /// A new file behind the last that was rotated.
    private func behindRotated() throws(LogError) -> LogResumption {
        guard unsafe access(place.directory, F_OK) == 0, let last = try place.rotated().last else {
            return .beginning
        }
        var tail: [UInt8] = []
        var reader = try LineReader(place.path(of: last.name))
        while let line = try reader.next() {
            if line.isWhole, LogLine(line.bytes[...])?.seal != nil { tail = [] }
            tail += line.bytes
        }
        return .following(LogResumption(tail: tail, offset: 0, opening: nil))
    }
}
