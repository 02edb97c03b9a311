internal import Policy

/// One profile, includes in place.
struct Profile {
    var name: String
    /// What it is put on; nil: only what asks for it by name.
    var attachment: Word?
    var flags: [Word]
    var rules: [ProfileRule] = []
    /// The profiles and hats within it, as written.
    var children: [Word] = []
    var location: SourceLocation
}

/// Where profiles and what they include come from.
public protocol ProfileFiles {
    /// The bytes of a file; nil: there is none that can be read.
    func read(_ path: String) -> [UInt8]?
    /// The names in a directory, in order; nil: there is none.
    func names(in directory: String) -> [String]?
}

/// Reads a file of profiles and what it includes.
struct ProfileReader {
    static let includeLimit = 256
    static let ruleLimit = 100_000
    static let depthLimit = 16

    let files: any ProfileFiles
    /// Where `include <NAME>` is looked up.
    let base: String
    private(set) var variables = ProfileVariables()
    private(set) var profiles: [Profile] = []
    private var includes = 0
    private var rules = 0
    /// The profile whose block is open.
    private var current: Profile?

    init(files: any ProfileFiles, base: String) {
        self.files = files
        self.base = base
    }

    /// Reads all profiles of `bytes`, which were in `file`.
    mutating func read(_ bytes: [UInt8], file: String) throws(ProfileError) {
        try readItems(bytes, file: file, depth: 0)
        if let current {
            throw ProfileError(
                "profile '\(current.name)' has no end", at: current.location, hint: "a '}' is missing")
        }
    }

    private mutating func readItems(_ bytes: [UInt8], file: String, depth: Int) throws(ProfileError) {
        var text = try ProfileText(bytes, file: file)
        while let item = try text.next() {
            switch item {
            case .close(let place):
                guard let profile = current else {
                    throw ProfileError("a '}' that closes nothing", at: place)
                }
                profiles.append(profile)
                current = nil
            case .statement(let statement): try take(statement, &text, depth)
            }
        }
    }

    private mutating func take(
        _ statement: Statement, _ text: inout ProfileText, _ depth: Int
    ) throws(ProfileError) {
        let first = statement.words[0]
        switch first.text {
        case "include", "#include": try include(statement, depth)
        case "abi": break
        case "if", "else", "alias", "namespace":
            throw ProfileError(
                "'\(first.text)' cannot be translated", at: first.location,
                hint: "write out what it stands for in a copy of the profile")
        case _ where first.text.hasPrefix("$"):
            throw ProfileError("boolean variables cannot be translated", at: first.location)
        case _ where statement.end == .line: assign(statement)
        case _ where statement.end == .block && current == nil: current = try profile(statement)
        case _ where statement.end == .block:
            current?.children.append(
                first.text == "profile" ? statement.words.dropFirst().first ?? first : first)
            try skipBlock(&text, first.location)
        default: try add(statement)
        }
    }

    private mutating func add(_ statement: Statement) throws(ProfileError) {
        guard current != nil else {
            throw ProfileError("'\(statement.text)' stands in no profile", at: statement.location)
        }
        rules += 1
        if rules > Self.ruleLimit { throw ProfileError("more than 100,000 rules", at: statement.location) }
        current?.rules.append(try ProfileRule(statement))
    }

    private mutating func assign(_ statement: Statement) {
        let name = String(statement.words[0].text.dropFirst(2).dropLast())
        let values = Array(statement.words.dropFirst(2))
        let isAddition = statement.words[1].text == "+="
        variables.values[name] = (isAddition ? variables.values[name] ?? [] : []) + values
    }

    /// The head of a profile: `[profile] NAME [ATTACHMENT] [flags=(…)]`.
    private func profile(_ statement: Statement) throws(ProfileError) -> Profile {
        var words = statement.words[...]
        if words.first?.text == "profile" { words.removeFirst() }
        var flags: [Word] = []
        var names: [Word] = []
        for word in words {
            if word.text.hasPrefix("flags=") || word.text.hasPrefix("(") {
                flags += Self.flags(word)
            } else if word.text.hasPrefix("xattrs=") {
                throw ProfileError("a profile with 'xattrs' cannot be translated", at: word.location)
            } else {
                names.append(word)
            }
        }
        guard let name = names.first, names.count <= 2 else {
            throw ProfileError("'\(statement.text)' is no head of a profile", at: statement.location)
        }
        let isPath = ["/", "@{", "\"/"].contains { name.text.hasPrefix($0) }
        return Profile(
            name: name.text, attachment: names.dropFirst().first ?? (isPath ? name : nil), flags: flags,
            location: name.location)
    }

    private static func flags(_ word: Word) -> [Word] {
        word.text.drop { $0 != "(" }.split { " ,()".contains($0) }.map {
            Word(text: String($0), location: word.location)
        }
    }

    private func skipBlock(_ text: inout ProfileText, _ start: SourceLocation) throws(ProfileError) {
        var depth = 1
        while depth > 0 {
            switch try text.next() {
            case .close: depth -= 1
            case .statement(let statement): depth += statement.end == .block ? 1 : 0
            case nil: throw ProfileError("a block that has no end", at: start, hint: "a '}' is missing")
            }
        }
    }

    // MARK: Includes

    /// `include [if exists] <NAME>` or `"PATH"`; a directory stands for the files in it.
    private mutating func include(_ statement: Statement, _ depth: Int) throws(ProfileError) {
        var words = statement.words.dropFirst()
        let isOptional = words.prefix(2).map(\.text) == ["if", "exists"]
        if isOptional { words = words.dropFirst(2) }
        guard let word = words.first, words.count == 1, let path = path(of: word.text) else {
            throw ProfileError(
                "'\(statement.text)' is no include", at: statement.location,
                hint: "write 'include <NAME>' or 'include \"PATH\"'")
        }
        if depth == Self.depthLimit {
            throw ProfileError("includes are nested more than 16 deep", at: word.location)
        }
        if let names = files.names(in: path) {
            for name in names where !name.hasPrefix(".") && !name.hasSuffix("~") {
                guard let bytes = files.read(path + "/" + name) else { continue }
                try readIncluded(bytes, path + "/" + name, word, depth)
            }
        } else if let bytes = files.read(path) {
            try readIncluded(bytes, path, word, depth)
        } else if !isOptional {
            throw ProfileError(
                "there is no '\(path)'", at: word.location,
                hint: "say where AppArmor's files are with --base")
        }
    }

    private mutating func readIncluded(
        _ bytes: [UInt8], _ path: String, _ word: Word, _ depth: Int
    ) throws(ProfileError) {
        includes += 1
        if includes > Self.includeLimit { throw ProfileError("more than 256 includes", at: word.location) }
        try readItems(bytes, file: path, depth: depth + 1)
    }

    private func path(of text: String) -> String? {
        let inner = String(text.dropFirst().dropLast())
        if inner.isEmpty || inner.split(separator: "/").contains("..") { return nil }
        if text.hasPrefix("<"), text.hasSuffix(">") { return base + "/" + inner }
        guard text.hasPrefix("\""), text.hasSuffix("\"") else { return nil }
        return inner.hasPrefix("/") ? inner : base + "/" + inner
    }
}
