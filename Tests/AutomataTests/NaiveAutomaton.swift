import Automata

/// The textbook's way, slow and short: sets of places as Swift sets, then Moore's refinement over all bytes.
struct NaiveAutomaton {
    private typealias Place = [Int]

    private var rows: [[Int]] = []
    private var verdicts: [UInt32] = []

    /// How many states the minimal automaton has, and whether one of them is dead: nothing can match from
    /// there.
    private(set) var minimalCount = 0
    private(set) var hasDeadState = false

    init(_ patterns: [Pattern], bytes: [UInt8], verdict: ([Int]) -> UInt32) {
        var sets: [Set<Place>] = [Self.closure(patterns.indices.map { [$0, 0] }, patterns)]
        var numbers = [sets[0]: 0]
        while rows.count < sets.count {
            let set = sets[rows.count]
            rows.append(
                bytes.map { byte in
                    let next = Self.next(set, byte, patterns)
                    if let known = numbers[next] { return known }
                    numbers[next] = sets.count
                    sets.append(next)
                    return sets.count - 1
                })
            let matching = Set(set.filter { Self.isMatch($0, patterns) }.map { $0[0] })
            verdicts.append(verdict(matching.sorted()))
        }
        let blocks = Self.moore(rows, verdicts)
        minimalCount = Set(blocks).count
        // Dead or as good as dead: the same verdict as with no match, whatever comes.
        hasDeadState = rows.indices.contains { state in
            verdicts[state] == verdict([]) && rows[state].allSatisfy { blocks[$0] == blocks[state] }
        }
    }

    /// The block of each state.
    static func moore(_ rows: [[Int]], _ verdicts: [UInt32]) -> [Int] {
        var blocks = verdicts.map { Int($0) }
        var count = Set(blocks).count
        while true {
            var numbers: [[Int]: Int] = [:]
            let refined = rows.indices.map { state in
                let key = [blocks[state]] + rows[state].map { blocks[$0] }
                let number = numbers[key] ?? numbers.count
                numbers[key] = number
                return number
            }
            if numbers.count == count { return refined }
            count = numbers.count
            blocks = refined
        }
    }

    private static func next(_ set: Set<Place>, _ byte: UInt8, _ patterns: [Pattern]) -> Set<Place> {
        var places: [Place] = []
        for place in set {
            let (pattern, index) = (place[0], place[1])
            let steps = patterns[pattern].steps
            if index == steps.count + 1 { places.append(place) }
            guard index < steps.count else { continue }
            switch steps[index] {
            case .byte(let wanted): if byte == wanted { places.append([pattern, index + 1]) }
            case .oneOf(let mask): if mask.contains(byte) { places.append([pattern, index + 1]) }
            case .run(let mask): if mask.contains(byte) { places.append(place) }
            case .subtree: if byte == UInt8(ascii: "/") { places.append([pattern, steps.count + 1]) }
            }
        }
        return closure(places, patterns)
    }

    private static func closure(_ places: [Place], _ patterns: [Pattern]) -> Set<Place> {
        var set = Set(places)
        for place in places {
            var index = place[1]
            while index < patterns[place[0]].steps.count, case .run = patterns[place[0]].steps[index] {
                index += 1
                set.insert([place[0], index])
            }
        }
        return set
    }

    private static func isMatch(_ place: Place, _ patterns: [Pattern]) -> Bool {
        let steps = patterns[place[0]].steps
        return place[1] >= steps.count || steps[place[1]] == .subtree
    }
}
