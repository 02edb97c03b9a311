internal import Policy

extension SyscallDecisions {
    /// What a policy comes to in a filter, and how much of it that is.
    ///
    /// The branches of a call stand in this order: what the `syscalls` section denies by a rule; what the
    /// operations, sockets and truncation refuse; what the section allows by a rule; its default. So a call is
    /// granted only if every section grants it, and a rule that a person wrote is named before a default.
    public static func lower(_ inputs: SyscallLayerInputs) -> (decisions: Self, coverage: Coverage) {
        var lowering = SyscallLowering(inputs)
        return lowering.run()
    }
}

/// The work of `SyscallDecisions.lower`: what is refused is collected by name first, and then looked up in the
/// table of each ABI.
struct SyscallLowering {
    typealias Decisions = SyscallDecisions

    /// Something that is refused, whatever the `syscalls` section says.
    struct Refusal {
        var calls: [String]
        var tests: [Decisions.Test]
        var errno: Int32
        var abis: Set<SyscallABI>
        var cause: Int
    }

    let inputs: SyscallLayerInputs
    let evaluator: Evaluator
    private var causes: [Decisions.Cause] = []
    private var causeNumbers: [Decisions.Cause: Int] = [:]
    private var lists: [[Decisions.Branch]] = []
    private var listNumbers: [[Decisions.Branch]: Int] = [:]
    var refusals: [Refusal] = []
    var coverage = Coverage()

    var policy: Policy { inputs.policy }

    init(_ inputs: SyscallLayerInputs) {
        self.inputs = inputs
        // Asked for operations only, which need no vocabulary.
        evaluator = Evaluator(
            inputs.policy,
            vocabulary: SyscallVocabulary(names: [], groups: [:], alwaysAllowed: [], narrowArguments: [:]))
    }

    mutating func run() -> (Decisions, Coverage) {
        for operation in Operation.allCases { refuse(operation) }
        refuseSockets()
        refuseTruncation()
        refuseAccessModeThree()
        refuseRings()
        let ruleCauses = (policy.syscalls?.rules ?? []).map { rule in
            cause(rule.header, .syscall)
        }
        let tables = usableABIs().map { abi in table(of: abi, ruleCauses: ruleCauses) }
        if tables.contains(where: { $0.abi == .native }) { describeSyscalls() }
        let decisions = Decisions(
            policy: policy.name, mode: policy.mode, causes: causes, lists: lists, tables: tables)
        return (decisions, coverage)
    }

    // MARK: - ABIs

    /// The ABIs that the policy lists, of those that this machine has.
    private mutating func usableABIs() -> [SyscallABI] {
        guard let section = policy.syscalls else { return [.native] }
        for fault in section.architectureFaults {
            find(.impossible, "syscalls", "syscalls.architectures", fault.location, fault.value)
        }
        return SyscallABI.usable.filter { section.listedABIs.contains($0) }
    }

    // MARK: - Tables

    private mutating func table(of abi: SyscallABI, ruleCauses: [Int]) -> Decisions.Table {
        let calls = SyscallTable.calls(of: abi)
        let indices = SyscallTable.places(of: abi)
        var denied: [[Decisions.Branch]] = Array(repeating: [], count: calls.count)
        var allowed = denied
        func tests(_ tests: [Decisions.Test], for name: String) -> [Decisions.Test] {
            tests.map {
                SyscallTable.isNarrow(argument: Int($0.argument), of: name, abi: abi) ? $0.narrowed : $0
            }
        }
        for (rule, cause) in zip(policy.syscalls?.rules ?? [], ruleCauses) {
            let conditions = rule.conditions.map { Decisions.Test($0.value) }
            for index in Self.indices(of: rule, in: indices, count: calls.count) {
                let branch = Decisions.Branch(
                    tests: tests(conditions, for: calls[index].name),
                    outcome: rule.header.verdict == .allow ? .allow : Decisions.Outcome(rule.action),
                    cause: cause)
                if rule.header.verdict == .allow {
                    allowed[index].append(branch)
                } else {
                    denied[index].append(branch)
                }
            }
        }
        for refusal in refusals where refusal.abis.isEmpty || refusal.abis.contains(abi) {
            for name in refusal.calls {
                guard let index = indices[name] else { continue }
                denied[index].append(
                    Decisions.Branch(
                        tests: tests(refusal.tests, for: name), outcome: .errno(refusal.errno),
                        cause: refusal.cause))
            }
        }
        var isAlways = Array(repeating: false, count: calls.count)
        for name in SyscallTable.alwaysAllowed {
            if let index = indices[name] { isAlways[index] = true }
        }
        let defaults = (always: defaultBranch(isAlways: true), others: defaultBranch(isAlways: false))
        var result: [Decisions.Call] = []
        result.reserveCapacity(calls.count)
        // Most calls have the same few lists, of one branch: these are found by it.
        var plainLists: [Decisions.Branch: Int] = [:]
        for (index, call) in calls.enumerated() {
            let last = isAlways[index] ? defaults.always : defaults.others
            let first = denied[index].first ?? allowed[index].first ?? last
            let list: Int
            if first.tests.isEmpty {
                list = plainLists[first] ?? number(of: [first])
                plainLists[first] = list
            } else {
                var branches = denied[index] + allowed[index] + [last]
                // What stands behind a branch without tests is never reached.
                if let end = branches.firstIndex(where: { $0.tests.isEmpty }) {
                    branches.removeSubrange((end + 1)...)
                }
                list = number(of: branches)
            }
            result.append(Decisions.Call(number: call.number, name: call.name, list: list))
        }
        return Decisions.Table(abi: abi, calls: result)
    }

    /// Which calls of a table a rule is about, ascending, each once.
    static func indices(of rule: SyscallRule, in places: [String: Int], count: Int) -> [Int] {
        var isNamed = Array(repeating: false, count: count)
        for selector in rule.selectors {
            switch selector.value {
            case .all, .group("known"): return Array(0..<count)
            case .name(let name), .optionalName(let name):
                if let index = places[name] { isNamed[index] = true }
            case .group(let group):
                for name in SyscallTable.memberList(of: group) {
                    if let index = places[name] { isNamed[index] = true }
                }
            }
        }
        return isNamed.indices.filter { isNamed[$0] }
    }

    /// The branch that ends every list: for calls that a policy always allows, or the others.
    private mutating func defaultBranch(isAlways: Bool) -> Decisions.Branch {
        guard let section = policy.syscalls else { return Decisions.Branch(outcome: .allow, cause: nil) }
        if section.defaultVerdict == .allow || isAlways {
            let id = section.defaultVerdict == .allow ? "syscalls.default" : "syscalls.always"
            let rule = DecidingRule(
                id: id, location: section.defaultVerdict == .allow ? section.location : nil)
            return Decisions.Branch(
                outcome: .allow,
                cause: number(of: Decisions.Cause(rule: rule, subject: .syscall, isReported: false)))
        }
        let rule = DecidingRule(id: "syscalls.default", location: section.location)
        return Decisions.Branch(
            outcome: .errno(ErrorNumber.notPermitted),
            cause: number(of: Decisions.Cause(rule: rule, subject: .syscall, isReported: true)))
    }

    // MARK: - Numbers

    private mutating func cause(_ header: RuleHeader, _ subject: Decisions.Cause.Subject) -> Int {
        number(
            of: Decisions.Cause(
                rule: DecidingRule(id: header.id, location: header.location, reason: header.reason),
                subject: subject, isReported: header.log))
    }

    mutating func number(of cause: Decisions.Cause) -> Int {
        if let number = causeNumbers[cause] { return number }
        causes.append(cause)
        causeNumbers[cause] = causes.count - 1
        return causes.count - 1
    }

    private mutating func number(of list: [Decisions.Branch]) -> Int {
        if let number = listNumbers[list] { return number }
        lists.append(list)
        listNumbers[list] = lists.count - 1
        return lists.count - 1
    }
}

extension SyscallDecisions.Test {
    /// A condition as written, on 64 bits.
    init(_ condition: ArgumentCondition) {
        self.init(
            UInt8(truncatingIfNeeded: condition.argument), mask: condition.mask, condition.comparison,
            condition.value)
    }
}

extension SyscallDecisions.Outcome {
    init(_ action: SyscallAction) {
        switch action {
        case .errno(let code): self = .errno(code)
        case .kill: self = .kill
        }
    }
}
