import Policy
import Testing

@testable import Compiler

/// Patterns as the walk follows them, against the matching that is the reference.
struct LandlockPatternTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    private static func pattern(_ random: inout Generator) -> PathPattern {
        let words = ["a", "b", "ab", "*", "?", "[ab]", "a*", "*b", "**", "a**", "**b"]
        var text = ""
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            text += "/" + (words.randomElement(using: &random) ?? "a")
        }
        if Bool.random(using: &random) { text += "/**" }
        return PathPattern(test: text)
    }

    /// Every path of up to three names out of three.
    private static let paths: [String] = {
        let names = ["a", "b", "ab", "c"]
        let one = names.map { "/" + $0 }
        let two = one.flatMap { first in one.map { first + $0 } }
        return one + two + two.flatMap { first in one.map { first + $0 } }
    }()

    @Test
    func `a cursor says what the reference says`() {
        var random = Generator(state: 11)
        for _ in 0..<300 {
            let pattern = Self.pattern(&random)
            for path in Self.paths {
                let cursor = PatternCursor(pattern, at: Array(path.utf8))
                var match = PatternMatch(pattern)
                match.advance(path.utf8)
                let context: Comment = "\(pattern.description) at \(path)"
                #expect(cursor.isMatch == match.isMatch, context)
                #expect(cursor.isDead == match.isDead, context)
                #expect(cursor.coversSubtree == match.coversSubtree, context)
                #expect(cursor.reachesBeneath == match.reachesBeneath, context)
            }
        }
    }

    @Test
    func `two patterns intersect where some path matches both`() {
        var random = Generator(state: 12)
        var found = 0
        for _ in 0..<2_000 {
            let left = Self.pattern(&random)
            let right = Self.pattern(&random)
            let witness = Self.paths.first { left.matches($0.utf8) && right.matches($0.utf8) }
            let context: Comment = "\(left.description) and \(right.description)"
            if witness != nil {
                found += 1
                #expect(left.intersects(right), context)
            }
            #expect(left.intersects(right) == right.intersects(left), context)
        }
        #expect(found > 100)
    }

    static let pairs: [(String, String, Bool)] = [
        ("/a/b", "/a/b", true), ("/a/b", "/a/c", false), ("/a/*", "/a/b", true), ("/a/*", "/a/b/c", false),
        ("/a/**", "/a", true), ("/a/**", "/ab", false), ("/**/x", "/a/**", true), ("/a/*.c", "/a/*.h", false),
        ("/a/[bc]", "/a/[cd]", true), ("/a/[bc]", "/a/[de]", false), ("/**", "/x", true),
        ("/home/**/.ssh/**", "/home/u/src/*.c", false), ("/a/?", "/a/bb", false),
    ]

    @Test(arguments: pairs)
    func `intersection by example`(_ row: (String, String, Bool)) {
        #expect(PathPattern(test: row.0).intersects(PathPattern(test: row.1)) == row.2)
    }

    @Test
    func `at the root directory every pattern can still match`() {
        let root: [UInt8] = [0x2f]
        #expect(PatternCursor(PathPattern(test: "/**"), at: root).coversSubtree)
        #expect(PatternCursor(PathPattern(test: "/etc/**"), at: root).reachesBeneath)
        #expect(!PatternCursor(PathPattern(test: "/etc/**"), at: root).isMatch)
    }
}
