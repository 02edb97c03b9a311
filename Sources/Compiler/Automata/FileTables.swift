public import Automata
internal import Policy

/// A file automaton as the arrays that the kernel's programs read, and the walk that they do.
///
/// All numbers are little endian. `bytesOfClasses`: 256 bytes, the class of each byte. `bytesOfCells`: 8
/// bytes a cell, `u32 tag, u32 next` (`LookupTable`). `bytesOfVerdicts`: 48 bytes a verdict:
///
///     u32 rules[9]    what decided each access, in the order of FileAccess: an index of the rule table,
///                     0xffffffff the section's default, 0xfffffffe no section
///     u32 marks
///     u16 granted     bit n: access n
///     u16 reported
///     u32 reserved    0
public struct FileTables: Hashable, Sendable {
    /// The size of a verdict, in 32-bit words.
    public static let wordsPerVerdict = 12

    public let table: LookupTable
    /// `wordsPerVerdict` numbers a verdict.
    public let verdicts: [UInt32]

    public init(_ automaton: FileAutomaton) {
        table = LookupTable(automaton.automaton)
        var words: [UInt32] = []
        words.reserveCapacity(automaton.verdicts.count * Self.wordsPerVerdict)
        for verdict in automaton.verdicts {
            words += verdict.rules
            words.append(verdict.marks)
            words.append(UInt32(verdict.reported.rawValue) << 16 | UInt32(verdict.granted.rawValue))
            words.append(0)
        }
        verdicts = words
    }

    public var bytesOfClasses: [UInt8] { table.classes }
    public var bytesOfCells: [UInt8] { Self.littleEndian(table.cells) }
    public var bytesOfVerdicts: [UInt8] { Self.littleEndian(verdicts) }

    /// What is said of `path`, read from the arrays.
    public func verdict(of path: some Sequence<UInt8>) -> FileVerdict {
        let first = Int(table.verdict(table.run(path))) * Self.wordsPerVerdict
        let accesses = FileAccess.allCases.count
        let masks = verdicts[first + accesses + 1]
        return FileVerdict(
            granted: FileAccessSet(rawValue: UInt16(truncatingIfNeeded: masks)),
            reported: FileAccessSet(rawValue: UInt16(truncatingIfNeeded: masks >> 16)),
            marks: verdicts[first + accesses], rules: Array(verdicts[first..<(first + accesses)]))
    }

    private static func littleEndian(_ words: [UInt32]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(words.count * 4)
        for word in words {
            for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes
    }
}
