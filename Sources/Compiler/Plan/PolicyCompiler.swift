public import Policy

/// Turns policies into a plan: the one place where the parts of the compiler meet.
public enum PolicyCompiler {
    /// Who looks after the command.
    public enum Supervision: Hashable, Sendable {
        /// Nobody (`--exec-only`): denied calls fail in the kernel and are not reported.
        case none
        /// The supervisor: denied calls are handed to it.
        case supervised
        /// The supervisor, which also looks at the named calls, denied or not (`--explain`, `--complain`).
        case observing(Set<String>)
    }

    /// What enforces, beside the filter.
    public enum Backend: Hashable, Sendable {
        case landlock
        /// The agent's programs.
        case lsm
    }

    /// The plan for `policies`, oldest layer first, on a kernel with `features`.
    ///
    /// `policies` are resolved: includes in place, variables expanded, links resolved. The same input gives the same
    /// plan. What is not enforced as written is in the plan's coverage; whether that is a reason to refuse is for
    /// the caller to say.
    public static func compile(
        _ policies: [Policy], features: KernelFeatures, supervision: Supervision,
        backend: Backend = .landlock
    ) throws(FilterError) -> Plan {
        var layers: [Plan.Layer] = []
        var coverage: [Coverage] = []
        var decisions: [SyscallDecisions] = []
        var kept: UInt64?
        for policy in policies {
            if backend == .lsm {
                let (calls, covered) = lowerBesidePrograms(policy)
                coverage.append(covered)
                decisions.append(calls)
                layers.append(
                    Plan.Layer(
                        name: policy.name, file: policy.file, hash: hash(of: policy), mode: policy.mode,
                        recipe: LandlockRecipe()))
                continue
            }
            let landlock = LandlockLowering.lower(
                policy, features: features.landlock, isPrivileged: features.isPrivileged)
            let calls = SyscallDecisions.lower(
                SyscallLayerInputs(
                    policy: policy, sockets: landlock.sockets,
                    restrictsTruncation: landlock.restrictsTruncation != nil,
                    restrictsAccessMode: landlock.restrictsAccessMode,
                    ptraceByLandlock: landlock.ptraceByLandlock, signalByLandlock: landlock.signalByLandlock))
            let capabilities = CapabilityLowering.lower(policy, isPrivileged: features.isPrivileged)
            var covered = landlock.coverage
            covered.merge(calls.coverage)
            covered.merge(capabilities.coverage)
            covered.arrange()
            coverage.append(covered)
            decisions.append(calls.decisions)
            if let mask = capabilities.kept { kept = (kept ?? .max) & mask }
            layers.append(
                Plan.Layer(
                    name: policy.name, file: policy.file,
                    hash: hash(of: policy), mode: policy.mode,
                    recipe: landlock.recipe))
        }
        let flavor: FilterFlavor =
            switch supervision {
            case _ where !features.hasUserNotification: .errno
            case .none: .errno
            case .supervised: .notify()
            case .observing(let calls): .notify(observing: calls)
            }
        let filter = try FilterCompiler.compile(decisions, flavor: flavor)
        let needsPlain = flavor != .errno && features.isFiltered
        return Plan(
            layers: layers, filter: filter,
            filterWithoutListener: needsPlain ? try FilterCompiler.compile(decisions, flavor: .errno) : nil,
            keptCapabilities: kept, coverage: coverage, decisions: decisions)
    }

    /// What the filter does where the agent's programs do all else: they see sockets, truncation, and other processes. What
    /// of the operations it refuses they would, too.
    private static func lowerBesidePrograms(_ policy: Policy) -> (SyscallDecisions, Coverage) {
        let calls = SyscallDecisions.lower(SyscallLayerInputs(policy: policy))
        var coverage = KernelCoverage.coverage(of: policy, isRun: true)
        coverage.rows += calls.coverage.rows.filter { $0.section == "syscalls" }
        coverage.findings += calls.coverage.findings.filter {
            $0.section == "syscalls" || $0.kind == .impossible || $0.subject == Operation.ioUring.name
                || $0.kind == .excess
        }
        coverage.arrange()
        return (calls.decisions, coverage)
    }

    /// The hash of the policy's text; where a path of it is not UTF-8, which no text can say, of its description.
    static func hash(of policy: Policy) -> [UInt8] {
        let text = (try? policy.yaml()) ?? String(reflecting: policy)
        return SHA256.hash(Array(text.utf8))
    }
}
