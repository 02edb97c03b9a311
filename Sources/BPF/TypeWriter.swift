/// Some types of a table, numbered anew, with all that they are made of. What they only point to is left out: pointers
/// point to nothing.
struct TypeWriter {
    private let table: TypeTable
    /// Of each type, where it stands; what was taken has its new number instead, negative.
    private var offsets: [Int32]
    /// By new number, where the type stands in the table; 0: none has that number.
    private var taken: [Int32]
    private var next = 1
    private var strings: [UInt8] = [0]
    private var places: [Int: UInt32] = [0: 0]

    /// Types in `keeping` are taken with the numbers that they have.
    init(from table: TypeTable, offsets: [Int32], keeping: [Int]) {
        self.table = table
        self.offsets = offsets
        taken = [Int32](repeating: 0, count: 1 + (keeping.max() ?? 0))
        for type in keeping {
            taken[type] = offsets[type]
            self.offsets[type] = -Int32(type)
        }
    }

    /// The new number of a type, which is taken; 0, nothing, where there is none.
    mutating func number(of type: Int) -> UInt32 {
        guard type > 0, type < offsets.count else { return 0 }
        if offsets[type] < 0 { return UInt32(-offsets[type]) }
        while next < taken.count, taken[next] != 0 { next += 1 }
        if next == taken.count { taken.append(0) }
        taken[next] = offsets[type]
        offsets[type] = -Int32(next)
        return UInt32(next)
    }

    private mutating func name(_ offset: Int) -> UInt32 {
        if let place = places[offset] { return place }
        let place = UInt32(strings.count)
        unsafe strings.append(contentsOf: table.name(at: offset))
        strings.append(0)
        places[offset] = place
        return place
    }

    /// The table. Writing a type takes those that it is made of.
    consuming func finish() -> [UInt8] {
        // A type can take one that stands before it, and one more can come behind.
        var written: [[UInt8]] = [[]]
        var isOver = false
        while !isOver {
            isOver = true
            for number in 1..<max(taken.count, 1) {
                if number == written.count { written.append([]) }
                guard taken[number] != 0, written[number].isEmpty else { continue }
                write(Int(taken[number]), to: &written[number])
                isOver = false
            }
        }
        // Numbers that no type has: pointers to nothing, without a name.
        let types = written.dropFirst().flatMap { $0.isEmpty ? Self.nothing : $0 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(TypeTable.headerSize + types.count + strings.count)
        Self.append(UInt32(TypeTable.magic) | 1 << 16, to: &bytes)
        for field in [
            TypeTable.headerSize, 0, types.count, types.count, strings.count,
        ] { Self.append(UInt32(field), to: &bytes) }
        return bytes + types + strings
    }

    private mutating func write(_ offset: Int, to types: inout [UInt8]) {
        let information = table.word(offset + 4)
        guard let kind = TypeTable.Kind(rawValue: information >> 24 & 0x1f) else { return }
        let count = Int(information & 0xffff)
        var words = (0..<(12 + kind.extent(count)) / 4).map { table.word(offset + 4 * $0) }
        words[0] = name(Int(words[0]))
        switch kind {
        case .pointer, .function:
            words[2] = 0
        case .typedef, .volatile, .const, .restrict, .typeTag, .variable, .declarationTag:
            words[2] = number(of: Int(words[2]))
        case .array:
            words[3] = number(of: Int(words[3]))
            words[4] = number(of: Int(words[4]))
        case .structure, .union:
            for member in 0..<count {
                words[3 + 3 * member] = name(Int(words[3 + 3 * member]))
                words[4 + 3 * member] = number(of: Int(words[4 + 3 * member]))
            }
        case .enumeration:
            for value in 0..<count { words[3 + 2 * value] = name(Int(words[3 + 2 * value])) }
        case .wideEnumeration:
            for value in 0..<count { words[3 + 3 * value] = name(Int(words[3 + 3 * value])) }
        case .prototype:
            words[2] = 0
            for parameter in 0..<count { words[4 + 2 * parameter] = 0 }
        case .integer, .forward, .float, .section: break
        }
        for word in words { Self.append(word, to: &types) }
    }

    private static let nothing: [UInt8] = {
        var bytes: [UInt8] = []
        for word in [0, TypeTable.Kind.pointer.rawValue << 24, 0] { append(word, to: &bytes) }
        return bytes
    }()

    private static func append(_ word: UInt32, to bytes: inout [UInt8]) {
        unsafe withUnsafeBytes(of: word.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }
}
