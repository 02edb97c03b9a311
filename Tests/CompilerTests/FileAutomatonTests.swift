import Automata
import Compiler
import Foundation
import Policy
import Testing

/// What a verdict of the automaton says, in the evaluator's words.
private func parts(_ verdict: FileVerdict, _ automaton: FileAutomaton, _ section: FilesSection?) -> [Decision
    .Part]
{
    FileAccess.allCases.map { access in
        let isGranted = verdict.granted.contains(FileAccessSet(access))
        let rule: DecidingRule? =
            switch verdict.rule(of: access) {
            case FileVerdict.notMediated: nil
            case FileVerdict.sectionDefault: DecidingRule(id: "files.default", location: section?.location)
            case let number:
                DecidingRule(
                    id: automaton.rules[Int(number)].id, location: automaton.rules[Int(number)].location,
                    reason: automaton.rules[Int(number)].reason)
            }
        return Decision.Part(
            access: access.name, verdict: isGranted ? .allow : .deny, rule: rule,
            log: verdict.reported.contains(FileAccessSet(access)))
    }
}

private func evaluator(_ section: FilesSection?) -> Evaluator {
    var policy = Policy(name: "test", file: "test.yaml")
    policy.files = section
    return Evaluator(policy, vocabulary: SyscallTable.vocabulary)
}

/// A section of these rules; the patterns are written as in a policy.
private func section(
    _ rules: [(Verdict, FileAccessSet, [String])], default verdict: Verdict = .deny
) throws -> FilesSection {
    FilesSection(
        defaultVerdict: verdict,
        rules: try rules.enumerated().map { index, rule in
            let place = syscallPlace(index + 1)
            return FileRule(
                header: RuleHeader(id: "files.rules[\(index)]", verdict: rule.0, location: place),
                accesses: rule.1,
                patterns: try rule.2.flatMap { try PathPattern.parse($0.utf8) }.map { Located($0, at: place) }
            )
        }, location: syscallPlace())
}

@Suite struct FileAutomatonTests {
    /// Pairs of a policy and a path, 100 paths a policy.
    private static let pairs =
        ProcessInfo.processInfo.environment["SWGUARD_CASES"].flatMap(Int.init) ?? 100_000
    private static let chunks = 20

    @Test(arguments: 0..<chunks)
    func `automaton and tables say what the evaluator says, for random policies and paths`(_ chunk: Int)
        throws
    {
        var decided = 0
        var asked = 0
        for seed in stride(from: chunk, to: Self.pairs / 100, by: Self.chunks) {
            var random = FileAutomatonRandom(seed: UInt64(seed))
            let section = random.section()
            let automaton = try FileAutomaton(section)
            let tables = FileTables(automaton)
            let evaluator = evaluator(section)
            let patterns = section.rules.flatMap(\.patterns).map(\.value)
            for _ in 0..<100 {
                let path = random.path(near: random.random.pick(patterns))
                let expected = evaluator.decide(.file(path: path, .all)).parts
                let verdict = automaton.verdict(of: path)
                let found = parts(verdict, automaton, section)
                let tabulated = tables.verdict(of: path)
                if found != expected || tabulated != verdict {
                    let text = String(decoding: path, as: UTF8.self)
                    Issue.record(
                        "seed \(seed): \(text) by \(patterns.map(\.description)): \(found), \(tabulated)")
                }
                asked += 1
                if expected.contains(where: { $0.rule?.id != "files.default" }) { decided += 1 }
            }
        }
        // Paths that no rule decides would prove nothing.
        #expect(decided * 2 > asked)
    }

    @Test(arguments: ShippedPolicies.names)
    func `the automaton of a shipped policy says what the evaluator says`(_ name: String) throws {
        let policy = try ShippedPolicies.load(name)
        let automaton = try FileAutomaton(policy.files)
        let tables = FileTables(automaton)
        let evaluator = evaluator(policy.files)
        var random = FileAutomatonRandom(seed: 7)
        var paths = ["/", "/etc/shadow", "/home/person/.ssh/id_rsa", "/proc/self/maps", "/usr/bin/env"].map {
            Array($0.utf8)
        }
        for pattern in (policy.files?.rules ?? []).flatMap(\.patterns) {
            paths += (0..<3).map { _ in random.path(near: pattern.value) }
        }
        for path in paths {
            let expected = evaluator.decide(.file(path: path, .all)).parts
            let verdict = automaton.verdict(of: path)
            #expect(
                parts(verdict, automaton, policy.files) == expected,
                "\(String(decoding: path, as: UTF8.self))")
            #expect(tables.verdict(of: path) == verdict)
        }
    }

    @Test func `without a section everything is granted by nothing, and marks come out all the same`() throws
    {
        let marks = [
            FileMark(bits: 0b01, patterns: try PathPattern.parse("/proc/sys/kernel/core_pattern".utf8)),
            FileMark(bits: 0b10, patterns: try PathPattern.parse("/proc/sys/**".utf8)),
        ]
        let automaton = try FileAutomaton(nil, marks: marks)
        for (path, bits) in [("/proc/sys/kernel/core_pattern", 0b11), ("/proc/sys", 0b10), ("/etc", 0)] {
            let verdict = automaton.verdict(of: path.utf8)
            #expect(verdict.marks == bits, "\(path)")
            #expect(
                parts(verdict, automaton, nil)
                    == evaluator(nil).decide(.file(path: Array(path.utf8), .all)).parts)
            #expect(FileTables(automaton).verdict(of: path.utf8) == verdict)
        }
    }

    @Test(arguments: 0..<40)
    func `marks change no decision, and are those of the patterns that match`(_ seed: Int) throws {
        var random = FileAutomatonRandom(seed: UInt64(seed) + 1_000_000)
        let section = random.section()
        let marks = (0..<4).map { bit in
            FileMark(bits: 1 << bit | 0x8000_0000, patterns: (0..<2).map { _ in random.pattern() })
        }
        let plain = try FileAutomaton(section)
        let marked = try FileAutomaton(section, marks: marks)
        let tables = FileTables(marked)
        for pattern in marks.flatMap(\.patterns) + section.rules.flatMap(\.patterns).map(\.value) {
            for _ in 0..<10 {
                let path = random.path(near: pattern)
                var verdict = marked.verdict(of: path)
                let expected = marks.filter { $0.patterns.contains { $0.matches(path) } }.reduce(0) {
                    $0 | $1.bits
                }
                #expect(verdict.marks == expected, "seed \(seed): \(path)")
                #expect(tables.verdict(of: path) == verdict)
                verdict.marks = 0
                #expect(verdict == plain.verdict(of: path), "seed \(seed): \(path)")
            }
        }
    }

    @Test func `a long list of literals beneath and beside globs says what the evaluator says`() throws {
        let literals = (0..<400).map { "/srv/d\($0 % 7)/file\($0)" + ($0 % 3 == 0 ? "/**" : "") }
        let rules: [(Verdict, FileAccessSet, [String])] =
            literals.map { (.allow, [.read], [$0]) } + [
                (.deny, [.read, .write], ["/**/file1?", "/srv/d3/*9/**"]), (.allow, [.write], ["/srv/**"]),
                (.deny, .all, ["/**/{secret,.key}/**"]),
            ]
        let section = try section(rules)
        let automaton = try FileAutomaton(section)
        let tables = FileTables(automaton)
        let evaluator = evaluator(section)
        for index in stride(from: 0, to: 400, by: 9) {
            for end in ["", "/", "/x", "/secret", "/.key/x", "9"] {
                let path = Array("/srv/d\(index % 7)/file\(index)\(end)".utf8)
                let verdict = automaton.verdict(of: path)
                let expected = evaluator.decide(.file(path: path, .all)).parts
                #expect(
                    parts(verdict, automaton, section) == expected, "\(String(decoding: path, as: UTF8.self))"
                )
                #expect(tables.verdict(of: path) == verdict)
            }
        }
    }

    @Test func `a denied write denies create and remove, and a denied execute map, by the same rule`() throws
    {
        let automaton = try FileAutomaton(
            try section([(.allow, .all, ["/**"]), (.deny, [.write, .execute], ["/etc/*"])]))
        let verdict = automaton.verdict(of: "/etc/x".utf8)
        #expect(verdict.granted == [.read, .metadata, .link, .device])
        #expect(FileAccess.allCases.map { verdict.rule(of: $0) } == [0, 1, 1, 1, 1, 1, 0, 0, 0])
        #expect(verdict.reported == [.write, .create, .remove, .execute, .map])
    }

    @Test func `the same state is the same rights beneath, whoever granted them`() throws {
        let automaton = try FileAutomaton(
            try section([(.allow, [.read], ["/{a,b}/**", "/c/**"]), (.deny, [.read], ["/c/**/key"])]))
        func state(_ path: String) -> UInt32 { automaton.automaton.run(path.utf8) }
        #expect(state("/a/x") == state("/b/y"))
        #expect(state("/a/x") != state("/c/x"))
        #expect(state("/x") == Automaton.dead)
    }

    @Test func `too many states name the rules, patterns and lines`() throws {
        let wild = (0..<16).map { "/**k\($0)x**y\($0)z" }
        let rules: [(Verdict, FileAccessSet, [String])] = [
            (.allow, [.read], ["/usr/**"]), (.deny, [.read], wild), (.allow, [.write], ["/tmp/**"]),
        ]
        let error = try #require(throws: FileAutomatonError.self) {
            _ = try FileAutomaton(try section(rules), limits: AutomatonLimits(states: 5_000))
        }
        #expect(!error.blamed.isEmpty)
        #expect(error.blamed.allSatisfy { $0.rule == "files.rules[1]" && $0.location.line == 2 })
        #expect(error.diagnostic.text == "the patterns of 'files' make more than 5000 states")
        #expect(error.diagnostic.location.line == 2)
        #expect(error.diagnostic.hint?.contains("(files.rules[1], test.yaml:2)") == true)
    }

    @Test func `the arrays are little endian, and as long as they say`() throws {
        let automaton = try FileAutomaton(
            try section([(.allow, [.read], ["/a"])]), marks: [FileMark(bits: 0x0102_0304, patterns: [])])
        let tables = FileTables(automaton)
        #expect(tables.bytesOfClasses.count == 256)
        #expect(tables.bytesOfCells.count == tables.table.cellCount * 8)
        // The dead state: a head that is settled, with the first verdict; it leads to itself.
        #expect(tables.bytesOfCells.prefix(8) == [0, 0, 0, 0xc0, 0, 0, 0, 0])
        #expect(tables.bytesOfVerdicts.count == automaton.verdicts.count * 48)
        let first: [UInt8] = Array(repeating: 0xff, count: 36) + [0, 0, 0, 0, 0, 0, 0xff, 0x01, 0, 0, 0, 0]
        #expect(Array(tables.bytesOfVerdicts.prefix(48)) == first)
    }
}
