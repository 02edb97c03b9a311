import Compiler
import Foundation
import Policy

/// Directories that are made, moved, exchanged, mounted and unmounted at random, by somebody under no policy, and what a
/// process under a random policy may do in between. The same for the same seed.
///
/// Names of directories are few, so that a directory comes under what another was called.
final class RandomTree {
    static let root = "/random"
    static let program = "/random-bin/confined"
    private static let names = ["a", "b", "c", "d"]
    private static let depth = 9

    struct Attempt: Equatable, CustomStringConvertible {
        var call: String
        var expected: Int32
        /// What is to be removed afterwards, where it is there.
        var paths: [String]
        var result: Int32 = -1
        var description: String { "\(call): \(result), expected \(expected)" }
    }

    /// Rules over these names. None stands for one object or one tree: those deny the object under its other names too,
    /// which the evaluator does not look for.
    static func policy(seed: UInt64) -> String {
        var numbers = SeededNumbers(seed: seed)
        let accesses = ["read", "write", "create", "remove", "metadata", "link"]
        var rules = """
                - {allow: [read, map, execute], paths: [/usr/**, /etc/ld.so.cache, \(program)]}
                - {allow: [read, link, metadata], paths: ["\(root)/**"]}

            """
        for number in 0..<14 {
            let isDeny = number % 4 == 3
            var pattern = isDeny ? "/rando?/*" : root
            for _ in 0..<(1 + numbers.below(3)) {
                pattern += "/" + numbers.pick(names + ["*", "**", "[ab]"])
            }
            pattern += numbers.pick(["/**", "/**", "/f*", "/*", "/?[0-4]*", "/**/*[5-9]"])
            var some = accesses.filter { _ in numbers.below(2) == 0 }
            if some.isEmpty { some = accesses }
            rules +=
                "    - {id: r\(number), \(isDeny ? "deny" : "allow"): [\(some.joined(separator: ", "))], paths: [\"\(pattern)\"]}\n"
        }
        return "subjects: [{exec: \(program)}]\nfiles:\n  rules:\n\(rules)"
    }

    private var numbers: SeededNumbers
    private var mounts: [String] = []
    /// For names that nothing had before.
    private var count = 0

    init(seed: UInt64) throws {
        numbers = SeededNumbers(seed: seed &+ 1)
        let build = "umount -R \(Self.root); set -e; mkdir -p \(Self.root); mount -t tmpfs none \(Self.root)"
        guard try Child("/bin/sh", "-c", build).wait() == 0 else {
            throw RunningAgent.Failure(text: "the tree cannot be built")
        }
        try Interpreter.install(at: Self.program)
        for _ in 0..<40 { make() }
    }

    deinit { _ = try? Child("/bin/umount", "-R", Self.root).wait() }

    /// Changes the tree a little, then has 25 things tried in it.
    func round(by interpreter: Interpreter, under policy: Policy) throws -> [Attempt] {
        for _ in 0..<(1 + numbers.below(4)) { change() }
        let evaluator = Evaluator(policy, vocabulary: SyscallTable.vocabulary)
        let attempts = (0..<25).map { _ in attempt(evaluator) }
        let results = try interpreter.perform(attempts.map(\.call))
        return zip(attempts, results).map { attempt, result in
            for path in attempt.paths where unlink(path) != 0 { rmdir(path) }
            var attempt = attempt
            attempt.result = result
            return attempt
        }
    }

    // MARK: The tree

    /// A directory that is there, found by going down at random.
    private func directory() -> String {
        var path = Self.root
        for _ in 0..<numbers.below(Self.depth) {
            let beneath = Self.names.filter { Self.isDirectory("\(path)/\($0)") }
            if beneath.isEmpty { break }
            path += "/" + numbers.pick(beneath)
        }
        return path
    }

    /// Not one that was removed elsewhere and is mounted here: nothing can be made in it.
    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_nlink > 0
    }

    private func make() { mkdir("\(directory())/\(numbers.pick(Self.names))", 0o755) }

    /// What fails changes nothing.
    private func change() {
        let some = directory(), other = directory(), name = numbers.pick(Self.names)
        switch numbers.below(8) {
        case 0, 1: make()
        case 2, 3: rename(some, "\(other)/\(name)")
        case 4: Self.exchange(some, other)
        case 5: rmdir(some)
        case 6 where mounts.count < 6 && some != Self.root && other != Self.root:
            if mount(some, other, nil, UInt(MS_BIND), nil) == 0 { mounts.append(other) }
        default:
            if mounts.isEmpty { return }
            // It may have been moved along with a directory above it.
            let path = mounts.remove(at: numbers.below(mounts.count))
            umount2(path, Int32(2 /* MNT_DETACH */))
        }
    }

    private static func exchange(_ some: String, _ other: String) {
        let between = "\(root)/between"
        // Neither is beneath the other then.
        guard rename(some, between) == 0 else { return }
        if rename(other, some) == 0, rename(between, other) == 0 { return }
        rename(between, some)
    }

    // MARK: What is tried

    private func newName() -> String {
        count += 1
        let name = "\(numbers.pick(["f", "g", ""]))\(count)"
        // One that its dentry has no room for.
        return numbers.below(8) == 0 ? name + String(repeating: "x", count: 40) : name
    }

    private func file() -> String {
        let path = "\(directory())/\(newName())"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        return path
    }

    /// Prepares something to try. Nothing else that is tried in the same round depends on it.
    private func attempt(_ evaluator: Evaluator) -> Attempt {
        let granted: (String) -> FileAccessSet = { path in
            let parts = evaluator.decide(.file(path: Array(path.utf8), .all)).parts
            return FileAccessSet(
                zip(FileAccessSet.all.members, parts).filter { $1.verdict == .allow }.map {
                    FileAccessSet($0.0)
                })
        }
        let simple: [(String, FileAccessSet, isNew: Bool)] = [
            ("os.close(os.open('@', os.O_RDONLY))", [.read], false),
            ("os.close(os.open('@', os.O_RDONLY))", [.read], false),
            ("os.close(os.open('@', os.O_WRONLY))", [.write], false),
            ("os.close(os.open('@', os.O_RDWR|os.O_TRUNC))", [.read, .write], false),
            ("os.close(os.open('@', os.O_WRONLY|os.O_CREAT))", [.write], false),
            ("os.close(os.open('@', os.O_WRONLY|os.O_CREAT))", [.create, .write], true),
            ("os.mkdir('@')", [.create], true), ("os.symlink('x', '@')", [.create], true),
            ("os.unlink('@')", [.remove], false), ("os.truncate('@', 1)", [.write], false),
            ("os.chmod('@', 0o600)", [.metadata], false), ("os.utime('@', (1, 1))", [.metadata], false),
        ]
        let old: String, call: String, expected: Int32
        var new: String?
        let choice = numbers.below(simple.count + 4)
        if choice < simple.count {
            let (text, accesses, isNew) = simple[choice]
            old = isNew ? "\(directory())/\(newName())" : file()
            call = text.replacingOccurrences(of: "@", with: old)
            expected = granted(old).isSuperset(of: accesses) ? 0 : EACCES
        } else {
            let isLink = choice % 2 == 0
            let other = "\(directory())/\(newName())"
            old = file()
            new = other
            call = "os.\(isLink ? "link" : "rename")('\(old)', '\(other)')"
            if Self.mountNumber(of: old) != Self.mountNumber(of: other) {
                expected = EXDEV
            } else {
                let before = granted(old), after = granted(other)
                let gains: FileAccessSet = [.read, .write, .execute, .map, .metadata, .link]
                if !before.contains(isLink ? .link : .remove) || !after.contains(.create) {
                    expected = EACCES
                } else {
                    expected = after.subtracting(before).isDisjoint(with: gains) ? 0 : EXDEV
                }
            }
        }
        return Attempt(call: call, expected: expected, paths: [old, new ?? old])
    }

    /// The mount that a path's directory is on, as the kernel writes it.
    private static func mountNumber(of path: String) -> String? {
        let directory = URL(filePath: path).deletingLastPathComponent().path
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(descriptor) }
        return try? String(contentsOfFile: "/proc/self/fdinfo/\(descriptor)", encoding: .utf8)
            .split(separator: "\n").first { $0.hasPrefix("mnt_id:") }.map(String.init)
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((word ^ (word >> 31)) % UInt64(limit))
    }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }
}
