import Automata
import Testing

@Suite struct DifferenceTests {
    private func automaton(_ texts: String...) throws -> Automaton {
        try Automaton(texts.map { Pattern($0) }) { $0.isEmpty ? 0 : 1 }
    }

    @Test func `what is spelled in two ways is the same`() throws {
        #expect(Automaton.difference(try automaton("/a/**"), try automaton("/a", "/a/**")) == nil)
        #expect(Automaton.difference(try automaton("/a*"), try automaton("/a", "/a?*")) == nil)
    }

    @Test func `a difference is shown by a shortest path`() throws {
        let path = try #require(Automaton.difference(try automaton("/a/*"), try automaton("/a/**")))
        #expect(path == Array("/a".utf8))
        let other = try #require(Automaton.difference(try automaton("/a/*"), try automaton("/a/?*")))
        #expect(other == Array("/a/".utf8))
    }

    @Test func `inclusion is a search for what is too much`() throws {
        let (small, large) = (try automaton("/srv/*.html"), try automaton("/srv/**"))
        let isMore: (UInt32, UInt32) -> Bool = { $0 == 1 && $1 == 0 }
        #expect(Automaton.witness(small, large, where: isMore) == nil)
        #expect(Automaton.witness(large, small, where: isMore) == Array("/srv".utf8))
        #expect(
            Automaton.witness(large, small, beginning: Array("/srv/x/".utf8), where: isMore)
                == Array("/srv/x/".utf8))
        #expect(Automaton.witness(large, small, beginning: Array("/x".utf8), where: isMore) == nil)
    }

    @Test func `no shorter input shows the difference, for random patterns`() throws {
        let alphabet = Array("abc/x".utf8)
        var inputs: [[UInt8]] = [[]]
        var first = 0
        for _ in 0..<4 {
            let last = inputs.count
            for index in first..<last { inputs += alphabet.map { inputs[index] + [$0] } }
            first = last
        }
        var found = 0
        for seed in 0..<caseCount(60) {
            var random = SeededGenerator(seed: UInt64(seed) + 4_000_000)
            let (one, other) = (Pattern.random(&random), Pattern.random(&random))
            let left = try Automaton([one], verdict: combination)
            let right = try Automaton([other], verdict: combination)
            let expected = inputs.first { one.matches($0) != other.matches($0) }
            let witness = Automaton.difference(left, right)
            if let witness { #expect(one.matches(witness) != other.matches(witness), "seed \(seed)") }
            if let expected {
                #expect(witness?.count == expected.count, "seed \(seed)")
                found += 1
            } else {
                #expect(witness.map { $0.count > 4 } ?? true, "seed \(seed)")
            }
        }
        #expect(found > 20)
    }
}
