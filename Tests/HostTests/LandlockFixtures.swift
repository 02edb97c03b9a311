import CProbes
import Compiler
import Confinement
import Foundation
import Landlock
import Policy
import Testing

/// Numbers that are the same for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }
}

extension PathPattern {
    /// The one pattern that `text` stands for.
    init(test text: String) {
        let kind = text.hasPrefix("/") ? Kind.path : .abstractName
        do {
            let patterns = try Self.parse(text.utf8, kind: kind)
            precondition(patterns.count == 1, "\(text) is several patterns")
            self = patterns[0]
        } catch {
            preconditionFailure("\(text): \(error)")
        }
    }
}

extension Policy {
    /// A policy with these file rules; the ids are `r0`, `r1`…
    init(
        files rules: [(Verdict, FileAccessSet, [String])], default defaultVerdict: Verdict = .deny
    ) {
        self.init(name: "test", file: "test.yaml")
        files = FilesSection(
            defaultVerdict: defaultVerdict,
            rules: rules.enumerated().map { index, rule in
                let location = SourceLocation(file: "test.yaml", line: index + 10)
                return FileRule(
                    header: RuleHeader(id: "r\(index)", verdict: rule.0, location: location),
                    accesses: rule.1, patterns: rule.2.map { Located(PathPattern(test: $0), at: location) })
            }, location: SourceLocation(file: "test.yaml", line: 9))
    }
}

/// A directory that goes away with the test. Whoever needs it only by its path says how long with `keep`.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/sgXXXXXX".utf8CString)
        path = try template.withUnsafeMutableBufferPointer { buffer in
            guard let made = mkdtemp(buffer.baseAddress!) else { throw POSIXError(.EIO) }
            return String(cString: made)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Holds the directory until here.
    func keep() {}

    func directory(_ name: String) { mkdir("\(path)/\(name)", 0o755) }

    /// An executable file of one byte, which is no program: execve answers ENOEXEC.
    func file(_ name: String) {
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o755)
        write(descriptor, "x", 1)
        close(descriptor)
    }
}

/// One thing to try, and what it came to: 0 or an errno.
struct Attempt {
    var kind: probe_kind
    var first = ""
    var second = ""
    var number: UInt32 = 0

    init(_ kind: probe_kind, _ first: String = "", _ second: String = "", number: UInt32 = 0) {
        self.kind = kind
        self.first = first
        self.second = second
        self.number = number
    }

    /// Tries all in a child confined by `ruleset`, one after another.
    static func run(_ attempts: [Attempt], in ruleset: borrowing PreparedRuleset) throws -> [Int32] {
        var strings: [UnsafeMutablePointer<CChar>] = []
        defer { for string in strings { free(string) } }
        func text(_ string: String) -> UnsafePointer<CChar> {
            let copy = strdup(string)!
            strings.append(copy)
            return UnsafePointer(copy)
        }
        let grants = ruleset.ownGrants.map {
            own_grant(path: text(String(decoding: $0.path, as: UTF8.self)), rights: $0.rights.rawValue)
        }
        let probes = attempts.map {
            probe(kind: $0.kind, number: $0.number, a: text($0.first), b: text($0.second))
        }
        var results = [Int32](repeating: 0, count: attempts.count)
        let failed = ruleset.ruleset.withDescriptor { descriptor in
            run_probes(descriptor, grants, grants.count, probes, probes.count, &results)
        }
        guard failed == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failed) ?? .EIO) }
        return results
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips where the kernel has no Landlock; where `SWGUARD_REQUIRE_KERNEL` is set the test must run.
    static var landlock: Self {
        .enabled("the kernel has no Landlock") {
            LandlockFeatures.probe().features != nil
                || ProcessInfo.processInfo.environment["SWGUARD_REQUIRE_KERNEL"] != nil
        }
    }
}

/// What this kernel handles.
func hostLandlock() throws -> LandlockFeatures { try #require(LandlockFeatures.probe().features) }
