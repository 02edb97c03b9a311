import Landlock
import Policy

// The operations that a Landlock domain enforces, and those that only its files do. Rows are made here for the
// latter alone: what the filter leaves to the domain stands in the filter's rows.
extension LoweringContext {
    private static let section = "operations"

    /// Files that are an operation to write. Only root and processes with capabilities may, by the kernel's own
    /// permissions.
    private static let kernelFiles: [(operation: Operation, rights: FileRights, patterns: [PathPattern])] = [
        // release_agent can be in any directory of cgroupfs, and a Landlock rule is about directories.
        (
            .kernelHelper, [.writeFile, .truncate],
            KernelHelperFiles.patterns + [PathPattern(subtree: KernelHelperFiles.cgroups)]
        )
    ]

    mutating func lowerOperations() {
        for entry in Self.kernelFiles { lowerKernelFiles(entry.operation, entry.rights, entry.patterns) }
        lowerSignal()
        lowerPtrace()
        reportMount()
    }

    private mutating func lowerKernelFiles(
        _ operation: Operation, _ rights: FileRights, _ patterns: [PathPattern]
    ) {
        let decision = decide(operation)
        guard decision.verdict == .deny, let rule = decision.rule else { return }
        guard isPrivileged else {
            row(
                Self.section, operation.name, rule.location, .full, [],
                "the caller is not root: the kernel's own permissions refuse it")
            return
        }
        guard features != nil else {
            find(
                .excess, Self.section, operation.name, rule.location,
                "the kernel has no Landlock to keep root from writing \(patterns[0].description) and the like"
            )
            row(Self.section, operation.name, rule.location, .none, [], "no Landlock")
            return
        }
        let origin = builder.origin(
            .init(section: Self.section, subject: rule.id, location: rule.location))
        let handled = rights.intersection(fileRights)
        if policy.files == nil {
            // Nothing else is denied: these rights are granted everywhere but there.
            handledFiles.formUnion(handled.union(.refer))
            builder.allows.append(
                .init(pattern: Self.everything, rights: handled.union(.refer), origin: origin))
        }
        builder.denies += patterns.map { .init(pattern: $0, rights: handled, origin: origin) }
        row(
            Self.section, operation.name, rule.location, .full, [.landlock],
            "carved out: \(patterns.map(\.description).joined(separator: ", "))")
    }

    private mutating func lowerSignal() {
        let decision = decide(.signal)
        guard decision.verdict == .deny, let rule = decision.rule else { return }
        if features?.scopes.contains(.signal) == true {
            result.recipe.scopes.formUnion(.signal)
            result.signalByLandlock = true
            return
        }
        let isNamed = rule.id != "operations.default"
        find(
            isNamed ? .excess : .gap, Self.section, isNamed ? rule.id : Operation.signal.name, rule.location,
            "signals to processes outside are not seen by \(kernelName) (ABI 6 does)")
    }

    /// Every domain keeps its processes from tracing those outside; where nothing else asks for a domain, one is
    /// made that denies nothing.
    private mutating func lowerPtrace() {
        let decision = decide(.ptrace)
        guard decision.verdict == .deny, let rule = decision.rule else {
            if hasDomain {
                find(
                    .narrowed, Self.section, Operation.ptrace.name, decision.rule?.location,
                    "a Landlock domain keeps its processes from tracing any outside it")
            }
            return
        }
        guard features != nil else {
            find(
                .excess, Self.section, Operation.ptrace.name, rule.location,
                "the kernel has no Landlock: memory of other processes can be reached through /proc")
            return
        }
        result.ptraceByLandlock = true
        if !hasDomain { makeNeutralDomain() }
    }

    private var hasDomain: Bool {
        features != nil
            && (!handledFiles.intersection(fileRights).isEmpty || !result.recipe.networkRights.isEmpty
                || !result.recipe.scopes.isEmpty)
    }

    /// From ABI 2 the neutral right is `refer`: a domain that handles any file right and not this one denies
    /// links and renames between directories. ABI 1 denies them whatever is handled.
    private mutating func makeNeutralDomain() {
        let right: FileRights = fileRights.contains(.refer) ? .refer : .makeBlockDevice
        let origin = builder.origin(
            .init(section: Self.section, subject: Operation.ptrace.name, location: nil))
        handledFiles.formUnion(right)
        builder.allows.append(.init(pattern: Self.everything, rights: right, origin: origin))
        if right != .refer {
            find(
                .narrowed, Self.section, Operation.ptrace.name, nil,
                "Landlock ABI 1 refuses every rename and link between directories")
        }
    }

    /// A domain that handles file rights may not mount, whatever the policy says (security/landlock/fs.c).
    private mutating func reportMount() {
        let decision = decide(.mount)
        guard decision.verdict == .allow, !handledFiles.intersection(fileRights).isEmpty, features != nil
        else { return }
        find(
            .narrowed, Self.section, Operation.mount.name, decision.rule?.location,
            "a Landlock domain with file rights may not change mounts")
    }

    private static let everything = PathPattern(subtree: [UInt8(ascii: "/")])
}
