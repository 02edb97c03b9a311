public import Policy

/// A pattern followed along the paths of a walk: the same answers as `PatternMatch`, without an allocation for
/// the bytes that are literal.
public struct PatternCursor: Sendable {
    private let tokens: [PathPattern.Token]
    /// The steps that the pattern may stand at, ascending; `tokens.count` is the end.
    private var places: [Int]
    /// Everything that continues the bytes so far matches.
    private var isInside = false

    /// Before the first byte.
    public init(_ pattern: PathPattern) {
        tokens = pattern.tokens
        places = []
        place(0)
    }

    /// `pattern`, at the directory or file `path`. The root directory is the empty beginning, so that every
    /// name beneath continues with a `/`.
    public init(_ pattern: PathPattern, at path: [UInt8]) {
        self.init(pattern)
        if path != [UInt8(ascii: "/")] { advance(path) }
    }

    /// Takes the bytes of `text`.
    public mutating func advance(_ text: some Sequence<UInt8>) {
        for byte in text {
            if isInside || places.isEmpty { return }
            advance(byte)
        }
    }

    private mutating func advance(_ byte: UInt8) {
        if places.count == 1, places[0] < tokens.count, case .byte(let wanted) = tokens[places[0]] {
            let next = places[0] + 1
            if byte == wanted, next < tokens.count, case .byte = tokens[next] {
                places[0] = next
                return
            }
        }
        let slash = UInt8(ascii: "/")
        let old = places
        places.removeAll(keepingCapacity: true)
        for position in old where position < tokens.count {
            switch tokens[position] {
            case .byte(let wanted): if byte == wanted { place(position + 1) }
            case .anyByte: if byte != slash { place(position + 1) }
            case .set(let set): if byte != slash, set.contains(byte) { place(position + 1) }
            case .star: if byte != slash { place(position) }
            case .anything: place(position)
            case .subtree: if byte == slash { isInside = true }
            }
        }
    }

    /// Stands at `position`, and wherever it leads without a byte.
    private mutating func place(_ position: Int) {
        var position = position
        while true {
            if places.last.map({ $0 < position }) ?? true {
                places.append(position)
            } else if !places.contains(position) {
                places.insert(position, at: places.firstIndex { $0 > position } ?? places.count)
            }
            guard position < tokens.count else { return }
            if tokens[position] == .anything, position == tokens.count - 1 { isInside = true }
            guard tokens[position] == .star || tokens[position] == .anything else { return }
            position += 1
        }
    }

    /// Whether the bytes so far are a path that the pattern matches.
    public var isMatch: Bool {
        isInside || places.contains { $0 == tokens.count || tokens[$0] == .subtree }
    }

    /// Whether the bytes so far match, and every path that continues them with a `/` does too.
    public var coversSubtree: Bool {
        isInside || places.contains { $0 < tokens.count && tokens[$0] == .subtree }
    }

    /// Whether neither the bytes so far nor a longer path can match.
    public var isDead: Bool { !isInside && places.isEmpty }

    /// Whether some path beneath the bytes so far, taken as a directory, can match.
    public var reachesBeneath: Bool {
        if isInside { return true }
        var beneath = self
        beneath.advance(CollectionOfOne(UInt8(ascii: "/")))
        return !beneath.isDead
    }
}
