/// Where a log goes on: found from the end of its file, which a power cut may have torn.
public struct LogResumption: Sendable {
    /// The number of the next line.
    public var next: UInt64
    public var chain: LogChain
    public var file: OpenLog
    /// What is to be cut off, in lines, a last one that is not whole included: they were never written to their ends.
    public var torn: UInt64 = 0
    /// The file is not as its writer left it, though it goes on behind the damage: it is to be put aside as it is, and the
    /// chain continues in a new one.
    public var isDamaged = false

    /// A log of which nothing is there.
    public static let beginning = Self(next: 1, chain: LogChain(), file: OpenLog())

    /// A log whose file is missing, behind one that ended like this.
    static func following(_ last: LogResumption) -> Self {
        Self(next: last.next, chain: LogChain(after: last.chain.last), file: OpenLog())
    }

    private init(next: UInt64, chain: LogChain, file: OpenLog) {
        self.next = next
        self.chain = chain
        self.file = file
    }

    /// The log whose file ends with `tail`, which begins with a line.
    ///
    /// - Parameters:
    ///   - tail: The end of the file, from its last seal or before.
    ///   - offset: Where `tail` begins in the file.
    ///   - opening: The file's first line and its time.
    init(tail: [UInt8], offset: UInt64, opening: (line: UInt64, began: AuditTime?)?) {
        var reader = LogTail(tail)
        reader.read()
        file = OpenLog(
            first: opening?.line, began: opening?.began, size: offset + UInt64(reader.end),
            hasRecords: offset > 0 || reader.hasRecords)
        chain = reader.chain
        next = reader.next
        torn = reader.torn
        isDamaged = reader.isDamaged
        if reader.end == 0, offset == 0 { file = OpenLog() }
        if isDamaged {
            // Lines that are there have numbers: what follows has higher ones, and the hole tells of the damage.
            next += torn
            torn = 0
            chain = LogChain(after: chain.last)
        }
    }
}

/// Goes through the end of a file, line by line.
private struct LogTail {
    let bytes: [UInt8]
    var chain = LogChain()
    var next: UInt64 = 1
    /// Where the last line that is as it should be ends.
    var end = 0
    var torn: UInt64 = 0
    var isDamaged = false
    var hasRecords = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func read() {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var isFirst = true
        for (index, content) in lines.enumerated() {
            let isWhole = index < lines.count - 1
            if !isWhole, content.isEmpty { return }
            let line = isWhole ? LogLine(bytes[content.startIndex...content.endIndex]) : nil
            guard let line, isFirst || line.sequence == next, torn == 0 else {
                // What was cut off by a power cut is at the end, and has no end of its own but behind zeros; a line of the
                // writer's behind it was not, nor was one that somebody else wrote: that is not ours to cut.
                torn += 1
                if line != nil || isWhole && !content.contains(0) { isDamaged = true }
                continue
            }
            take(line, bytes[content.startIndex...content.endIndex])
            isFirst = false
        }
    }

    private mutating func take(_ line: LogLine, _ bytes: ArraySlice<UInt8>) {
        next = line.sequence + 1
        end = bytes.endIndex
        guard let seal = line.seal else {
            chain.add(bytes)
            hasRecords = true
            return
        }
        if seal.lines == 0 {
            chain = LogChain(after: seal.hash)
            chain.addOpening(bytes)
        } else {
            chain = LogChain(behind: seal.hash)
        }
    }
}
