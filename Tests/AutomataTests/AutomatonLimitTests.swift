import Automata
import Testing

@Suite struct AutomatonLimitTests {
    private func refusal(of patterns: [String], _ limits: AutomatonLimits) -> AutomatonError? {
        do throws(AutomatonError) {
            _ = try Automaton(patterns.map { Pattern($0) }, limits: limits, verdict: priority)
            return nil
        } catch { return error }
    }

    @Test func `runs that multiply are named, and not what stands beside them`() throws {
        let multiplying = (0..<20).map { "/**k\($0)x**y\($0)z" }
        let harmless = ["/etc/**", "/usr/lib/*.so", "/**.log", "/a/b/c"]
        let error = try #require(refusal(of: harmless + multiplying, AutomatonLimits(states: 5_000)))
        #expect(error.limit == .states(5_000))
        #expect(!error.patterns.isEmpty)
        #expect(error.patterns.allSatisfy { $0 >= harmless.count })
    }

    @Test func `one pattern that remembers every byte is named`() throws {
        let patterns = ["/etc/**", "/**.conf", "/**a" + String(repeating: "?", count: 24)]
        let error = try #require(refusal(of: patterns, AutomatonLimits(states: 20_000)))
        #expect(error.patterns == [2])
    }

    @Test func `too many literals name the longest`() throws {
        let error = try #require(refusal(of: ["/a", "/a/long/literal", "/b"], AutomatonLimits(states: 10)))
        #expect(error.limit == .states(10))
        #expect(error.patterns.first == 1)
    }

    @Test func `too many transitions are an error of their own`() throws {
        let error = try #require(refusal(of: ["/*a*b", "/x*y"], AutomatonLimits(transitions: 20)))
        #expect(error.limit == .transitions(20))
        #expect(!error.patterns.isEmpty)
    }

    @Test func `sets of many places end before memory does`() throws {
        let pattern = "/**a" + String(repeating: "?", count: 4_000)
        let error = try #require(refusal(of: [pattern], AutomatonLimits(transitions: 100_000)))
        #expect(error.patterns == [0])
    }

    @Test func `the limit is the last that is allowed`() throws {
        #expect(refusal(of: ["/abc"], AutomatonLimits(states: 6)) == nil)
        #expect(refusal(of: ["/abc"], AutomatonLimits(states: 5)) != nil)
    }

    @Test func `what one pattern has seen before its last run is not remembered`() throws {
        let automaton = try Automaton([Pattern("/**a**b**c**d**e**f**g**h/**")], verdict: combination)
        #expect(automaton.stateCount < 30)
    }
}
