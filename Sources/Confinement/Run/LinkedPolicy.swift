internal import Compiler
public import Policy

/// A policy as it is applied on this host: where the literal beginning of a pattern leads through a symbolic link, the
/// rule covers both spellings.
public struct LinkedPolicy {
    public let policy: Policy
    /// What was resolved, and to what: a cached plan holds as long as this does.
    let links: [PlanInputs.Link]

    public init(_ policy: Policy) {
        self.policy = policy
        links = []
    }
}
