/// What came of one item of a policy's `tests`.
public struct PolicyTestResult: Hashable, Sendable {
    public var test: PolicyTest
    /// What the policy says.
    public var actual: Verdict
    /// The part of the decision that gave the verdict: the first denied, else the first.
    public var decidingPart: Decision.Part

    /// Whether the verdict is the expected one.
    public var hasExpectedVerdict: Bool { actual == test.expected }
    /// Whether the rule that the item names, if it names one, decided.
    public var hasExpectedRule: Bool { test.rule == nil || test.rule?.value == decidingPart.rule?.id }
    /// Whether the test passed.
    public var isPassed: Bool { hasExpectedVerdict && hasExpectedRule }
}

extension Policy {
    /// Asks the reference evaluator for every item of `tests`.
    public func runTests(vocabulary: SyscallVocabulary) -> [PolicyTestResult] {
        let evaluator = Evaluator(self, vocabulary: vocabulary)
        return tests.map { test in
            let decision = evaluator.decideWhole(test.request)
            return PolicyTestResult(
                test: test, actual: decision.verdict, decidingPart: decision.decidingPart)
        }
    }
}
