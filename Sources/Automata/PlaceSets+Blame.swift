extension PlaceSets {
    /// The patterns that multiply the sets, the worst first.
    ///
    /// A pattern that stands at its first run needs no sets of its own. What it remembers beyond that does:
    /// each place further on (`/**a????????`), and twice as much a place behind another run (`/**a**b`), for
    /// that is a choice made before, and all sets of the other patterns are there once with it and once
    /// without.
    func patternsToBlame() -> [Int] {
        var occurrences = Array(repeating: 0, count: places.count)
        for set in 0..<UInt32(count) {
            for place in self[set] { occurrences[Int(place)] += 1 }
        }
        var remembered: [UInt32: Int] = [:]
        for place in 0..<places.count where !places.isSettled(UInt32(place)) {
            let isFirstRun = places.isRun[place] && !places.isBehindRun[place]
            let weight = isFirstRun ? 0 : places.isRun[place] ? 2 : 1
            // What patterns have in common is shared among them.
            remembered[places.pattern[place], default: 0] +=
                occurrences[place] * weight / max(1, Int(places.branchCount[place]))
        }
        let sorted = remembered.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let worst = sorted.first?.value ?? 0
        return sorted.prefix(AutomatonError.blamedCount).filter { $0.value * 4 >= worst }.map { Int($0.key) }
    }
}
