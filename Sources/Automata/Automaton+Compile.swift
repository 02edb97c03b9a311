extension Automaton {
    /// The automaton of `patterns`.
    ///
    /// The cost is a sort of the literal beginnings, one pass over their tree, and the sets of places that
    /// globs can stand at together. Merging begins with the states off the tree, which may lead in circles
    /// (Hopcroft); then the tree, which cannot, is merged into them from its leaves.
    ///
    /// - Parameters:
    ///   - claims: for each pattern what it can decide. The verdict must then depend, for each facet, only on
    ///     the rank that decides it. Without, the verdict may be any function of the patterns that match.
    ///   - limits: how large it may become; beyond, an error that names the patterns to blame.
    ///   - verdict: what is said where exactly these patterns match, given as ascending indices. Asked for
    ///     each combination that occurs, once or more often; it must always answer the same.
    public init(
        _ patterns: [Pattern], claims: [Claim]? = nil, limits: AutomatonLimits = AutomatonLimits(),
        verdict: @escaping (_ matching: [Int]) -> UInt32
    ) throws(AutomatonError) {
        let classes = ByteClasses(of: patterns)
        let subsets = try SubsetConstruction(
            patterns, classes, claims: claims, limits: limits, verdict: verdict)
        var merging = StateMerging(subsets)
        let (register, start) = merging.run()
        self.init(register, start: start, dead: merging.dead, classes)
    }

    /// The states of `register` that are reached from `start`, numbered in the order in which a walk finds
    /// them: a literal's states are neighbours.
    private init(_ register: StateRegister, start: UInt32, dead: UInt32, _ classes: ByteClasses) {
        var numbers = Array(repeating: UInt32.max, count: register.count)
        var order: [UInt32] = []
        var waiting = [start, dead]
        while let state = waiting.popLast() {
            if numbers[Int(state)] != .max { continue }
            numbers[Int(state)] = UInt32(order.count)
            order.append(state)
            waiting.append(register.rests[Int(state)])
            for index in register.exceptions(of: Int(state)).reversed() {
                waiting.append(register.targets[index])
            }
        }
        var starts: [UInt32] = [0]
        var exceptionClasses: [UInt8] = []
        var targets: [UInt32] = []
        for state in order {
            for index in register.exceptions(of: Int(state)) {
                exceptionClasses.append(register.classes[index])
                targets.append(numbers[Int(register.targets[index])])
            }
            starts.append(UInt32(exceptionClasses.count))
        }
        self.classes = classes
        self.start = numbers[Int(start)]
        verdicts = order.map { register.verdicts[Int($0)] }
        rests = order.map { numbers[Int(register.rests[Int($0)])] }
        exceptionStarts = starts
        self.exceptionClasses = exceptionClasses
        exceptionTargets = targets
    }
}
