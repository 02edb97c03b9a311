internal import Policy

/// What is wrong with a profile's text, and where.
struct ProfileError: Error {
    let diagnostic: Diagnostic

    init(_ text: String, at location: SourceLocation, hint: String? = nil) {
        diagnostic = Diagnostic(text, at: location, hint: hint)
    }
}

/// One word of a profile, quotes and escapes as written.
struct Word: Hashable {
    var text: String
    var location: SourceLocation
}

/// Words up to a comma, the brace that opens a block, or, of what has no comma, the end of the line.
struct Statement {
    enum End { case comma, block, line }
    var words: [Word]
    var end: End

    var location: SourceLocation { words[0].location }
    /// As a report quotes it.
    var text: String { words.map(\.text).joined(separator: " ") }
}

/// Splits the text of profiles (apparmor.d(5)) into statements.
struct ProfileText {
    enum Item {
        case statement(Statement)
        /// `}`
        case close(SourceLocation)
    }

    static let byteLimit = 1 << 20

    private let file: String
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var column = 1

    init(_ bytes: [UInt8], file: String) throws(ProfileError) {
        let place = SourceLocation(file: file, line: 1)
        if bytes.count > Self.byteLimit { throw ProfileError("the profile is larger than 1 MiB", at: place) }
        if String(validating: bytes, as: UTF8.self) == nil || bytes.contains(0) {
            throw ProfileError("the profile is not UTF-8 text", at: place)
        }
        self.bytes = bytes
        self.file = file
    }

    /// The next statement or closing brace; nil at the end.
    mutating func next() throws(ProfileError) -> Item? {
        skipBlanks(acrossLines: true)
        guard let byte = peek() else { return nil }
        let start = location
        if byte == UInt8(ascii: "}") {
            advance()
            return .close(start)
        }
        if let assignment = try readAssignment() { return .statement(assignment) }
        var words = [try readWord()]
        if ["include", "#include"].contains(words[0].text) { return .statement(try readLine(words)) }
        while true {
            skipBlanks(acrossLines: true)
            switch peek() {
            case UInt8(ascii: ","):
                advance()
                return .statement(Statement(words: words, end: .comma))
            case UInt8(ascii: "{") where peek(1).map(Self.isBlank) ?? true:
                advance()
                return .statement(Statement(words: words, end: .block))
            case nil, UInt8(ascii: "}"):
                throw ProfileError(
                    "'\(Statement(words: words, end: .line).text)' has no end", at: start,
                    hint: "a rule ends with ','")
            default: words.append(try readWord())
            }
        }
    }

    /// `@{NAME} = VALUE…`, `+=` likewise: the name, the sign and the values, up to the end of the line.
    private mutating func readAssignment() throws(ProfileError) -> Statement? {
        guard peek() == UInt8(ascii: "@"), peek(1) == UInt8(ascii: "{") else { return nil }
        let before = self
        let name = try readWord(endsAtBrace: true)
        skipBlanks(acrossLines: false)
        let signStart = location
        let isAddition = peek() == UInt8(ascii: "+")
        if isAddition { advance() }
        guard peek() == UInt8(ascii: "=") else {
            self = before
            return nil
        }
        advance()
        return try readLine([name, Word(text: isAddition ? "+=" : "=", location: signStart)])
    }

    private mutating func readLine(_ first: [Word]) throws(ProfileError) -> Statement {
        var words = first
        while true {
            skipBlanks(acrossLines: false)
            guard let byte = peek(), byte != UInt8(ascii: "\n") else { break }
            words.append(try readWord())
            // Some profiles end such a line with a comma.
            if peek() == UInt8(ascii: ",") { advance() }
        }
        return Statement(words: words, end: .line)
    }

    /// A word ends at a blank or a comma that stands in no quotes, braces or parentheses.
    private mutating func readWord(endsAtBrace: Bool = false) throws(ProfileError) -> Word {
        let start = location
        let first = position
        var isQuoted = false
        var closers: [UInt8] = []
        scan: while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\\"): if peek(1) != nil { advance() }
            case UInt8(ascii: "\""): isQuoted.toggle()
            case _ where isQuoted: break
            case UInt8(ascii: "{"): closers.append(UInt8(ascii: "}"))
            case UInt8(ascii: "("): closers.append(UInt8(ascii: ")"))
            case UInt8(ascii: ")") where closers.last == byte: closers.removeLast()
            case UInt8(ascii: "}") where closers.last == byte:
                closers.removeLast()
                if endsAtBrace {
                    advance()
                    break scan
                }
            case UInt8(ascii: "}") where closers.isEmpty: break scan
            case UInt8(ascii: ",") where closers.isEmpty: break scan
            case _ where Self.isBlank(byte) && closers.last != UInt8(ascii: ")"): break scan
            default: break
            }
            advance()
        }
        let text = String(decoding: bytes[first..<position], as: UTF8.self)
        if isQuoted || !closers.isEmpty {
            throw ProfileError(
                "'\(text)' is not closed", at: start, hint: "a quote, brace or parenthesis is missing")
        }
        if text.isEmpty { throw ProfileError("a rule is expected", at: start) }
        return Word(text: text, location: sized(start, text))
    }

    private func sized(_ start: SourceLocation, _ text: String) -> SourceLocation {
        var place = start
        place.length = max(1, text.unicodeScalars.count)
        return place
    }

    private mutating func skipBlanks(acrossLines: Bool) {
        while let byte = peek() {
            if byte == UInt8(ascii: "#"), !isInclude {
                while let byte = peek(), byte != UInt8(ascii: "\n") { advance() }
            } else if byte == UInt8(ascii: "\n") ? acrossLines : Self.isBlank(byte) {
                advance()
            } else {
                return
            }
        }
    }

    /// Whether `#include` stands here, which is no comment.
    private var isInclude: Bool {
        let word = Array("#include".utf8)
        return bytes[position...].starts(with: word) && peek(word.count).map(Self.isBlank) ?? false
    }

    private var location: SourceLocation { SourceLocation(file: file, line: line, column: column) }

    private func peek(_ distance: Int = 0) -> UInt8? {
        position + distance < bytes.count ? bytes[position + distance] : nil
    }

    private mutating func advance() {
        let byte = bytes[position]
        position += 1
        if byte == UInt8(ascii: "\n") {
            line += 1
            column = 1
        } else if byte & 0xc0 != 0x80 {
            column += 1
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { " \t\r\n".utf8.contains(byte) }
}
