private import Glibc

extension LogPlace {
    /// What the log has behind a line, oldest first; nothing where it cannot be read.
    ///
    /// Of a log without rotation in between: the file that is written to, and where that begins behind the line, the
    /// one before.
    public func records(after line: UInt64) -> [LogRecord] {
        guard let files = try? files() else { return [] }
        var found: [LogRecord] = []
        for file in files.suffix(2).reversed() {
            guard let (records, first) = try? Self.records(in: file, after: line) else { break }
            found = records + found
            if let first, first <= line + 1 { break }
        }
        return found
    }

    /// The records behind a line, and the number of the first line that was looked at.
    private static func records(
        in path: String, after line: UInt64
    ) throws(LogError) -> (records: [LogRecord], first: UInt64?) {
        if path.hasSuffix(".gz") {
            var lines: [ArraySlice<UInt8>] = []
            var reader = try LineReader(path)
            while let next = try reader.next() { if next.isWhole { lines.append(next.bytes[...]) } }
            return records(lines, after: line)
        }
        let file = try LogDescriptor(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let size = file.status().size
        var length = min(size, 1 << 16)
        while true {
            let bytes = try file.read(Int(length), at: size - length)
            var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            // Behind the last newline there is no line, and before the first one perhaps not all of one.
            lines.removeLast()
            if length < size, !lines.isEmpty { lines.removeFirst() }
            let found = records(lines.map { bytes[$0.startIndex...$0.endIndex] }, after: line)
            if length == size || found.first.map({ $0 <= line + 1 }) ?? false { return found }
            length = min(size, length * 4)
        }
    }

    private static func records(
        _ lines: [ArraySlice<UInt8>], after line: UInt64
    ) -> (records: [LogRecord], first: UInt64?) {
        var records: [LogRecord] = []
        var first: UInt64?
        for bytes in lines.reversed() {
            guard let number = LogLine(bytes)?.sequence else { continue }
            first = number
            if number <= line { break }
            if let record = LogRecord(Array(bytes)) { records.append(record) }
        }
        return (records.reversed(), first)
    }
}
