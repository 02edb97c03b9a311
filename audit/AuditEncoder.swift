/// Turns events into lines, numbered from 1 without holes.
///
/// Every string has a limit, and the limits together stay below the 16 KiB of a line: nothing that happens makes a
/// line that is not written.
public struct AuditEncoder: Sendable {
    /// The longest line, its newline included.
    public static let lineLimit = 16 * 1024

    /// What each string may take as JSON writes it, in bytes.
    enum Limit {
        /// PATH_MAX; a path that is longer or full of bytes to be escaped is cut.
        static let path = 4096
        static let cgroup = 1024
        /// A policy's file as given, and its line.
        static let source = 1024
        /// Names: of rules, policies, calls, hosts, threads.
        static let name = 256
        /// A sentence.
        static let sentence = 512
        /// How many layers a process can carry (language page, "Layers").
        static let policies = 8
        /// The sections of a policy.
        static let sections = 5
        /// The gaps of one section that are listed, and what one may take.
        static let gaps = 4
        static let gap = 160
        /// Accesses there are of any kind of object, and some to grow.
        static let accesses = 16
    }

    private let boot: AuditText?
    private let host: AuditText?
    /// The number of the next line.
    public private(set) var next: UInt64

    /// An encoder for this boot and host; what is empty is not known and absent. Its first line has the number `next`.
    public init(boot: [UInt8], host: [UInt8], next: UInt64 = 1) {
        self.next = next
        self.boot = boot.isEmpty ? nil : AuditText(boot, limit: Limit.name)
        self.host = host.isEmpty ? nil : AuditText(host, limit: Limit.name)
    }

    /// An encoder for the boot and host that this process runs on.
    public static func forThisHost(next: UInt64 = 1) -> Self {
        let newline = UInt8(ascii: "\n")
        func first(_ path: String) -> [UInt8] {
            Array((ProcessFile.read(path, limit: 256) ?? []).prefix { $0 != newline })
        }
        return Self(
            boot: first("/proc/sys/kernel/random/boot_id"), host: first("/proc/sys/kernel/hostname"),
            next: next)
    }

    /// The line of `event`, with its newline.
    public mutating func line(_ event: AuditEvent, at time: AuditTime) -> [UInt8] {
        var line = JSONLine()
        line.object {
            $0.number("v", 1)
            $0.number("seq", next)
            $0.word("time", time.text)
            if let boot { $0.text("boot", boot) }
            if let host { $0.text("host", host) }
            $0.word("kind", event.kind.rawValue)
            switch event {
            case .denial(let record), .grant(let record): $0.access(record)
            case .enforcement(let record): $0.enforcement(record)
            case .policy(let record): $0.policyChange(record)
            case .gap(let record): $0.gap(record)
            case .agent(let record): $0.agent(record)
            case .tamper(let record): $0.tamper(record)
            case .seal(let record): $0.seal(record)
            }
        }
        line.endLine()
        next += 1
        return line.bytes
    }
}

extension JSONLine {
    fileprivate typealias Limit = AuditEncoder.Limit

    fileprivate mutating func access(_ record: AccessRecord) {
        word("layer", record.layer.rawValue)
        text("action", AuditText(record.action, limit: Limit.name))
        word("verdict", record.verdict.rawValue)
        if let errno = record.errno { word("errno", errno) }
        words("access", record.access)
        words("denied", record.denied)
        object(record.object)
        policy("policy", record.policy)
        if let rule = record.rule {
            object("rule") {
                $0.text("id", AuditText(rule.id, limit: Limit.name))
                if let source = rule.source { $0.text("source", AuditText(source, limit: Limit.source)) }
            }
        }
        process(record.process)
        number("count", record.count)
        if let span = record.span { self.span(span) }
    }

    fileprivate mutating func enforcement(_ record: EnforcementRecord) {
        word("state", record.state.rawValue)
        if let backend = record.backend { word("backend", backend.rawValue) }
        word("reported", record.reported.rawValue)
        array("policies") {
            for reference in record.policies.prefix(Limit.policies) { $0.policy(nil, reference) }
        }
        array("sections") {
            for section in record.sections.prefix(Limit.sections) {
                $0.object {
                    $0.word("name", section.name)
                    $0.word("extent", section.extent.rawValue)
                    $0.words("layers", section.layers.map(\.rawValue))
                    if !section.gaps.isEmpty {
                        $0.array("gaps") {
                            for gap in section.gaps.prefix(Limit.gaps) {
                                $0.text(AuditText(gap, limit: Limit.gap))
                            }
                        }
                    }
                    if section.gaps.count > Limit.gaps { $0.flag("truncated") }
                }
            }
        }
        if let identity = record.process { process(identity) }
        if let status = record.status { number("status", status) }
    }

    fileprivate mutating func policyChange(_ record: PolicyRecord) {
        word("change", record.change.rawValue)
        policy("policy", record.policy)
        object("by") {
            $0.number("uid", record.uid)
            $0.number("pid", record.pid)
        }
    }

    fileprivate mutating func gap(_ record: GapRecord) {
        word("reason", record.reason.rawValue)
        number("count", record.count)
        if let policy = record.policy {
            object("policy") { $0.text("name", AuditText(policy, limit: Limit.name)) }
        }
        span(record.span)
    }

    fileprivate mutating func agent(_ record: AgentRecord) {
        word("state", record.state.rawValue)
        if let version = record.version { text("version", AuditText(version, limit: Limit.name)) }
        if let reason = record.reason { text("reason", AuditText(reason, limit: Limit.sentence)) }
    }

    fileprivate mutating func tamper(_ record: TamperRecord) {
        text("action", AuditText(record.action, limit: Limit.name))
        word("verdict", record.verdict.rawValue)
        object(record.object)
        if let reference = record.policy { policy("policy", reference) }
        process(record.process)
        if record.count > 1 { number("count", record.count) }
        if let span = record.span { self.span(span) }
    }

    fileprivate mutating func seal(_ record: SealRecord) {
        number("lines", record.lines)
        word("sha256", record.sha256)
    }

    private mutating func words(_ key: StaticString, _ words: [String]) {
        array(key) {
            for word in words.prefix(Limit.accesses) { $0.text(AuditText(word, limit: 64)) }
        }
    }

    private mutating func span(_ span: ClosedRange<AuditTime>) {
        word("first", span.lowerBound.text)
        word("last", span.upperBound.text)
    }

    private mutating func policy(_ key: StaticString?, _ reference: PolicyReference) {
        object(key) {
            $0.text("name", AuditText(reference.name, limit: Limit.name))
            if let digest = reference.digest { $0.text("digest", AuditText(digest, limit: Limit.name)) }
            if let generation = reference.generation { $0.number("generation", generation) }
            $0.word("mode", reference.mode.rawValue)
        }
    }

    private mutating func object(_ value: AuditObject) {
        object("object") { line in
            line.word("type", value.type.rawValue)
            var isTruncated = false
            func add(_ key: StaticString, _ bytes: [UInt8], limit: Int) {
                let text = AuditText(bytes, limit: limit)
                line.text(key, text)
                isTruncated = isTruncated || text.isTruncated
            }
            switch value {
            case .file(let path, let device, let inode):
                add("path", path, limit: Limit.path)
                if let device { line.word("device", device) }
                if let inode { line.number("inode", inode) }
            case .socket(let socket):
                add("family", Array(socket.family.utf8), limit: Limit.name)
                if let transport = socket.transport {
                    add("protocol", Array(transport.utf8), limit: Limit.name)
                }
                if let address = socket.address { add("address", Array(address.utf8), limit: Limit.name) }
                if let port = socket.port { line.number("port", port) }
                if let path = socket.path { add("path", path, limit: Limit.path) }
                if let name = socket.abstractName { add("abstract", name, limit: Limit.name * 4) }
            case .syscall(let name, let arguments):
                add("name", Array(name.utf8), limit: Limit.name)
                line.array("args") {
                    for argument in arguments.prefix(6) { $0.hexadecimal(argument) }
                }
            case .capability(let name), .operation(let name): add("name", Array(name.utf8), limit: Limit.name)
            case .process(let pid, let comm):
                line.number("pid", pid)
                if let comm { add("comm", comm, limit: Limit.name) }
            }
            if isTruncated { line.flag("truncated") }
        }
    }

    private mutating func process(_ identity: ProcessIdentity) {
        object("process") { line in
            var isTruncated = false
            func add(_ key: StaticString, _ bytes: [UInt8]?, limit: Int) {
                guard let bytes else { return }
                let text = AuditText(bytes, limit: limit)
                line.text(key, text)
                isTruncated = isTruncated || text.isTruncated
            }
            line.number("pid", identity.pid)
            if let tid = identity.tid { line.number("tid", tid) }
            if let ppid = identity.ppid { line.number("ppid", ppid) }
            if let start = identity.start { line.number("start", start) }
            if let uid = identity.uid { line.number("uid", uid) }
            if let gid = identity.gid { line.number("gid", gid) }
            add("comm", identity.comm, limit: Limit.name)
            add("exe", identity.exe, limit: Limit.path)
            add("cgroup", identity.cgroup, limit: Limit.cgroup)
            add("container", identity.container, limit: Limit.name)
            if isTruncated { line.flag("truncated") }
        }
    }
}
