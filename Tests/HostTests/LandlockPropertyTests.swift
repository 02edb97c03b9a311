import CProbes
import Compiler
import Foundation
import Landlock
import Policy
import Testing

@testable import Confinement

/// Random trees, random policies, the kernel's own verdict: compared with the evaluator's.
@Suite(.landlock)
struct LandlockPropertyTests {
    private static let cases =
        ProcessInfo.processInfo.environment["SWGUARD_CASES"].flatMap(Int.init) ?? 2_000
    private static let chunks = 20
    /// The first seed: `SWGUARD_SEED`, or 0.
    private static let first =
        ProcessInfo.processInfo.environment["SWGUARD_SEED"].flatMap(UInt64.init) ?? 0
    /// Whoever asks a domain here; nothing is beneath `/proc/self`.
    private static let asker = LandlockDomain.Asker(process: getpid(), isFirst: true)

    @Test(arguments: 0..<chunks)
    func `a domain never grants what the evaluator denies`(_ chunk: Int) throws {
        let features = try hostLandlock()
        var tally = Tally()
        for number in stride(from: chunk, to: Self.cases, by: Self.chunks) {
            try Self.check(seed: Self.first + UInt64(number), features, &tally)
        }
        // A generator that grants nothing, or is always refused, would prove nothing.
        if Self.cases >= 400 {
            #expect(tally.granted > tally.cases)
            #expect(tally.refused * 3 < tally.cases)
        }
    }

    @Test(arguments: 0..<chunks)
    func `moving and linking gives an object no right that it lacked`(_ chunk: Int) throws {
        let features = try hostLandlock()
        var moved = 0
        for number in stride(from: chunk, to: Self.cases / 4, by: Self.chunks) {
            moved += try Self.checkMoves(seed: Self.first + UInt64(number) + 1_000_000, features)
        }
        if Self.cases >= 800 { #expect(moved > 0) }
    }

    /// Moves names about inside a domain and asks for every file afterwards; how many names were moved.
    private static func checkMoves(seed: UInt64, _ features: LandlockFeatures) throws -> Int {
        var random = SeededGenerator(seed: seed)
        let tree = try RandomTree(&random)
        defer { tree.root.keep() }
        var policy = randomPolicy(tree, &random)
        // So that there is something to move with.
        if random.chance(80),
            let rule = Policy(files: [(.allow, [.create, .remove], [tree.root.path + "/**"])]).files
        {
            policy.files?.rules += rule.rules
        }
        let lowered = LandlockLowering.lower(policy, features: features, isPrivileged: false)
        if lowered.coverage.findings.contains(where: { $0.kind == .excess }) { return 0 }
        let ruleset = try LandlockApplication.prepare(lowered.recipe, keepsLedger: true)
        if isRefused(ruleset) { return 0 }
        let kept = LandlockDomain(ruleset, recipe: lowered.recipe)
        let domain = try #require(kept)

        let evaluator = Evaluator(
            policy, vocabulary: .init(names: [], groups: [:], alwaysAllowed: [], narrowArguments: [:]))
        let asked: [(probe_kind, FileAccessSet)] = [
            (PROBE_READ, .read), (PROBE_WRITE, .write), (PROBE_EXECUTE, .execute),
        ]
        var granted: [UInt64: FileAccessSet] = [:]
        for (path, inode) in tree.inodes() {
            for (_, access) in asked
            where evaluator.decide(.file(path: Array(path.utf8), access)).verdict == .allow {
                granted[inode, default: []].formUnion(access)
            }
        }
        let moves = tree.moves(&random)
        // Of the first, which finds the tree as it is; those that came to nothing else than Landlock's answer.
        let first = moves[0]
        let (old, new) = (Array(first.first.utf8), Array(first.second.utf8))
        let isExchange = first.kind == PROBE_EXCHANGE
        let isRefused =
            domain.refusesMove(of: old, to: new, by: asker)
            || (isExchange && domain.refusesMove(of: new, to: old, by: asker))
        let names = tree.names
        let questions = names.flatMap { name in asked.map { Attempt($0.0, name) } }
        let results = try Attempt.run(moves + questions, in: ruleset)
        if [0, EXDEV].contains(results[0]) {
            #expect(
                isRefused == (results[0] == EXDEV),
                "seed \(seed): said of \(first.kind) \(old) \(new): \(results[0]); \(describe(policy))")
        }
        let inodes = Dictionary(uniqueKeysWithValues: tree.inodes(of: names))
        for (index, result) in results.dropFirst(moves.count).enumerated() {
            let name = names[index / asked.count]
            guard result == 0 || result == ENOEXEC, let inode = inodes[name] else { continue }
            #expect(
                granted[inode, default: []].isSuperset(of: asked[index % asked.count].1),
                "seed \(seed): \(questions[index].kind) \(name) after \(moves.map { "\($0.kind.rawValue) \($0.first) \($0.second)" }), \(results.prefix(moves.count)); \(describe(policy))"
            )
        }
        return results.prefix(moves.count).filter { $0 == 0 }.count
    }

    /// As `swguard run` refuses; also where a default of allow meets more names beside the tree than there can be rules.
    private static func isRefused(_ ruleset: borrowing PreparedRuleset) -> Bool {
        ruleset.findings.contains { $0.kind == .excess || $0.kind == .impossible }
    }

    private struct Tally {
        var cases = 0
        var refused = 0
        var granted = 0
    }

    private static func check(seed: UInt64, _ host: LandlockFeatures, _ tally: inout Tally) throws {
        var random = SeededGenerator(seed: seed)
        let tree = try RandomTree(&random)
        defer { tree.root.keep() }
        let policy = randomPolicy(tree, &random)
        let features = random.chance(70) ? host : host.limited(toABI: Int.random(in: 1...6, using: &random))
        let lowered = LandlockLowering.lower(policy, features: features, isPrivileged: false)
        tally.cases += 1
        if lowered.coverage.findings.contains(where: { $0.kind == .excess }) {
            tally.refused += 1
            return
        }
        let ruleset = try LandlockApplication.prepare(lowered.recipe, keepsLedger: true)
        if isRefused(ruleset) {
            tally.refused += 1
            return
        }
        let questions = tree.questions(&random)
        let kept = LandlockDomain(ruleset, recipe: lowered.recipe)
        let domain = try #require(kept)
        let expected = questions.map { question in
            question.access.members.contains {
                !domain.missing($0, at: Array(question.attempt.first.utf8), by: asker).isEmpty
            }
        }
        let results = try Attempt.run(questions.map(\.attempt), in: ruleset)
        let evaluator = Evaluator(
            policy, vocabulary: .init(names: [], groups: [:], alwaysAllowed: [], narrowArguments: [:]))
        for ((question, result), isDenied) in zip(zip(questions, results), expected) {
            if question.attempt.kind == PROBE_TRUNCATE, !features.fileRights.contains(.truncate) { continue }
            // Of what the kernel refuses before it asks Landlock, nothing is learnt.
            #expect(
                isDenied == (result == EACCES) || result == EPERM,
                "seed \(seed): said of \(question.attempt.kind) \(question.names): \(result); \(describe(policy))"
            )
            let isGranted = result != EACCES
            let verdicts = question.names.map {
                evaluator.decide(.file(path: Array($0.utf8), question.access)).verdict
            }
            let context: Comment =
                "seed \(seed): \(question.attempt.kind) \(question.names): errno \(result); \(describe(policy))"
            if isGranted {
                tally.granted += 1
                #expect(verdicts.contains(.allow), context)
            } else if question.isExact, question.names.count == 1 || !policy.hasDenies {
                // What exists is granted exactly, by whatever pattern and around whatever deny, but for files with
                // several names, one of which a deny may cover; and execve also asks Landlock for reading.
                let needed = question.access.union(question.access.contains(.execute) ? .read : [])
                let verdict = evaluator.decide(.file(path: Array(question.names[0].utf8), needed)).verdict
                #expect(verdict == .deny, context)
            } else if let root = question.directory, !policy.hasDenies,
                policy.grantsTree(holding: root, question.access)
            {
                #expect(verdicts[0] == .deny, context)
            }
        }
    }

    private static func describe(_ policy: Policy) -> String {
        (policy.files?.rules ?? []).map { rule in
            "\(rule.header.verdict) \(rule.accesses.members.map(\.name)) \(rule.patterns.map(\.value.description))"
        }.joined(separator: "; ") + " default \(policy.files?.defaultVerdict.rawValue ?? "")"
    }

    private static func randomPolicy(_ tree: RandomTree, _ random: inout SeededGenerator) -> Policy {
        let accesses: [FileAccessSet] = [
            [.read], [.read, .write], [.read, .execute], [.create, .remove], [.write],
            [.read, .write, .create, .remove], [.execute], .all, [.device],
        ]
        var rules: [(Verdict, FileAccessSet, [String])] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let patterns = (0..<Int.random(in: 1...2, using: &random)).map { _ in
                tree.randomPattern(&random, innerAnything: 10)
            }
            rules.append((.allow, random.pick(accesses), patterns))
        }
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let access = random.pick(accesses).intersection(FileRights.seenAccesses)
            rules.append((.deny, access, [tree.randomPattern(&random, innerAnything: 5)]))
        }
        rules.shuffle(using: &random)
        return Policy(files: rules, default: random.chance(4) ? .allow : .deny)
    }
}

extension Policy {
    fileprivate var hasDenies: Bool { files?.rules.contains { $0.header.verdict == .deny } ?? false }

    /// Whether some `P/**` with P literal grants `access` on the directory and everything beneath.
    fileprivate func grantsTree(holding directory: String, _ access: FileAccessSet) -> Bool {
        files?.rules.contains { rule in
            rule.header.verdict == .allow && rule.accesses.isSuperset(of: access)
                && rule.patterns.contains { pattern in
                    guard let root = pattern.value.literalSubtree else { return false }
                    return (directory + "/").utf8.starts(with: root + [0x2f])
                }
        } ?? false
    }
}

/// Something to ask of both the kernel and the evaluator.
private struct Question {
    var attempt: Attempt
    var access: FileAccessSet
    /// The names of the object; the one asked by first.
    var names: [String]
    /// Whether the kernel's verdict must be the evaluator's, not merely no more than it.
    var isExact = false
    /// The directory that the access is about.
    var directory: String?
}

/// A few directories, files, symbolic links and hard links.
private struct RandomTree {
    let root: TemporaryDirectory
    private var directories: [String]
    /// Regular files, with the other names of each.
    private var files: [String: [String]] = [:]
    private var links: [String] = []

    init(_ random: inout SeededGenerator) throws {
        root = try TemporaryDirectory()
        directories = [root.path]
        for _ in 0..<Int.random(in: 2...5, using: &random) {
            let path = random.pick(directories) + "/" + random.pick(["a", "b", "c"])
            if mkdir(path, 0o755) == 0 { directories.append(path) }
        }
        for _ in 0..<Int.random(in: 2...6, using: &random) {
            let path = random.pick(directories) + "/" + random.pick(["x", "y.k", "z", "a", "b"])
            if access(path, F_OK) != 0 {
                root.file(String(path.dropFirst(root.path.count + 1)))
                files[path] = []
            }
        }
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let path = random.pick(directories) + "/" + random.pick(["l", "c", "x"])
            if symlink(random.pick(directories + files.keys.sorted()), path) == 0 { links.append(path) }
        }
        if random.chance(30), let old = files.keys.sorted().first {
            let path = random.pick(directories) + "/" + random.pick(["h", "y.k"])
            if link(old, path) == 0 {
                files[old, default: []].append(path)
                files[path] = [old]
            }
        }
    }

    /// Every name that there may be, with new ones.
    var names: [String] {
        directories.flatMap { directory in
            ["x", "y.k", "z", "a", "b", "c", "h", "n"].map { directory + "/" + $0 }
        }
    }

    /// The regular files among `names`, by inode number.
    func inodes(of names: [String]) -> [(String, UInt64)] {
        names.compactMap { name in
            var status = stat()
            guard lstat(name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            return (name, UInt64(status.st_ino))
        }
    }

    func inodes() -> [(String, UInt64)] { inodes(of: files.keys.sorted()) }

    /// Names moved, linked and exchanged, files and directories.
    func moves(_ random: inout SeededGenerator) -> [Attempt] {
        let names = names
        let existing = files.keys.sorted() + directories.dropFirst()
        return (0..<4).map { _ in
            let kind = random.pick([PROBE_RENAME, PROBE_RENAME, PROBE_LINK, PROBE_EXCHANGE])
            let other = kind == PROBE_EXCHANGE ? random.pick(existing) : random.pick(names)
            return Attempt(kind, random.pick(existing), other)
        }
    }

    func randomPattern(_ random: inout SeededGenerator, innerAnything percent: Int) -> String {
        let words = ["a", "b", "c", "x", "y.k", "z", "h", "*", "?", "[ab]", "*.k", "a*", "[xyz]*"]
        var path = root.path
        if random.chance(50) { path = random.pick(directories) }
        if random.chance(10) { path = random.pick(files.keys.sorted() + links + directories) }
        for _ in 0..<Int.random(in: 0...2, using: &random) { path += "/" + random.pick(words) }
        if random.chance(percent) { path += "/**/" + random.pick(words) }
        if random.chance(45) { path += "/**" }
        // Three stars in a row are no pattern.
        if random.chance(3), !path.hasSuffix("*") { path += "*" }
        return path
    }

    /// What can be asked of everything there is, and of new names; what removes comes last.
    func questions(_ random: inout SeededGenerator) -> [Question] {
        var questions: [Question] = []
        for (path, others) in files.sorted(by: { $0.key < $1.key }) {
            let names = [path] + others
            for (kind, access): (probe_kind, FileAccessSet) in [
                (PROBE_READ, .read), (PROBE_WRITE, .write), (PROBE_TRUNCATE, .write),
                (PROBE_EXECUTE, .execute),
            ] {
                questions.append(
                    .init(attempt: .init(kind, path), access: access, names: names, isExact: true))
            }
        }
        for directory in directories {
            questions.append(
                .init(
                    attempt: .init(PROBE_LIST, directory), access: .read, names: [directory],
                    directory: directory))
            let made = random.pick([PROBE_CREATE, PROBE_MKDIR, PROBE_SYMLINK, PROBE_FIFO, PROBE_BIND_UNIX])
            questions.append(
                .init(
                    attempt: .init(made, directory + "/n"), access: .create, names: [directory + "/n"],
                    directory: directory))
            questions.append(
                .init(
                    attempt: .init(PROBE_DEVICE, directory + "/d"), access: .device,
                    names: [directory + "/d"], directory: directory))
        }
        for path in files.keys.sorted() + links {
            let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            questions.append(
                .init(
                    attempt: .init(PROBE_UNLINK, path), access: .remove, names: [path], directory: directory))
        }
        for path in directories.dropFirst() {
            let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            questions.append(
                .init(
                    attempt: .init(PROBE_RMDIR, path), access: .remove, names: [path], directory: directory))
        }
        return questions
    }
}
