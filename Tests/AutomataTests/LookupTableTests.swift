import Automata
import Testing

@Suite struct LookupTableTests {
    /// Walks both from their starts, over every byte.
    private func check(_ automaton: Automaton, _ comment: Comment) {
        let table = LookupTable(automaton)
        #expect(table.stateCount == automaton.stateCount, comment)
        var states = [automaton.start: table.start, Automaton.dead: 0]
        var waiting = [automaton.start, Automaton.dead]
        var mismatches = 0
        while let state = waiting.popLast(), let other = states[state] {
            if automaton.verdict(state) != table.verdict(other) { mismatches += 1 }
            if automaton.isSettled(state) != table.isSettled(other) { mismatches += 1 }
            for byte in UInt8.min...UInt8.max {
                let (next, otherNext) = (automaton.step(state, byte), table.step(other, byte))
                if let known = states[next] {
                    if known != otherNext { mismatches += 1 }
                } else {
                    states[next] = otherNext
                    waiting.append(next)
                }
            }
        }
        #expect(mismatches == 0, comment)
        #expect(states.count == automaton.stateCount, comment)
        // The same state is the same number: the no-gain rule compares numbers.
        #expect(Set(states.values).count == states.count, comment)
    }

    @Test(arguments: 0..<10)
    func `a table leads where its automaton does`(_ chunk: Int) throws {
        for seed in stride(from: chunk, to: caseCount(300), by: 10) {
            var random = SeededGenerator(seed: UInt64(seed) + 3_000_000)
            let patterns = (0..<(1 + random.below(6))).map { _ in Pattern.random(&random) }
            check(try Automaton(patterns, verdict: random.pick(verdicts)), "seed \(seed): \(patterns)")
        }
    }

    @Test func `a table of all 256 bytes has no cell out of reach`() throws {
        let patterns = (UInt8.min...UInt8.max).map { Pattern([.byte($0), .byte(255 - $0)]) }
        let automaton = try Automaton(patterns) { $0.first.map { UInt32($0 + 1) } ?? 0 }
        #expect(automaton.classes.count == 256)
        check(automaton, "all bytes")
    }

    @Test func `literals with a verdict each cost little more than head and exception`() throws {
        let patterns = (0..<2_000).map { Pattern("/srv/data/\($0 % 37)/\($0)/file") }
        let automaton = try Automaton(patterns) { $0.first.map { UInt32($0 + 1) } ?? 0 }
        check(automaton, "literals")
        let table = LookupTable(automaton)
        let needed = automaton.stateCount + automaton.exceptionCount
        #expect(table.cellCount < needed * 11 / 10 + 512)
    }

    @Test func `a settled state ends a walk`() throws {
        let table = LookupTable(try Automaton([Pattern("/a/**")], verdict: combination))
        #expect(table.isSettled(table.run("/a/".utf8)))
        #expect(table.isSettled(table.run("/b".utf8)))
        #expect(!table.isSettled(table.run("/a".utf8)))
        #expect(table.run("/b".utf8) == Automaton.dead)
    }
}
