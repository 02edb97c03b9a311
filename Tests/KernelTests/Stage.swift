import Testing

/// What the tests of a suite share: starting an agent costs seconds in a virtual machine.
protocol Stage: AnyObject, Sendable {
    /// Where the tests find it.
    static var scope: TaskLocal<Self?> { get }

    /// Prepares everything.
    init() throws

    /// Ends what it started.
    func end() throws
}

/// Runs a suite on one stage.
struct OnStage<Shared: Stage>: SuiteTrait, TestScoping {
    @concurrent
    func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let stage = try Shared()
        try await Shared.scope.withValue(stage) { try await function() }
        try stage.end()
    }
}

extension Trait where Self == OnStage<EvasionStage> {
    static var onEvasionStage: Self { Self() }
}

extension Trait where Self == OnStage<ProgramStage> {
    static var onProgramStage: Self { Self() }
}

extension Trait where Self == OnStage<RequestStage> {
    static var onRequestStage: Self { Self() }
}
