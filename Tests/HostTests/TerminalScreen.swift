/// What a terminal would show: as much of a VT100 as bash, less and vim use with TERM=vt100.
struct TerminalScreen {
    private(set) var rows: Int
    private(set) var columns: Int
    private var cells: [[UInt8]]
    private var row = 0
    private var column = 0
    private var top = 0
    private var bottom: Int
    private var saved = (row: 0, column: 0)
    /// The last column was written: the next character goes to the next line.
    private var wraps = false
    private var escape: [UInt8]?

    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        bottom = rows - 1
        cells = Array(repeating: Array(repeating: 0x20, count: columns), count: rows)
    }

    /// The lines without trailing blanks, without empty ones at the end.
    var lines: [String] {
        var lines = cells.map { line in
            var text = String(decoding: line, as: UTF8.self)
            while text.last == " " { text.removeLast() }
            return text
        }
        while lines.last == "" { lines.removeLast() }
        return lines
    }

    var text: String { lines.joined(separator: "\n") }

    mutating func resize(rows: Int, columns: Int) {
        let blank = [UInt8](repeating: 0x20, count: columns)
        cells = (0..<rows).map { index in
            index < cells.count ? Array((cells[index] + blank).prefix(columns)) : blank
        }
        (self.rows, self.columns, top, bottom) = (rows, columns, 0, rows - 1)
        (row, column, wraps) = (min(row, rows - 1), min(column, columns - 1), false)
    }

    mutating func write(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { write(byte) }
    }

    private mutating func write(_ byte: UInt8) {
        if var sequence = escape {
            sequence.append(byte)
            escape = sequence
            if Self.isComplete(sequence) {
                escape = nil
                obey(sequence)
            }
            return
        }
        switch byte {
        case 0x1b: escape = []
        case 0x0d: move(to: row, 0)
        case 0x0a, 0x0b, 0x0c: lineFeed()
        case 0x08: move(to: row, column - 1)
        case 0x09: move(to: row, (column / 8 + 1) * 8)
        case 0x20...0x7e, 0x80...0xff:
            if wraps {
                column = 0
                lineFeed()
            }
            cells[row][column] = byte
            if column == columns - 1 { wraps = true } else { column += 1 }
        default: break
        }
    }

    private static func isComplete(_ sequence: [UInt8]) -> Bool {
        switch sequence[0] {
        case UInt8(ascii: "["): sequence.count > 1 && (0x40...0x7e).contains(sequence[sequence.count - 1])
        case UInt8(ascii: "]"): sequence.last == 7
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "#"): sequence.count == 2
        default: true
        }
    }

    private mutating func obey(_ sequence: [UInt8]) {
        switch sequence[0] {
        case UInt8(ascii: "["): control(sequence)
        case UInt8(ascii: "M"): if row == top { scroll(from: top, by: -1) } else { move(to: row - 1, column) }
        case UInt8(ascii: "D"): lineFeed()
        case UInt8(ascii: "E"):
            column = 0
            lineFeed()
        case UInt8(ascii: "7"): saved = (row, column)
        case UInt8(ascii: "8"): move(to: saved.row, saved.column)
        default: break
        }
    }

    private mutating func control(_ sequence: [UInt8]) {
        let body = String(decoding: sequence.dropFirst().dropLast(), as: UTF8.self)
        if body.hasPrefix("?") || body.hasPrefix(">") { return }
        let numbers = body.split(separator: ";", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        let first = numbers.first ?? 0
        let count = max(first, 1)
        let blank = [UInt8](repeating: 0x20, count: columns)
        switch Character(Unicode.Scalar(sequence[sequence.count - 1])) {
        case "H", "f": move(to: count - 1, max(numbers.dropFirst().first ?? 1, 1) - 1)
        case "A": move(to: row - count, column)
        case "B": move(to: row + count, column)
        case "C": move(to: row, column + count)
        case "D": move(to: row, column - count)
        case "G": move(to: row, count - 1)
        case "d": move(to: count - 1, column)
        case "J":
            if first != 1 {
                for index in (first == 2 ? 0 : row + 1)..<max(rows, row + 1) { cells[index] = blank }
            }
            if first == 1 { for index in 0..<row { cells[index] = blank } }
            if first == 0 { erase(column..<columns) } else if first == 1 { erase(0..<column + 1) }
        case "K": erase(first == 0 ? column..<columns : first == 1 ? 0..<column + 1 : 0..<columns)
        case "L": scroll(from: row, by: -count)
        case "M": scroll(from: row, by: count)
        case "P":
            cells[row] = Array(
                (cells[row][..<column] + cells[row].dropFirst(column + count) + blank).prefix(columns))
        case "@":
            cells[row] = Array(
                (cells[row][..<column] + blank.prefix(count) + cells[row][column...]).prefix(columns))
        case "r":
            top = count - 1
            bottom = min(max(numbers.dropFirst().first ?? rows, 1), rows) - 1
            move(to: 0, 0)
        default: break
        }
    }

    private mutating func move(to newRow: Int, _ newColumn: Int) {
        row = min(max(newRow, 0), rows - 1)
        column = min(max(newColumn, 0), columns - 1)
        wraps = false
    }

    private mutating func erase(_ range: Range<Int>) {
        for index in range { cells[row][index] = 0x20 }
    }

    private mutating func lineFeed() {
        wraps = false
        if row == bottom { scroll(from: top, by: 1) } else { row = min(row + 1, rows - 1) }
    }

    /// Moves the lines from `first` to the end of the region up by `count`, down where that is negative.
    private mutating func scroll(from first: Int, by count: Int) {
        guard first <= bottom else { return }
        let blank = Array(
            repeating: [UInt8](repeating: 0x20, count: columns), count: min(abs(count), bottom - first + 1))
        let region = Array(cells[first...bottom])
        let moved =
            count > 0
            ? Array(region.dropFirst(blank.count)) + blank : blank + Array(region.dropLast(blank.count))
        cells.replaceSubrange(first...bottom, with: moved)
    }
}
