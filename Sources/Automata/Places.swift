/// The places that patterns can stand at behind their literal beginnings: a nondeterministic automaton, as a
/// tree in which steps that patterns have in common are there once.
///
/// To stand at a place is to have taken the steps that lead there. A place whose step is a run takes more
/// bytes of it, and whoever stands above a run stands at the run too, since it may be empty. Places are in
/// preorder, as the nodes of `LiteralTrie`: 300 patterns that begin with `/**` have one place for it, and a
/// set of places is small.
///
/// A class, so that the inner loops do not copy twenty arrays' references; it does not change once it is
/// made.
final class Places {
    /// A pattern behind its literal beginning.
    struct Branch {
        /// The literal beginning, as classes of bytes.
        var beginning: [UInt8]
        var steps: [UInt32]
        /// After how many steps the pattern matches.
        var matches: [Int]
        var pattern: UInt32
    }

    /// One past the last place beneath each place.
    private(set) var end: [UInt32] = []
    /// The step that leads to each place; nil where a beginning ends.
    private var step: [UInt32?] = []
    /// Whether that step is a run.
    private(set) var isRun: [Bool] = []
    /// Whether it lies behind a run: whoever stands there remembers a choice made before.
    private(set) var isBehindRun: [Bool] = []
    /// How many patterns lead through the place.
    private(set) var branchCount: [UInt32] = []
    /// One pattern that does.
    private(set) var pattern: [UInt32] = []
    /// For a run: the first of the places just above it that add nothing to a set that has the run, or the
    /// run itself.
    ///
    /// They are those from which every pattern leads through the run, by steps that take only bytes that the
    /// run takes too: whatever matches from there matches from the run. This keeps `/**/a*b**` from
    /// remembering every `a`.
    private(set) var covers: [UInt32] = []
    /// The patterns that match at each place.
    private(set) var matches: [[UInt32]] = []
    /// What the patterns of each place can decide together; nil where the caller does not say.
    private(set) var claims: [Claim]?
    /// What those that match at each settling place decide, but for what a lower rank among them decides.
    private(set) var settledClaims: [[Claim]] = []
    /// Whether the patterns that match at a place match whatever comes.
    private(set) var isSettling: [Bool] = []
    /// The places at which literal beginnings end, each with one pattern that begins so.
    private(set) var beginnings: [(place: UInt32, branch: Branch)] = []
    /// What is reached from each place without a byte, itself among it if anything leaves it; flat.
    private var reached: [UInt32] = []
    private var reachedStarts: [Int] = [0]
    /// The steps that leave each place, and where they lead; flat.
    private var moves: [(step: UInt32, next: UInt32)] = []
    private var moveStarts: [Int] = [0]
    /// The classes that each distinct step takes.
    private let steps: StepTable

    var count: Int { end.count }

    init(_ branches: [Branch], _ steps: StepTable, claims: [Claim]?) {
        self.steps = steps
        var spine: [UInt32] = []
        var last: Branch?
        for branch in branches.sorted(by: Self.isBefore) {
            // The places that this one has in common with the last, the end of the beginning among them.
            var common = 0
            if let last, last.beginning == branch.beginning {
                common = 1 + zip(last.steps, branch.steps).prefix { $0 == $1 }.count
            }
            for place in spine[common...] { end[Int(place)] = UInt32(count) }
            spine.removeSubrange(common...)
            if common == 0 {
                spine.append(append(nil, branch, isBehindRun: false))
                beginnings.append((spine[0], branch))
            }
            for number in branch.steps[(spine.count - 1)...] {
                let above = Int(spine[spine.count - 1])
                spine.append(append(number, branch, isBehindRun: isBehindRun[above] || isRun[above]))
            }
            for place in spine { branchCount[Int(place)] += 1 }
            for depth in branch.matches { matches[Int(spine[depth])].append(branch.pattern) }
            last = branch
        }
        for place in spine { end[Int(place)] = UInt32(count) }
        findCovered()
        isSettling = (0..<count).map { isRun[$0] && !matches[$0].isEmpty && takesAll($0) }
        if let claims {
            self.claims = Self.claims(of: matches, end, claims)
            settledClaims = (0..<count).map { place in
                isSettling[place] ? Claim.deciding(matches[place].map { claims[Int($0)] }) : []
            }
        }
        findMoves()
    }

    private func append(_ number: UInt32?, _ branch: Branch, isBehindRun: Bool) -> UInt32 {
        step.append(number)
        end.append(0)
        isRun.append(number.map { steps.isRun[Int($0)] } ?? false)
        self.isBehindRun.append(isBehindRun)
        branchCount.append(0)
        pattern.append(branch.pattern)
        matches.append([])
        return UInt32(count - 1)
    }

    private static func isBefore(_ left: Branch, _ right: Branch) -> Bool {
        if left.beginning != right.beginning {
            return left.beginning.lexicographicallyPrecedes(right.beginning)
        }
        if left.steps != right.steps { return left.steps.lexicographicallyPrecedes(right.steps) }
        return left.pattern < right.pattern
    }

    private func findCovered() {
        covers = (0..<UInt32(count)).map { $0 }
        for run in 0..<count where isRun[run] {
            guard let number = step[run] else { continue }
            // What all patterns lead through on the way to the run is numbered consecutively.
            var first = run
            while first > 0, branchCount[first - 1] == branchCount[run], Int(end[first - 1]) == Int(end[run])
            {
                let above = first - 1
                // The step to `first` is taken from `above`; a run above takes its bytes there too.
                if first != run, let between = step[first], !steps.takes(number, allOf: between) { break }
                if isRun[above], let looping = step[above], !steps.takes(number, allOf: looping) { break }
                first = above
            }
            covers[run] = UInt32(first)
        }
    }

    private static func claims(of matches: [[UInt32]], _ end: [UInt32], _ claims: [Claim]) -> [Claim] {
        var all = matches.map { patterns in
            patterns.reduce(into: Claim.none) { $0.formUnion(claims[Int($1)]) }
        }
        for place in all.indices.reversed() {
            var child = place + 1
            while child < Int(end[place]) {
                all[place].formUnion(all[child])
                child = Int(end[child])
            }
        }
        return all
    }

    private func takesAll(_ place: Int) -> Bool { step[place].map { steps.takesAll[Int($0)] } ?? false }

    /// Whether the place leads only to itself, and is left by nothing.
    func isSettled(_ place: UInt32) -> Bool { isSettling[Int(place)] && end[Int(place)] == place + 1 }

    private func findMoves() {
        for place in 0..<UInt32(count) {
            if isRun[Int(place)], let number = step[Int(place)] { moves.append((number, place)) }
            forEachChild(of: place) { child in
                if !isRun[Int(child)], let number = step[Int(child)] { moves.append((number, child)) }
            }
            moveStarts.append(moves.count)
        }
        for place in 0..<UInt32(count) {
            reach(place)
            reachedStarts.append(reached.count)
        }
    }

    private func reach(_ place: UInt32) {
        // A place that matches nothing and that only runs follow is left by nothing.
        if moveStarts[Int(place)] < moveStarts[Int(place) + 1] || !matches[Int(place)].isEmpty {
            reached.append(place)
        }
        var child = place + 1
        while child < end[Int(place)] {
            if isRun[Int(child)] { reach(child) }
            child = end[Int(child)]
        }
    }

    private func forEachChild(of place: UInt32, _ body: (UInt32) -> Void) {
        var child = place + 1
        while child < end[Int(place)] {
            body(child)
            child = end[Int(child)]
        }
    }

    /// Adds `place`, and what is reached from it without a byte, to a list.
    @inline(__always)
    func append(_ place: UInt32, to list: inout [UInt32]) {
        for index in reachedStarts[Int(place)]..<reachedStarts[Int(place) + 1] { list.append(reached[index]) }
    }

    /// Adds, for each class of bytes, where it leads from `set` to the list of that class.
    func appendMoves(from set: ArraySlice<UInt32>, to lists: inout [[UInt32]]) {
        // Looked up once, not for each place.
        let (moves, moveStarts, reached, reachedStarts) = (moves, moveStarts, reached, reachedStarts)
        let (classes, classStarts) = (steps.classes, steps.classStarts)
        for place in set {
            for index in moveStarts[Int(place)]..<moveStarts[Int(place) + 1] {
                let (number, next) = moves[index]
                let places = reachedStarts[Int(next)]..<reachedStarts[Int(next) + 1]
                for taken in classStarts[Int(number)]..<classStarts[Int(number) + 1] {
                    for place in places { lists[Int(classes[taken])].append(reached[place]) }
                }
            }
        }
    }
}
