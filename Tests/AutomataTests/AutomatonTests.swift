import Automata
import Testing

@Suite struct AutomatonTests {
    @Test func `a path leads to the verdict of the patterns that match it`() throws {
        let automaton = try Automaton(
            ["/etc/*.conf", "/etc/**", "/usr/lib", "/home/?/[ab]x", "/**/.ssh/**"].map { Pattern($0) },
            verdict: combination)
        for (path, expected) in [
            ("/etc", 0b10), ("/etc/", 0b10), ("/etc/a.conf", 0b11), ("/etc/d/a.conf", 0b10), ("/etcx", 0),
            ("/usr/lib", 0b100), ("/usr/lib/x", 0), ("/usr/li", 0), ("/home/u/ax", 0b1000), ("/home/u/cx", 0),
            ("/home/uu/ax", 0), ("/home/u/.ssh", 0b10000), ("/etc/.ssh/x.conf", 0b10010), ("/.ssh", 0),
            ("//.ssh", 0b10000), ("", 0), ("/", 0),
        ] as [(String, UInt32)] {
            #expect(automaton.verdict(automaton.run(path.utf8)) == expected, "\(path)")
        }
    }

    @Test func `nothing compiles to one state, and everything to two`() throws {
        let nothing = try Automaton([], verdict: combination)
        #expect(nothing.stateCount == 1)
        #expect(nothing.start == Automaton.dead)
        let everything = try Automaton([Pattern("**")], verdict: combination)
        // The dead state is there even where no input leads to it.
        #expect(everything.stateCount == 2)
        #expect(everything.isSettled(everything.start))
        #expect(everything.verdict(everything.start) == 1)
        #expect(everything.verdict(Automaton.dead) == 0)
    }

    @Test(arguments: 0..<10)
    func `an automaton agrees with the definition, for random patterns`(_ chunk: Int) throws {
        var matched = 0
        for seed in stride(from: chunk, to: caseCount(1_000), by: 10) {
            var random = SeededGenerator(seed: UInt64(seed))
            let patterns = (0..<(1 + random.below(5))).map { _ in Pattern.random(&random) }
            let automaton = try Automaton(patterns, verdict: combination)
            let table = LookupTable(automaton)
            for _ in 0..<20 {
                let bytes = random.pick(patterns).sample(&random)
                let expected = combination(patterns.indices.filter { patterns[$0].matches(bytes) })
                #expect(automaton.verdict(automaton.run(bytes)) == expected, "seed \(seed): \(bytes)")
                #expect(table.verdict(table.run(bytes)) == expected, "seed \(seed): \(bytes)")
                if expected != 0 { matched += 1 }
            }
        }
        #expect(matched > 50)
    }

    @Test(arguments: 0..<10)
    func `an automaton has the fewest states there can be`(_ chunk: Int) throws {
        for seed in stride(from: chunk, to: caseCount(600), by: 10) {
            var random = SeededGenerator(seed: UInt64(seed) + 1_000_000)
            let patterns = (0..<(1 + random.below(4))).map { _ in Pattern.random(&random) }
            let verdict = random.pick(verdicts)
            let automaton = try Automaton(patterns, verdict: verdict)
            // Bytes that patterns do not name are all like 'x'.
            let bytes = Array("abc/x".utf8)
            let naive = NaiveAutomaton(patterns, bytes: bytes, verdict: verdict)
            let expected = naive.minimalCount + (naive.hasDeadState ? 0 : 1)
            #expect(automaton.stateCount == expected, "seed \(seed): \(patterns)")
            let states = (0..<UInt32(automaton.stateCount))
            let rows = states.map { state in (0...255).map { Int(automaton.step(state, $0)) } }
            let blocks = NaiveAutomaton.moore(rows, automaton.verdicts)
            #expect(Set(blocks).count == automaton.stateCount, "seed \(seed)")
        }
    }

    @Test func `states with the same future are one, wherever the literals lead`() throws {
        let automaton = try Automaton(
            ["/a/x/**", "/b/x/**", "/c/x", "/c/x/**"].map { Pattern($0) }, verdict: { $0.isEmpty ? 0 : 1 })
        #expect(automaton.run("/a".utf8) == automaton.run("/b".utf8))
        #expect(automaton.run("/a/x/1".utf8) == automaton.run("/c/x/2/3".utf8))
        #expect(automaton.run("/a".utf8) == automaton.run("/c".utf8))
        #expect(automaton.run("/a/x".utf8) != automaton.run("/a/x/".utf8))
    }

    @Test func `literals for most of the bytes are the set of those bytes`() throws {
        let literals = "abcdef".map { Pattern("/p/\($0)") }
        let automaton = try Automaton(literals + [Pattern("/q/[abcdef]")]) { $0.isEmpty ? 0 : 1 }
        #expect(automaton.run("/p/".utf8) == automaton.run("/q/".utf8))
        #expect(automaton.stateCount == 6)
    }

    @Test(arguments: 0..<10)
    func `the order of patterns does not show`(_ chunk: Int) throws {
        for seed in stride(from: chunk, to: caseCount(300), by: 10) {
            var random = SeededGenerator(seed: UInt64(seed) + 2_000_000)
            let patterns = (0..<(1 + random.below(5))).map { _ in Pattern.random(&random) }
            let order = patterns.indices.shuffled(using: &random)
            let one = try Automaton(patterns, verdict: combination)
            let again = try Automaton(patterns, verdict: combination)
            #expect(one == again)
            #expect(LookupTable(one) == LookupTable(again))
            let other = try Automaton(order.map { patterns[$0] }) { combination($0.map { order[$0] }) }
            #expect(Automaton.difference(one, other) == nil, "seed \(seed)")
            #expect(one.stateCount == other.stateCount, "seed \(seed)")
        }
    }

    /// Hashing of the standard library is seeded anew in each process: a table that depended on it would not
    /// keep this digest.
    @Test func `the same patterns give the same bytes in every process`() throws {
        let texts = [
            "/etc/*.conf", "/**/[abc]?x/**", "/usr/**", "/usr/lib/*/x", "/a/b/c", "/a/b/d", "/**.log",
        ]
        let table = LookupTable(try Automaton(texts.map { Pattern($0) }, verdict: combination))
        let digest = (table.cells + table.classes.map { UInt32($0) }).reduce(0xcbf2_9ce4_8422_2325 as UInt64)
        {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        #expect(digest == 5_295_981_872_796_515_943)
    }

    @Test func `a description counts`() throws {
        let automaton = try Automaton([Pattern("/a")], verdict: combination)
        #expect(automaton.description == "4 states, 3 byte classes, 2 exceptions, 2 verdicts")
    }
}
