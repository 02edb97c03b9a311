/// A request and what was decided of it: the content of `denial` and `grant`.
public struct AccessRecord: Hashable, Sendable {
    public var layer: AuditEvent.Layer
    public var verdict: AuditEvent.Verdict
    /// What the caller got: `EACCES`. Absent where nothing was refused.
    public var errno: String?
    /// What was asked for, in the order of the language page's tables.
    public var access: [String]
    /// What of it was denied.
    public var denied: [String]
    /// Of a grant, the access that the rule is about.
    public var reported: String?
    public var object: AuditObject
    public var policy: PolicyReference
    /// The rule of the first denied access; of the oldest layer that denies. Absent where no section decided.
    public var rule: RuleReference?
    public var process: ProcessIdentity
    /// How many equal requests this stands for.
    public var count: UInt64
    /// When the first and the last of them were; absent for a single one.
    public var span: ClosedRange<AuditTime>?

    public init(
        layer: AuditEvent.Layer, verdict: AuditEvent.Verdict, errno: String?, access: [String],
        denied: [String], reported: String? = nil,
        object: AuditObject, policy: PolicyReference, rule: RuleReference?, process: ProcessIdentity,
        count: UInt64 = 1, span: ClosedRange<AuditTime>? = nil
    ) {
        self.layer = layer
        self.verdict = verdict
        self.errno = errno
        self.access = access
        self.denied = denied
        self.reported = reported
        self.object = object
        self.policy = policy
        self.rule = rule
        self.process = process
        self.count = count
        self.span = span
    }

    /// `<object>.<access or operation>`, of what was denied first, or of what is reported as granted.
    public var action: String {
        switch object {
        case .file: "file.\(denied.first ?? reported ?? access.first ?? "open")"
        case .socket: "socket.\(denied.first ?? access.first ?? "create")"
        case .syscall(let name, _): "syscall.\(name)"
        case .capability(let name): "capability.\(name)"
        case .operation(let name): "operation.\(name)"
        case .process: "process.\(denied.first ?? access.first ?? "signal")"
        }
    }
}

/// What a request was about.
public enum AuditObject: Hashable, Sendable {
    /// A file by its path, with its device (`8:1`) and inode where known.
    case file(path: [UInt8], device: String? = nil, inode: UInt64? = nil)
    case socket(AuditSocket)
    /// A system call by name, with its six arguments (numbers and addresses, never what these point to).
    case syscall(name: String, arguments: [UInt64])
    case capability(name: String)
    case operation(name: String)
    /// Another process.
    case process(pid: Int32, comm: [UInt8]? = nil)

    /// `object.type`.
    public var type: ObjectType {
        switch self {
        case .file: .file
        case .socket: .socket
        case .syscall: .syscall
        case .capability: .capability
        case .operation: .operation
        case .process: .process
        }
    }

    /// The types of objects.
    public enum ObjectType: String, CaseIterable, Hashable, Sendable {
        case file, socket, syscall, capability, operation, process
    }
}

/// A socket, as far as the request tells.
public struct AuditSocket: Hashable, Sendable {
    /// `inet`, `inet6`, `unix`, `netlink`, or the kernel's number.
    public var family: String
    /// `tcp`, `udp`, or the kernel's number.
    public var transport: String?
    public var address: String?
    public var port: UInt16?
    /// The path of a unix socket.
    public var path: [UInt8]?
    /// A name in the abstract namespace, without the leading NUL.
    public var abstractName: [UInt8]?

    public init(
        family: String, transport: String? = nil, address: String? = nil, port: UInt16? = nil,
        path: [UInt8]? = nil, abstractName: [UInt8]? = nil
    ) {
        self.family = family
        self.transport = transport
        self.address = address
        self.port = port
        self.path = path
        self.abstractName = abstractName
    }
}

/// Which policy decided.
public struct PolicyReference: Hashable, Sendable {
    public var name: String
    /// `sha256:…`.
    public var digest: String?
    public var generation: UInt64?
    public var mode: AuditEvent.Mode
    /// By which the kernel knows it; nobody is told.
    public var layer: UInt32?
    /// What it is accounted for as, where that is not its name.
    private let ownAccount: String?

    public var account: String { ownAccount ?? name }

    public init(
        name: String, digest: String? = nil, generation: UInt64? = nil, mode: AuditEvent.Mode = .enforce,
        layer: UInt32? = nil, account: String? = nil
    ) {
        self.name = name
        self.digest = digest
        self.generation = generation
        self.mode = mode
        self.layer = layer
        ownAccount = account
    }
}

/// Which rule decided.
public struct RuleReference: Hashable, Sendable {
    public var id: String
    /// The path as given plus `:line`; built-in rules have none.
    public var source: String?

    public init(id: String, source: String? = nil) {
        self.id = id
        self.source = source
    }
}

/// Who asked. What is not known is nil.
public struct ProcessIdentity: Hashable, Sendable {
    public var pid: Int32
    public var tid: Int32?
    public var ppid: Int32?
    /// Nanoseconds from boot to the start of the process.
    public var start: UInt64?
    public var uid: UInt32?
    public var gid: UInt32?
    public var comm: [UInt8]?
    public var exe: [UInt8]?
    public var cgroup: [UInt8]?

    public init(
        pid: Int32, tid: Int32? = nil, ppid: Int32? = nil, start: UInt64? = nil, uid: UInt32? = nil,
        gid: UInt32? = nil, comm: [UInt8]? = nil, exe: [UInt8]? = nil, cgroup: [UInt8]? = nil
    ) {
        self.pid = pid
        self.tid = tid
        self.ppid = ppid
        self.start = start
        self.uid = uid
        self.gid = gid
        self.comm = comm
        self.exe = exe
        self.cgroup = cgroup
    }
}
