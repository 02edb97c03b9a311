import Policy

/// Random policies over the names of `OracleWorld`: every construct of the sections that the kernel enforces.
struct OraclePolicyGenerator {
    private var numbers: SeededNumbers

    init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

    mutating func policy(named name: String) -> OraclePolicy {
        var policy = OraclePolicy(name: name)
        policy.complains = chance(10)
        // What asks for capabilities and operations at once is asked of policies that speak of one only.
        switch numbers.below(10) {
        case 0..<6: policy.files = files()
        case 6..<8: policy.network = network()
        case 8:
            policy.files = files()
            policy.network = network()
        default: break
        }
        if policy.files == nil || chance(5) {
            if chance(2) {
                policy.operations = list(OracleTrial.operations.keys.sorted())
            } else if policy.network == nil {
                policy.capabilities = list(OracleTrial.capabilities.keys.sorted())
                policy.operations = OraclePolicy.List(
                    defaultVerdict: .allow, allowed: ["chroot", "module", "raw-io"], denied: [])
            }
        }
        return policy
    }

    // MARK: Sections

    private mutating func files() -> OraclePolicy.Section {
        let accesses = FileAccess.allCases.map(\.name)
        var section = OraclePolicy.Section(defaultVerdict: chance(5) ? .allow : .deny, rules: [])
        for number in 0..<(1 + numbers.below(6)) {
            let verdict: Verdict = numbers.below(10) < 4 ? .deny : .allow
            section.rules.append(
                rule("f\(number)", verdict, accesses) { $0.pattern(canBind: verdict == .allow) })
        }
        return section
    }

    private mutating func network() -> OraclePolicy.Section {
        var section = OraclePolicy.Section(defaultVerdict: chance(4) ? .allow : .deny, rules: [])
        let families = ["unix", "inet", "inet6", "netlink", "netlink:audit"]
        if chance(4) { section.families = families.filter { _ in chance(2) } }
        for number in 0..<(1 + numbers.below(6)) {
            let verdict: Verdict = numbers.below(10) < 4 ? .deny : .allow
            section.rules.append(
                rule("n\(number)", verdict, NetworkAccess.allCases.map(\.name)) { $0.endpoint() })
        }
        return section
    }

    private mutating func rule(
        _ id: String, _ verdict: Verdict, _ accesses: [String], _ object: (inout Self) -> String
    ) -> OraclePolicy.Rule {
        var objects: [String] = []
        for _ in 0..<(1 + numbers.below(3)) {
            let object = object(&self)
            if !objects.contains(object) { objects.append(object) }
        }
        let some = accesses.filter { _ in chance(2) }
        return OraclePolicy.Rule(
            id: id, verdict: verdict, accesses: chance(5) ? [] : some, objects: objects,
            log: chance(4) ? chance(2) : nil)
    }

    private mutating func list(_ names: [String]) -> OraclePolicy.List {
        var list = OraclePolicy.List(defaultVerdict: chance(2) ? .allow : .deny, allowed: [], denied: [])
        for name in names {
            switch numbers.below(4) {
            case 0: list.allowed.append(name)
            case 1: list.denied.append(name)
            case 2 where chance(6):
                list.allowed.append(name)
                list.denied.append(name)
            default: break
            }
        }
        return list
    }

    // MARK: Patterns

    private static let pieces = [
        "*", "?", "[ab]", "[^a]", "[a-f]", "{a,b}", "{a/b,ab}", "a*", "?b", "\\a", "[.]c", "*.log", "f*",
        "[fg]?*", "?[0-4]*", "*[!-9]",
    ]

    /// Absolute, mostly near the names of the world.
    ///
    /// - Parameter canBind: whether it may stand for one object or one tree. A deny that does protects these under their
    ///   other names, too, which is no matter of paths.
    private mutating func pattern(canBind: Bool) -> String {
        if canBind, chance(12) { return numbers.pick(["/**", "/oracle/**", "/**/f*", "/*/t/**"]) }
        var text = canBind ? OracleWorld.tree : numbers.pick(["/oracl?/t", "/*/[t]", "/orac*/t"])
        for _ in 0..<numbers.below(3) {
            text += "/" + numbers.pick(OracleWorld.directories + Self.pieces + ["**"])
        }
        let last = OracleWorld.directories + OracleWorld.files
        switch numbers.below(6) {
        case 0: text += "/" + numbers.pick(last)
        case 1, 2: text += "/" + numbers.pick(Self.pieces)
        case 3: text += "/" + numbers.pick(["**/f*", "**/*[5-9]", "**/e", "a**b", "*e**"])
        default: text += "/**"
        }
        // `/x/**/**` and the like are the same with one.
        while text.contains("/**/**") { text = text.replacing("/**/**", with: "/**") }
        return text
    }

    private mutating func endpoint() -> String {
        switch numbers.below(6) {
        case 0:
            return "unix:" + OracleWorld.sockets + "/"
                + numbers.pick(["*", "stream", "data*", "[ds]*", "b?*", "**"])
        case 1: return "unix:@" + numbers.pick(["oracle-*", "oracle-stream", "*", "**", "oracle-[b-d]*"])
        default:
            let host = numbers.pick([
                "*", "127.0.0.0/8", "127.0.0.1", "127.0.0.2", "127.0.0.0/30", "0.0.0.0", "0.0.0.0/0", "[::1]",
                "[::]/0", "[::]", "10.0.0.0/8",
            ])
            let port = numbers.pick(["*", "7100-7103", "7101", "7102", "1-65535", "7102-7300"])
            return "\(numbers.pick(["tcp", "udp", "ip"])):\(host):\(port)"
        }
    }

    private mutating func chance(_ of: Int) -> Bool { numbers.below(of) == 0 }
}
