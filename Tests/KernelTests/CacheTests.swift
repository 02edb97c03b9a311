import Compiler
import Foundation
import Policy
import Testing

extension AgentTests {
    /// Verdicts with the cache of directories, without it, and of the evaluator.
    @Suite(.serialized)
    struct CacheTests {
        @Test func `with the cache, without it and in the rules, every verdict is the same`() throws {
            let environment = ProcessInfo.processInfo.environment
            let seed = environment["SWGUARD_SEED"].flatMap(UInt64.init) ?? 20_261_122
            // Of 25 operations.
            let rounds = environment["SWGUARD_CASES"].flatMap(Int.init).map { max(1, $0 / 125) } ?? 24
            let policies = (0..<5).map { RandomTree.policy(seed: seed &+ $0) }
            var results: [[RandomTree.Attempt]] = []
            for isCaching in [true, false] {
                let tree = try RandomTree(seed: seed)
                let agent = try RunningAgent(["random": policies[0]], configuration: "cache: \(isCaching)")
                let interpreter = try Interpreter(RandomTree.program)
                var attempts: [RandomTree.Attempt] = []
                for (number, yaml) in policies.enumerated() {
                    if number > 0 { try agent.reload("random", yaml) }
                    let policy = try Self.policy(yaml)
                    for _ in 0..<rounds { attempts += try tree.round(by: interpreter, under: policy) }
                }
                interpreter.end()
                #expect(try agent.end() == 0)
                results.append(attempts)
            }
            #expect(results[0].count == 25 * rounds * policies.count)
            // Both kinds, or nothing is shown.
            #expect(results[0].count { $0.result == 0 } > results[0].count / 10)
            #expect(results[0].count { $0.result == EACCES } > results[0].count / 10)
            for attempts in results {
                let wrong = attempts.filter { $0.result != $0.expected }
                #expect(
                    wrong.isEmpty, "seed \(seed): \(wrong.count) of \(attempts.count), \(wrong.prefix(5))")
            }
            #expect(results[0] == results[1], "seed \(seed)")
        }

        private static func policy(_ yaml: String) throws -> Policy {
            let none = PolicyVariables(
                home: .unset("none"), cwd: .unset("none"), user: .unset("none"), uid: .unset("none"),
                tmpdir: .unset("none"), runtime: .unset("none"))
            let loader = PolicyLoader(
                vocabulary: SyscallTable.vocabulary, variables: none, files: HostPolicyFiles())
            let text = RunningAgent.document("random", yaml)
            let loaded = loader.decode(Array(text.utf8), named: "random.yaml")
            return try #require(loaded.policy, "\(loaded.diagnostics)")
        }
    }
}
