internal import Automata
internal import Policy

/// What the `network` section says of the names of unix sockets, `@` in front of the abstract ones.
struct SocketNames: Hashable, Sendable {
    let automaton: Automaton
    /// Records of verdicts (`KernelRecords.Verdict`) with the bits of `NetworkAccess`; the first is that of a name that no
    /// rule speaks of.
    let verdicts: [[UInt32]]

    /// - Parameter firstRule: the number of the section's first rule.
    init(
        _ section: NetworkSection?, firstRule: Int, limits: AutomatonLimits = AutomatonLimits()
    ) throws(AutomatonError) {
        var patterns: [Pattern] = []
        var owners: [Int] = []
        for (index, rule) in (section?.rules ?? []).enumerated() {
            for endpoint in rule.endpoints {
                switch endpoint.value {
                case .unixPath(let pattern): patterns.append(Pattern(pattern))
                case .unixAbstract(let pattern):
                    patterns.append(Pattern(PathPattern(tokens: [.byte(UInt8(ascii: "@"))] + pattern.tokens)))
                case .inet: continue
                }
                owners.append(index)
            }
        }
        var numbers: [[UInt32]: UInt32] = [:]
        var verdicts: [[UInt32]] = []
        func number(_ matching: [Int]) -> UInt32 {
            let rules = matching.map { owners[$0] }.sorted()
            let verdict = Self.verdict(of: rules, section, firstRule: firstRule)
            if let known = numbers[verdict] { return known }
            numbers[verdict] = UInt32(verdicts.count)
            verdicts.append(verdict)
            return UInt32(verdicts.count - 1)
        }
        _ = number([])
        automaton = try Automaton(patterns, verdict: number)
        self.verdicts = verdicts
    }

    /// The first deny decides, else the first allow, else the default; `rules` is ascending.
    private static func verdict(of rules: [Int], _ section: NetworkSection?, firstRule: Int) -> [UInt32] {
        typealias Fields = KernelRecords.Verdict
        var words = Array(repeating: UInt32(0), count: Fields.size)
        for access in FileAccess.allCases {
            words[Fields.rules + Int(access.rawValue)] = KernelRecords.noRule
        }
        for access in NetworkAccess.allCases {
            let bit = UInt32(1) << UInt32(access.rawValue)
            let covering = rules.filter {
                section?.rules[$0].accesses.contains(NetworkAccessSet(access)) ?? false
            }
            let deciding =
                covering.first { section?.rules[$0].header.verdict == .deny } ?? covering.first
            let header = deciding.flatMap { section?.rules[$0].header }
            // An absent section grants.
            let verdict = header?.verdict ?? section?.defaultVerdict ?? .allow
            if verdict == .allow { words[Fields.granted] |= bit }
            if header?.log ?? (verdict == .deny) { words[Fields.reported] |= bit }
            if let deciding { words[Fields.rules + Int(access.rawValue)] = UInt32(firstRule + deciding) }
        }
        return words
    }
}
