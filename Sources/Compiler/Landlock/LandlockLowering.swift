public import Landlock
public import Policy

/// What a policy becomes under Landlock: the recipe of a ruleset, what it leaves to seccomp, and what of the
/// policy is enforced that way.
///
/// Pure: nothing is opened or looked up, and the same policy and features give the same value.
public struct LandlockLowering: Hashable, Sendable {
    /// What to build; `isNeeded` is false where there is nothing to handle.
    public var recipe = LandlockRecipe()
    /// Rows for the rules and defaults of `files` and `network` and for the operations that Landlock enforces.
    public var coverage = Coverage()
    /// What the seccomp filter must refuse of sockets.
    public var sockets = SocketRestrictions()
    /// Landlock does not see truncation here (ABI below 3): the filter must refuse truncate(2), and open(2) with
    /// O_TRUNC but without writing. The rule that denies.
    public var restrictsTruncation: DecidingRule?
    /// Not every file may be read and written: the filter must refuse access mode 3, for which Landlock asks nothing.
    public var restrictsAccessMode = false
    /// The domain keeps its processes from tracing those outside. If false and `ptrace` is denied, the filter
    /// must refuse the calls altogether.
    public var ptraceByLandlock = false
    /// The domain keeps its processes from signalling those outside.
    public var signalByLandlock = false

    init() {}

    /// Lowers `policy`, whose links are resolved: every rule has both spellings.
    ///
    /// `features` is nil where the kernel has no Landlock; `isPrivileged` says whether the caller has
    /// capabilities or is root, so that the permissions of the kernel's own files do not hold it.
    public static func lower(_ policy: Policy, features: LandlockFeatures?, isPrivileged: Bool) -> Self {
        guard policy.mode == .enforce else { return Self() }
        var context = LoweringContext(policy: policy, features: features, isPrivileged: isPrivileged)
        guard context.checkSize() else { return context.result }
        context.lowerNetwork()
        context.lowerUnixSockets()
        context.lowerListen()
        context.lowerFiles()
        context.lowerOperations()
        context.addNetworkRows()
        context.assemble()
        return context.result
    }
}

/// A lowering under way: what the parts share.
struct LoweringContext {
    let policy: Policy
    let features: LandlockFeatures?
    let isPrivileged: Bool
    var result = LandlockLowering()
    var builder = RecipeBuilder()
    /// The file rights that must be handled for a reason.
    var handledFiles: FileRights = []
    /// Where `network` limits which names may be bound: the names that it grants and denies.
    var socketNames: (allows: [RecipeBuilder.Entry], denies: [RecipeBuilder.Entry])?
    /// Connecting to a named socket asks `files` for write, and Landlock sees it.
    var writeReachesSockets = false

    init(policy: Policy, features: LandlockFeatures?, isPrivileged: Bool) {
        self.policy = policy
        self.features = features
        self.isPrivileged = isPrivileged
    }

    /// Whether the policy is of a size that can be lowered.
    mutating func checkSize() -> Bool {
        let largest = (policy.files?.rules ?? []).max { $0.patterns.count < $1.patterns.count }
        let count = (policy.files?.rules ?? []).reduce(0) { $0 + $1.patterns.count }
        guard count > LandlockRecipe.maximumPatterns else { return true }
        find(
            .impossible, "files", largest?.header.id ?? "files.rules", largest?.header.location,
            "\(count) patterns, at most \(LandlockRecipe.maximumPatterns) are compared; grant directories")
        return false
    }

    /// The file rights that this kernel handles.
    var fileRights: FileRights { features?.fileRights ?? [] }

    /// How this kernel is called in messages.
    var kernelName: String { features.map { "Landlock ABI \($0.abi)" } ?? "a kernel without Landlock" }

    mutating func find(
        _ kind: Coverage.Finding.Kind, _ section: String, _ subject: String, _ location: SourceLocation?,
        _ text: String
    ) {
        let finding = Coverage.Finding(
            kind, section: section, subject: subject, location: location, text: text)
        if !result.coverage.findings.contains(finding) { result.coverage.findings.append(finding) }
    }

    mutating func row(
        _ section: String, _ subject: String, _ location: SourceLocation?, _ extent: Coverage.Extent,
        _ layers: [Coverage.Layer], _ mechanism: String
    ) {
        result.coverage.rows.append(
            .init(
                section: section, subject: subject, location: location, extent: extent, layers: layers,
                mechanism: mechanism))
    }

    /// Whether a finding of one of `kinds` was made about a rule.
    func hasFinding(_ kinds: Set<Coverage.Finding.Kind>, _ section: String, _ subject: String) -> Bool {
        result.coverage.findings.contains {
            kinds.contains($0.kind) && $0.section == section && $0.subject == subject
        }
    }

    /// What the policy says of an operation.
    func decide(_ operation: Operation) -> Decision.Part {
        Evaluator(policy, vocabulary: .init(names: [], groups: [:], alwaysAllowed: [], narrowArguments: [:]))
            .decide(.operation(operation)).parts[0]
    }

    /// Puts the recipe together from what the parts left.
    mutating func assemble() {
        guard features != nil else {
            result.recipe = LandlockRecipe()
            return
        }
        let built = builder.build()
        report(built)
        let handled = handledFiles.intersection(fileRights)
        result.recipe.fileRights = handled
        result.recipe.origins = builder.origins
        if !handled.isEmpty {
            result.recipe.grants = merged(built.grants, handled: handled)
            result.recipe.processGrants = merged(built.processGrants, handled: handled)
            result.recipe.carvings = built.carvings
            result.recipe.denies = built.carvings.isEmpty && built.grants.isEmpty ? [] : built.denies
        }
        checkRuleLimit()
    }

    /// One grant for each path and depth, with companions, in the order of paths.
    private func merged(_ grants: [LandlockRecipe.Grant], handled: FileRights) -> [LandlockRecipe.Grant] {
        struct Key: Hashable {
            var path: [UInt8]
            var isSubtree: Bool
        }
        var merged: [Key: LandlockRecipe.Grant] = [:]
        for grant in grants {
            let key = Key(path: grant.path, isSubtree: grant.isSubtree)
            if merged[key] == nil {
                merged[key] = grant
            } else {
                merged[key]?.rights.formUnion(grant.rights)
                if grant.hasOtherSpelling { merged[key]?.hasOtherSpelling = true }
            }
        }
        return merged.values
            .compactMap { grant in
                var grant = grant
                grant.rights = grant.rights.withCompanions.intersection(handled)
                if !grant.isSubtree { grant.rights.formIntersection(.ofFiles) }
                return grant.rights.isEmpty ? nil : grant
            }
            .sorted {
                $0.path == $1.path
                    ? $0.isSubtree && !$1.isSubtree : $0.path.lexicographicallyPrecedes($1.path)
            }
    }

    /// Findings of what could not be sorted.
    private mutating func report(_ built: RecipeBuilder.Result) {
        for outcome in built.ungrantable {
            let origin = builder.origins[outcome.entry.origin]
            let pattern = outcome.entry.pattern.description
            let what = origin.section == "network" ? "bind" : outcome.ungrantable.accesses.names
            find(
                .narrowed, origin.section, origin.subject, origin.location,
                "\(what) of single names is not granted: \(pattern) (Landlock grants it by directory)")
        }
        for conflict in built.anyDepth {
            let origin = builder.origins[conflict.origin]
            find(
                .excess, origin.section, origin.subject, origin.location,
                "\(conflict.pattern.description) can match at any depth of \(conflict.allow.description): "
                    + "Landlock cannot keep back a name that does not exist yet; deny a directory, or a fixed depth"
            )
        }
    }
}
