internal import Compiler
internal import Control
internal import Policy

/// From what policies' files say to what the kernel takes.
extension Agent {
    /// Policies as the kernel takes them.
    struct Compiled {
        var tables: KernelTables
        var held: HeldObjects
        /// Those of before, and one for each that is new.
        var slots: Slots
        var models: [Policy]
        var loaded: [GenerationRecord.Loaded]

        /// Of each policy, in the order of their slots.
        var digests: [String] { tables.policies.compactMap { $0?.digest } }
    }

    /// Why nothing was changed.
    struct Rejection: Error {
        var diagnostics: [Diagnostic] = []
        /// What else is wrong with what was asked for, in whole sentences.
        var reasons: [String] = []
        /// It is not what was asked for: the kernel refuses.
        var isKernels = false

        var answer: ControlAnswer {
            isKernels
                ? .failed(reasons.joined(separator: "; ")) : .rejected(diagnostics, reasons: reasons)
        }

        func tell(_ context: Context) {
            context.log.report(diagnostics)
            for reason in reasons { context.log.error(reason) }
        }
    }

    /// The policies in force; where another agent placed them, as they are read now.
    func present() throws(Rejection) -> [Policy] {
        if let models { return models }
        return try Self.readAll(context, loaded: loaded)
    }

    /// What the agent was started with, and what clients have loaded in its place or besides.
    static func readAll(
        _ context: Context, loaded: [GenerationRecord.Loaded]
    ) throws(Rejection) -> [Policy] {
        let reading = context.read(nil)
        var rejection = Rejection(diagnostics: reading.diagnostics, reasons: reading.refusals)
        var isIncomplete = reading.isIncomplete
        var policies = reading.policies
        for item in loaded {
            let reading = context.read([item.file])
            rejection.diagnostics += reading.diagnostics
            rejection.reasons += reading.refusals
            if reading.isIncomplete {
                isIncomplete = true
                rejection.reasons.append(
                    "policy '\(item.policy)' was loaded from '\(item.file)'; 'swguard unload \(item.policy)' gives it up"
                )
            }
            for policy in reading.policies {
                policies.removeAll { $0.name == policy.name }
                policies.append(policy)
            }
        }
        if isIncomplete { throw rejection }
        context.log.report(rejection.diagnostics.filter { $0.severity == .warning })
        return policies
    }

    func compile(
        _ policies: [Policy], loaded: [GenerationRecord.Loaded]
    ) throws(Rejection) -> Compiled {
        guard let configuration = context.configuration() else {
            throw Rejection(reasons: ["the agent's configuration cannot be used"])
        }
        return try Self.compile(
            policies, loaded: loaded, slots: slots, configuration, context, places,
            reusing: base?.tables.parts ?? [])
    }

    static func compile(
        _ policies: [Policy], loaded: [GenerationRecord.Loaded], slots: Slots,
        _ configuration: AgentConfiguration, _ context: Context, _ places: OwnPlaces,
        reusing parts: [KernelPart?] = []
    ) throws(Rejection) -> Compiled {
        var slots = slots
        var entries: [KernelTables.Entry] = []
        var known: [String: String] = [:]
        for policy in policies {
            if policy.subjects.isEmpty {
                context.log.warning(
                    "policy '\(policy.name)' has no subjects: not loaded, for 'swguard run' only")
                continue
            }
            if let other = known.updateValue(policy.file, forKey: policy.name) {
                throw Rejection(diagnostics: [
                    Diagnostic(
                        "a second policy '\(policy.name)'", at: SourceLocation(file: policy.file, line: 1),
                        hint: "the other is \(other)")
                ])
            }
            entries.append(KernelTables.Entry(slot: slots.slot(of: policy.name), policy: policy))
        }
        let launchers = Launchers.paths(configuration.launchers, say: context.log.warning)
        let held = HeldObjects()
        do throws(KernelTablesError) {
            let tables = try KernelTables.compile(
                entries, limit: Enforcement.Sizes.limit, own: places.ownFiles, launchers: launchers,
                user: Users.number(of:), identify: held.object(at:), reusing: parts)
            if let failure = held.failure { context.log.error("cannot guard \(failure)") }
            return Compiled(
                tables: tables, held: held, slots: slots, models: entries.map(\.policy), loaded: loaded)
        } catch {
            throw Rejection(diagnostics: [error.diagnostic])
        }
    }
}
