internal import ArgumentParser
internal import Policy

/// `swguard test P…`: the `tests:` sections, by the reference evaluator.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Run the tests that policies carry, by the reference evaluator.")

    @Argument(help: "Policies whose tests to run.")
    var policies: [String]
    @OptionGroup var format: FormatOption

    func run() throws {
        let workspace = Workspace()
        let loaded = try workspace.policies(policies, for: "test", format: format.format)
        var results: [JSON] = []
        var failures = 0
        for policy in loaded {
            let outcomes = policy.runTests(vocabulary: workspace.vocabulary)
            let failed = outcomes.filter { !$0.isPassed }
            failures += failed.count
            if format.format == .text {
                for outcome in failed {
                    Output.line("\(outcome.test.location.fileAndLine): failed: \(outcome.explanation)")
                }
                Output.line("\(policy.file): \(outcomes.count - failed.count) passed, \(failed.count) failed")
            }
            results.append([
                "policy": .string(policy.file), "passed": .int(outcomes.count - failed.count),
                "failed": .array(
                    failed.map {
                        ["source": .string($0.test.location.fileAndLine), "text": .string($0.explanation)]
                    }),
            ])
        }
        if format.format == .json {
            Output.result(of: "test", ["policies": .array(results)], diagnostics: workspace.diagnostics)
        }
        if failures > 0 { throw ExitStatus.no }
    }
}
