internal import AuditLog
internal import Compiler
private import Glibc
internal import Policy

/// What the user is told of one run: the record of what is enforced, and where events go.
struct Supervision {
    private let options: RunOptions
    private let plan: Plan
    private let findings: [Coverage.Finding]
    private let commandName: String

    init(_ options: RunOptions, plan: Plan, findings: [Coverage.Finding], commandName: String) {
        self.options = options
        self.plan = plan
        self.findings = findings
        self.commandName = commandName
    }

    /// The first record; nil where nobody would see it.
    ///
    /// - Parameter generation: the agent's, where it enforces.
    func record(hasLandlock: Bool, canNotify: Bool, generation: Int? = nil) -> EnforcementRecord? {
        guard options.audit != nil || options.isVerbose else { return nil }
        var reported = EnforcementRecord.Reported.full
        if !canNotify {
            // Of what the agent's programs deny, it tells whoever stays.
            reported = generation == nil || options.isExecOnly ? .none : .partial
        } else if hasLandlock, !options.explains {
            reported = .partial
        }
        return EnforcementRecord(
            state: .began, backend: generation != nil ? .lsm : hasLandlock ? .landlock : .seccomp,
            reported: reported,
            policies: plan.layers.map {
                PolicyReference(
                    name: $0.name, digest: $0.digest, generation: generation.map { UInt64($0) },
                    mode: $0.mode == .complain ? .complain : .enforce)
            }, sections: EnforcementSummary.sections(of: plan, findings: findings))
    }

    /// Where events go.
    func reporter(hasLandlock: Bool) throws(CommandRun.Refused) -> Reporter {
        var reporting = Reporter.Options()
        reporting.command = commandName
        reporting.isVerbose = options.isVerbose
        reporting.reportsEverything =
            options.explains || options.complains || !hasLandlock
            || !plan.layers.contains { $0.recipe.deniesFilesOrAddresses }
        let file: AuditFile
        switch options.audit {
        case nil: return Reporter(options: reporting)
        case .standardOutput:
            // Inherited descriptors do not close on exec; this one stands in for one that was closed.
            guard fcntl(STDOUT_FILENO, F_GETFD) & FD_CLOEXEC == 0 else {
                throw CommandRun.Refused("cannot write events to standard output: it is not open")
            }
            file = AuditFile(borrowing: STDOUT_FILENO)
        case .descriptor(let number):
            guard fcntl(number, F_GETFD) >= 0 else {
                throw CommandRun.Refused("cannot write events to descriptor \(number): it is not open")
            }
            file = AuditFile(borrowing: number)
        case .file(let path):
            do throws(AuditFileError) {
                file = try AuditFile(appendingTo: path)
            } catch {
                throw CommandRun.Refused(
                    "cannot open the audit log '\(AuditText(path).string)': \(SystemError.text(error.code))")
            }
        }
        return Reporter(AuditWriter(file, encoder: AuditEncoder.forThisHost()), options: reporting)
    }
}

/// How much of each section is enforced, over all layers.
enum EnforcementSummary {
    private static let names = ["files", "network", "capabilities", "operations", "syscalls"]

    static func sections(of plan: Plan, findings: [Coverage.Finding]) -> [EnforcementRecord.Section] {
        let coverage = plan.coverage
        let rows = coverage.flatMap(\.rows)
        let all = coverage.flatMap(\.findings) + findings
        return names.compactMap { name in
            let own = rows.filter { $0.section == name }
            guard !own.isEmpty else { return nil }
            let differing = all.filter { $0.section == name && $0.kind != .widened }
            var layers: [AuditEvent.Layer] = []
            for layer in own.flatMap(\.layers) {
                // Dropped capabilities are reported as what the filter enforces: the format has no third word.
                let word: AuditEvent.Layer =
                    layer == .landlock ? .landlock : layer == .lsm ? .lsm : .seccomp
                if !layers.contains(word) { layers.append(word) }
            }
            let extent: EnforcementRecord.Extent =
                own.allSatisfy({ $0.extent == .none })
                ? .none
                : own.allSatisfy({ $0.extent == .full }) && differing.isEmpty ? .full : .partial
            var gaps: [String] = []
            for finding in differing where !gaps.contains(finding.line) { gaps.append(finding.line) }
            return .init(name: name, extent: extent, layers: layers, gaps: gaps)
        }
    }
}
