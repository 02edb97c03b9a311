/// The sets of places that patterns can stand at together, and where each byte class leads from them: the subset
/// construction, done only for the sets that are asked for.
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
    private var scratch: [UInt32] = []

    init(_ places: Places, classCount: Int) {
        self.places = places
        self.classCount = classCount
        _ = intern([])
    }

    var count: Int { lists.count }
    var transitionCount: Int { rows.count }

    /// The places of a set, ascending.
    subscript(set: UInt32) -> ArraySlice<UInt32> { lists[set] }

    /// The patterns that match where the set stands, ascending.
    func matches(of set: UInt32) -> [UInt32] {
        var patterns: [UInt32] = []
        for place in lists[set] where places.isMatch[Int(place)] {
            let pattern = places.pattern[Int(place)]
            if patterns.last != pattern { patterns.append(pattern) }
        }
        return patterns
    }

    /// The set in which, besides `set`, the patterns of `entered` stand at those places.
    mutating func union(_ set: UInt32, entering entered: [UInt32]) -> UInt32 {
        var all = Array(lists[set])
        for place in entered {
            var reached: [UInt32] = []
            places.append(place, to: &reached)
            all.append(contentsOf: reached)
        }
        all.sort()
        var unique: [UInt32] = []
        for place in all where unique.last != place { unique.append(place) }
        places.removeCovered(from: &unique)
        return intern(unique)
    }

    /// Works out where each class leads from `set`.
    mutating func expand(_ set: UInt32) {
        guard !isSettled[Int(set)], rowStarts[Int(set)] < 0 else { return }
        rowStarts[Int(set)] = rows.count
        for number in 0..<classCount {
            scratch.removeAll(keepingCapacity: true)
            for index in lists.range(of: set) {
                let place = lists[element: index]
                guard places.moves[Int(place)].contains(UInt8(number)) else { continue }
                places.append(places.isRun[Int(place)] ? place : place + 1, to: &scratch)
            }
            places.removeCovered(from: &scratch)
            rows.append(intern(scratch))
        }
    }

    /// Where the class leads from a set that is expanded or settled.
    @inline(__always)
    func next(_ set: UInt32, _ number: Int) -> UInt32 {
        isSettled[Int(set)] ? set : rows[rowStarts[Int(set)] + number]
    }

    private mutating func intern(_ list: [UInt32]) -> UInt32 {
        let number = lists.intern(list)
        if number == isSettled.count {
            isSettled.append(list.allSatisfy { places.isSettled[Int($0)] })
            rowStarts.append(-1)
        }
        return number
    }
}
