internal import AuditLog
internal import Compiler
internal import Policy
internal import Seccomp

/// Names the rule of what the filter handed over, from the plan; and judges what was observed, by the evaluator.
final class PlanJudge: DenialJudge {
    private let plan: Plan
    /// Made at the first denial, too.
    private lazy var policies: [PolicyReference] = plan.layers.map {
        PolicyReference(
            name: $0.name, digest: $0.digest, mode: $0.mode == .complain ? .complain : .enforce)
    }
    let observesRequests: Bool
    private let load: () -> [Evaluator]
    /// The policies themselves, oldest first; read where only the plan is at hand.
    private lazy var evaluators: [Evaluator] = load()
    /// Decoded at the first denial: most commands end without one.
    private lazy var decisions: [SyscallDecisions] = plan.decisions ?? []

    /// - Parameter load: Gives the policies of the plan, if anybody asks for a request to be judged.
    init(_ plan: Plan, observes: Bool, load: @escaping () -> [Evaluator]) {
        self.plan = plan
        self.load = load
        observesRequests = observes
    }

    func name(of call: SystemCall) -> String? { decisions.first?.name(of: FilterInput(call)) }

    func answer(to call: SystemCall) -> CallAnswer {
        let input = FilterInput(call)
        let verdict = SyscallDecisions.decide(decisions, input)
        guard let layer = verdict.layer, policies.indices.contains(layer) else {
            // Allowed and observed. With no decisions there is nothing that could allow: denied.
            return decisions.isEmpty ? .refuse(code: 1, nil) : .letGoOn(nil)
        }
        let judgement = verdict.cause.flatMap { cause in
            cause.isReported ? judge(call, verdict.outcome, cause: cause, layer: layer) : nil
        }
        switch verdict.outcome {
        case _ where verdict.isComplaint: return .letGoOn(judgement)
        // A rule asks for its grants to be reported.
        case .allow: return .letGoOn(judgement)
        case .errno(let code): return .refuse(code: code, judgement)
        // The filter kills by itself; if one came here all the same, it is denied.
        case .kill: return .refuse(code: 1, judgement)
        }
    }

    var killers: [DecidingRule] {
        let enforcing = decisions.filter { $0.mode == .enforce }
        if enforcing.isEmpty { return [] }
        var rules: [DecidingRule] = []
        for layer in enforcing {
            for branch in layer.lists.joined() where branch.outcome == .kill {
                guard let cause = branch.cause.map({ layer.causes[$0] }), !rules.contains(cause.rule) else {
                    continue
                }
                rules.append(cause.rule)
            }
        }
        return rules + [SyscallDecisions.Cause.foreignABI.rule]
    }

    private func judge(
        _ call: SystemCall, _ outcome: SyscallDecisions.Outcome, cause: SyscallDecisions.Cause, layer: Int
    ) -> Judgement {
        let name = self.name(of: call) ?? Self.foreignName(of: call) ?? "syscall-\(call.number)"
        if cause.subject == .socket, name == "listen", let judgement = judgeListen(call, layer: layer) {
            return judgement
        }
        let request: Request =
            switch cause.subject {
            case .operation(let operation): .operation(operation)
            case .socket where ["socket", "socketpair"].contains(name):
                Self.socket(
                    family: UInt32(truncatingIfNeeded: call.arguments[0]),
                    type: UInt32(truncatingIfNeeded: call.arguments[1]),
                    protocolNumber: UInt32(truncatingIfNeeded: call.arguments[2]))
            case .socket, .syscall, .file: .syscall(name: name, arguments: call.arguments)
            }
        let access: String =
            switch request {
            case .operation(let operation): operation.name
            case .socket: Decision.socketCreation
            default: name
            }
        let part = Decision.Part(
            access: access, verdict: outcome == .allow ? .allow : .deny, rule: cause.rule, log: true)
        return Judgement(
            policy: policies[layer], request: request, decision: Decision(parts: [part]), layer: .seccomp,
            standing: standing(of: layer, for: cause.rule))
    }

    /// listen(2) is refused as a whole where no rule grants any: which rule denies it to this socket, the evaluator says.
    /// nil: the socket cannot be looked at, or has no endpoint.
    private func judgeListen(_ call: SystemCall, layer: Int) -> Judgement? {
        guard evaluators.indices.contains(layer),
            let request = ObservedCall(call, name: "listen").requests().first
        else { return nil }
        let decision = evaluators[layer].decide(request)
        // Another socket can have taken its place.
        guard decision.verdict == .deny else { return nil }
        return Judgement(policy: policies[layer], request: request, decision: decision, layer: .seccomp)
    }

    func standing(of policy: PolicyReference, for rule: DecidingRule?) -> PolicyStanding? {
        guard let rule,
            let layer = policies.firstIndex(where: { $0.name == policy.name && $0.digest == policy.digest })
        else { return nil }
        return standing(of: layer, for: rule)
    }

    /// What the policy of a layer says where the advice after a denial by `rule` would change it.
    private func standing(of layer: Int, for rule: DecidingRule) -> PolicyStanding? {
        guard ["operations.default", "network.families"].contains(rule.id), evaluators.indices.contains(layer)
        else { return nil }
        return PolicyStanding(evaluators[layer].policy)
    }

    /// The name of a call of an ABI that no policy lists: seen in complain mode alone.
    private static func foreignName(of call: SystemCall) -> String? {
        let number = UInt32(bitPattern: call.number)
        return SyscallABI(architecture: call.architecture, number: number)
            .flatMap { SyscallTable.name(of: number, abi: $0) }
    }

    /// What a call of socket(2) asks for: of inet and inet6, protocol 0 is TCP or UDP, by the type.
    private static func socket(family: UInt32, type: UInt32, protocolNumber: UInt32) -> Request {
        guard protocolNumber == 0, family == 2 || family == 10 else {
            return .socket(family: family, protocolNumber: protocolNumber)
        }
        // The flags stand above SOCK_TYPE_MASK (include/linux/net.h).
        let number: UInt32 =
            switch type & 0xf {
            case 1: 6
            case 2: 17
            default: 0
            }
        return .socket(family: family, protocolNumber: number)
    }

    /// The oldest layer that denies the request; a grant only where a rule asks for it to be logged.
    func judge(_ request: Request) -> Judgement? {
        var granted: Judgement?
        for (index, evaluator) in evaluators.prefix(policies.count).enumerated() {
            let decision = evaluator.decide(request)
            let judgement = Judgement(
                policy: policies[index], request: request, decision: decision,
                layer: evaluator.policy.mode == .complain ? .observed : .landlock)
            if decision.verdict == .deny { return decision.deniesAloud ? judgement : nil }
            if granted == nil, decision.parts.contains(where: { $0.log && $0.rule != nil }) {
                granted = judgement
            }
        }
        return granted
    }
}

extension FilterInput {
    init(_ call: SystemCall) {
        self.init(
            number: UInt32(bitPattern: call.number), architecture: call.architecture,
            arguments: call.arguments)
    }
}
