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
    private let evaluator: Evaluator
    private var causes: [Decisions.Cause] = []
    private var causeNumbers: [Decisions.Cause: Int] = [:]
    private var lists: [[Decisions.Branch]] = []
    private var listNumbers: [[Decisions.Branch]: Int] = [:]
    private var refusals: [Refusal] = []
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
        refuseRings()
        let ruleCauses = (policy.syscalls?.rules ?? []).map { rule in
            cause(rule.header, .syscall)
        }
        let tables = usableABIs().map { abi in table(of: abi, ruleCauses: ruleCauses) }
        describeSyscalls(native: tables.first { $0.abi == .native })
        let decisions = Decisions(
            policy: policy.name, mode: policy.mode, causes: causes, lists: lists, tables: tables)
        return (decisions, coverage)
    }

    // MARK: - ABIs

    /// The ABIs that the policy lists, of those that this machine has.
    private mutating func usableABIs() -> [SyscallABI] {
        guard let section = policy.syscalls, !section.architectures.isEmpty else { return [.native] }
        var listed: Set<SyscallABI> = []
        for name in section.architectures {
            guard let abi = SyscallABI(rawValue: name.value) else {
                find(
                    .impossible, "syscalls", "syscalls.architectures", name.location,
                    "unknown ABI '\(name.value)'")
                continue
            }
            listed.insert(abi)
        }
        if !listed.contains(.native) {
            find(
                .impossible, "syscalls", "syscalls.architectures", section.location,
                "the command is started by \(SyscallABI.native.rawValue), which architectures does not list")
        }
        return SyscallABI.usable.filter { listed.contains($0) }
    }

    // MARK: - Tables

    private mutating func table(of abi: SyscallABI, ruleCauses: [Int]) -> Decisions.Table {
        let calls = SyscallTable.calls(of: abi)
        var indices: [String: Int] = [:]
        for (index, call) in calls.enumerated() { indices[call.name] = index }
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
        let always = Set(SyscallTable.alwaysAllowed)
        var result: [Decisions.Call] = []
        result.reserveCapacity(calls.count)
        for (index, call) in calls.enumerated() {
            var list = denied[index] + allowed[index] + [defaultBranch(of: call.name, always: always)]
            // What stands behind a branch without tests is never reached.
            if let last = list.firstIndex(where: { $0.tests.isEmpty }) { list.removeSubrange((last + 1)...) }
            result.append(Decisions.Call(number: call.number, name: call.name, list: number(of: list)))
        }
        return Decisions.Table(abi: abi, calls: result)
    }

    /// Which calls of a table a rule is about, each once.
    private static func indices(of rule: SyscallRule, in indices: [String: Int], count: Int) -> [Int] {
        var found: [Int] = []
        for selector in rule.selectors {
            switch selector.value {
            case .all: return Array(0..<count)
            case .name(let name), .optionalName(let name):
                if let index = indices[name] { found.append(index) }
            case .group("known"): return Array(0..<count)
            case .group(let group): found += SyscallTable.members(of: group).compactMap { indices[$0] }
            }
        }
        return rule.selectors.count == 1 ? found : found.uniqued()
    }

    private mutating func defaultBranch(of name: String, always: Set<String>) -> Decisions.Branch {
        guard let section = policy.syscalls else { return Decisions.Branch(outcome: .allow, cause: nil) }
        if section.defaultVerdict == .allow || always.contains(name) {
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

    // MARK: - Refusals

    private mutating func refuse(_ operation: Operation) {
        let part = evaluator.decide(.operation(operation)).parts[0]
        guard part.verdict == .deny, let rule = part.rule else {
            return describe(operation, by: part.rule, extent: .full, layers: [], mechanism: "granted")
        }
        guard let calls = OperationCalls.of(operation) else { return }
        if operation == .ptrace, inputs.ptraceByLandlock {
            return describe(
                operation, by: rule, extent: .full, layers: [.landlock],
                mechanism: "the domain: no process outside it can be traced")
        }
        if operation == .signal, inputs.signalByLandlock {
            return describe(
                operation, by: rule, extent: .full, layers: [.landlock],
                mechanism: "the domain's scope for signals")
        }
        for refusal in calls.refusals {
            let isHidden = refusal.errno == ErrorNumber.noSystemCall
            refusals.append(
                Refusal(
                    calls: SyscallTable.words(refusal.calls), tests: refusal.tests, errno: refusal.errno,
                    abis: refusal.abis,
                    cause: number(
                        of: Decisions.Cause(
                            rule: rule, subject: .operation(operation), isReported: part.log && !isHidden))))
        }
        describe(
            operation, by: rule, extent: calls.extent, layers: calls.extent == .none ? [] : [.seccomp],
            mechanism: calls.mechanism)
        describeLimits(of: operation, rule: rule, extent: calls.extent, mechanism: calls.mechanism)
    }

    /// The restrictions that were asked for, with the operation `raw-socket` among them.
    var sockets: SocketRestrictions {
        var sockets = inputs.sockets
        let part = evaluator.decide(.operation(.rawSocket)).parts[0]
        if part.verdict == .deny, sockets.refusesOtherProtocols == nil {
            sockets.refusesOtherProtocols = part.rule
        }
        return sockets
    }

    private mutating func refuseSockets() {
        let sockets = sockets
        for (call, tests, cause, isRawSocket) in sockets.branches.refusals {
            let number = number(
                of: Decisions.Cause(
                    rule: cause, subject: isRawSocket ? .operation(.rawSocket) : .socket, isReported: true))
            refusals.append(
                Refusal(
                    calls: [call], tests: tests,
                    errno: isRawSocket ? ErrorNumber.notPermitted : ErrorNumber.accessDenied, abis: [],
                    cause: number))
        }
        describeSockets(sockets)
    }

    private mutating func refuseTruncation() {
        guard inputs.restrictsTruncation else { return }
        let rule = DecidingRule(id: "files.default", location: policy.files?.location)
        let loud = number(of: Decisions.Cause(rule: rule, subject: .file(.write), isReported: true))
        let quiet = number(of: Decisions.Cause(rule: rule, subject: .file(.write), isReported: false))
        func refuse(_ calls: [String], _ tests: [Decisions.Test]) {
            refusals.append(
                Refusal(calls: calls, tests: tests, errno: ErrorNumber.accessDenied, abis: [], cause: loud))
        }
        refuse(["truncate", "truncate64"], [])
        // O_TRUNC with access mode 0 or 3: Landlock asks for no write then (OPEN_FMODE, include/linux/fs.h).
        for mode: UInt64 in [0, 3] {
            for (call, argument): (String, UInt8) in [("open", 1), ("openat", 2), ("open_by_handle_at", 2)] {
                refuse([call], [.init(argument, mask: 0x203, .equal, 0x200 | mode)])
            }
        }
        refusals.append(
            Refusal(
                calls: ["openat2"], tests: [], errno: ErrorNumber.noSystemCall, abis: [], cause: quiet))
        find(
            .narrowed, "files", "files.default", policy.files?.location,
            "truncate(2), openat2(2) and opening with O_TRUNC but not for writing are refused for every file: "
                + "Landlock does not see them below ABI 3")
    }

    /// Requests made through a ring pass no filter: where this filter is what restricts, there is no ring.
    private mutating func refuseRings() {
        let part = evaluator.decide(.operation(.ioUring)).parts[0]
        let restricting =
            !sockets.branches.refusals.isEmpty || inputs.restrictsTruncation || policy.syscalls != nil
        guard restricting, part.verdict == .allow else { return }
        let isWritten = policy.operations?.entries.contains {
            $0.header.verdict == .allow && $0.covers(.ioUring)
        }
        if isWritten == true {
            if policy.mode == .enforce {
                find(
                    .excess, "operations", part.rule?.id ?? Operation.ioUring.name, part.rule?.location,
                    "io_uring is allowed, and its requests pass no filter: what this policy says of system calls "
                        + "and sockets would not hold; leave out io-uring, or the sections that it passes by")
            }
            return
        }
        let rule = DecidingRule(
            id: "operations.default", location: nil, reason: "requests of io_uring pass no filter")
        let number = number(
            of: Decisions.Cause(rule: rule, subject: .operation(.ioUring), isReported: true))
        refusals.append(
            Refusal(
                calls: SyscallTable.words(OperationCalls.ioUringCalls), tests: [],
                errno: ErrorNumber.notPermitted, abis: [], cause: number))
        describe(
            .ioUring, by: rule, extent: .full, layers: [.seccomp],
            mechanism: "refused: its requests pass no filter")
        find(
            .narrowed, "operations", Operation.ioUring.name, nil,
            "io_uring is refused: its requests pass no filter; to allow: operations: allow: [io-uring], and "
                + "nothing that a filter must enforce")
    }

    // MARK: - Numbers

    private mutating func cause(_ header: RuleHeader, _ subject: Decisions.Cause.Subject) -> Int {
        number(
            of: Decisions.Cause(
                rule: DecidingRule(id: header.id, location: header.location, reason: header.reason),
                subject: subject, isReported: header.log))
    }

    private mutating func number(of cause: Decisions.Cause) -> Int {
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
