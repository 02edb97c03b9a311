/// An automaton as two arrays in which a byte costs at most two loads of eight bytes, neither of which waits
/// for the other: what a BPF program walks.
///
///     cell = cells[state + 1 + classes[byte]]
///     state = cell.tag == state ? cell.next : cells[state].next
///
/// A state's number is the index of its head: a cell with the verdict, and in `next` where most classes lead.
/// Its exceptions lie at one more than their class behind the head, each tagged with the state that it is of;
/// states interleave as they fit. There is no chain of defaults to follow, and every index that this yields
/// from a state of the table is in the table.
///
/// Why this form, by the figures of `.ci/bench-automata` (10,000 literal paths, a rule each: 168,000 states
/// of 27 byte classes, nearly all with one exception):
///
/// - a complete table `[state][class]` of u32: 18 MB, and 41 MB with the 62 classes of letters and digits;
///   one load a byte;
/// - this: 16 bytes a state, 2.7 MB whatever the classes; packing leaves less than one cell in a thousand
///   free;
/// - defaults of defaults, as in AppArmor's tables: smaller where globs have sets of bytes behind `**`
///   (10,000 literals beside 20 patterns `/**/name`, `/**/*.log` and `/**/[a-m]*x` are 27 MB here), but a
///   loop, or one more load that waits for another, for everybody.
public struct LookupTable: Hashable, Sendable {
    /// Set in the tag of a head, and in no state's number.
    public static let headFlag: UInt32 = 1 << 31
    /// Set in the tag of a head whose state leads only to itself: the rest of a path need not be looked at.
    public static let settledFlag: UInt32 = 1 << 30
    /// The tag of a cell that is nobody's; no state has this number.
    public static let freeTag: UInt32 = headFlag - 1
    /// The bits of a head's tag that are the verdict.
    public static let verdictMask: UInt32 = settledFlag - 1

    /// The class of each byte; 256 entries.
    public let classes: [UInt8]
    /// Two numbers a cell: tag and next.
    public let cells: [UInt32]
    /// Where every input begins.
    public let start: UInt32
    /// How many states there are.
    public let stateCount: Int

    /// The table of `automaton`; the dead state is 0 here too.
    ///
    /// States are laid in their order, each at the first place where it fits, of a bounded number of tries.
    public init(_ automaton: Automaton) {
        precondition(
            automaton.verdicts.allSatisfy { $0 <= Self.verdictMask }, "a verdict of more than 30 bits")
        var packing = Packing(classCount: automaton.classes.count)
        var bases: [UInt32] = []
        bases.reserveCapacity(automaton.stateCount)
        for state in 0..<UInt32(automaton.stateCount) {
            bases.append(UInt32(packing.place(automaton.exceptionClasses[automaton.exceptions(of: state)])))
        }
        var cells: [UInt32] = []
        cells.reserveCapacity(packing.count * 2)
        for _ in 0..<packing.count {
            cells.append(Self.freeTag)
            cells.append(0)
        }
        for state in 0..<UInt32(automaton.stateCount) {
            let base = bases[Int(state)]
            let settled = automaton.isSettled(state) ? Self.settledFlag : 0
            cells[2 * Int(base)] = Self.headFlag | settled | automaton.verdict(state)
            cells[2 * Int(base) + 1] = bases[Int(automaton.rests[Int(state)])]
            for index in automaton.exceptions(of: state) {
                let cell = Int(base) + 1 + Int(automaton.exceptionClasses[index])
                cells[2 * cell] = base
                cells[2 * cell + 1] = bases[Int(automaton.exceptionTargets[index])]
            }
        }
        classes = automaton.classes.numbers
        self.cells = cells
        start = bases[Int(automaton.start)]
        stateCount = automaton.stateCount
    }

    public var cellCount: Int { cells.count / 2 }

    /// The state that `byte` leads to.
    public func step(_ state: UInt32, _ byte: UInt8) -> UInt32 {
        let cell = 2 * (Int(state) + 1 + Int(classes[Int(byte)]))
        return cells[cell] == state ? cells[cell + 1] : cells[2 * Int(state) + 1]
    }

    /// The state that `bytes` lead to.
    public func run(_ bytes: some Sequence<UInt8>, from state: UInt32? = nil) -> UInt32 {
        var state = state ?? start
        for byte in bytes {
            if isSettled(state) { break }
            state = step(state, byte)
        }
        return state
    }

    /// What is said at `state`.
    public func verdict(_ state: UInt32) -> UInt32 { cells[2 * Int(state)] & Self.verdictMask }

    /// Whether whatever comes leads nowhere else.
    public func isSettled(_ state: UInt32) -> Bool { cells[2 * Int(state)] & Self.settledFlag != 0 }
}

/// Finds places for states among the cells that are free.
private struct Packing {
    /// How many places are tried before a state goes behind all others: it bounds the time, at the price of
    /// cells.
    private static let tries = 128

    private let classCount: Int
    /// One bit a cell.
    private var used: [UInt64] = []
    /// Every cell below is used, or was not worth trying again.
    private var floor = 0
    /// One past the last cell that any state can be led to look at.
    private(set) var count = 0

    init(classCount: Int) { self.classCount = classCount }

    /// Where the head of a state with exceptions in these classes goes.
    mutating func place(_ classes: ArraySlice<UInt8>) -> Int {
        while isUsed(floor) { floor += 1 }
        var base = floor
        var tried = 1
        while !fits(classes, at: base) {
            base += 1
            while isUsed(base) { base += 1 }
            tried += 1
            // Too crowded here for many states: begin later the next time.
            if tried == Self.tries {
                floor += 1
                base = max(base, count)
            }
        }
        use(base)
        for number in classes { use(base + 1 + Int(number)) }
        count = max(count, base + 1 + classCount)
        return base
    }

    private func fits(_ classes: ArraySlice<UInt8>, at base: Int) -> Bool {
        classes.allSatisfy { !isUsed(base + 1 + Int($0)) }
    }

    private func isUsed(_ cell: Int) -> Bool {
        let word = cell >> 6
        return word < used.count && used[word] >> UInt64(cell & 63) & 1 != 0
    }

    private mutating func use(_ cell: Int) {
        while used.count <= cell >> 6 { used.append(0) }
        used[cell >> 6] |= 1 << UInt64(cell & 63)
    }
}
