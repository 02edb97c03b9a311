internal import AuditLog
internal import Compiler
private import Glibc
internal import Landlock
internal import Policy

/// Says of an observed request what becomes of it: what the policies say, held against what Landlock denies.
///
/// The two differ both ways. What Landlock does not see (metadata, an address beside its port) is not denied, whatever
/// a policy says; and what it can only grant in part is denied though a policy grants it.
struct DomainJudge {
    /// One policy and what enforces it; nil: it has no domain.
    struct Layer {
        var policy: PolicyReference
        var evaluator: Evaluator
        var domain: LandlockDomain?
    }

    let layers: [Layer]

    init(layers: [Layer]) { self.layers = layers }

    /// The layers of `plan`; `domains` by their place.
    init(_ plan: Plan, evaluators: [Evaluator], domains: [Int: LandlockDomain]) {
        layers = zip(plan.layers, evaluators).enumerated().map { index, layer in
            let (described, evaluator) = layer
            return Layer(
                policy: PolicyReference(
                    name: described.name, digest: described.digest,
                    mode: described.mode == .complain ? .complain : .enforce),
                evaluator: evaluator, domain: domains[index])
        }
    }

    /// What is to be reported of a request: the oldest layer that denies it; else what a policy in complain mode would
    /// deny; else a grant that a rule asks to be logged.
    ///
    /// What a rule with `log: false` denies is not reported, and nothing in its stead.
    ///
    /// - Parameter isSeen: Whether any hook of Landlock's sees the call at all.
    func judge(_ request: Request, by asker: LandlockDomain.Asker, isSeen: Bool) -> Judgement? {
        var complaint: Judgement?
        var granted: Judgement?
        for layer in layers {
            let decision = layer.evaluator.decide(request)
            if layer.policy.mode == .complain {
                if complaint == nil, decision.deniesAloud {
                    complaint = Judgement(
                        policy: layer.policy, request: request, decision: decision, layer: .observed,
                        standing: PolicyStanding(layer.evaluator.policy))
                }
            } else if isSeen, let denial = denial(of: request, decision, by: asker, in: layer) {
                return denial.decision.deniesAloud ? denial : nil
            } else if granted == nil, decision.verdict == .allow,
                decision.parts.contains(where: { $0.log && $0.rule != nil })
            {
                granted = Judgement(
                    policy: layer.policy, request: request, decision: decision, layer: .landlock)
            }
        }
        return complaint ?? granted
    }

    /// What is to be reported of a name that becomes another, where both names may be changed and the object would gain
    /// by it; nil: nothing.
    func judge(_ move: ObservedCall.Move, by asker: LandlockDomain.Asker) -> Judgement? {
        let isRefused = { (domain: LandlockDomain) in
            domain.refusesMove(of: move.old, to: move.new, by: asker)
                || (move.isExchange && domain.refusesMove(of: move.new, to: move.old, by: asker))
        }
        guard let layer = layers.first(where: { $0.domain.map(isRefused) ?? false }) else { return nil }
        let rule = DecidingRule(
            id: "no-gain", location: nil, reason: "the new name would give what the old one does not")
        return Judgement(
            policy: layer.policy, request: .file(path: move.new, .create),
            decision: Decision(parts: [.init(access: "create", verdict: .deny, rule: rule, log: true)]),
            layer: .landlock, code: EXDEV)
    }

    /// What the layer's domain denies of a request; nil: nothing.
    private func denial(
        of request: Request, _ decision: Decision, by asker: LandlockDomain.Asker, in layer: Layer
    ) -> Judgement? {
        guard let domain = layer.domain else { return nil }
        var denied = decision
        var narrowing: String?
        switch request {
        case .file(let path, let accesses):
            for (index, access) in accesses.members.enumerated() {
                let missing = domain.missing(access, at: path, by: asker)
                let wasGranted = decision.parts[index].verdict == .allow
                denied.parts[index].verdict = missing.isEmpty ? .allow : .deny
                guard !missing.isEmpty, wasGranted else { continue }
                // The rule grants it and speaks of grants: that Landlock does not is always told.
                denied.parts[index].log = true
                if let rule = domain.operationRule(keeping: path, from: missing) {
                    denied.parts[index].rule = rule
                } else if index == denied.parts.firstIndex(where: { $0.verdict == .deny }) {
                    narrowing = Self.narrowing(of: access, missing, at: path, by: asker, in: domain)
                }
            }
        case .network(let access, .inet(.tcp, _, let port)):
            let wasGranted = decision.verdict == .allow
            guard domain.denies(access, port: port) else { return nil }
            denied.parts[0].verdict = .deny
            if wasGranted { denied.parts[0].log = true }
            if wasGranted { narrowing = "the rule stands for no port that Landlock could grant" }
        case .network(.bind, .unixPath(let path)):
            let wasGranted = decision.verdict == .allow
            guard domain.deniesSocket(at: path, by: asker) else { return nil }
            denied.parts[0].verdict = .deny
            if wasGranted { denied.parts[0].log = true }
            if wasGranted { narrowing = Self.narrowing(of: .create, [], at: path, by: asker, in: domain) }
        // Whether the other end is in the domain, which is granted, cannot be seen from here: the policy has the word
        // where the domain has one at all.
        case .network(.connect, .unixPath) where domain.fileRights.contains(.resolveUnix),
            .network(.connect, .unixAbstract) where domain.scopes.contains(.abstractUnixSocket):
            break
        default: return nil
        }
        guard denied.verdict == .deny else { return nil }
        return Judgement(
            policy: layer.policy, request: request, decision: denied, layer: .landlock, narrowing: narrowing,
            standing: PolicyStanding(layer.evaluator.policy))
    }

    /// Why Landlock denies what the policy grants.
    private static func narrowing(
        of access: FileAccess, _ missing: FileRights, at path: [UInt8], by asker: LandlockDomain.Asker,
        in domain: LandlockDomain
    ) -> String {
        switch access {
        case .create, .remove, .device:
            "Landlock grants names only by the directory, and of this one not everything is granted"
        case .read where domain.isDirectory(path, asker):
            "Landlock lists a directory only where everything beneath it is granted"
        case .execute where missing == .readFile: "Landlock starts a file only where it may also be read"
        case _ where path.starts(with: Array("/proc/self/".utf8)) && !asker.isFirst:
            "Landlock grants /proc/self to the first process only"
        default: "it was not there, or was another, when the command was confined"
        }
    }
}

extension Decision {
    /// Whether it denies, and the rule that says so first is to be reported.
    var deniesAloud: Bool { verdict == .deny && decidingPart.log }
}
