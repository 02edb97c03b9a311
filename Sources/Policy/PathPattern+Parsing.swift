extension PathPattern {
    /// What a pattern is to match.
    public enum Kind: Hashable, Sendable {
        /// Absolute paths, as the kernel resolves them.
        case path
        /// Names in the abstract namespace of unix sockets: no components, no `/` to begin with.
        case abstractName
    }

    /// The bytes that all patterns of one policy may have together, braces expanded.
    public static let expansionLimit = 1 << 20

    /// The patterns that `text` stands for: several where it has braces.
    public static func parse(
        _ text: some Sequence<UInt8>, kind: Kind = .path, variables: PolicyVariables? = nil
    ) throws(PolicyTextError) -> [PathPattern] {
        var budget = expansionLimit
        let scope = variables.map { VariableScope.values($0) } ?? .forbidden("there are no variables here")
        return try parse(Array(text), kind: kind, variables: scope, budget: &budget)
    }

    static func parse(
        _ text: [UInt8], kind: Kind, variables: VariableScope, budget: inout Int
    ) throws(PolicyTextError) -> [PathPattern] {
        if text.isEmpty { throw PolicyTextError("the pattern is empty", at: 0) }
        var patterns: [PathPattern] = []
        for symbols in try PatternText.expand(text, variables: variables, budget: &budget) {
            if kind == .path { try checkComponents(of: symbols) }
            if symbols.isEmpty { throw PolicyTextError("the pattern is empty", at: 0) }
            patterns.append(PathPattern(tokens: try tokens(of: symbols)))
        }
        return patterns
    }

    /// No component of a result may be empty, `.` or `..`: no resolved path has such a name.
    private static func checkComponents(of symbols: [PatternText.Symbol]) throws(PolicyTextError) {
        let slash = UInt8(ascii: "/")
        let dot = UInt8(ascii: ".")
        guard symbols.first?.byte == slash else {
            throw PolicyTextError(
                "the pattern is not absolute", at: symbols.first?.offset ?? 0, hint: "it must begin with '/'")
        }
        if symbols.count == 1 { return }
        var start = 1
        var isInSet = false
        for index in 1...symbols.count {
            if index < symbols.count {
                // A '/' of a set is one of its members, not the end of a component.
                if symbols[index].means("[") { isInSet = true }
                if symbols[index].means("]") { isInSet = false }
                if symbols[index].byte != slash || isInSet { continue }
            }
            let component = symbols[start..<index]
            let bytes = component.map(\.byte)
            if bytes.isEmpty {
                let isLast = index == symbols.count
                throw PolicyTextError(
                    isLast ? "'/' at the end" : "an empty component",
                    at: symbols[isLast ? index - 1 : index].offset,
                    hint: isLast ? "write '/**' for what is beneath" : "write one '/'")
            }
            if bytes == [dot] || bytes == [dot, dot] {
                throw PolicyTextError(
                    "a component \(quoted(String(decoding: bytes, as: UTF8.self)))",
                    at: symbols[start].offset, length: bytes.count,
                    hint: "write the path as the kernel resolves it")
            }
            start = index + 1
        }
    }

    private static func tokens(of symbols: [PatternText.Symbol]) throws(PolicyTextError) -> [Token] {
        var tokens: [Token] = []
        var index = 0
        while index < symbols.count {
            let symbol = symbols[index]
            if symbol.means("*") {
                let stars = symbols[index...].prefix { $0.means("*") }.count
                if stars > 2 {
                    throw PolicyTextError(
                        "'***' is nothing", at: symbol.offset, length: 3,
                        hint: "'*' matches within a component, '**' across them")
                }
                tokens.append(stars == 2 ? .anything : .star)
                index += stars
            } else if symbol.means("?") {
                tokens.append(.anyByte)
                index += 1
            } else if symbol.means("[") {
                tokens.append(.set(try set(of: symbols, at: &index)))
            } else {
                // A `]` that ends no set is a byte like any other.
                tokens.append(.byte(symbol.byte))
                index += 1
            }
        }
        let isSubtree =
            tokens.count >= 2 && tokens[tokens.count - 1] == .anything
            && tokens[tokens.count - 2] == .byte(UInt8(ascii: "/"))
        if isSubtree { tokens.replaceSubrange((tokens.count - 2)..., with: [.subtree]) }
        return tokens
    }

    /// Reads the set whose `[` is at `index`; leaves `index` behind its `]`.
    private static func set(
        of symbols: [PatternText.Symbol], at index: inout Int
    ) throws(PolicyTextError) -> ByteSet {
        let open = symbols[index].offset
        var set = ByteSet()
        index += 1
        let isNegated = index < symbols.count && symbols[index].means("^")
        if isNegated { index += 1 }
        let first = index
        while index < symbols.count, !symbols[index].means("]") {
            try checkNoClass(in: symbols, at: index)
            let low = try member(symbols[index], isNegated: isNegated)
            var high = low
            if index + 2 < symbols.count, symbols[index + 1].means("-"), !symbols[index + 2].means("]") {
                high = try member(symbols[index + 2], isNegated: isNegated)
                if high < low {
                    throw PolicyTextError(
                        "a range that ends before it begins", at: symbols[index].offset,
                        length: symbols[index + 2].offset - symbols[index].offset + 1,
                        hint: "write the lower end first")
                }
                index += 2
            }
            for byte in low...high { set.insert(byte) }
            index += 1
        }
        guard index < symbols.count else {
            throw PolicyTextError("'[' without ']'", at: open, hint: "a '[' itself is '\\['")
        }
        if index == first {
            throw PolicyTextError(
                "an empty set", at: open, length: symbols[index].offset - open + 1,
                hint: "a ']' in a set is '\\]'")
        }
        index += 1
        if isNegated { set = set.inverted }
        set.remove(UInt8(ascii: "/"))
        if set.isEmpty { throw PolicyTextError("a set that matches nothing", at: open) }
        return set
    }

    /// Refuses `[[:digit:]]`: by the letters of this language it would be a set and a `]`, which nobody means.
    private static func checkNoClass(
        in symbols: [PatternText.Symbol], at index: Int
    ) throws(PolicyTextError) {
        guard symbols[index].means("["), symbols[index...].dropFirst().first?.means(":") == true else {
            return
        }
        let end = symbols[(index + 2)...].firstIndex { $0.means("]") } ?? symbols.count
        guard end < symbols.count, end > index + 2, symbols[end - 1].means(":") else { return }
        throw PolicyTextError(
            "a class within a set", at: symbols[index].offset,
            length: symbols[end].offset - symbols[index].offset + 1,
            hint: "write the bytes: '[0-9]'; a '[' itself is '\\[' too")
    }

    /// The byte that a symbol puts into a set.
    private static func member(
        _ symbol: PatternText.Symbol, isNegated: Bool
    ) throws(PolicyTextError) -> UInt8 {
        if symbol.means("-") {
            throw PolicyTextError("a '-' that is no range", at: symbol.offset, hint: "a '-' itself is '\\-'")
        }
        if symbol.byte == UInt8(ascii: "/"), !isNegated {
            throw PolicyTextError("'/' in a set", at: symbol.offset, hint: "no set matches '/'")
        }
        if symbol.byte >= 0x80 {
            throw PolicyTextError(
                "a character of several bytes in a set", at: symbol.offset,
                hint: "a set matches one byte; write alternatives, '{ä,ö}'")
        }
        return symbol.byte
    }
}
