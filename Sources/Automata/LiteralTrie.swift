/// The literal beginnings of all patterns as one tree: each beginning that they have in common is there once.
///
/// Only one input leads to a node, so that a node needs no set construction of its own, and 10,000 literal
/// paths cost a sort and one pass. Nodes are in preorder: the first child of a node follows it, and `end`
/// tells where its next sibling is. 0 is the root.
struct LiteralTrie {
    /// Something that begins at a node.
    struct Event {
        var node: UInt32
        /// What it is, as in the `Word` that it comes from.
        var meaning: Meaning
    }

    /// What begins where a word ends.
    enum Meaning: Equatable {
        /// The pattern matches there.
        case match(pattern: UInt32)
        /// The rest of the pattern begins there, at a place of `Places`.
        case enter(place: UInt32)

        /// Matches first, then by number: what makes the order of events, and all that follows, a fixed one.
        fileprivate var order: UInt64 {
            switch self {
            case .match(let pattern): UInt64(pattern)
            case .enter(let place): 1 << 32 | UInt64(place)
            }
        }
    }

    /// A literal beginning, as classes of bytes, and what is where it ends.
    struct Word {
        var classes: ArraySlice<UInt8>
        var meaning: Meaning
        /// The pattern that it is of.
        var pattern: UInt32
    }

    /// The class of the byte that leads to each node; 0 for the root.
    private(set) var classes: [UInt8] = [0]
    /// One past the last node beneath each node.
    private(set) var end: [UInt32] = [0]
    /// What begins at nodes, ascending by node.
    private(set) var events: [Event] = []

    var count: Int { classes.count }

    /// The tree of `words`, of at most `limit` nodes.
    init(_ words: [Word], limit: Int) throws(AutomatonError) {
        let sorted = words.sorted { left, right in
            let common = Self.commonCount(left.classes, right.classes)
            if common == left.classes.count || common == right.classes.count {
                if left.classes.count != right.classes.count {
                    return left.classes.count < right.classes.count
                }
                return left.meaning.order < right.meaning.order
            }
            return left.classes[left.classes.startIndex + common]
                < right.classes[right.classes.startIndex + common]
        }
        // The nodes from the root to the last one made.
        var spine: [UInt32] = [0]
        var last: ArraySlice<UInt8> = []
        for word in sorted {
            let common = Self.commonCount(last, word.classes)
            for node in spine[(common + 1)...] { end[Int(node)] = UInt32(count) }
            spine.removeSubrange((common + 1)...)
            if count + word.classes.count - common > limit {
                throw AutomatonError(limit: .states(limit), patterns: Self.longest(words))
            }
            for number in word.classes.dropFirst(common) {
                spine.append(UInt32(count))
                classes.append(number)
                end.append(0)
            }
            events.append(Event(node: spine[spine.count - 1], meaning: word.meaning))
            last = word.classes
        }
        for node in spine { end[Int(node)] = UInt32(count) }
    }

    /// Calls `body` with each child of `node`, ascending by class.
    @inline(__always)
    func forEachChild(of node: Int, _ body: (Int) -> Void) {
        let last = Int(end[node])
        var child = node + 1
        while child < last {
            body(child)
            child = Int(end[child])
        }
    }

    /// How many classes `left` and `right` begin with alike.
    private static func commonCount(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
        let count = min(left.count, right.count)
        var common = 0
        while common < count, left[left.startIndex + common] == right[right.startIndex + common] {
            common += 1
        }
        return common
    }

    /// The patterns with the longest beginnings.
    private static func longest(_ words: [Word]) -> [Int] {
        var blamed: [Int] = []
        let byLength = words.sorted { ($1.classes.count, $0.pattern) < ($0.classes.count, $1.pattern) }
        for word in byLength where !blamed.contains(Int(word.pattern)) {
            blamed.append(Int(word.pattern))
            if blamed.count == AutomatonError.blamedCount { break }
        }
        return blamed
    }
}
