internal import AuditLog
internal import CSwguardBPF
internal import Compiler
private import Glibc
internal import Policy

/// What the kernel reported, as the audit log says it.
struct EventReport {
    /// The policy by which it was decided.
    let policy: PolicyLegend
    /// What is to be added to a time since boot for one since 1970, in nanoseconds.
    let bootTime: Int64

    /// The event and its time; nil: a rule wants it not to be reported.
    func event(of event: KernelEvent, _ names: inout ProcessNames) -> (AuditEvent, AuditTime)? {
        let record = event.record
        if record.cause == .SWGUARD_CAUSE_RULE, policy.areLogged.indices.contains(Int(record.rule)),
            !policy.areLogged[Int(record.rule)]
        {
            return nil
        }
        let words = Self.words(of: record)
        let rule = Self.rule(of: record, policy)
        let isGranted = record.error == 0 && record.would_deny == 0
        let access = AccessRecord(
            layer: .lsm,
            verdict: isGranted ? .allow : record.would_deny != 0 ? .wouldDeny : .deny,
            errno: record.would_deny != 0 || isGranted ? nil : Self.name(ofError: record.error),
            access: words.asked, denied: isGranted ? [] : words.denied,
            reported: isGranted ? words.denied.first : nil,
            object: Self.object(of: event),
            policy: PolicyReference(
                name: policy.name, digest: policy.digest, generation: UInt64(record.generation),
                mode: policy.mode == .complain ? .complain : .enforce, layer: record.policy,
                account: policy.listedName),
            rule: RuleReference(id: rule.id, source: rule.location?.fileAndLine),
            process: Self.process(of: event, &names))
        let (sum, isTooLarge) = Int64(clamping: record.time_ns).addingReportingOverflow(bootTime)
        let time = AuditTime(sinceEpoch: isTooLarge ? .max : sum)
        return (isGranted ? .grant(access) : .denial(access), time)
    }

    /// Why the rule that decided says it does.
    func reason(of event: KernelEvent) -> String? { Self.rule(of: event.record, policy).reason }

    /// What was asked and what was denied, in the words of the language.
    private static func words(of record: EventRecord) -> (asked: [String], denied: [String]) {
        if record.cause == .SWGUARD_CAUSE_OPERATION {
            let name = operation(record.access)
            return ([name], [name])
        }
        switch record.object {
        case .SWGUARD_OBJECT_FILE:
            let denied = FileAccess(rawValue: UInt8(truncatingIfNeeded: record.access))?.name ?? "read"
            let asked = FileAccessSet(rawValue: UInt16(truncatingIfNeeded: record.detail)).members.map(\.name)
            return (asked.isEmpty ? [denied] : asked, [denied])
        case .SWGUARD_OBJECT_CAPABILITY:
            let name = capability(record.access)
            return ([name], [name])
        case .SWGUARD_OBJECT_PROCESS:
            let name = record.access == SWGUARD_PROCESS_LIMIT ? "limit" : operation(record.access)
            return ([name], [name])
        case .SWGUARD_OBJECT_SOCKET:
            let name = NetworkAccess(rawValue: UInt8(truncatingIfNeeded: record.access))?.name ?? "create"
            return ([name], [name])
        default:
            let name = operation(record.access)
            return ([name], [name])
        }
    }

    private static func object(of event: KernelEvent) -> AuditObject {
        let record = event.record
        if record.cause == .SWGUARD_CAUSE_OPERATION { return .operation(name: operation(record.access)) }
        switch record.object {
        case .SWGUARD_OBJECT_FILE: return .file(path: event.path)
        case .SWGUARD_OBJECT_CAPABILITY: return .capability(name: capability(record.access))
        case .SWGUARD_OBJECT_SOCKET: return .socket(AuditSocket(event))
        case .SWGUARD_OBJECT_PROCESS: return .process(pid: Int32(bitPattern: record.detail))
        default: return .operation(name: operation(record.access))
        }
    }

    private static func operation(_ number: UInt32) -> String {
        let all = Operation.allCases
        return all.indices.contains(Int(number)) ? all[Int(number)].name : "unknown"
    }

    /// What is newer than the table has no name; what policies could call it is a word all the same.
    private static func capability(_ number: UInt32) -> String {
        Capability(rawValue: UInt8(clamping: number))?.name ?? "unknown"
    }

    /// The rule that decided, a section's default, or one that is built in.
    private static func rule(of record: EventRecord, _ policy: PolicyLegend) -> DecidingRule {
        switch record.cause {
        case .SWGUARD_CAUSE_UNRESOLVED: return DecidingRule(id: "unresolved", location: nil)
        case .SWGUARD_CAUSE_NO_ROOM: return DecidingRule(id: "no-room", location: nil)
        case .SWGUARD_CAUSE_NO_GAIN: return DecidingRule(id: "no-gain", location: nil)
        case .SWGUARD_CAUSE_SELF: return DecidingRule(id: OwnFiles.rule, location: nil)
        default: break
        }
        if policy.rules.indices.contains(Int(record.rule)) { return policy.rules[Int(record.rule)] }
        // Of another agent's generation, of which nothing is known but this.
        if policy.digest == nil, record.rule != SWGUARD_NO_RULE {
            return DecidingRule(id: "rules[\(record.rule)]", location: nil)
        }
        var section: SectionOfEvent =
            record.cause == .SWGUARD_CAUSE_OPERATION ? .operations : SectionOfEvent(record.object)
        // A named unix socket is a file where the policy speaks of files and not of the network.
        if section == .network, policy.digest != nil, policy.network == nil { section = .files }
        return section.defaultRule(of: policy, number: record.access)
    }

    /// Who asked, as the kernel saw it. The paths are what its numbers stand for, as far as that can be found out now.
    private static func process(of event: KernelEvent, _ names: inout ProcessNames) -> ProcessIdentity {
        let record = event.record
        let pid = Int32(bitPattern: record.process)
        let executable = ProcessNames.FileNumber(
            device: record.executable_device, inode: record.executable)
        return ProcessIdentity(
            pid: pid, tid: Int32(bitPattern: record.thread), ppid: Int32(bitPattern: record.parent),
            start: record.start_ns, uid: record.user, gid: record.group, comm: event.command,
            exe: names.executable(executable, pid: pid), cgroup: names.cgroup(record.cgroup))
    }

    private static func name(ofError code: Int32) -> String {
        switch code {
        case EPERM: "EPERM"
        case EACCES: "EACCES"
        case EXDEV: "EXDEV"
        case ENOSYS: "ENOSYS"
        default: String(code)
        }
    }
}

/// The section of a policy that an event is about.
private enum SectionOfEvent {
    case files, network, capabilities, operations

    init(_ object: EventObjectKind) {
        switch object {
        case .SWGUARD_OBJECT_FILE: self = .files
        case .SWGUARD_OBJECT_SOCKET: self = .network
        case .SWGUARD_OBJECT_CAPABILITY: self = .capabilities
        default: self = .operations
        }
    }

    func defaultRule(of policy: PolicyLegend, number: UInt32) -> DecidingRule {
        switch self {
        case .files: DecidingRule(id: "files.default", location: policy.files)
        case .network: DecidingRule(id: "network.default", location: policy.network)
        case .capabilities: DecidingRule(id: "capabilities.default", location: policy.capabilities)
        case .operations:
            // Starred and daggered operations are the language's own.
            DecidingRule(
                id: "operations.default",
                location: Operation.allCases.indices.contains(Int(number))
                    && Operation.allCases[Int(number)].defaultRule == .sectionDefault
                    ? policy.operations : nil)
        }
    }
}
