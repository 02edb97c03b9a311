/// Recomputes the chain of a log, line by line, file by file.
///
/// It stops at the first damage: what is behind it is not vouched for by anything.
public struct LogVerifier {
    /// Where a log is not as it was written.
    public struct Damage: Hashable, Sendable {
        public var file: String
        /// The line at which it shows, from 1.
        public var line: Int
        /// The first line that it may be in: a seal speaks for all lines since the one before.
        public var first: Int
        public var reason: String
    }

    /// A line, by its file and number.
    public struct Place: Hashable, Sendable {
        public var file: String
        public var line: Int
    }

    /// What was found, when all lines were taken.
    public struct Finding: Hashable, Sendable {
        public var files = 0
        /// Lines that a seal vouches for, the seals included.
        public var sealed: UInt64 = 0
        /// Lines behind the last seal.
        public var unsealed = 0
        /// The number of the first line that is there, and of the last.
        public var numbers: ClosedRange<UInt64>?
        /// The last seal.
        public var lastSeal: Place?
        public var lastHash: String?
        /// The last line is not whole: it is being written, or was when its writer ended.
        public var torn: Place?
        public var damage: Damage?
    }

    public private(set) var finding = Finding()
    private var chain: LogChain?
    private var next: UInt64 = 0
    private var place = Place(file: "", line: 0)
    /// The first line of this file that no seal has covered.
    private var firstUnsealed = 1

    public init() {}

    /// Another file begins.
    mutating func begin(_ file: String) {
        // A torn end is one only at the end of all.
        if let torn = finding.torn { fail("the file ends within a line", at: torn) }
        place = Place(file: file, line: 0)
        firstUnsealed = 1
        finding.files += 1
    }

    /// The file cannot be read on.
    mutating func fail(_ reason: String) {
        place.line += 1
        fail(reason, at: place)
    }

    mutating func take(_ line: LineReader.Line) {
        guard finding.damage == nil else { return }
        place.line += 1
        guard line.isWhole, let head = LogLine(line.bytes[...]) else {
            if line.isLast, isTorn(line) {
                finding.torn = place
                return
            }
            return fail("this is no line of the log", at: place)
        }
        if chain != nil, head.sequence != next { return failNumber(head.sequence) }
        if place.line == 1 {
            begin(line.bytes, head)
        } else if let seal = head.seal, var chain {
            take(seal, line.bytes, &chain)
            self.chain = chain
        } else {
            chain?.add(line.bytes)
            finding.unsealed += 1
        }
        next = head.sequence + 1
        finding.numbers = (finding.numbers?.lowerBound ?? head.sequence)...head.sequence
    }

    /// The first line of a file.
    private mutating func begin(_ line: [UInt8], _ head: LogLine) {
        guard let opening = head.seal, opening.lines == 0 else {
            // Only the first file of all follows none.
            guard chain == nil, head.sequence == 1 else {
                return fail("the first line does not carry the hash of the file before", at: place)
            }
            guard head.seal == nil else { return fail("a seal of lines that are not there", at: place) }
            chain = LogChain()
            chain?.add(line)
            finding.unsealed += 1
            return
        }
        if let chain {
            guard chain.lines == 0 else { return fail("no seal ends the file before", at: place) }
            guard chain.last == opening.hash else {
                return fail("it does not follow the file before: that ended with another hash", at: place)
            }
        }
        var chain = LogChain(after: opening.hash)
        chain.addOpening(line)
        self.chain = chain
        finding.unsealed += 1
    }

    private mutating func take(_ seal: LogLine.Seal, _ line: [UInt8], _ chain: inout LogChain) {
        if seal.lines == 0 {
            // A writer that began anew in the same file.
            guard chain.lines == 0, chain.last == seal.hash else {
                return fail("a seal of no lines does not carry the hash before it", at: place)
            }
            chain = LogChain(after: seal.hash)
            chain.addOpening(line)
            finding.unsealed += 1
            return
        }
        let lines = chain.lines
        let hash = chain.seal(line[..<LogLine.digits(of: line[...])])
        guard lines == seal.lines, hash == seal.hash else {
            return fail("the seal does not match what it seals", at: place, from: firstUnsealed)
        }
        finding.sealed += UInt64(finding.unsealed) + 1
        finding.unsealed = 0
        finding.lastSeal = place
        finding.lastHash = hash.text
        firstUnsealed = place.line + 1
    }

    private mutating func failNumber(_ number: UInt64) {
        let reason =
            number > next
            ? (number - next == 1
                ? "number \(next) is missing before it"
                : "numbers \(next) to \(number - 1) are missing before it")
            : "number \(number) follows number \(next - 1)"
        fail(reason, at: place)
    }

    private mutating func fail(_ reason: String, at place: Place, from first: Int? = nil) {
        guard finding.damage == nil else { return }
        finding.damage = Damage(
            file: place.file, line: place.line, first: first ?? place.line, reason: reason)
    }

    /// Whether `line` can be the beginning of the next line, cut off where a write or a power cut ended: then zeros
    /// may follow, as many as there are.
    private func isTorn(_ line: LineReader.Line) -> Bool {
        let text = line.bytes.prefix { $0 != 0 }
        guard text.count <= AuditEncoder.lineLimit, line.isPadded,
            line.bytes[text.endIndex...].allSatisfy({ $0 == 0 })
        else { return false }
        var expected = LogLine.beginning
        if chain != nil { expected += Array("\(next),".utf8) }
        guard text.starts(with: expected) || expected.starts(with: text) else { return false }
        return !hasMoreThanObject(text)
    }

    /// Whether something is behind the end of the object that the text begins with.
    private func hasMoreThanObject(_ text: ArraySlice<UInt8>) -> Bool {
        var depth = 0
        var isInString = false
        var isEscaped = false
        for (index, byte) in zip(text.indices, text) {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch Unicode.Scalar(byte) {
            case "\"": isInString = true
            case "{", "[": depth += 1
            case "}", "]":
                depth -= 1
                if depth == 0 { return index != text.endIndex - 1 }
            default: break
            }
        }
        return false
    }
}

extension LogVerifier {
    /// Goes through `files`, oldest first.
    /// - Throws: Where a file cannot be opened or the system cannot read it.
    public static func verify(_ files: [String]) throws(LogError) -> Finding {
        var verifier = Self()
        for file in files {
            verifier.begin(file)
            var reader = try LineReader(file)
            while verifier.finding.damage == nil {
                do throws(LogError) {
                    guard let line = try reader.next() else { break }
                    verifier.take(line)
                } catch {
                    // What cannot be decompressed was changed.
                    guard error.code == 0 else { throw error }
                    verifier.fail(error.reason)
                }
            }
            if verifier.finding.damage != nil { break }
        }
        return verifier.finding
    }
}
