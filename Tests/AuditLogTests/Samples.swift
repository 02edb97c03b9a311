import AuditLog

/// SplitMix64: the same numbers for the same seed, on every machine.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    /// Bytes of any kind, or of those that are likely to break something.
    mutating func bytes(upTo limit: Int) -> [UInt8] {
        let count = Int.random(in: 0...limit, using: &self)
        switch Int.random(in: 0..<4, using: &self) {
        case 0: return (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
        case 1: return (0..<count).map { _ in "\\\"\u{1b}\n/x…é".utf8.randomElement(using: &self) ?? 0 }
        case 2:
            let scalars = (0..<count / 3).map { _ in
                Unicode.Scalar(UInt32.random(in: 0...0x1_0fff, using: &self)) ?? "?"
            }
            return Array(String(String.UnicodeScalarView(scalars)).utf8)
        default: return (0..<count).map { _ in UInt8.random(in: 0x20...0x7e, using: &self) }
        }
    }

    mutating func text(upTo limit: Int) -> String { String(decoding: bytes(upTo: limit), as: UTF8.self) }
}

/// Events of every kind and shape.
enum Samples {
    static let time = AuditTime(seconds: 1_795_342_530, nanoseconds: 123_456_789)
    static let later = AuditTime(seconds: 1_795_342_531, nanoseconds: 5)
    static let process = ProcessIdentity(
        pid: 812, tid: 812, ppid: 1, start: 81_200_340_112, uid: 33, gid: 33, comm: Array("nginx".utf8),
        exe: Array("/usr/sbin/nginx".utf8), cgroup: Array("/system.slice/nginx.service".utf8))
    static let policy = PolicyReference(
        name: "web-server", digest: "sha256:" + String(repeating: "0f", count: 32), generation: 7)

    static let denial = AuditEvent.denial(
        access(.file(path: Array("/etc/passwd".utf8), device: "8:1", inode: 131_099)))

    static func access(
        _ object: AuditObject, verdict: AuditEvent.Verdict = .deny, access: [String] = ["write"],
        count: UInt64 = 1,
        process: ProcessIdentity = process
    ) -> AccessRecord {
        AccessRecord(
            layer: .lsm, verdict: verdict, errno: verdict == .deny ? "EACCES" : nil, access: access,
            denied: verdict == .allow ? [] : access, object: object, policy: policy,
            rule: RuleReference(id: "files.default", source: "web-server.yaml:12"), process: process,
            count: count,
            span: count > 1 ? time...later : nil)
    }

    static let objects: [(AuditObject, [String])] = [
        (.file(path: Array("/etc/passwd".utf8)), ["read", "write"]),
        (.socket(AuditSocket(family: "inet", transport: "tcp", address: "1.2.3.4", port: 25)), ["connect"]),
        (.socket(AuditSocket(family: "unix", path: Array("/run/x.sock".utf8))), ["bind"]),
        (.socket(AuditSocket(family: "unix", abstractName: [0x61, 0])), ["connect"]),
        (.socket(AuditSocket(family: "netlink")), ["create"]),
        (.syscall(name: "ptrace", arguments: [16, .max, 0, 0, 0, 0]), ["ptrace"]),
        (.capability(name: "net_admin"), ["net_admin"]),
        (.operation(name: "terminal-injection"), ["terminal-injection"]),
        (.process(pid: 1, comm: Array("init".utf8)), ["signal"]),
    ]

    static let all: [AuditEvent] =
        objects.flatMap { object, names in
            [
                AuditEvent.denial(access(object, access: names)),
                .denial(access(object, verdict: .wouldDeny, access: names, count: 41)),
                .grant(access(object, verdict: .allow, access: names, process: ProcessIdentity(pid: 1))),
            ]
        }
        + EnforcementRecord.State.allCases.map {
            .enforcement(
                EnforcementRecord(
                    state: $0, backend: .landlock, reported: .partial, policies: [policy],
                    sections: [
                        .init(
                            name: "files", extent: .partial, layers: [.landlock], gaps: ["metadata: not seen"]
                        ),
                        .init(
                            name: "syscalls", extent: .full, layers: [.seccomp],
                            gaps: Array(repeating: "more", count: 9)),
                    ], process: process, status: $0 == .ended ? 2 : nil))
        }
        + PolicyRecord.Change.allCases.map {
            .policy(PolicyRecord(change: $0, policy: policy, uid: 0, pid: 77))
        }
        + GapRecord.Reason.allCases.map {
            .gap(
                GapRecord(reason: $0, count: 9, policy: $0 == .ring ? "web-server" : nil, span: time...later))
        }
        + AgentRecord.State.allCases.map {
            .agent(AgentRecord(state: $0, version: "1.0", reason: $0 == .degraded ? "no BTF" : nil))
        } + [
            .tamper(
                TamperRecord(action: "file.remove", verdict: .deny, object: objects[0].0, process: process)),
            .tamper(
                TamperRecord(
                    action: "process.signal", verdict: .wouldDeny, object: .process(pid: 7), policy: policy,
                    process: process, count: 3, span: time...later)),
            .seal(SealRecord(lines: 4096, sha256: String(repeating: "0a", count: 32))),
        ]

    /// An event whose strings hold anything.
    static func random(using random: inout Seeded) -> AuditEvent {
        let bytes = random.bytes(upTo: 6000)
        return filled(all.randomElement(using: &random) ?? denial, with: bytes)
    }

    /// `event` with every string from outside replaced.
    static func filled(_ event: AuditEvent, with bytes: [UInt8]) -> AuditEvent {
        switch event {
        case .denial(let record): .denial(filled(record, with: bytes))
        case .grant(let record): .grant(filled(record, with: bytes))
        case .enforcement(var record):
            { () -> AuditEvent in
                record.process = record.process.map { filled($0, with: bytes) }
                let text = String(decoding: bytes, as: UTF8.self)
                record.sections = (0..<8).map { _ in
                    .init(
                        name: "files", extent: .none, layers: AuditEvent.Layer.allCases,
                        gaps: Array(repeating: text, count: 9))
                }
                record.policies = Array(repeating: PolicyReference(name: text), count: 20)
                return .enforcement(record)
            }()
        case .tamper(var record):
            { () -> AuditEvent in
                record.object = filled(record.object, with: bytes)
                record.process = filled(record.process, with: bytes)
                return .tamper(record)
            }()
        default: event
        }
    }

    private static func filled(_ record: AccessRecord, with bytes: [UInt8]) -> AccessRecord {
        var record = record
        record.object = filled(record.object, with: bytes)
        record.process = filled(record.process, with: bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        record.rule = RuleReference(id: "x" + text, source: text + ":12")
        record.policy.name = text
        return record
    }

    private static func filled(_ object: AuditObject, with bytes: [UInt8]) -> AuditObject {
        switch object {
        case .file: return .file(path: bytes, device: "8:1", inode: .max)
        case .socket(var socket):
            if socket.path != nil { socket.path = bytes }
            if socket.abstractName != nil { socket.abstractName = bytes }
            socket.family = String(decoding: bytes, as: UTF8.self)
            return .socket(socket)
        case .process: return .process(pid: .max, comm: bytes)
        default: return object
        }
    }

    private static func filled(_ process: ProcessIdentity, with bytes: [UInt8]) -> ProcessIdentity {
        var process = process
        process.comm = bytes
        process.exe = bytes
        // A container's, too.
        process.cgroup = Array("/lxc/".utf8) + bytes
        return process
    }
}
