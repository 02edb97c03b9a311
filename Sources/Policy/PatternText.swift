/// The text of a pattern, read byte by byte: what is escaped, what a variable put there, and where each byte
/// was written.
struct PatternText {
    /// One byte of a pattern.
    struct Symbol {
        var byte: UInt8
        /// Whether it stands for itself whatever it is: it was escaped, or came from a variable.
        var isLiteral: Bool
        /// The byte of the written text that it comes from.
        var offset: Int

        /// Whether it is this character with its meaning.
        func means(_ character: Unicode.Scalar) -> Bool { !isLiteral && byte == UInt8(ascii: character) }
    }

    /// At most so many bytes may be written, and be in one result.
    static let byteLimit = 4_096
    static let resultLimit = 1_024
    static let nestingLimit = 8

    /// What stands between braces, or outside of all.
    private enum Piece {
        case symbol(Symbol)
        case alternatives([[Piece]])
    }

    /// How many results an expansion has, and how many bytes are in all of them.
    private struct Size {
        static let cap = 1 << 30
        var results = 1
        var bytes = 0

        static func * (left: Self, right: Self) -> Self {
            Self(
                results: min(left.results * right.results, cap),
                bytes: min(left.bytes * right.results + right.bytes * left.results, cap))
        }

        static func + (left: Self, right: Self) -> Self {
            Self(results: min(left.results + right.results, cap), bytes: min(left.bytes + right.bytes, cap))
        }
    }

    private var symbols: [Symbol]
    private var position = 0

    /// Every result of the braces in `text`, in the order of the alternatives.
    ///
    /// `budget` is how many bytes all patterns of a policy may still have; what is used is taken from it.
    static func expand(
        _ text: [UInt8], variables: VariableScope, budget: inout Int
    ) throws(PolicyTextError) -> [[Symbol]] {
        if text.count > byteLimit {
            throw PolicyTextError(
                "the pattern has more than 4,096 bytes", at: 0, length: text.count,
                hint: "no path is longer than that")
        }
        var reader = PatternText(symbols: try symbols(of: text, variables))
        let pieces = try reader.readSequence(depth: 0)
        let size = Self.size(of: pieces)
        if size.results > resultLimit {
            throw PolicyTextError(
                "the braces stand for more than 1,024 patterns", at: 0, length: text.count,
                hint: "use '*', or several patterns")
        }
        if size.bytes > budget {
            throw PolicyTextError(
                "the patterns of this policy are longer than 1 MiB when their braces are expanded", at: 0,
                length: text.count, hint: "use '*' in place of braces")
        }
        budget -= size.bytes
        let results = Self.results(of: pieces)
        if results.contains(where: { $0.count > byteLimit }) {
            throw PolicyTextError(
                "the pattern has more than 4,096 bytes when it is expanded", at: 0, length: text.count,
                hint: "no path is longer than that")
        }
        return results
    }

    private init(symbols: [Symbol]) { self.symbols = symbols }

    /// Takes escapes and variables out of `text`.
    private static func symbols(
        of text: [UInt8], _ variables: VariableScope
    ) throws(PolicyTextError) -> [Symbol] {
        var symbols: [Symbol] = []
        var index = 0
        while index < text.count {
            let byte = text[index]
            switch byte {
            case 0: throw PolicyTextError("a NUL byte", at: index, hint: "no path contains one")
            case UInt8(ascii: "\\"):
                guard index + 1 < text.count else {
                    throw PolicyTextError("'\\' at the end", at: index, hint: "a '\\' itself is '\\\\'")
                }
                if text[index + 1] == UInt8(ascii: "/") {
                    throw PolicyTextError("'\\/' is nothing", at: index, length: 2, hint: "write '/'")
                }
                if text[index + 1] == 0 {
                    throw PolicyTextError("a NUL byte", at: index + 1, hint: "no path contains one")
                }
                symbols.append(Symbol(byte: text[index + 1], isLiteral: true, offset: index))
                index += 2
            case UInt8(ascii: "$") where index + 1 < text.count && text[index + 1] == UInt8(ascii: "{"):
                let (value, end) = try variables.expand(text, at: index)
                for byte in value {
                    symbols.append(Symbol(byte: byte, isLiteral: true, offset: index))
                }
                index = end
            default:
                symbols.append(Symbol(byte: byte, isLiteral: false, offset: index))
                index += 1
            }
        }
        return symbols
    }

    /// Reads up to the end, or to the `,` or `}` that ends an alternative.
    private mutating func readSequence(depth: Int) throws(PolicyTextError) -> [Piece] {
        var pieces: [Piece] = []
        while position < symbols.count {
            let symbol = symbols[position]
            if symbol.means("{") {
                pieces.append(try readAlternatives(depth: depth + 1))
            } else if depth > 0, symbol.means(",") || symbol.means("}") {
                return pieces
            } else {
                // A `}` or `,` outside of braces is a byte like any other.
                pieces.append(.symbol(symbol))
                position += 1
            }
        }
        return pieces
    }

    private mutating func readAlternatives(depth: Int) throws(PolicyTextError) -> Piece {
        let open = symbols[position].offset
        if depth > Self.nestingLimit {
            throw PolicyTextError("braces are nested more than 8 deep", at: open)
        }
        var alternatives: [[Piece]] = []
        repeat {
            position += 1
            alternatives.append(try readSequence(depth: depth))
        } while position < symbols.count && symbols[position].means(",")
        guard position < symbols.count else {
            throw PolicyTextError("'{' without '}'", at: open, hint: "a '{' itself is '\\{'")
        }
        if alternatives.count == 1 {
            throw PolicyTextError(
                "braces around a single alternative", at: open, length: symbols[position].offset - open + 1,
                hint: "write '{a,b}', or '\\{' for the brace itself")
        }
        position += 1
        return .alternatives(alternatives)
    }

    private static func size(of pieces: [Piece]) -> Size {
        pieces.reduce(Size()) { size, piece in
            switch piece {
            case .symbol: size * Size(results: 1, bytes: 1)
            case .alternatives(let alternatives):
                size * alternatives.reduce(Size(results: 0)) { $0 + Self.size(of: $1) }
            }
        }
    }

    private static func results(of pieces: [Piece]) -> [[Symbol]] {
        var results: [[Symbol]] = [[]]
        for piece in pieces {
            switch piece {
            case .symbol(let symbol): for index in results.indices { results[index].append(symbol) }
            case .alternatives(let alternatives):
                let tails = alternatives.flatMap { Self.results(of: $0) }
                results = results.flatMap { head in tails.map { head + $0 } }
            }
        }
        return results
    }
}
