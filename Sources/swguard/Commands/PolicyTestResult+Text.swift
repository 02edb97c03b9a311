internal import Policy

extension PolicyTestResult {
    /// What went wrong with a failed test, on one line.
    var explanation: String {
        let rule = decidingPart.rule?.id ?? "no rule: the policy does not mediate it"
        if !hasExpectedVerdict {
            return "expected \(test.expected.rawValue), got \(actual.rawValue) by \(rule)"
        }
        return "expected rule \(test.rule?.value ?? "any"), got \(actual.rawValue) by \(rule)"
    }
}
