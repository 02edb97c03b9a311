public import Automata
public import Policy

/// The `files` section of a policy as one automaton: a path leads to a state, and the state has the verdict.
///
/// It says exactly what `Evaluator` says of every absolute path, whose own name of a process's directory in
/// procfs the caller has put in (`/proc/self`). Two directories in the same state have the same rights, marks
/// and deciding rules for everything beneath.
public struct FileAutomaton: Hashable, Sendable {
    public let automaton: Automaton
    /// What the automaton's verdicts stand for, each once; the first is that of a path that no pattern
    /// matches.
    public let verdicts: [FileVerdict]
    /// The rules of the section, in the order of the document.
    public let rules: [RuleHeader]

    /// The automaton of `section`, which is nil where the policy does not mediate files.
    ///
    /// The section is resolved: variables, includes and links are in place.
    public init(
        _ section: FilesSection?, marks: [FileMark] = [], limits: AutomatonLimits = AutomatonLimits()
    ) throws(FileAutomatonError) {
        let patterns = Patterns(section, marks: marks)
        let judgement = FileJudgement(section)
        var numbers: [FileVerdict: UInt32] = [:]
        var verdicts: [FileVerdict] = []
        func number(_ matching: [Int]) -> UInt32 {
            var verdict = judgement.verdict(matching: matching.lazy.compactMap { patterns.owners[$0].rule })
            for index in matching { verdict.marks |= patterns.owners[index].marks }
            if let known = numbers[verdict] { return known }
            numbers[verdict] = UInt32(verdicts.count)
            verdicts.append(verdict)
            return UInt32(verdicts.count - 1)
        }
        // Asked first, so that it is 0.
        _ = number([])
        do throws(AutomatonError) {
            automaton = try Automaton(
                patterns.patterns, claims: patterns.owners.map { judgement.claim(of: $0) }, limits: limits,
                verdict: number)
        } catch {
            throw FileAutomatonError(error, section, patterns.owners)
        }
        self.verdicts = verdicts
        rules = section?.rules.map(\.header) ?? []
    }

    /// What is said of `path`.
    public func verdict(of path: some Sequence<UInt8>) -> FileVerdict {
        verdicts[Int(automaton.verdict(automaton.run(path)))]
    }
}

/// What a pattern of the automaton is for.
struct FilePatternOwner {
    /// The index of the rule, and of the pattern in it; nil for a mark.
    var rule: Int?
    var place: Int = 0
    var marks: UInt32 = 0
}

/// All patterns, rules' first and in their order.
private struct Patterns {
    private(set) var patterns: [Pattern] = []
    private(set) var owners: [FilePatternOwner] = []

    init(_ section: FilesSection?, marks: [FileMark]) {
        for (index, rule) in (section?.rules ?? []).enumerated() {
            for (place, pattern) in rule.patterns.enumerated() {
                patterns.append(Pattern(pattern.value))
                owners.append(FilePatternOwner(rule: index, place: place))
            }
        }
        for mark in marks {
            for pattern in mark.patterns {
                patterns.append(Pattern(pattern))
                owners.append(FilePatternOwner(marks: mark.bits))
            }
        }
    }
}

/// Precedence and default: what rules say together.
private struct FileJudgement {
    private struct Rule {
        var isDeny: Bool
        var log: Bool
        var accesses: FileAccessSet
    }

    private let rules: [Rule]
    /// Where no rule decides.
    private let unruled: FileVerdict

    init(_ section: FilesSection?) {
        rules = (section?.rules ?? []).map {
            Rule(isDeny: $0.header.verdict == .deny, log: $0.header.log, accesses: $0.decidedAccesses)
        }
        // An absent section grants, and nothing is said of it.
        let isGranted = section?.defaultVerdict ?? .allow == .allow
        unruled = FileVerdict(
            granted: isGranted ? .all : [], reported: isGranted ? [] : .all, marks: 0,
            rules: Array(
                repeating: section == nil ? FileVerdict.notMediated : FileVerdict.sectionDefault,
                count: FileAccess.allCases.count))
    }

    /// What a pattern can decide: the accesses of its rule, denies before allows and then in the order of the
    /// document; or its marks, which nothing overrides.
    func claim(of owner: FilePatternOwner) -> Claim {
        guard let index = owner.rule else {
            return Claim(rank: 0, facets: UInt64(owner.marks) << UInt64(UInt16.bitWidth))
        }
        let rule = rules[index]
        return Claim(
            rank: UInt32(rule.isDeny ? index : rules.count + index), facets: UInt64(rule.accesses.rawValue))
    }

    /// The first deny decides, else the first allow, else the default; `matching` is ascending.
    func verdict(matching: some Sequence<Int>) -> FileVerdict {
        var verdict = unruled
        var denied: FileAccessSet = []
        var allowed: FileAccessSet = []
        for index in matching {
            let rule = rules[index]
            let decided = rule.accesses.subtracting(rule.isDeny ? denied : denied.union(allowed))
            if decided.isEmpty { continue }
            if rule.isDeny {
                denied.formUnion(decided)
                verdict.granted.subtract(decided)
            } else {
                allowed.formUnion(decided)
                verdict.granted.formUnion(decided)
            }
            if rule.log { verdict.reported.formUnion(decided) } else { verdict.reported.subtract(decided) }
            for access in FileAccess.allCases where decided.contains(FileAccessSet(access)) {
                verdict.rules[Int(access.rawValue)] = UInt32(index)
            }
        }
        return verdict
    }
}
