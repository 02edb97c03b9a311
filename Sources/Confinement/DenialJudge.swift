public import AuditLog
public import Policy

/// What a policy says of something that the command asked.
public struct Judgement: Hashable, Sendable {
    /// Whose: the oldest layer that denies, or the one that reports.
    public var policy: PolicyReference
    /// What was asked, as the policy sees it. For a system call, the operation, socket or call that it stands for.
    public var request: Request
    public var decision: Decision
    /// What enforces the decision.
    public var layer: AuditEvent.Layer
    /// Where Landlock denies what the rule grants: why. Then the rule of the denied access is the one that grants it.
    public var narrowing: String?
    /// The errno of a denial, where it is not the usual one of such requests.
    public var code: Int32?
    /// What the policy says where an advice would change it; nil: not known.
    public var standing: PolicyStanding?

    public init(
        policy: PolicyReference, request: Request, decision: Decision, layer: AuditEvent.Layer,
        narrowing: String? = nil, code: Int32? = nil, standing: PolicyStanding? = nil
    ) {
        self.policy = policy
        self.request = request
        self.decision = decision
        self.layer = layer
        self.narrowing = narrowing
        self.code = code
        self.standing = standing
    }
}

/// The lists of a policy that take something away when they begin to be written.
public struct PolicyStanding: Hashable, Sendable {
    /// Whether there is a section `operations`: without, most operations are granted.
    public var hasOperations: Bool
    /// The words of `families`, or its default; empty where there is no section `network`.
    public var families: [String]

    public init(hasOperations: Bool, families: [String]) {
        self.hasOperations = hasOperations
        self.families = families
    }

    /// What stands in `policy`.
    public init(_ policy: Policy) {
        hasOperations = policy.operations != nil
        families = policy.network?.families.map(\.value.word) ?? []
    }
}

/// What to answer to a system call that the filter handed over.
public enum CallAnswer: Hashable, Sendable {
    /// It fails with this errno. The judgement is reported; nil: nothing is (the call is newer than the tables).
    case refuse(code: CInt, Judgement?)
    /// The kernel goes on with it. What a policy in complain mode would have denied is reported.
    case letGoOn(Judgement?)
}

extension DenialJudge {
    public var killers: [DecidingRule] { [] }
    public func standing(of policy: PolicyReference, for rule: DecidingRule?) -> PolicyStanding? { nil }
}

/// Decides what the filter handed over, and what is observed.
public protocol DenialJudge {
    /// The name of a call, as the kernel's tables have it; nil: none of the native architecture.
    func name(of call: SystemCall) -> String?
    /// What to answer to `call`, by its number and arguments alone.
    func answer(to call: SystemCall) -> CallAnswer
    /// What the policies say of a request; nil where there is nothing to report.
    func judge(_ request: Request) -> Judgement?
    /// The rules for which the filter ends a process; the built-in one for calls of a foreign ABI is the last.
    var killers: [DecidingRule] { get }
    /// What a policy says where the advice after a denial by `rule` would change it; nil: not known.
    func standing(of policy: PolicyReference, for rule: DecidingRule?) -> PolicyStanding?
    /// Whether the files and addresses of calls that go on are to be looked at (`--explain`, `--complain`).
    var observesRequests: Bool { get }
}
