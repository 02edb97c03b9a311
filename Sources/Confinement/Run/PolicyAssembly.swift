internal import Compiler
internal import Policy

/// How policies and the rules of options become the policies of a command: the same for whoever runs it and for the agent.
struct PolicyAssembly {
    private let loader: PolicyLoader
    private(set) var policies: [Policy] = []
    /// The policy of the rules alone, with what it includes; nil: it includes nothing, and is one of `policies`.
    private(set) var completed: LoadedPolicy?

    init(_ loader: PolicyLoader) { self.loader = loader }

    /// A policy that is given again adds no layer, by whatever name it is given.
    static func eachOnce(_ policies: [Policy]) -> [Policy] {
        var kept: [(policy: Policy, text: String?)] = []
        for policy in policies {
            let text = policies.count > 1 ? try? policy.yaml() : nil
            let isKnown = kept.contains { $0.policy == policy || ($0.text != nil && $0.text == text) }
            if !isKnown { kept.append((policy, text)) }
        }
        return kept.map(\.policy)
    }

    /// Puts rules behind those of the one policy that is given, or makes a policy of them.
    ///
    /// - Parameters:
    ///   - protecting: what must not be written where there is no policy and everything else may.
    ///   - resolve: the path without links; nil: it does not exist, and errno says why.
    mutating func addRules(
        _ rules: [RunOptions.CommandLineRule], to given: [Policy], isBare: Bool, protecting places: [String],
        resolve: ([UInt8]) -> [UInt8]? = HostEnvironment.realPath
    ) throws(CommandLinePolicy.Failure) {
        let base = given.first ?? Policy(name: CommandLinePolicy.name, file: CommandLinePolicy.name)
        var policy = try CommandLinePolicy.append(
            rules, to: base, vocabulary: SyscallTable.vocabulary, resolve: resolve)
        if given.isEmpty {
            ProtectedPlaces.protect(&policy, places)
            if policy.files != nil, !isBare {
                completed = loader.complete(policy, including: CommandLinePolicy.baseIncludes)
                return
            }
        }
        policies = [policy]
    }
}

extension RunOptions.CommandLineRule.Kind {
    /// Whether the value is a path.
    var isPath: Bool { [.read, .exec, .write, .deny, .denyRead].contains(self) }
}
