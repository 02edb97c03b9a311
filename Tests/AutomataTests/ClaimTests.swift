import Automata
import Testing

@Suite struct ClaimTests {
    /// For each of three facets, the lowest rank that decides it.
    private static func verdict(_ matching: [Int], _ claims: [Claim]) -> UInt32 {
        (0..<3).reduce(0) { number, facet in
            let deciding = matching.map { claims[$0] }.filter { $0.facets >> UInt64(facet) & 1 == 1 }.map(
                \.rank)
            return number * 10 + (deciding.min().map { $0 + 1 } ?? 0)
        }
    }

    @Test(arguments: 0..<10)
    func `what is forgotten for the sake of claims changes nothing`(_ chunk: Int) throws {
        for seed in stride(from: chunk, to: caseCount(600), by: 10) {
            var random = SeededGenerator(seed: UInt64(seed) + 5_000_000)
            var patterns = (0..<(1 + random.below(5))).map { _ in Pattern.random(&random) }
            if random.chance(50) {
                patterns += patterns.map { Pattern($0.steps.filter { $0 != .subtree } + [.subtree]) }
            }
            let claims = patterns.map { _ in
                Claim(rank: UInt32(random.below(4)), facets: UInt64(random.below(8)))
            }
            let plain = try Automaton(patterns) { Self.verdict($0, claims) }
            let claiming = try Automaton(patterns, claims: claims) { Self.verdict($0, claims) }
            let message: Comment = "seed \(seed): \(patterns) \(claims)"
            #expect(Automaton.difference(plain, claiming) == nil, message)
            #expect(plain.stateCount == claiming.stateCount, message)
        }
    }

    @Test func `subtrees at any depth of one rule are as many states as their names`() throws {
        let patterns = (0..<40).map { Pattern("/**/.name\($0)/**") }
        let claims = patterns.map { _ in Claim(rank: 0, facets: 1) }
        let automaton = try Automaton(patterns, claims: claims, limits: AutomatonLimits(states: 2_000)) {
            $0.isEmpty ? 0 : 1
        }
        #expect(automaton.stateCount < 70)
        #expect(throws: AutomatonError.self) {
            _ = try Automaton(patterns, limits: AutomatonLimits(states: 2_000)) { $0.isEmpty ? 0 : 1 }
        }
    }

    @Test func `subtrees at any depth with a rule each multiply by the rules only`() throws {
        let patterns = (0..<40).map { Pattern("/**/.name\($0)/**") }
        let claims = patterns.indices.map { Claim(rank: UInt32($0), facets: 1) }
        let automaton = try Automaton(patterns, claims: claims) { Self.verdict($0, claims) }
        #expect(automaton.stateCount < 40 * 70)
        #expect(automaton.verdict(automaton.run("/a/.name7/.name30/.name5x/.name6".utf8)) == 700)
    }

    @Test func `a pattern that is there many times costs once`() throws {
        let patterns = (0..<3_000).map { _ in Pattern("/**") } + (0..<30).map { Pattern("/**/x\($0)*y/**") }
        let claims = patterns.indices.map { Claim(rank: UInt32($0), facets: 1) }
        let automaton = try Automaton(patterns, claims: claims) { Self.verdict(Array($0.prefix(1)), claims) }
        #expect(automaton.stateCount == 3)
        #expect(automaton.verdict(automaton.run("/x1y/z".utf8)) == 100)
    }
}
