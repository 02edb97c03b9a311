import Policy

/// One call of a confined program: what has to be there for it, and what the kernel asks while it is made.
struct OracleTrial: Hashable {
    /// What is made for it, and taken away afterwards.
    enum Object: Hashable {
        case file(String), directory(String), program(String)
        /// What the call makes, if it is granted.
        case result(String)
    }

    /// As `attacks --batch` takes it.
    var call: String
    var objects: [Object] = []
    /// In the kernel's order; the first that is denied ends the call.
    var questions: [(OracleQuestion, errno: Int32)]
    /// What the call comes to where all is granted.
    var otherwise: Int32 = 0
    /// Whether the kernel asks the same once or several times, for each key that is looked at: where nothing is refused, all of
    /// that is reported.
    var asksOften = false

    static func == (one: Self, other: Self) -> Bool { one.call == other.call && one.objects == other.objects }
    func hash(into hasher: inout Hasher) { hasher.combine(call) }

    /// Calls that ask for one operation and nothing else, from the table of requests.
    static let operations = Dictionary(grouping: simple(Request.operations, "operation.")) { $0.name }
    /// The same of capabilities; where an operation is asked for, too, the policy grants it.
    static let capabilities = Dictionary(grouping: simple(Request.capabilities, "capability.")) { $0.name }

    struct Simple {
        var name: String
        var row: Request
    }

    /// What asks for files, too, or for `ptrace`, or of a descriptor that is another one here; and `syslog`, for which the
    /// kernel takes `sys_admin` before 6.2.
    private static let unfit = [
        "capability syslog", "TIOCSTI", "core_pattern", "modprobe", "/proc/", "nsfs", "finit_module",
        "setns by a process",
    ]

    /// Rows that need nothing but the words of the world and change nothing that another trial needs.
    private static func simple(_ rows: [Request], _ prefix: String) -> [Simple] {
        let words = ["TARGET", "SHM", "SEM", "MSG"]
        return rows.filter { row in
            row.call.allSatisfy { words.contains($0) || $0 != $0.uppercased() || Int($0) != nil }
                && !unfit.contains { row.name.contains($0) }
        }.map { Simple(name: String($0.action.dropFirst(prefix.count)), row: $0) }
    }
}

/// Random trials that a policy has something to say about.
struct OracleTrialGenerator {
    private var numbers: SeededNumbers
    private let words: [String: String]
    /// For names that nothing had before.
    private var count = 100
    /// 6.1 asks once more when an open truncates.
    private let asksTwiceToTruncate: Bool
    /// Whether a policy speaks of capabilities.
    private var hasCapabilities = false

    init(seed: UInt64, words: [String: String], asksTwiceToTruncate: Bool) {
        numbers = SeededNumbers(seed: seed)
        self.words = words
        self.asksTwiceToTruncate = asksTwiceToTruncate
    }

    /// A trial that is in a section of one of the policies, mostly.
    mutating func trial(under policies: [OraclePolicy]) -> OracleTrial {
        let policy = numbers.pick(policies)
        // Only where every layer takes them for what they are.
        let isPlain = policies.allSatisfy { $0.capabilities == nil && $0.network == nil }
        if policy.capabilities != nil, policies.count == 1 { return capability() }
        if policy.operations != nil, isPlain, numbers.below(2) == 0 { return operation() }
        if policy.network != nil, policy.files == nil || numbers.below(2) == 0 { return network(policies) }
        hasCapabilities = policies.contains { $0.capabilities != nil }
        return file()
    }

    // MARK: Files

    private mutating func newPath() -> String {
        count += 1
        let stem = numbers.pick(["f", "g", "k.", "ab", ""])
        return "\(numbers.pick(OracleWorld.places))/\(stem)\(count)\(numbers.pick(["", ".log", "b"]))"
    }

    private mutating func oldPath() -> String {
        numbers.pick(OracleWorld.places) + "/" + numbers.pick(OracleWorld.files)
    }

    private mutating func file() -> OracleTrial {
        switch numbers.below(3) {
        case 0: existing()
        case 1: changing()
        default: numbers.below(2) == 0 ? existing() : moving()
        }
    }

    private func asks(_ path: String, _ accesses: FileAccessSet) -> (OracleQuestion, errno: Int32) {
        (.file(Array(path.utf8), accesses), errno: 13)
    }

    /// What leaves an object of the world as it is.
    private mutating func existing() -> OracleTrial {
        let table: [(String, [FileAccessSet])] = [
            ("read", [.read]), ("read", [.read]), ("openat2", [.read]), ("reopen", [.read]),
            ("write", [.write]), ("append", [.write]), ("open-both", [[.read, .write]]),
            ("chmod", [.metadata]), ("touch", [.metadata]), ("watch", [.read]),
            ("map-after-open", [.read, .map]), ("execute", [.execute]), ("list", [.read]),
            ("set-attribute", [.metadata]),
        ]
        // The last asks for a capability, too.
        let (name, accesses) = table[numbers.below(hasCapabilities ? table.count - 1 : table.count)]
        var path = oldPath()
        // A file that is being executed is open for no writing.
        if name == "write" || name == "append" || name == "open-both" || name == "set-attribute" {
            path = numbers.pick(OracleWorld.places) + "/" + numbers.pick(["f0", "g1.log", "key"])
        }
        if name == "execute" { path = numbers.pick(OracleWorld.places) + "/e" }
        if name == "list" { path = numbers.pick(OracleWorld.places) }
        let spelling = OracleWorld.spelling(of: path, &numbers)
        let isApart = name == "execute"
        return OracleTrial(
            call: (isApart ? "!" : "") + "\(name)\t\(spelling)" + (name == "execute" ? "\tnothing" : ""),
            questions: accesses.map { asks(path, $0) })
    }

    /// What makes or changes an object of its own.
    private mutating func changing() -> OracleTrial {
        let path = newPath()
        let spelling = OracleWorld.spelling(of: path, &numbers)
        func trial(_ call: String, _ object: OracleTrial.Object, _ accesses: FileAccessSet...) -> OracleTrial
        {
            OracleTrial(
                call: call.replacing("@", with: spelling), objects: [object],
                questions: accesses.map { asks(path, $0) })
        }
        switch numbers.below(9) {
        case 3 where hasCapabilities: return trial("symlink\tx\t@", .result(path), .create)
        case 0: return trial("create\t@", .result(path), .create, .write)
        case 1: return trial("mkdir\t@", .result(path), .create)
        case 2: return trial("symlink\tx\t@", .result(path), .create)
        case 3: return trial("mknod\t@", .result(path), [.create, .device])
        case 4: return trial("unlink\t@", .file(path), .remove)
        case 5: return trial("rmdir\t@", .directory(path), .remove)
        case 6: return trial("truncate\t@", .file(path), .write)
        case 7:
            var asked = trial("open-truncate\t@", .file(path), [.read, .write])
            if asksTwiceToTruncate { asked.questions.append(asks(path, .write)) }
            return asked
        default: return trial("read\t@", .file(path), .read)
        }
    }

    /// What gives an object another name.
    private mutating func moving() -> OracleTrial {
        let old = newPath()
        var new = newPath()
        // On one mount: in the same directory, or in one of the plain tree.
        if numbers.below(2) == 0 || isMounted(old) != isMounted(new) || isMounted(old) {
            new =
                String(old[..<(old.lastIndex(of: "/") ?? old.startIndex)]) + "/"
                + String(new[(new.lastIndex(of: "/") ?? new.startIndex)...].dropFirst())
        }
        let (oldBytes, newBytes) = (Array(old.utf8), Array(new.utf8))
        func gain(_ bothWays: Bool = false) -> (OracleQuestion, errno: Int32) {
            (.gain(old: oldBytes, new: newBytes, bothWays: bothWays), errno: 18)
        }
        switch numbers.below(4) {
        case 0:
            return OracleTrial(
                call: "link\t\(old)\t\(new)", objects: [.file(old), .result(new)],
                questions: [asks(old, .link), asks(new, .create), gain()])
        case 1:
            return OracleTrial(
                call: "rename\t\(old)\t\(new)", objects: [.file(old), .file(new)],
                questions: [asks(old, .remove), asks(new, [.create, .remove]), gain()])
        case 2:
            return OracleTrial(
                call: "exchange\t\(old)\t\(new)", objects: [.file(old), .file(new)],
                questions: [asks(old, [.create, .remove]), asks(new, [.create, .remove]), gain(true)])
        default:
            return OracleTrial(
                call: "rename\t\(old)\t\(new)", objects: [.file(old), .result(new)],
                questions: [asks(old, .remove), asks(new, .create), gain()])
        }
    }

    private func isMounted(_ path: String) -> Bool {
        ["/b/mnt", "/ab/b"].contains { path.hasPrefix(OracleWorld.tree + $0 + "/") }
    }

    // MARK: Network

    private mutating func network(_ policies: [OraclePolicy]) -> OracleTrial {
        if numbers.below(4) == 0 { return unix() }
        let (transport, kind, number) = numbers.pick([
            ("tcp", TransportProtocol.tcp, UInt32(0)), ("tcp", .tcp, 0), ("multipath", .tcp, 262),
            ("udp", .udp, 0), ("udp", .udp, 0), ("udplite", .udp, 136),
        ])
        let (host, address) = numbers.pick([
            ("127.0.0.1", IPAddress.v4(0x7f00_0001)), ("127.0.0.2", .v4(0x7f00_0002)),
            ("127.9.9.9", .v4(0x7f09_0909)), ("0.0.0.0", .v4(0)), ("::1", .v6(0, 1)), ("::", .v6(0, 0)),
            ("::ffff:127.0.0.2", .v6(0, 0xffff_7f00_0002)),
        ])
        let access = numbers.pick(NetworkAccess.allCases)
        let port = access == .connect ? 7100 + UInt16(numbers.below(5)) : numbers.pick([0, 7200, 7301, 7302])
        var questions: [(OracleQuestion, errno: Int32)] = [
            (.socket(family: host.contains(":") ? 10 : 2, protocolNumber: number), errno: 13)
        ]
        func asks(_ access: NetworkAccess, _ port: UInt16) {
            questions.append(
                (.network(access, SocketAddress.inet(kind, address, port).used(for: access)), errno: 13))
        }
        let end = "\t\(transport)\t\(host)\t\(port)"
        switch access {
        case .connect:
            asks(.connect, port)
            // Nobody listens.
            return OracleTrial(
                call: (kind == .udp && numbers.below(2) == 0 ? "endpoint-send" : "endpoint-connect") + end,
                questions: questions, otherwise: kind == .tcp ? 111 : 0)
        case .listen where kind == .tcp && port != 0:
            asks(.bind, port)
            asks(.listen, port)
            return OracleTrial(call: "endpoint-listen" + end, questions: questions)
        default:
            asks(.bind, port)
            return OracleTrial(call: "endpoint-bind" + end, questions: questions)
        }
    }

    private mutating func unix() -> OracleTrial {
        let (kind, name) = numbers.pick([
            ("stream", OracleWorld.sockets + "/stream"), ("datagram", OracleWorld.sockets + "/datagram"),
            ("stream", "@oracle-stream"), ("datagram", "@oracle-datagram"),
        ])
        var questions: [(OracleQuestion, errno: Int32)] = [(.socket(family: 1, protocolNumber: 0), errno: 13)]
        if numbers.below(2) == 0 {
            let address: SocketAddress =
                name.hasPrefix("@")
                ? .unixAbstract(Array(name.utf8.dropFirst())) : .unixPath(Array(name.utf8))
            questions.append((.network(.connect, address), errno: 13))
            return OracleTrial(call: "endpoint-connect\t\(kind)\t\(name)", questions: questions)
        }
        count += 1
        let bound = "\(numbers.pick(["b", "d", "stream"]))\(count)"
        if numbers.below(2) == 0 {
            questions.append((.network(.bind, .unixAbstract(Array("oracle-\(bound)".utf8))), errno: 13))
            return OracleTrial(call: "endpoint-bind\t\(kind)\t@oracle-\(bound)", questions: questions)
        }
        let path = "\(OracleWorld.sockets)/\(bound)"
        questions.append(asks(path, .create))
        questions.append((.network(.bind, .unixPath(Array(path.utf8))), errno: 13))
        return OracleTrial(
            call: "endpoint-bind\t\(kind)\t\(path)", objects: [.result(path)], questions: questions)
    }

    // MARK: Capabilities and operations

    private mutating func operation() -> OracleTrial {
        let rows = numbers.pick(
            OracleTrial.operations.keys.sorted().compactMap { OracleTrial.operations[$0] })
        return simple(numbers.pick(rows)) { .operation($0) }
    }

    private mutating func capability() -> OracleTrial {
        let rows = numbers.pick(
            OracleTrial.capabilities.keys.sorted().compactMap { OracleTrial.capabilities[$0] })
        return simple(numbers.pick(rows)) { .capability($0) }
    }

    private func simple(_ one: OracleTrial.Simple, _ question: (String) -> OracleQuestion) -> OracleTrial {
        let call = one.row.call.map { words[$0] ?? $0 }.joined(separator: "\t")
        return OracleTrial(
            call: "!" + call, questions: [(question(one.name), errno: one.row.errno)],
            otherwise: one.row.otherwise, asksOften: one.name == "keyring")
    }
}
