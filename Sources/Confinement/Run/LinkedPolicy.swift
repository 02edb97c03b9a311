internal import Compiler
private import Glibc
public import Policy

/// Where paths of this host lead, each looked up once: policies that are read together name many of the same.
public final class HostPaths {
    private var known: [[UInt8]: [UInt8]?] = [:]

    public init() {}

    /// The path without links; nil: it does not exist.
    func real(_ path: [UInt8]) -> [UInt8]? {
        if let target = known[path] { return target }
        let target = HostEnvironment.realPath(path)
        known[path] = .some(target)
        return target
    }
}

/// A policy as it is applied on this host: where the literal beginning of a pattern leads through a symbolic link, the
/// rule covers both spellings.
public struct LinkedPolicy {
    public let policy: Policy
    /// What was added, for people.
    public let notes: [Diagnostic]
    /// What was resolved, and to what: a cached plan holds as long as this does, and as long as what it grants can be
    /// opened through no other link.
    let links: [PlanInputs.Link]
    /// Every literal beginning that leads elsewhere.
    let detours: [[UInt8]: [UInt8]]

    public init(_ policy: Policy, on paths: HostPaths = HostPaths()) {
        self.init(LinkResolution(policy, processID: Self.processID, resolve: paths.real))
    }

    /// As it is on another one's host: `links` say where literal beginnings lead there.
    init(_ policy: Policy, links: [[UInt8]: [UInt8]]) {
        self.init(LinkResolution(policy) { links[$0] })
    }

    private init(_ resolution: LinkResolution) {
        self.policy = resolution.policy
        detours = Dictionary(
            resolution.lookups.filter { $0.resolved != $0.prefix }.map { ($0.prefix, $0.resolved) },
            uniquingKeysWith: { first, _ in first })
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
