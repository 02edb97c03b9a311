/// The bytes of one policy file, and where its lines begin.
///
/// libyaml's marks count code points from the start of the text; this turns them into lines and columns. Lines
/// end at LF, CR LF or CR, as editors count them.
struct SourceText: Sendable {
    /// The file as diagnostics name it.
    let file: String
    let bytes: [UInt8]
    /// The first byte of each line.
    private let lineStarts: [Int]
    /// How many code points begin before each block of bytes, so that no look-up walks far.
    private let codePointsBeforeBlock: [Int]
    /// Whether each byte is a code point.
    private let isASCII: Bool
    private static let blockSize = 64

    init(file: String, bytes: [UInt8]) {
        self.file = file
        self.bytes = bytes
        var starts = [0]
        var blocks: [Int] = []
        var codePoint = 0
        for (index, byte) in bytes.enumerated() {
            if index % Self.blockSize == 0 { blocks.append(codePoint) }
            if byte & 0xc0 != 0x80 { codePoint += 1 }
            let endsLine =
                byte == UInt8(ascii: "\n")
                || (byte == UInt8(ascii: "\r")
                    && (index + 1 == bytes.count || bytes[index + 1] != UInt8(ascii: "\n")))
            if endsLine { starts.append(index + 1) }
        }
        lineStarts = starts
        codePointsBeforeBlock = blocks
        isASCII = codePoint == bytes.count
    }

    /// The byte at which code point `index` begins; the end of the text for an index behind it.
    func byteOffset(ofCodePoint index: Int) -> Int {
        if isASCII { return min(index, bytes.count) }
        guard let block = Self.lastIndex(in: codePointsBeforeBlock, { $0 <= index }) else { return 0 }
        var byte = block * Self.blockSize
        // A block may begin inside a code point, which was counted in the block before.
        while byte < bytes.count, bytes[byte] & 0xc0 == 0x80 { byte += 1 }
        var codePoint = codePointsBeforeBlock[block]
        while codePoint < index, byte < bytes.count {
            byte += 1
            while byte < bytes.count, bytes[byte] & 0xc0 == 0x80 { byte += 1 }
            codePoint += 1
        }
        return byte
    }

    /// The place of the bytes from `start` to `end`; of a run over several lines, the part on the first.
    func location(fromByte start: Int, toByte end: Int) -> SourceLocation {
        let line = line(ofByte: start)
        var last = min(end, contentEnd(ofLine: line))
        while last > start, bytes[last - 1] == UInt8(ascii: " ") || bytes[last - 1] == UInt8(ascii: "\t") {
            last -= 1
        }
        return SourceLocation(
            file: file, line: line + 1,
            column: codePoints(before: start) - codePoints(before: lineStarts[line]) + 1,
            length: max(1, codePoints(before: last) - codePoints(before: start)))
    }

    /// Whether no line ends between the two bytes.
    func isOnOneLine(fromByte start: Int, toByte end: Int) -> Bool {
        end <= contentEnd(ofLine: line(ofByte: start))
    }

    /// The text of line `number`, counted from 1, without its end; bytes that are not UTF-8 are replaced.
    func line(_ number: Int) -> String {
        guard lineStarts.indices.contains(number - 1) else { return "" }
        let range = lineStarts[number - 1]..<contentEnd(ofLine: number - 1)
        return String(decoding: bytes[range], as: UTF8.self)
    }

    private func contentEnd(ofLine index: Int) -> Int {
        var end = index + 1 < lineStarts.count ? lineStarts[index + 1] : bytes.count
        while end > lineStarts[index],
            bytes[end - 1] == UInt8(ascii: "\n") || bytes[end - 1] == UInt8(ascii: "\r")
        {
            end -= 1
        }
        return end
    }

    /// How many code points begin before `byte`.
    private func codePoints(before byte: Int) -> Int {
        if isASCII { return min(byte, bytes.count) }
        guard !codePointsBeforeBlock.isEmpty else { return 0 }
        let end = min(byte, bytes.count)
        let block = min(end / Self.blockSize, codePointsBeforeBlock.count - 1)
        return bytes[(block * Self.blockSize)..<end].reduce(codePointsBeforeBlock[block]) {
            $0 + ($1 & 0xc0 != 0x80 ? 1 : 0)
        }
    }

    /// The index of the line that `byte` is in.
    private func line(ofByte byte: Int) -> Int { Self.lastIndex(in: lineStarts) { $0 <= byte } ?? 0 }

    /// The last element of an ascending list that `holds` is true for; it is true for none behind a false one.
    private static func lastIndex(in list: [Int], _ holds: (Int) -> Bool) -> Int? {
        var low = -1
        var high = list.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if holds(list[middle]) { low = middle } else { high = middle }
        }
        return low < 0 ? nil : low
    }
}
