import Policy

/// Random policies, of everything that a policy file can say.
struct RandomPolicy {
    private var generator: SeededGenerator
    private let nowhere = SourceLocation(file: "p.yaml", line: 1)

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func policy() -> Policy {
        var policy = Policy(name: word("abcz059-", 1...12), file: "p.yaml")
        if chance(2) { policy.description = sentence() }
        if chance(4) { policy.mode = .complain }
        if chance(4) { policy.subjects = distinct(1...3) { $0.subject() } }
        if chance(1) { policy.files = files() }
        if chance(2) { policy.network = network() }
        if chance(2) { policy.capabilities = list("capabilities", Capability.allCases) }
        if chance(2) { policy.operations = list("operations", Operation.allCases) }
        if chance(2) { policy.syscalls = syscalls() }
        if chance(2) { policy.tests = (0..<below(4)).map { _ in test() } }
        return policy
    }

    // MARK: Sections

    private mutating func subject() -> Subject {
        switch below(4) {
        case 0: .exec(pattern())
        case 1: .cgroup(pattern())
        case 2: .unit(word("abx:_.@-", 1...8) + ".service")
        default: .user(word("abcz059_", 1...8))
        }
    }

    private mutating func files() -> FilesSection {
        var section = FilesSection(defaultVerdict: chance(4) ? .allow : .deny, location: nowhere)
        for index in 0..<below(5) {
            section.rules.append(
                FileRule(
                    header: header("files.rules[\(index)]"),
                    accesses: chance(4)
                        ? .all
                        : .init(
                            distinct(1...4) { $0.pick(FileAccess.allCases) }.map { FileAccessSet($0.value) }),
                    patterns: distinct(1...4) { $0.pattern() }))
        }
        return section
    }

    private mutating func network() -> NetworkSection {
        let words = ["unix", "inet", "inet6", "netlink", "netlink:route", "netlink:audit", "packet", "vsock"]
        let families: [Located<SocketFamily>] =
            chance(2)
            ? SocketFamily.defaults.map { Located($0, at: nowhere) }
            : distinct(0...4) { $0.pick(words) }.compactMap { word in
                SocketFamily(word: word.value).map { Located($0, at: nowhere) }
            }
        var section = NetworkSection(
            defaultVerdict: chance(4) ? .allow : .deny, families: families, location: nowhere)
        for index in 0..<below(5) {
            section.rules.append(
                NetworkRule(
                    header: header("network.rules[\(index)]"),
                    accesses: chance(3)
                        ? .all
                        : .init(
                            distinct(1...2) { $0.pick(NetworkAccess.allCases) }.map {
                                NetworkAccessSet($0.value)
                            }),
                    endpoints: distinct(1...4) { $0.endpoint() }))
        }
        return section
    }

    private mutating func list<Item: Hashable & Sendable>(_ key: String, _ all: [Item]) -> ListSection<Item> {
        var section = ListSection<Item>(defaultVerdict: chance(4) ? .allow : .deny, location: nowhere)
        for verdict in chance(2) ? [Verdict.allow, .deny] : [.deny, .allow] where chance(2) {
            let place = "\(key).\(verdict.rawValue)"
            if chance(5) {
                section.entries.append(
                    ListEntry(header: RuleHeader(id: place, verdict: verdict, location: nowhere), item: nil))
                continue
            }
            for (index, item) in distinct(1...5, { $0.pick(all) }).enumerated() {
                let header = RuleHeader(id: "\(place)[\(index)]", verdict: verdict, location: nowhere)
                section.entries.append(ListEntry(header: header, item: item.value))
            }
        }
        return section
    }

    private mutating func syscalls() -> SyscallsSection {
        var section = SyscallsSection(defaultVerdict: chance(4) ? .allow : .deny, location: nowhere)
        if chance(3) { section.architectures = distinct(1...2) { $0.pick(["x86_64", "i386", "x32"]) } }
        let names = testVocabulary.names.sorted()
        for index in 0..<below(5) {
            let header = header("syscalls.rules[\(index)]")
            var selectors: [Located<SyscallSelector>] = distinct(1...4) { random in
                switch random.below(5) {
                case 0: .group(random.pick(testVocabulary.groups.keys.sorted()))
                case 1: .optionalName(random.word("abz_1", 1...8))
                default: .name(random.pick(names))
                }
            }
            if chance(6) { selectors = [Located(.all, at: nowhere)] }
            let areNames = selectors.allSatisfy {
                if case .group = $0.value { false } else { $0.value != .all }
            }
            let isDeny = header.verdict == .deny
            section.rules.append(
                SyscallRule(
                    header: header, selectors: selectors,
                    conditions: areNames && chance(2) ? distinct(1...3) { $0.condition() } : [],
                    action: isDeny && chance(3)
                        ? .kill : isDeny && chance(2) ? .errno(pick([2, 13, 38])) : .errno(1)))
        }
        return section
    }

    private mutating func condition() -> ArgumentCondition {
        // Values that fit 32 bits, so that any call will do.
        let edges: [UInt64] = [0, 1, 0x7fff_ffff, 0xffff_ffff, .max, 0xffff_ffff_8000_0000]
        let value = chance(2) ? pick(edges) : UInt64(below(100_000))
        if chance(3) {
            let mask = chance(2) ? 0xffff_ffff : UInt64(below(100_000))
            return ArgumentCondition(argument: below(6), mask: mask, comparison: .equal, value: value & mask)
        }
        return ArgumentCondition(
            argument: below(6), comparison: pick(ArgumentCondition.Comparison.allCases), value: value)
    }

    private mutating func test() -> PolicyTest {
        let request: Request =
            switch below(5) {
            case 0:
                .file(
                    path: path(),
                    .init(distinct(1...3) { $0.pick(FileAccess.allCases) }.map { FileAccessSet($0.value) }))
            case 1: .network(pick(NetworkAccess.allCases), address())
            case 2: .capability(pick(Capability.allCases))
            case 3: .operation(pick(Operation.allCases))
            default:
                .syscall(
                    name: pick(testVocabulary.names.sorted()),
                    arguments: (0..<below(7)).map { _ in generator.next() >> UInt64(below(64)) })
            }
        return PolicyTest(
            expected: chance(2) ? .allow : .deny, request: request,
            rule: chance(3) ? Located("files.rules[0]", at: nowhere) : nil, location: nowhere)
    }

    private var used = 0
    private mutating func header(_ place: String) -> RuleHeader {
        let isWritten = chance(3)
        if isWritten { used += 1 }
        let verdict: Verdict = chance(2) ? .allow : .deny
        return RuleHeader(
            id: isWritten ? word("abz09", 1...5) + "-\(used)" : place, hasWrittenID: isWritten,
            verdict: verdict,
            reason: chance(3) ? sentence() : nil, log: chance(3) ? chance(2) : nil,
            isCoarse: verdict == .allow && chance(5), location: nowhere)
    }

    // MARK: Patterns, endpoints, addresses

    mutating func pattern(isAbstract: Bool = false) -> PathPattern {
        var tokens: [PathPattern.Token] = []
        for _ in 0..<(1 + below(4)) {
            if !isAbstract || chance(2) { tokens.append(.byte(UInt8(ascii: "/"))) }
            for _ in 0..<(1 + below(5)) {
                let token = token()
                let isStar = { (token: PathPattern.Token?) in token == .star || token == .anything }
                if isStar(token), isStar(tokens.last) { continue }
                tokens.append(token)
            }
            if tokens.last == .byte(UInt8(ascii: "/")) { tokens.append(.byte(UInt8(ascii: "x"))) }
        }
        if chance(3) { tokens.append(.subtree) }
        // What would be read as another token is one.
        if tokens.count >= 2, tokens.last == .anything, tokens[tokens.count - 2] == .byte(UInt8(ascii: "/")) {
            tokens.replaceSubrange((tokens.count - 2)..., with: [.subtree])
        }
        return PathPattern(tokens: tokens)
    }

    private mutating func token() -> PathPattern.Token {
        switch below(10) {
        case 0: return .anyByte
        case 1: return .star
        case 2: return .anything
        case 3:
            var set = ByteSet()
            for _ in 0..<(1 + below(4)) {
                let first = UInt8(1 + below(0x7f))
                for byte in first...min(0x7f, first + UInt8(below(6))) { set.insert(byte) }
            }
            if chance(3) { set = set.inverted }
            set.remove(UInt8(ascii: "/"))
            return set.isEmpty ? .anyByte : .set(set)
        default:
            return .byte(
                pick(Array("abcxyz*?[]{}\\,$^-.# :'\"&!%@`|~\n\t\u{1}\u{7f}".utf8.filter { $0 != 0x2e })))
        }
    }

    /// A path that the pattern matches, most of the time, with a byte changed now and then.
    mutating func path(near pattern: PathPattern) -> [UInt8] {
        var bytes: [UInt8] = []
        for token in pattern.tokens {
            switch token {
            case .byte(let byte): bytes.append(byte)
            case .anyByte: bytes.append(UInt8(below(256)))
            case .set(let set):
                bytes.append(
                    (0...255).map { UInt8($0) }.filter { set.contains($0) }.randomElement(using: &generator)
                        ?? 0)
            case .star: bytes += Array("ab/".utf8).prefix(below(3))
            case .anything: bytes += Array("a/b/c".utf8).prefix(below(6))
            case .subtree: bytes += Array("/x/y".utf8).prefix(below(5))
            }
        }
        if chance(3), !bytes.isEmpty { bytes[below(bytes.count)] = pick(Array("/ax".utf8)) }
        return bytes
    }

    private mutating func path() -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<(1 + below(3)) {
            bytes += Array("/".utf8) + Array(word("abc*?[{ ,äß😀#:'\"\u{1}", 1...6).utf8)
        }
        return bytes
    }

    private mutating func endpoint() -> Endpoint {
        switch below(4) {
        case 0: return .unixPath(pattern())
        case 1: return .unixAbstract(pattern(isAbstract: true))
        default:
            let protocols: Set<TransportProtocol> =
                chance(3) ? [.tcp, .udp] : [pick(TransportProtocol.allCases)]
            return .inet(protocols, host(), ports())
        }
    }

    private mutating func host() -> HostPattern {
        if chance(3) { return .any }
        if chance(2) {
            let length = UInt8(below(33))
            let bits =
                length == 0
                ? 0 : UInt32(truncatingIfNeeded: generator.next()) & (UInt32.max << (32 - UInt32(length)))
            return .prefix(.v4(bits), length: length)
        }
        let length = UInt8(below(129))
        let high = length == 0 ? 0 : generator.next() & (length >= 64 ? .max : .max << (64 - UInt64(length)))
        let low =
            length <= 64 ? 0 : generator.next() & (length == 128 ? .max : .max << (128 - UInt64(length)))
        return .prefix(.v6(high | (length > 0 ? 1 << 63 : 0), low), length: length)
    }

    private mutating func ports() -> PortPattern {
        if chance(3) { return .any }
        let first = UInt16(1 + below(60_000))
        return chance(2) ? .range(first...first) : .range(first...(first + UInt16(below(5_000))))
    }

    mutating func address() -> SocketAddress {
        switch below(4) {
        case 0: return .unixPath(path())
        case 1: return .unixAbstract(Array(word("ab/* ", 1...6).utf8))
        case 2:
            return .inet(
                pick(TransportProtocol.allCases), .v4(UInt32(truncatingIfNeeded: generator.next())),
                UInt16(below(65_536)))
        default:
            return .inet(
                pick(TransportProtocol.allCases), .v6(generator.next() | 1 << 63, generator.next()),
                UInt16(below(65_536)))
        }
    }

    // MARK: Choices

    mutating func below(_ limit: Int) -> Int { Int(generator.next() % UInt64(limit)) }
    private mutating func chance(_ of: Int) -> Bool { below(of) == 0 }
    private mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }

    private mutating func word(_ alphabet: String, _ length: ClosedRange<Int>) -> String {
        let scalars = Array(alphabet.unicodeScalars)
        var result = ""
        for index in 0..<(length.lowerBound + below(length.count)) {
            // The first is a letter: that is a name in every grammar here.
            result.unicodeScalars.append(index == 0 ? scalars[0] : pick(scalars))
        }
        return result
    }

    private mutating func sentence() -> String {
        pick([
            "", "true", "~", "1", " leading", "trailing ", "a: b", "a #b", "- x", "'q' \"q\"",
            "ä ö\u{85}\u{2028}\u{feff}\u{1F600}",
            "line\nline", "tab\there", "\u{1b}[31m", "{a}", "[a]", "*a", "&a", "!a", "%a", "@a", "`a", "|",
            ">", "?", "a:", "null", "a\\b",
        ])
            + (chance(2) ? word("ab c#:,", 0...10) : "")
    }

    private mutating func distinct<Value: Hashable>(
        _ count: ClosedRange<Int>, _ make: (inout Self) -> Value
    ) -> [Located<Value>] {
        var seen: Set<Value> = []
        var result: [Located<Value>] = []
        for _ in 0..<(count.lowerBound + below(count.count)) {
            let value = make(&self)
            if seen.insert(value).inserted { result.append(Located(value, at: nowhere)) }
        }
        return result
    }
}

extension Policy {
    /// The policy without places, and without the ids that were not written.
    func withoutPlaces() -> Policy {
        let nowhere = SourceLocation(file: "", line: 1)
        func plain<Value>(_ list: [Located<Value>]) -> [Located<Value>] {
            list.map { Located($0.value, at: nowhere) }
        }
        func plain(_ header: RuleHeader) -> RuleHeader {
            var header = header
            header.location = nowhere
            if !header.hasWrittenID { header.id = "" }
            return header
        }
        var policy = self
        policy.file = ""
        policy.includes = []
        policy.subjects = plain(subjects)
        if var section = files {
            section.location = nowhere
            section.rules = section.rules.map {
                FileRule(header: plain($0.header), accesses: $0.accesses, patterns: plain($0.patterns))
            }
            policy.files = section
        }
        if var section = network {
            section.location = nowhere
            section.families = plain(section.families)
            section.rules = section.rules.map {
                NetworkRule(header: plain($0.header), accesses: $0.accesses, endpoints: plain($0.endpoints))
            }
            policy.network = section
        }
        if var section = capabilities {
            section.location = nowhere
            section.entries = section.entries.map { ListEntry(header: plain($0.header), item: $0.item) }
            policy.capabilities = section
        }
        if var section = operations {
            section.location = nowhere
            section.entries = section.entries.map { ListEntry(header: plain($0.header), item: $0.item) }
            policy.operations = section
        }
        if var section = syscalls {
            section.location = nowhere
            section.architectures = plain(section.architectures)
            section.rules = section.rules.map {
                SyscallRule(
                    header: plain($0.header), selectors: plain($0.selectors),
                    conditions: plain($0.conditions),
                    action: $0.action)
            }
            policy.syscalls = section
        }
        policy.tests = tests.map {
            PolicyTest(
                expected: $0.expected, request: $0.request,
                rule: $0.rule.map { Located($0.value, at: nowhere) },
                location: nowhere)
        }
        return policy
    }
}
