import Policy

import struct Policy.SourceLocation

/// Random `files` sections over few names, and paths near their patterns.
struct FileAutomatonRandom {
    var random: SyscallRandom

    init(seed: UInt64) { random = SyscallRandom(seed: seed) }

    mutating func section() -> FilesSection {
        var section = FilesSection(
            defaultVerdict: random.chance(25) ? .allow : .deny, location: syscallPlace(1))
        for index in 0..<Int.random(in: 1...6, using: &random) {
            let place = syscallPlace(index + 2)
            let accesses = FileAccess.allCases.filter { _ in random.chance(35) }
            section.rules.append(
                FileRule(
                    header: RuleHeader(
                        id: "files.rules[\(index)]", verdict: random.chance(40) ? .deny : .allow,
                        reason: random.chance(30) ? "reason \(index)" : nil,
                        log: random.chance(30) ? random.chance(50) : nil, location: place),
                    accesses: accesses.isEmpty ? .all : FileAccessSet(accesses.map { FileAccessSet($0) }),
                    patterns: (0..<Int.random(in: 1...3, using: &random)).map { _ in
                        Located(pattern(), at: place)
                    }))
        }
        return section
    }

    /// Absolute, of one to four components; often a plain subtree or literal, as in policies.
    mutating func pattern() -> PathPattern {
        if random.chance(4) { return PathPattern(subtree: Array("/".utf8)) }
        let isLiteral = random.chance(30)
        var tokens: [PathPattern.Token] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            tokens.append(.byte(UInt8(ascii: "/")))
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let token = isLiteral ? .byte(random.pick("abe".utf8)) : token()
                if isRun(token), tokens.last.map(isRun) == true { continue }
                tokens.append(token)
            }
        }
        if random.chance(40) { tokens.append(.subtree) }
        return PathPattern(tokens: tokens)
    }

    private func isRun(_ token: PathPattern.Token) -> Bool { token == .star || token == .anything }

    private mutating func token() -> PathPattern.Token {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return .anyByte
        case 1: return .star
        case 2: return .anything
        case 3:
            var set = ByteSet()
            for byte in "abe.".utf8 where random.chance(50) { set.insert(byte) }
            if random.chance(30) { set = set.inverted }
            // '/' is left in now and then: no set matches it.
            if random.chance(80) { set.remove(UInt8(ascii: "/")) }
            return .set(set)
        default: return .byte(random.pick("abe.\u{ff}".utf8))
        }
    }

    /// An expansion of the pattern, often changed a little; always absolute.
    mutating func path(near pattern: PathPattern) -> [UInt8] {
        let alphabet = Array("abe./x".utf8)
        var path: [UInt8] = []
        for token in pattern.tokens {
            switch token {
            case .byte(let byte): path.append(byte)
            case .anyByte: path.append(random.pick(alphabet))
            case .set(let set):
                path.append(alphabet.filter { set.contains($0) }.randomElement(using: &random) ?? 0xe9)
            case .star: path += run(of: Array("abe.".utf8))
            case .anything: path += run(of: alphabet)
            case .subtree: if random.chance(70) { path += [UInt8(ascii: "/")] + run(of: alphabet) }
            }
        }
        if path.isEmpty { path.append(UInt8(ascii: "/")) }
        if random.chance(30) { path[Int.random(in: 0..<path.count, using: &random)] = random.pick(alphabet) }
        if random.chance(10) { path.removeLast(Int.random(in: 0..<path.count, using: &random)) }
        if random.chance(20) { path += run(of: alphabet) }
        return path.first == UInt8(ascii: "/") ? path : [UInt8(ascii: "/")] + path
    }

    private mutating func run(of alphabet: [UInt8]) -> [UInt8] {
        (0..<Int.random(in: 0...4, using: &random)).map { _ in random.pick(alphabet) }
    }
}
