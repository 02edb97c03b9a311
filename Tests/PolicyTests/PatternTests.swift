import Policy
import Testing

private func patterns(_ text: String, kind: PathPattern.Kind = .path) throws -> [PathPattern] {
    try PathPattern.parse(Array(text.utf8), kind: kind, variables: testVariables)
}

/// A pattern, and the paths that it matches and does not match.
struct Matching: Sendable, CustomTestStringConvertible {
    var pattern: String
    var matches: [String]
    var others: [String]
    var testDescription: String { pattern }

    init(_ pattern: String, _ matches: [String], not others: [String]) {
        self.pattern = pattern
        self.matches = matches
        self.others = others
    }
}

private let matchings: [Matching] = [
    Matching("/", ["/"], not: ["/a"]),
    Matching("/**", ["/", "/a", "/a/b"], not: []),
    Matching("/a/**", ["/a", "/a/b", "/a/b/c", "/a/.b"], not: ["/ab", "/", "/b"]),
    Matching("/a/*", ["/a/b", "/a/.b"], not: ["/a", "/a/b/c"]),
    Matching("/a?c", ["/abc", "/a.c"], not: ["/a/c", "/ac", "/abbc"]),
    Matching("/a[b-d]", ["/ab", "/ad"], not: ["/ae", "/a", "/a/"]),
    Matching("/a[^b-d]", ["/aa", "/ae", "/a]"], not: ["/ab", "/a/"]),
    Matching("/[\\]\\-x]", ["/]", "/-", "/x"], not: ["/\\", "/y"]),
    Matching("/a[[]", ["/a["], not: ["/a", "/a[["]),
    Matching("/a[[-^]", ["/a[", "/a^", "/a]"], not: ["/a_"]),
    Matching("/a[x[]]", ["/ax]", "/a[]"], not: ["/ax", "/a]"]),
    Matching("/a[[:]b", ["/a[b", "/a:b"], not: ["/a[:b"]),
    Matching("/a[*?$,^]", ["/a*", "/a?", "/a$", "/a,", "/a^"], not: ["/ab"]),
    Matching("/a]b}c,d", ["/a]b}c,d"], not: ["/a"]),
    Matching("/{a,b}}", ["/a}", "/b}"], not: ["/a"]),
    Matching("/[[]/b", ["/[/b"], not: ["/[b"]),
    Matching("/a[^/]b", ["/axb"], not: ["/a/b"]),
    Matching("/{a,b/c}/d", ["/a/d", "/b/c/d"], not: ["/b/d"]),
    Matching("{/a,/b}", ["/a", "/b"], not: ["/c"]),
    Matching("/x{,y{1,2}}", ["/x", "/xy1", "/xy2"], not: ["/xy"]),
    Matching("/[{a,b}c]", ["/a", "/b", "/c"], not: ["/{"]),
    Matching("/a/**/z", ["/a/b/z", "/a/b/c/z"], not: ["/a/z", "/a"]),
    Matching("/a**z", ["/az", "/a/b/z", "/abz"], not: ["/a"]),
    Matching("/a\\*\\[\\{\\,\\\\$b", ["/a*[{,\\$b"], not: ["/ax"]),
    Matching("/a$b,c-^", ["/a$b,c-^"], not: []),
    Matching("/\\$\\{HOME\\}", ["/${HOME}"], not: ["/home/ann"]),
    Matching("${HOME}/.ssh/**", ["/home/ann/.ssh", "/home/ann/.ssh/id"], not: ["/home/ann"]),
    Matching("${CWD}/**", ["/home/ann/pro[je]ct/x"], not: ["/home/ann/proj/x"]),
    Matching("/run/user/${UID}/${USER}", ["/run/user/1000/ann"], not: []),
    Matching("/ä?", ["/äx"], not: ["/ä"]),
]

/// A pattern that is not accepted: the byte that is wrong, and what is said.
struct BadPattern: Sendable, CustomTestStringConvertible {
    var pattern: String
    var offset: Int
    var text: String
    var hint: String?
    var testDescription: String { String(pattern.prefix(60)) }

    init(_ pattern: String, _ offset: Int, _ text: String, _ hint: String?) {
        self.pattern = pattern
        self.offset = offset
        self.text = text
        self.hint = hint
    }
}

private let bad: [BadPattern] = [
    BadPattern("", 0, "the pattern is empty", nil),
    BadPattern("a/b", 0, "the pattern is not absolute", "it must begin with '/'"),
    BadPattern("{/a,b}", 4, "the pattern is not absolute", "it must begin with '/'"),
    BadPattern("/a//b", 3, "an empty component", "write one '/'"),
    BadPattern("/a/./b", 3, "a component '.'", "write the path as the kernel resolves it"),
    BadPattern("/a/b/..", 5, "a component '..'", "write the path as the kernel resolves it"),
    BadPattern("/a/", 2, "'/' at the end", "write '/**' for what is beneath"),
    BadPattern("//", 1, "an empty component", "write one '/'"),
    BadPattern("/a{/,b}/c", 7, "an empty component", "write one '/'"),
    BadPattern("/{.,a}{.,b}", 2, "a component '..'", "write the path as the kernel resolves it"),
    BadPattern("/a***", 2, "'***' is nothing", "'*' matches within a component, '**' across them"),
    BadPattern("/a{*,b}**", 3, "'***' is nothing", "'*' matches within a component, '**' across them"),
    BadPattern(
        "/a{b}", 2, "braces around a single alternative", "write '{a,b}', or '\\{' for the brace itself"),
    BadPattern(
        "/a{}", 2, "braces around a single alternative", "write '{a,b}', or '\\{' for the brace itself"),
    BadPattern("/a{b,c", 2, "'{' without '}'", "a '{' itself is '\\{'"),
    BadPattern("/a[b", 2, "'[' without ']'", "a '[' itself is '\\['"),
    BadPattern(
        "/a[[:digit:]]", 3, "a class within a set", "write the bytes: '[0-9]'; a '[' itself is '\\[' too"),
    BadPattern("/a[]", 2, "an empty set", "a ']' in a set is '\\]'"),
    BadPattern("/a[^]", 2, "an empty set", "a ']' in a set is '\\]'"),
    BadPattern("/a[z-a]", 3, "a range that ends before it begins", "write the lower end first"),
    BadPattern("/a[a-]", 4, "a '-' that is no range", "a '-' itself is '\\-'"),
    BadPattern("/a[-a]", 3, "a '-' that is no range", "a '-' itself is '\\-'"),
    BadPattern("/a[b/c]", 4, "'/' in a set", "no set matches '/'"),
    BadPattern(
        "/a[ä]", 3, "a character of several bytes in a set",
        "a set matches one byte; write alternatives, '{ä,ö}'"),
    BadPattern("/a\\", 2, "'\\' at the end", "a '\\' itself is '\\\\'"),
    BadPattern("/a\\/b", 2, "'\\/' is nothing", "write '/'"),
    BadPattern("/a\0", 2, "a NUL byte", "no path contains one"),
    BadPattern("/${HOMEE}", 1, "unknown variable '${HOMEE}'", "did you mean '${HOME}'?"),
    BadPattern("/${home}", 1, "unknown variable '${home}'", "did you mean '${HOME}'?"),
    BadPattern("/${HOME", 1, "'${' without '}'", "a '$' itself before a brace is '\\$'"),
    BadPattern("${RUNTIME}/x", 0, "${RUNTIME} has no value here", "XDG_RUNTIME_DIR is not set"),
    BadPattern("/x/${HOME}", 3, "an empty component", "write one '/'"),
    BadPattern(
        "/" + String(repeating: "{a,b}", count: 11), 0, "the braces stand for more than 1,024 patterns",
        "use '*', or several patterns"),
    BadPattern(
        "/" + String(repeating: "{a,", count: 9) + "b" + String(repeating: "}", count: 9), 25,
        "braces are nested more than 8 deep", nil),
    BadPattern(
        "/" + String(repeating: "a", count: 4_096), 0, "the pattern has more than 4,096 bytes",
        "no path is longer than that"),
]

@Suite struct PatternTests {
    @Test(arguments: matchings) func `a pattern matches what the table says`(_ matching: Matching) throws {
        let patterns = try patterns(matching.pattern)
        for path in matching.matches {
            #expect(patterns.contains { $0.matches(path.utf8) }, "\(path)")
        }
        for path in matching.others {
            #expect(!patterns.contains { $0.matches(path.utf8) }, "\(path)")
        }
    }

    @Test(arguments: matchings) func `a pattern is printed as it is read`(_ matching: Matching) throws {
        for pattern in try patterns(matching.pattern) {
            #expect(try PathPattern.parse(pattern.bytes) == [pattern], "\(pattern.description)")
        }
    }

    @Test(arguments: bad) func `a bad pattern is refused at its byte`(_ bad: BadPattern) throws {
        let error = #expect(throws: PolicyTextError.self) { try patterns(bad.pattern) }
        #expect(error?.offset == bad.offset)
        #expect(error?.text == bad.text)
        #expect(error?.hint == bad.hint)
    }

    @Test func `1,024 results, 4,096 bytes and 8 levels are accepted`() throws {
        #expect(try patterns("/" + String(repeating: "{a,b}", count: 10)).count == 1_024)
        #expect(try patterns("/" + String(repeating: "a", count: 4_095)).count == 1)
        let nested = "/" + String(repeating: "{a,", count: 8) + "b" + String(repeating: "}", count: 8)
        #expect(try patterns(nested).count == 9)
    }

    @Test func `the patterns of one policy have at most 1 MiB together`() {
        let braces = String(repeating: "{a,b}", count: 10)
        let paths = (0..<100).map { "/\($0)/\(braces)" }
        let loaded = decode(
            head + "files: {rules: [{allow: [read], paths: ["
                + paths.map { "\"\($0)\"" }.joined(separator: ",") + "]}]}")
        #expect(
            loaded.diagnostics.first?.text
                == "the patterns of this policy are longer than 1 MiB when their braces are expanded")
    }

    @Test(arguments: [
        (PolicyVariables.Value.set([]), "${HOME} is empty"),
        (.set(Array("home".utf8)), "${HOME} is not absolute: 'home'"),
        (.set(Array("/".utf8)), "${HOME} is '/'"),
        (.set(Array("/a/../b".utf8)), "${HOME} is not a normal path: '/a/../b'"),
        (.set(Array("/a/".utf8)), "${HOME} is not a normal path: '/a/'"),
        (.set([0x2f, 0xff]), "${HOME} is not UTF-8 text"),
        (.unset("HOME is not set"), "${HOME} has no value here"),
    ])
    func `a variable that is no real path is an error where it is used`(
        _ value: PolicyVariables.Value, _ text: String
    ) {
        let variables = PolicyVariables(
            home: value, cwd: value, user: value, uid: value, tmpdir: value, runtime: value)
        let loaded = decode(
            head + "files: {rules: [{allow: [read], paths: [\"/ä{b,c${HOME}}\"]}]}", variables: variables)
        #expect(loaded.diagnostics.map(\.text) == [text])
        #expect(loaded.diagnostics.first?.location.column == 48)
        #expect(loaded.diagnostics.first?.location.length == 7)
    }

    @Test(arguments: [
        #"'/it''s/[]'"#, #""/\x61\u00e4\U0001F600/[]""#, "/ä/[]", #""\/a\t\\\\[]""#, #""\N\_\L/""#,
    ])
    func `the column is that of the written byte, whatever the quotes`(_ written: String) throws {
        let line = "        - \(written)"
        let loaded = decode(head + "files:\n  rules:\n    - allow: [read]\n      paths:\n" + line)
        let diagnostic = try #require(loaded.diagnostics.first)
        let scalars = Array(line.unicodeScalars)
        // The empty set, or the first byte of what is not absolute.
        let set = scalars.indices.first {
            $0 + 1 < scalars.count && scalars[$0] == "[" && scalars[$0 + 1] == "]"
        }
        #expect(diagnostic.location.line == 8)
        #expect(diagnostic.location.column == (set ?? 11) + 1, "\(diagnostic)")
        #expect(diagnostic.location.length == 2)
    }

    @Test func `abstract names are patterns without components`() throws {
        #expect(try patterns("a//b/../*", kind: .abstractName).first?.matches("a//b/../c".utf8) == true)
        #expect(try patterns("**", kind: .abstractName).first?.matches("any/thing".utf8) == true)
    }

    @Test func `literal parts are known`() throws {
        #expect(try patterns("/a/b")[0].isLiteral)
        #expect(try patterns("/a/b/**")[0].literalSubtree == Array("/a/b".utf8))
        #expect(try patterns("/**")[0].literalSubtree == Array("/".utf8))
        #expect(try patterns("/a/*/**")[0].literalSubtree == nil)
    }

    @Test func `matching agrees with a matcher that tries every way, for random patterns and paths`() {
        var matches = 0
        for seed in caseSeeds(2_000) {
            var random = RandomPolicy(seed: seed)
            let pattern = random.pattern()
            for _ in 0..<10 {
                let path = random.path(near: pattern)
                let expected = Self.matches(pattern.tokens[...], path[...])
                #expect(pattern.matches(path) == expected, "seed \(seed): \(pattern.description) \(path)")
                if expected { matches += 1 }
            }
        }
        #expect(matches > 1_000)
    }

    /// The table of the language page, as a recursion.
    private static func matches(_ tokens: ArraySlice<PathPattern.Token>, _ path: ArraySlice<UInt8>) -> Bool {
        let slash = UInt8(ascii: "/")
        guard let token = tokens.first else { return path.isEmpty }
        let rest = tokens.dropFirst()
        switch token {
        case .byte(let byte): return path.first == byte && matches(rest, path.dropFirst())
        case .anyByte: return path.first.map { $0 != slash } == true && matches(rest, path.dropFirst())
        case .set(let set):
            return path.first.map { $0 != slash && set.contains($0) } == true
                && matches(rest, path.dropFirst())
        case .star:
            return matches(rest, path)
                || (path.first.map { $0 != slash } == true && matches(tokens, path.dropFirst()))
        case .anything: return matches(rest, path) || (!path.isEmpty && matches(tokens, path.dropFirst()))
        case .subtree: return path.isEmpty || path.first == slash
        }
    }
}
