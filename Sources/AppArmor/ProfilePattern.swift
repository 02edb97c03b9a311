internal import Policy

/// A path of a profile after variables and braces: what it matches, in the steps of the policy language.
struct ProfilePattern: Hashable {
    /// The steps; a number of a process (`@{pid}`) is `nil`.
    var steps: [PathPattern.Token?]
    /// Whether it ends in `/`, which AppArmor puts behind the paths of directories and of nothing else.
    var isDirectory: Bool

    /// At most so many patterns come from one path.
    static let limit = 1_024

    /// Everything that the word `path` stands for.
    static func expand(_ path: Word, _ variables: ProfileVariables) throws(ProfileError) -> [ProfilePattern] {
        var text = path.text
        if text.hasPrefix("\""), text.hasSuffix("\""), text.utf8.count > 1 {
            text = String(text.dropFirst().dropLast())
        }
        if text.utf8.count > 4_096 {
            throw ProfileError("the path has more than 4,096 bytes", at: path.location)
        }
        var reader = PatternReader(text: Array(text.utf8), variables: variables, place: path.location)
        var patterns: [ProfilePattern] = []
        for steps in try reader.readAll() {
            if let pattern = try ProfilePattern(steps, path) { patterns.append(pattern) }
        }
        return patterns
    }

    /// nil: no path is matched.
    private init?(_ read: [PathPattern.Token?], _ path: Word) throws(ProfileError) {
        let slash = PathPattern.Token.byte(UInt8(ascii: "/"))
        guard read.first == .some(slash) else {
            throw ProfileError("'\(path.text)' is not absolute", at: path.location)
        }
        // Several are one: a variable ends in '/', and what is behind it begins with one.
        var steps: [PathPattern.Token?] = []
        for step in read where step != slash || steps.last != .some(slash) {
            // So are '*' beside '*', which alternatives bring together, and '**' takes in both.
            if Self.isRun(step), let last = steps.last, Self.isRun(last) {
                steps[steps.count - 1] = step == .anything ? step : last
            } else {
                steps.append(step)
            }
        }
        if steps.count > 4_000 { throw ProfileError("'\(path.text)' is too long", at: path.location) }
        // One that a set stands for is not: it is there besides its neighbour, and no path has two.
        for index in steps.indices where steps[index] == .set(Self.slashes) {
            steps[index] = slash
            let next = index + 1 < steps.count ? steps[index + 1] : nil
            if steps[index - 1] == .some(slash) || next == .some(slash) { return nil }
        }
        isDirectory = steps.last == .some(slash)
        if isDirectory, steps.count > 1 { steps.removeLast() }
        self.steps = steps
        let dot = PathPattern.Token?.some(.byte(UInt8(ascii: ".")))
        if steps.split(separator: slash).contains(where: { $0 == [dot] || $0 == [dot, dot] }) { return nil }
    }

    private static func isRun(_ step: PathPattern.Token?) -> Bool { step == .star || step == .anything }

    /// The member '/' of a set: what it matches is no part of a name, and nothing else of the language does.
    fileprivate static let slashes: ByteSet = {
        var set = ByteSet()
        set.insert(UInt8(ascii: "/"))
        return set
    }()

    /// Whether every step is a byte.
    var isLiteral: Bool { steps.allSatisfy { $0?.isByte ?? false } }

    /// Whether it is about a directory of procfs that belongs to one process, any of them.
    var isOfProcesses: Bool {
        guard steps.starts(with: Self.processes) else { return false }
        let rest = steps.dropFirst(Self.processes.count)
        guard let first = rest.first else { return false }
        guard case .set(let set) = first else { return first == nil }
        return (UInt8(ascii: "1")...UInt8(ascii: "9")).allSatisfy { set.contains($0) }
    }

    /// Whether it is `/proc/self` or in it: a link, which no path has that AppArmor sees.
    var isOfOwnProcess: Bool { steps.starts(with: Self.ownProcess) }

    /// The same beneath `/proc/self`, as the policy language calls a process's own directory.
    var ofOwnProcess: ProfilePattern {
        var own = self
        let slash = PathPattern.Token.byte(UInt8(ascii: "/"))
        let rest = steps.dropFirst(Self.processes.count).drop { $0 != .some(slash) }
        own.steps = Self.ownProcess + rest
        return own
    }

    private static let processes = Array("/proc/".utf8).map { PathPattern.Token?.some(.byte($0)) }
    private static let ownProcess = Array("/proc/self".utf8).map { PathPattern.Token?.some(.byte($0)) }

    /// In the policy language: `/a/**` of a profile is what is beneath, not `/a` itself.
    var pathPattern: PathPattern {
        var tokens: [PathPattern.Token] = []
        for step in steps { tokens += step.map { [$0] } ?? [.set(Self.digits), .star] }
        let slash = PathPattern.Token.byte(UInt8(ascii: "/"))
        if tokens.last == .anything, tokens.dropLast().last == slash {
            tokens.insert(.anyByte, at: tokens.count - 1)
        }
        return PathPattern(tokens: tokens)
    }

    /// Whether whatever `other` matches, this matches: the same, or everything beneath a directory.
    func covers(_ other: ProfilePattern) -> Bool {
        if steps == other.steps { return true }
        guard steps.last == .some(.anything) else { return false }
        let top = steps.dropLast()
        return top.allSatisfy { $0?.isByte ?? false } && other.steps.starts(with: top)
            && other.steps.count > top.count
    }

    private static let digits: ByteSet = {
        var set = ByteSet()
        for byte in UInt8(ascii: "1")...UInt8(ascii: "9") { set.insert(byte) }
        return set
    }()
}

/// The values of `@{NAME}`, by name.
struct ProfileVariables {
    var values: [String: [Word]] = [:]

    /// What the kernel numbers processes and tasks by.
    static let numbers: Set = ["pid", "pids", "tid"]
}

/// Reads one path, byte by byte.
private struct PatternReader {
    typealias Steps = [PathPattern.Token?]

    let text: [UInt8]
    let variables: ProfileVariables
    let place: SourceLocation
    var position = 0
    /// How many variables stand within each other.
    var depth = 0
    /// How many bytes may still be read, those of variables each time anew.
    var budget = 1 << 16

    mutating func readAll() throws(ProfileError) -> [Steps] {
        let results = try readSequence(nesting: 0)
        if position < text.count { throw error("a '}' that closes nothing") }
        return results
    }

    private mutating func readSequence(nesting: Int) throws(ProfileError) -> [Steps] {
        var results: [Steps] = [[]]
        while position < text.count {
            let byte = text[position]
            if nesting > 0, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") { break }
            if byte == UInt8(ascii: "}") { break }
            position += 1
            budget -= 1
            if budget < 0 { throw error("the variables of this path stand for too much") }
            let following: [Steps]
            switch byte {
            case UInt8(ascii: "{"): following = try readAlternatives(nesting: nesting + 1)
            case UInt8(ascii: "@") where position < text.count && text[position] == UInt8(ascii: "{"):
                following = try readVariable()
            case UInt8(ascii: "["): following = try readSet()
            case UInt8(ascii: "?"): following = [[.anyByte]]
            case UInt8(ascii: "*"):
                let start = position
                while position < text.count, text[position] == UInt8(ascii: "*") { position += 1 }
                following = [[position == start ? .star : .anything]]
            case UInt8(ascii: "\\"): following = [[.byte(try readEscape())]]
            default: following = [[.byte(byte)]]
            }
            if results.count * following.count > ProfilePattern.limit {
                throw error("'\(String(decoding: text, as: UTF8.self))' stands for more than 1,024 patterns")
            }
            results = results.flatMap { left in following.map { left + $0 } }
        }
        return results
    }

    private mutating func readAlternatives(nesting: Int) throws(ProfileError) -> [Steps] {
        if nesting > 16 { throw error("braces are nested more than 16 deep") }
        var results: [Steps] = []
        while true {
            results += try readSequence(nesting: nesting)
            if results.count > ProfilePattern.limit {
                throw error("braces stand for more than 1,024 patterns")
            }
            guard position < text.count else { throw error("a '{' that is not closed") }
            position += 1
            if text[position - 1] == UInt8(ascii: "}") { return results }
        }
    }

    private mutating func readVariable() throws(ProfileError) -> [Steps] {
        let start = position + 1
        guard let end = text[start...].firstIndex(of: UInt8(ascii: "}")) else {
            throw error("a variable that is not closed")
        }
        position = end + 1
        let name = String(decoding: text[start..<end], as: UTF8.self)
        if ProfileVariables.numbers.contains(name) { return [[nil]] }
        guard let values = variables.values[name] else { throw error("the variable @{\(name)} has no value") }
        if depth == 16 { throw error("the variable @{\(name)} stands for itself, or more than 16 deep") }
        var results: [Steps] = []
        for value in values {
            let bare = value.text.filter { $0 != "\"" }
            var reader = PatternReader(
                text: Array(bare.utf8), variables: variables, place: place, depth: depth + 1, budget: budget)
            results += try reader.readAll()
            budget = reader.budget
            if results.count > ProfilePattern.limit {
                throw error("the variable @{\(name)} stands for more than 1,024 patterns")
            }
        }
        return results
    }

    private mutating func readSet() throws(ProfileError) -> [Steps] {
        var set = ByteSet()
        let isNegated = position < text.count && text[position] == UInt8(ascii: "^")
        if isNegated { position += 1 }
        var previous: UInt8?
        while position < text.count, text[position] != UInt8(ascii: "]") {
            var byte = text[position]
            position += 1
            if byte == UInt8(ascii: "\\") { byte = try readEscape() }
            let isRange =
                byte == UInt8(ascii: "-") && position < text.count && text[position] != UInt8(ascii: "]")
            if isRange, let low = previous {
                var high = text[position]
                position += 1
                if high == UInt8(ascii: "\\") { high = try readEscape() }
                guard low <= high else { throw error("a range that is reversed") }
                for member in low...high { set.insert(member) }
                previous = nil
            } else {
                set.insert(byte)
                previous = byte
            }
        }
        guard position < text.count, !set.isEmpty else { throw error("a '[' that is not closed, or empty") }
        position += 1
        if isNegated { set = set.inverted }
        guard set.contains(UInt8(ascii: "/")) else { return [[.set(set)]] }
        set.remove(UInt8(ascii: "/"))
        return (set.isEmpty ? [] : [[.set(set)]]) + [[.set(ProfilePattern.slashes)]]
    }

    /// `\x` is x itself, three octal digits are a byte.
    private mutating func readEscape() throws(ProfileError) -> UInt8 {
        guard position < text.count else { throw error("a '\\' at the end") }
        let digits = text[position...].prefix(3)
        if digits.count == 3, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }) {
            let value = digits.reduce(0) { $0 * 8 + Int($1 - UInt8(ascii: "0")) }
            guard (1...255).contains(value) else { throw error("an escape that is no byte of a path") }
            position += 3
            return UInt8(value)
        }
        position += 1
        return text[position - 1]
    }

    private func error(_ what: String) -> ProfileError { ProfileError(what, at: place) }
}
