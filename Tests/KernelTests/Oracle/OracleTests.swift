import Foundation
import Testing

extension AgentTests {
    /// Random policies and requests: what the running kernel decides is what the reference says, the verdict and the rule, and
    /// so does the automaton.
    @Suite(.serialized)
    struct OracleTests {
        private static let environment = ProcessInfo.processInfo.environment
        private static let seed = environment["SWGUARD_SEED"].flatMap(UInt64.init) ?? 20_261_123
        /// Decisions of the kernel.
        private static let count = environment["SWGUARD_ORACLE"].flatMap(Int.init) ?? 20_000
        private static let batchesAtOnce = 30
        private static let trialsOfBatch = 120

        @Test func `the kernel, the automaton and the reference decide the same, by the same rule`() throws {
            var release = utsname()
            uname(&release)
            let kernel = withUnsafeBytes(of: &release.release) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            let world = try OracleWorld()
            var guest = OracleGuest(world: world)
            var decisions = 0, requests = 0, denied = 0
            var round: UInt64 = 0
            let began = Date()
            print("oracle: seed \(Self.seed), kernel \(kernel)")
            while decisions < Self.count {
                let batches = (0..<Self.batchesAtOnce).map { index in
                    Self.batch(
                        index, seed: Self.seed &+ round &* 1_000_003 &+ UInt64(index), words: world.words,
                        asksTwiceToTruncate: kernel.hasPrefix("6.1."))
                }
                let outcome = try guest.decide(batches)
                decisions += outcome.decisions
                requests += outcome.requests
                denied += outcome.denied
                for difference in outcome.differences.prefix(5) {
                    let small = try guest.shrink(difference)
                    Issue.record("seed \(Self.seed), round \(round): \(small)")
                }
                let rest = outcome.differences.count - 5
                if rest > 0 {
                    let others = outcome.differences.dropFirst(5).prefix(40).map { "\($0.what)" }
                    Issue.record("and \(rest) more: \(others.joined(separator: "\n"))")
                }
                if !outcome.differences.isEmpty { break }
                round += 1
                print("oracle: \(decisions) decisions after \(Int(Date().timeIntervalSince(began))) s")
            }
            let seconds = Int(Date().timeIntervalSince(began))
            print(
                "oracle: \(decisions) decisions, \(requests) requests, \(denied) denied, \(round) rounds, \(seconds) s"
            )
            // Both kinds, or nothing is shown.
            #expect(denied > requests / 10 && denied < requests * 9 / 10)
            #expect(try guest.end() == 0)
        }

        private static func batch(
            _ number: Int, seed: UInt64, words: [String: String], asksTwiceToTruncate: Bool
        ) -> OracleBatch {
            var numbers = SeededNumbers(seed: seed)
            var policies = OraclePolicyGenerator(seed: seed &* 3)
            var trials = OracleTrialGenerator(
                seed: seed &* 5, words: words, asksTwiceToTruncate: asksTwiceToTruncate)
            // The oldest layer has the first name.
            let layers = numbers.pick([1, 1, 1, 2, 2, 3])
            let some = (0..<layers).map { policies.policy(named: "o\(100 + number)-\($0)") }
            return OracleBatch(
                number: number, policies: some,
                trials: (0..<trialsOfBatch).map { _ in trials.trial(under: some) })
        }
    }
}
