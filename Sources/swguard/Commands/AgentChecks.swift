internal import AuditLog
internal import Confinement
internal import Control
private import Glibc
internal import Policy

/// What `doctor` says of the host-wide agent and of what that needs: as the agent found it, where one answers.
enum AgentChecks {
    static func all() -> [HostCheck] {
        let path = ControlAddress.ofEnvironment()
        do throws(ControlClientError) {
            var client = try ControlClient(path: path)
            return checks(of: try client.status())
        } catch {
            return unanswered(error)
        }
    }

    // MARK: Where an agent answers

    /// What the agent's facts about the kernel come to, by their names; what is not here is good.
    private static let lacking: KeyValuePairs<String, String> = [
        "busy-storage": "what cannot be decided is denied; boot with 'preempt=voluntary' to have it decided",
        "missing-hook":
            "what only that hook sees is not enforced; 'swguard plan' says of each policy what that is",
    ]

    static func checks(of status: AgentStatus) -> [HostCheck] {
        var checks = [
            HostCheck(
                subject: "agent", state: status.extent == .full ? .good : .partial,
                found: "version \(status.version), process \(status.pid), enforcing "
                    + (status.policies == 1 ? "1 policy" : "\(status.policies) policies") + " "
                    + StatusCommand.words(status.extent),
                advice: status.extent == .full ? nil : "'swguard status' says what is not enforced")
        ]
        for fact in status.facts {
            let advice = lacking.first { $0.key == fact.name }?.value
            checks.append(
                HostCheck(
                    subject: fact.name, state: advice == nil ? .good : .partial, found: fact.text,
                    advice: advice))
        }
        if status.refused > 0 {
            checks.append(
                HostCheck(
                    subject: "layers", state: .partial,
                    found:
                        "\(status.refused) tasks had no room for a policy, and are denied what it mediates",
                    advice: "a task has 8 policies at most: join some, or start the processes anew"))
        }
        if status.unwritten > 0 {
            checks.append(
                HostCheck(
                    subject: "audit log", state: .partial,
                    found: "\(status.unwritten) events could not be written, and wait to be told as gaps",
                    advice: "make room where the log is, or make its reader faster"))
        }
        return checks.map { check in
            HostCheck(
                subject: check.subject, state: check.state, found: DiagnosticFormatter.printable(check.found),
                advice: check.advice)
        }
    }

    // MARK: Where none does

    private static func unanswered(_ error: ControlClientError) -> [HostCheck] {
        [
            HostCheck(
                subject: "agent", state: .partial, found: DiagnosticFormatter.printable(error.text),
                advice: "without it policies confine only what 'swguard run' starts"),
            kernel(
                modules: ProcessFile.read("/sys/kernel/security/lsm").map { bytes in
                    String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
                }),
        ]
    }

    /// Whether an agent could enforce, as far as that shows without trying it.
    static func kernel(modules: String?) -> HostCheck {
        guard let modules else {
            return HostCheck(
                subject: "bpf-lsm", state: .partial, found: "cannot be seen: securityfs is not mounted",
                advice: "an agent that is started tries it")
        }
        let hasTypes = unsafe access("/sys/kernel/btf/vmlinux", R_OK) == 0
        guard modules.split(separator: ",").contains("bpf") else {
            return HostCheck(
                subject: "bpf-lsm", state: .partial, found: "not among the kernel's security modules",
                advice: "for an agent, boot with 'lsm=\(modules.isEmpty ? "" : modules + ",")bpf'")
        }
        return HostCheck(
            subject: "bpf-lsm", state: hasTypes ? .good : .partial,
            found: hasTypes
                ? "among the kernel's security modules; an agent tries whether its programs run"
                : "the kernel does not describe its types",
            advice: hasTypes ? nil : "an agent needs a kernel with CONFIG_DEBUG_INFO_BTF=y")
    }
}
