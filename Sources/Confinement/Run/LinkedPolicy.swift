internal import Compiler
private import Glibc
public import Policy

/// A policy as it is applied on this host: where the literal beginning of a pattern leads through a symbolic link, the
/// rule covers both spellings.
public struct LinkedPolicy {
    public let policy: Policy
    /// What was added, for people.
    public let notes: [Diagnostic]
    /// What was resolved, and to what: a cached plan holds as long as this does, and as long as what it grants can be
    /// opened through no other link.
    let links: [PlanInputs.Link]

    public init(_ policy: Policy) {
        let resolution = LinkResolution(policy, processID: Self.processID, resolve: HostEnvironment.realPath)
        self.policy = resolution.policy
        notes = resolution.notes
        links = resolution.lookups.filter { $0.isOfDeny || $0.resolved != $0.prefix }.map { lookup in
            PlanInputs.Link(path: lookup.prefix, target: lookup.resolved)
        }
    }

    /// Where `path` leads now, as far as it exists: what `links` are compared with.
    static func target(of path: [UInt8]) -> [UInt8] {
        LinkResolution.resolved(path, processID: processID, resolve: HostEnvironment.realPath)
    }

    private static let processID = getpid()
}
