import Automata
import Foundation

/// How many random cases a test tries. `SWGUARD_CASES` is the number for one that tries 1,000; others follow in
/// proportion, since a case of theirs costs more.
func caseCount(_ count: Int) -> Int {
    let asked = ProcessInfo.processInfo.environment["SWGUARD_CASES"].flatMap(Int.init)
    return asked.map { max(1, count * $0 / 1_000) } ?? count
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }
}

extension Pattern {
    /// A pattern written as in a policy, without braces and escapes.
    init(_ text: String) {
        var steps: [Step] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "?"): steps.append(.oneOf(.allButSlash))
            case UInt8(ascii: "*"):
                let isDouble = rest.first == byte
                if isDouble { rest.removeFirst() }
                steps.append(.run(isDouble ? .all : .allButSlash))
            case UInt8(ascii: "["):
                let end = rest.firstIndex(of: UInt8(ascii: "]"))!
                steps.append(.oneOf(ByteMask(rest[..<end])))
                rest = rest[(end + 1)...]
            default: steps.append(.byte(byte))
            }
        }
        if text.hasSuffix("/**") { steps.replaceSubrange((steps.count - 2)..., with: [.subtree]) }
        self.init(steps)
    }

    /// The definition, as a recursion.
    func matches(_ bytes: some Collection<UInt8>) -> Bool { Self.matches(steps[...], Array(bytes)[...]) }

    private static func matches(_ steps: ArraySlice<Step>, _ bytes: ArraySlice<UInt8>) -> Bool {
        guard let step = steps.first else { return bytes.isEmpty }
        let rest = steps.dropFirst()
        switch step {
        case .byte(let byte): return bytes.first == byte && matches(rest, bytes.dropFirst())
        case .oneOf(let mask):
            return bytes.first.map(mask.contains) == true && matches(rest, bytes.dropFirst())
        case .run(let mask):
            return matches(rest, bytes)
                || (bytes.first.map(mask.contains) == true && matches(steps, bytes.dropFirst()))
        case .subtree: return bytes.isEmpty || bytes.first == UInt8(ascii: "/")
        }
    }

    /// Random steps over the letters `a`, `b`, `c` and `/`.
    static func random(_ random: inout SeededGenerator) -> Self {
        var steps: [Step] = random.chance(80) ? [.byte(UInt8(ascii: "/"))] : []
        for _ in 0..<random.below(7) {
            switch random.below(12) {
            case 0: steps.append(.oneOf(.allButSlash))
            case 1: steps.append(.oneOf(ByteMask(random.pick(["ab", "bc", "/a", "c"]).utf8)))
            case 2: steps.append(.run(.allButSlash))
            case 3: steps.append(.run(.all))
            case 4: steps.append(.run(ByteMask(random.pick(["ab", "b", "/c"]).utf8)))
            default: steps.append(.byte(random.pick(Array("abc/".utf8))))
            }
        }
        if random.chance(25) { steps.append(.subtree) }
        return Self(steps)
    }

    /// Bytes that the pattern often matches.
    func sample(_ random: inout SeededGenerator) -> [UInt8] {
        let alphabet = Array("abc/x".utf8)
        var bytes: [UInt8] = []
        for step in steps {
            switch step {
            case .byte(let byte): bytes.append(byte)
            case .oneOf: bytes.append(random.pick(alphabet))
            case .run: bytes += (0..<random.below(4)).map { _ in random.pick(alphabet) }
            case .subtree: if random.chance(70) { bytes += Array("/ab/c".utf8).prefix(random.below(6)) }
            }
        }
        if random.chance(40), !bytes.isEmpty { bytes[random.below(bytes.count)] = random.pick(alphabet) }
        if random.chance(20) { bytes.append(random.pick(alphabet)) }
        return bytes
    }
}

/// The verdict that tells every combination of patterns apart.
func combination(_ matching: [Int]) -> UInt32 { matching.reduce(0) { $0 | 1 << UInt32($1) } }

/// A verdict with few values, so that states merge.
func priority(_ matching: [Int]) -> UInt32 { matching.first.map { UInt32($0 % 3 + 1) } ?? 0 }

let verdicts: [@Sendable ([Int]) -> UInt32] = [{ combination($0) }, { priority($0) }]
