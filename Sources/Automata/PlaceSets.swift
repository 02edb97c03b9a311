/// The sets of places that patterns can stand at together, and where each byte class leads from them: the
/// subset construction, done only for the sets that are asked for.
struct PlaceSets {
    /// The set that no pattern is in: nothing can match any more.
    static let empty: UInt32 = 0

    let places: Places
    let classCount: Int
    private var lists = InternedLists()
    /// Where the row of each set is in `rows`; none yet, or never for a settled one.
    private var rowStarts: [Int] = []
    private var rows: [UInt32] = []
    /// Whether each set leads only to itself.
    private(set) var isSettled: [Bool] = []
    /// For each class, where it leads from the set that is worked on.
    private var reached: [[UInt32]]
    /// How many classes are remembered of a set, each of which leads elsewhere: most lead where one of these does.
    private static let remembered = 8

    init(_ places: Places, classCount: Int) {
        self.places = places
        self.classCount = classCount
        reached = Array(repeating: [], count: classCount)
        _ = intern([])
    }

    var count: Int { lists.count }
    /// The numbers that are kept: members of sets, and where classes lead.
    var size: Int { lists.elementCount + rows.count }

    /// The places of a set, ascending.
    subscript(set: UInt32) -> ArraySlice<UInt32> { lists[set] }

    /// The patterns that match where the set stands, ascending; those that its claims leave nothing to say
    /// may be missing.
    func matches(of set: UInt32) -> [UInt32] {
        var patterns: [UInt32] = []
        for place in lists[set] { patterns += places.matches[Int(place)] }
        patterns.sort()
        patterns.removeRepeated()
        return patterns
    }

    /// The set in which, besides `set`, patterns begin at the places `entered`.
    mutating func union(_ set: UInt32, entering entered: [UInt32]) -> UInt32 {
        var all = Array(lists[set])
        for place in entered { places.append(place, to: &all) }
        places.reduce(&all)
        return intern(all)
    }

    /// Works out where each class leads from `set`.
    mutating func expand(_ set: UInt32) {
        guard !isSettled[Int(set)], rowStarts[Int(set)] < 0 else { return }
        rowStarts[Int(set)] = rows.count
        for number in 0..<classCount { reached[number].removeAll(keepingCapacity: true) }
        places.appendMoves(from: lists[set], to: &reached)
        var known: [Int] = []
        let row = rows.count
        for number in 0..<classCount {
            if let same = known.first(where: { reached[$0] == reached[number] }) {
                rows.append(rows[row + same])
                continue
            }
            if known.count < Self.remembered { known.append(number) }
            var list = reached[number]
            places.reduce(&list)
            rows.append(intern(list))
        }
    }

    /// Where the class leads from a set that is expanded or settled.
    @inline(__always)
    func next(_ set: UInt32, _ number: Int) -> UInt32 {
        isSettled[Int(set)] ? set : rows[rowStarts[Int(set)] + number]
    }

    /// Where the classes lead from a set that is expanded, in their order.
    func targets(of set: UInt32) -> ArraySlice<UInt32> {
        rows[rowStarts[Int(set)]..<(rowStarts[Int(set)] + classCount)]
    }

    private mutating func intern(_ list: [UInt32]) -> UInt32 {
        let number = lists.intern(list)
        if number == isSettled.count {
            isSettled.append(list.allSatisfy { places.isSettled($0) })
            rowStarts.append(-1)
        }
        return number
    }
}
