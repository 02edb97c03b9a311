/// A policy in which every pattern that leads through a symbolic link stands under both spellings.
///
/// Rules see the object that a link leads to, never the link: `/bin/sh` alone would cover nothing where `/bin`
/// is a link. What is added is added to denies and allows alike.
public struct LinkResolution: Sendable {
    /// One look at the host: where a literal beginning leads.
    public struct Lookup: Hashable, Sendable {
        /// The literal beginning of a pattern.
        public var prefix: [UInt8]
        /// The same with links resolved, as far as it exists.
        public var resolved: [UInt8]
        /// Whether a rule that denies, or is not about files, begins so: whoever opens a granted path sees by
        /// itself that it has become a link, but nobody opens what is denied.
        public var isOfDeny: Bool
    }

    public var policy: Policy
    /// One note for each pattern that was added, with its place and both spellings.
    public var notes: [Diagnostic] = []
    /// Every look at the host, so that a plan that was kept can be compared with the host of today.
    public var lookups: [Lookup] = []
    /// Indices of `lookups`.
    private var known: [[UInt8]: Int] = [:]

    /// `policy` with its links resolved.
    ///
    /// - Parameters:
    ///   - processID: the caller's own number: what leads into its directory of procfs is `/proc/self`.
    ///   - resolve: the path without links, or nil where it does not exist. For a link that leads to nothing it
    ///     may answer with where that would be.
    public init(_ policy: Policy, processID: Int32? = nil, resolve: ([UInt8]) -> [UInt8]?) {
        self.policy = policy
        var files = policy.files
        for index in (files?.rules ?? []).indices {
            let patterns = files?.rules[index].patterns ?? []
            let isDeny = files?.rules[index].header.verdict == .deny || files?.defaultVerdict == .allow
            files?.rules[index].patterns = add(
                to: patterns, isDeny: isDeny, processID, resolve, prefix: ""
            ) { pattern in
                pattern
            } rebuild: {
                $0
            }
        }
        var network = policy.network
        for index in (network?.rules ?? []).indices {
            let endpoints = network?.rules[index].endpoints ?? []
            network?.rules[index].endpoints = add(
                to: endpoints, isDeny: true, processID, resolve, prefix: "unix:"
            ) { endpoint in
                if case .unixPath(let pattern) = endpoint { pattern } else { nil }
            } rebuild: {
                .unixPath($0)
            }
        }
        let subjects = add(
            to: policy.subjects, isDeny: true, processID, resolve, prefix: ""
        ) { subject in
            if case .exec(let pattern) = subject { pattern } else { nil }
        } rebuild: {
            .exec($0)
        }
        self.policy.subjects = subjects
        self.policy.files = files
        self.policy.network = network
    }

    /// Where `prefix` leads: its deepest part that exists without links, and the rest as it is.
    public static func resolved(
        _ prefix: [UInt8], processID: Int32? = nil, resolve: ([UInt8]) -> [UInt8]?
    ) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        var end = prefix.count
        while end > 0 {
            if let target = resolve(Array(prefix[..<end])), target.first == slash {
                let own = ownName(of: target, processID)
                let rest = prefix[end...]
                return own == [slash] && !rest.isEmpty ? Array(rest) : own + rest
            }
            end = prefix[..<end].lastIndex(of: slash) ?? 0
        }
        return prefix
    }

    /// `/proc/self` for the caller's own directory, which is what rules call it.
    private static func ownName(of path: [UInt8], _ processID: Int32?) -> [UInt8] {
        guard let processID else { return path }
        let own = Array("/proc/\(processID)".utf8)
        guard path.starts(with: own), path.count == own.count || path[own.count] == UInt8(ascii: "/") else {
            return path
        }
        return Array("/proc/self".utf8) + path[own.count...]
    }

    private mutating func add<Value: Hashable & Sendable>(
        to list: [Located<Value>], isDeny: Bool, _ processID: Int32?, _ resolve: ([UInt8]) -> [UInt8]?,
        prefix: String,
        pattern: (Value) -> PathPattern?, rebuild: (PathPattern) -> Value
    ) -> [Located<Value>] {
        var result: [Located<Value>] = []
        var present: Set<Value>?
        for item in list {
            result.append(item)
            guard let original = pattern(item.value),
                let second = respelled(original, isDeny: isDeny, processID, resolve)
            else { continue }
            let value = rebuild(second)
            var known = present.take() ?? Set(list.map(\.value))
            let isNew = known.insert(value).inserted
            present = known
            guard isNew else { continue }
            result.append(Located(value, at: item.location))
            notes.append(
                Diagnostic(
                    "\(quoted(prefix + original.description)) leads through a link", at: item.location,
                    severity: .note, hint: "the rule also covers \(prefix + second.description)"))
        }
        return result
    }

    /// The pattern with its literal beginning resolved, where that is another.
    private mutating func respelled(
        _ pattern: PathPattern, isDeny: Bool, _ processID: Int32?, _ resolve: ([UInt8]) -> [UInt8]?
    ) -> PathPattern? {
        let prefix = pattern.literalDirectory
        // The link /proc/self is the reader's own process: for the command it is another.
        if prefix.isEmpty || prefix.starts(with: "/proc/self/".utf8)
            || prefix.elementsEqual("/proc/self".utf8)
        {
            return nil
        }
        let target: [UInt8]
        if let found = known[prefix] {
            target = lookups[found].resolved
            if isDeny { lookups[found].isOfDeny = true }
        } else {
            target = Self.resolved(prefix, processID: processID, resolve: resolve)
            known[prefix] = lookups.count
            lookups.append(Lookup(prefix: prefix, resolved: target, isOfDeny: isDeny))
        }
        if target == prefix { return nil }
        var rest = Array(pattern.tokens[prefix.count...])
        if target == [UInt8(ascii: "/")] {
            // The root and what follows it have one '/' between them.
            if rest.isEmpty { return PathPattern(literal: target) }
            return PathPattern(tokens: rest)
        }
        rest.insert(contentsOf: target.map { .byte($0) }, at: 0)
        return PathPattern(tokens: rest)
    }
}

extension PathPattern {
    /// The whole literal components before the first step that is none; the path itself of a literal pattern.
    /// Without a `/` at its end; empty where the first component is a glob.
    var literalDirectory: [UInt8] {
        let literal = literalBytes
        if literal.count == tokens.count { return literal }
        // Behind `P` of `P/**` the component is complete.
        if tokens[literal.count] == .subtree { return literal }
        return Array(literal[..<(literal.lastIndex(of: UInt8(ascii: "/")) ?? 0)])
    }
}
