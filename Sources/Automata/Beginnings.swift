/// Patterns, taken apart into literal beginnings and what follows them.
struct Beginnings {
    /// The literals that patterns are as a whole.
    private var literals: [LiteralTrie.Word] = []
    /// What follows the beginnings of the others.
    private(set) var branches: [Places.Branch] = []
    private(set) var steps: StepTable

    init(of patterns: [Pattern], _ classes: ByteClasses) {
        steps = StepTable(classes)
        for (index, pattern) in patterns.enumerated() {
            let number = UInt32(index)
            let beginning = pattern.beginning.map { classes[$0] }
            if pattern.rest.isEmpty || pattern.rest.first == .subtree {
                literals.append(
                    LiteralTrie.Word(
                        classes: beginning[...], meaning: .match(pattern: number), pattern: number))
            }
            if pattern.rest.first == .subtree {
                // `P/**` is `P`, and anything behind `P/`: two words of the tree, and a place that stays.
                branches.append(
                    Places.Branch(
                        beginning: beginning + [classes[Self.slash]],
                        steps: [steps.number(.all, isRun: true)],
                        matches: [1], pattern: number))
            } else if !pattern.rest.isEmpty {
                append(pattern.rest, behind: beginning, number)
            }
        }
    }

    private mutating func append(_ rest: [Pattern.Step], behind beginning: [UInt8], _ pattern: UInt32) {
        var numbers: [UInt32] = []
        var matches: [Int] = []
        loop: for step in rest {
            switch step {
            case .byte(let byte): numbers.append(steps.number(ByteMask([byte]), isRun: false))
            case .oneOf(let mask): numbers.append(steps.number(mask, isRun: false))
            case .run(let mask): numbers.append(steps.number(mask, isRun: true))
            case .subtree:
                matches.append(numbers.count)
                numbers.append(steps.number(ByteMask([Self.slash]), isRun: false))
                numbers.append(steps.number(.all, isRun: true))
                break loop
            }
        }
        matches.append(numbers.count)
        branches.append(
            Places.Branch(beginning: beginning, steps: numbers, matches: matches, pattern: pattern))
    }

    /// All literal beginnings, each with what is where it ends.
    func words(_ places: Places) -> [LiteralTrie.Word] {
        literals
            + places.beginnings.map { place, branch in
                LiteralTrie.Word(
                    classes: branch.beginning[...], meaning: .enter(place: place), pattern: branch.pattern)
            }
    }

    private static let slash = UInt8(ascii: "/")
}
