/// What is enforced: the content of `enforcement`.
public struct EnforcementRecord: Hashable, Sendable {
    /// What happened to the confinement.
    public enum State: String, CaseIterable, Hashable, Sendable {
        case began, changed, ended
    }

    /// How much of something is enforced.
    public enum Extent: String, CaseIterable, Hashable, Sendable {
        case full, partial, none
    }

    /// Which denials reach this log.
    public enum Reported: String, CaseIterable, Hashable, Sendable {
        case full, partial, none
    }

    /// What is enforced of one section.
    public struct Section: Hashable, Sendable {
        /// `files`, `network`, `capabilities`, `operations`, `syscalls`.
        public var name: String
        public var extent: Extent
        public var layers: [AuditEvent.Layer]
        /// What is not enforced, in words.
        public var gaps: [String]

        public init(name: String, extent: Extent, layers: [AuditEvent.Layer], gaps: [String] = []) {
            self.name = name
            self.extent = extent
            self.layers = layers
            self.gaps = gaps
        }
    }

    public var state: State
    /// `lsm` or `landlock`; absent where the kernel enforces nothing.
    public var backend: AuditEvent.Layer?
    public var reported: Reported
    /// Oldest layer first.
    public var policies: [PolicyReference]
    public var sections: [Section]
    public var process: ProcessIdentity?
    /// How the command ended.
    public var status: Int32?

    public init(
        state: State, backend: AuditEvent.Layer?, reported: Reported, policies: [PolicyReference],
        sections: [Section] = [], process: ProcessIdentity? = nil, status: Int32? = nil
    ) {
        self.state = state
        self.backend = backend
        self.reported = reported
        self.policies = policies
        self.sections = sections
        self.process = process
        self.status = status
    }
}

/// A change of what is loaded: the content of `policy`.
public struct PolicyRecord: Hashable, Sendable {
    public enum Change: String, CaseIterable, Hashable, Sendable {
        case loaded, replaced, removed
        case rolledBack = "rolled-back"
    }

    public var change: Change
    public var policy: PolicyReference
    /// Who did it.
    public var uid: UInt32
    public var pid: Int32

    public init(change: Change, policy: PolicyReference, uid: UInt32, pid: Int32) {
        self.change = change
        self.policy = policy
        self.uid = uid
        self.pid = pid
    }
}

/// Events that were not written: the content of `gap`.
public struct GapRecord: Hashable, Sendable {
    /// Why.
    public enum Reason: String, CaseIterable, Hashable, Sendable {
        /// The kernel's buffer was full.
        case ring
        /// More came than the writer lets through.
        case rate
        /// The file could not be written.
        case disk
        /// Nobody was there to read.
        case restart
    }

    public var reason: Reason
    public var count: UInt64
    /// Whose; absent where they are of several policies or of none.
    public var policy: String?
    public var span: ClosedRange<AuditTime>

    public init(reason: Reason, count: UInt64, policy: String?, span: ClosedRange<AuditTime>) {
        self.reason = reason
        self.count = count
        self.policy = policy
        self.span = span
    }
}

/// The agent's life: the content of `agent`.
public struct AgentRecord: Hashable, Sendable {
    public enum State: String, CaseIterable, Hashable, Sendable {
        case started, stopped, degraded
        case tookOver = "took-over"
    }

    public var state: State
    public var version: String?
    public var reason: String?

    public init(state: State, version: String? = nil, reason: String? = nil) {
        self.state = state
        self.version = version
        self.reason = reason
    }
}

/// A hand on the agent: the content of `tamper`.
public struct TamperRecord: Hashable, Sendable {
    /// `<object>.<access or operation>`.
    public var action: String
    public var verdict: AuditEvent.Verdict
    public var object: AuditObject
    /// By whose layer it was noticed; absent where the agent is sealed and no policy had a say.
    public var policy: PolicyReference?
    public var process: ProcessIdentity
    /// How many equal ones this stands for.
    public var count: UInt64
    /// When the first and the last of them were; absent for a single one.
    public var span: ClosedRange<AuditTime>?

    public init(
        action: String, verdict: AuditEvent.Verdict, object: AuditObject, policy: PolicyReference? = nil,
        process: ProcessIdentity, count: UInt64 = 1, span: ClosedRange<AuditTime>? = nil
    ) {
        self.action = action
        self.verdict = verdict
        self.object = object
        self.policy = policy
        self.process = process
        self.count = count
        self.span = span
    }

    /// What a request for what is the agent's own came to.
    public init(_ record: AccessRecord) {
        self.init(
            action: record.action, verdict: record.verdict, object: record.object,
            policy: record.policy.name.isEmpty ? nil : record.policy, process: record.process,
            count: record.count, span: record.span)
    }
}

/// A link of the chain: the content of `seal`.
public struct SealRecord: Hashable, Sendable {
    /// How many lines since the seal before.
    public var lines: UInt64
    /// Of the seal before and the bytes since, 64 hexadecimal digits.
    public var sha256: String

    public init(lines: UInt64, sha256: String) {
        self.lines = lines
        self.sha256 = sha256
    }
}
