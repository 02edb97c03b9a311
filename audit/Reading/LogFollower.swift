internal import Glibc

/// Follows a log as it grows, through its rotations.
public struct LogFollower: ~Copyable {
    private let place: LogPlace
    private var file: LogDescriptor
    private var offset: UInt64 = 0
    /// What was read of a line that has no end yet.
    private var rest: [UInt8] = []
    /// The number of the next line; nil: none was seen.
    private var next: UInt64?
    /// What is to be said: lines that are missing.
    private var notices: [String] = []

    private static let newline = UInt8(ascii: "\n")
    private static let piece = 256 << 10

    /// Begins with the last `lines` lines that are there.
    public init(_ path: String, lines: Int) throws(LogError) {
        let place = LogPlace(path)
        let file = try LogDescriptor(path, O_RDONLY | O_NONBLOCK)
        guard file.status().isRegular else { throw LogError("follow '\(path)'", "it is no regular file") }
        let size = file.status().size
        let room = UInt64(min(max(lines, 0), 4096) + 1) * UInt64(AuditEncoder.lineLimit)
        let start = size - min(size, room)
        let end = try file.read(Int(size - start), at: start)
        let newlines = end.indices.filter { end[$0] == Self.newline }
        if newlines.count > lines {
            offset = start + UInt64(newlines[newlines.count - 1 - lines]) + 1
        } else {
            offset = start == 0 ? 0 : start + UInt64(newlines.first ?? 0) + 1
        }
        self.place = place
        self.file = file
    }

    /// The lines that came since, oldest first, each with its newline.
    public mutating func takeLines() throws(LogError) -> [[UInt8]] {
        var lines = try read()
        var there = stat()
        // Between a rotation and the first line of the next file there is none at the path.
        guard unsafe stat(place.path, &there) == 0 else { return lines }
        let open = file.status()
        if there.isSame(as: open) {
            if open.size < offset {
                notices.append("'\(place.path)' was cut: it is read from its beginning")
                begin()
            }
            return lines
        }
        // Its writer has left it: what is in it now is all.
        lines += try read()
        let new = try LogDescriptor(place.path, O_RDONLY | O_NONBLOCK)
        guard new.status().isRegular else { return lines }
        let head = try new.read(AuditEncoder.lineLimit, at: 0)
        guard let end = head.firstIndex(of: Self.newline) else { return lines }
        if let first = LogLine(head[...end])?.sequence, let next, first > next {
            lines += try between(next..<first)
        }
        file = new
        begin()
        return lines + (try read())
    }

    /// What is to be said, once.
    public mutating func takeNotices() -> [String] {
        defer { notices = [] }
        return notices
    }

    private mutating func begin() {
        offset = 0
        rest = []
    }

    /// Whole lines from where the last ended.
    private mutating func read() throws(LogError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        while true {
            let bytes = try file.read(Self.piece, at: offset)
            if bytes.isEmpty { return lines }
            offset += UInt64(bytes.count)
            var start = 0
            while let end = bytes[start...].firstIndex(of: Self.newline) {
                take(rest + bytes[start...end], &lines)
                rest = []
                start = end + 1
            }
            // Of what is longer than any line only the beginning is kept.
            rest += bytes[start...].prefix(
                AuditEncoder.lineLimit + 1 - min(rest.count, AuditEncoder.lineLimit + 1))
        }
    }

    private mutating func take(_ line: [UInt8], _ lines: inout [[UInt8]]) {
        if let number = LogLine(line[...])?.sequence {
            if let next, number > next { noteMissing(next..<number) }
            next = number + 1
        }
        lines.append(line)
    }

    /// Lines of files that were begun and rotated since it was looked last.
    private mutating func between(_ numbers: Range<UInt64>) throws(LogError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for file in try place.rotated() where numbers.contains(file.first) {
            var reader = try LineReader(place.path(of: file.name))
            while let line = try reader.next() { take(line.bytes, &lines) }
        }
        return lines
    }

    private mutating func noteMissing(_ numbers: Range<UInt64>) {
        notices.append(
            numbers.count == 1
                ? "number \(numbers.lowerBound) is missing"
                : "numbers \(numbers.lowerBound) to \(numbers.upperBound - 1) are missing")
    }
}
