/// What a value of a policy may be: the declarations that both the decoder's checks and the JSON Schema are
/// made from.
indirect enum Shape: Sendable {
    /// Any text, of a form that its parser knows.
    case text(TextShape)
    /// One of a closed set of words.
    case word(Vocabulary)
    /// `true` or `false`.
    case flag
    case list(ListShape)
    case object(ObjectShape)
}

/// Text with a grammar.
struct TextShape: Sendable {
    /// What it is, for messages: `a rule id`.
    var name: String
    /// A regular expression (ECMA 262) that every accepted text matches; nil where any does.
    var pattern: String?
    /// Whether the text is accepted, where that is decided here and not by a parser.
    var accepts: (@Sendable (String) -> Bool)?
    /// What would be right, for texts that are not accepted.
    var hint: String?

    init(
        _ name: String, pattern: String? = nil, hint: String? = nil,
        accepts: (@Sendable (String) -> Bool)? = nil
    ) {
        self.name = name
        self.pattern = pattern
        self.hint = hint
        self.accepts = accepts
    }
}

/// A closed set of words.
struct Vocabulary: Sendable {
    /// What a word is, for messages: `access`.
    var label: String
    var words: [String]
    /// What to write, where no word is near. The words themselves, unless they are many.
    var hint: String

    init(_ label: String, _ words: [String], hint: String? = nil) {
        self.label = label
        self.words = words
        self.hint =
            hint ?? (words.count == 1 ? "write '\(words[0])'" : "one of " + words.joined(separator: ", "))
    }

    /// What to say of a word that is not one of these.
    func hint(for word: String) -> String {
        var bare = word.lowercased()
        // As headers spell them: CAP_NET_ADMIN, AF_INET.
        for prefix in ["cap_", "af_"] where bare.hasPrefix(prefix) { bare.removeFirst(prefix.count) }
        return suggestion(for: word, in: words) ?? suggestion(for: bare, in: words) ?? hint
    }
}

/// A list of values of one shape.
struct ListShape: Sendable {
    var item: Shape
    var mayBeEmpty: Bool
    /// Whether the same text may stand in it twice: numbers may, names may not.
    var mayRepeat: Bool
    /// Whether the word `all` may stand in its place.
    var mayBeAll: Bool

    init(of item: Shape, mayBeEmpty: Bool = false, mayBeAll: Bool = false, mayRepeat: Bool = false) {
        self.item = item
        self.mayBeEmpty = mayBeEmpty
        self.mayRepeat = mayRepeat
        self.mayBeAll = mayBeAll
    }
}

/// A mapping with a closed set of keys.
struct ObjectShape: Sendable {
    /// What holds between its keys.
    enum Constraint: Sendable {
        /// One of these keys is there, and only one.
        case exactlyOne([String])
        /// The first key needs the second beside it.
        case needs(String, String, why: String)
        /// The first key has no meaning beside the second.
        case excludes(String, String, why: String)
        /// With the first key, the lists of the others hold names: no `@group`, no `all`.
        case onlyNames(String, in: [String])
    }

    /// What it is, for messages: `a rule`.
    var name: String
    var fields: [Field]
    var constraints: [Constraint]

    init(_ name: String, _ fields: [Field], _ constraints: [Constraint] = []) {
        self.name = name
        self.fields = fields
        self.constraints = constraints
    }
}

/// A key of a mapping.
struct Field: Sendable {
    var key: String
    /// What it means, as editors show it.
    var summary: String
    var shape: Shape
    var isRequired: Bool

    init(_ key: String, _ summary: String, _ shape: Shape, isRequired: Bool = false) {
        self.key = key
        self.summary = summary
        self.shape = shape
        self.isRequired = isRequired
    }
}
