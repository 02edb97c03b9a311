/// The word of `words` that `text` is probably meant to be.
public func nearest<Words: Sequence>(to text: String, in words: Words) -> String?
where Words.Element == String {
    let wanted = Array(text.utf8)
    guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
    let limit = wanted.count <= 3 ? 1 : 2
    var best: (distance: Int, word: String)?
    for word in words {
        let candidate = Array(word.utf8)
        guard abs(candidate.count - wanted.count) <= limit else { continue }
        let distance = editDistance(wanted, candidate)
        // Half a word away is another word.
        guard distance <= limit, distance * 2 < max(wanted.count, candidate.count) else { continue }
        if let best, (best.distance, best.word) <= (distance, word) { continue }
        best = (distance, word)
    }
    return best?.word
}

/// `did you mean 'read'?`, or nil where nothing is near.
func suggestion(for text: String, in words: some Sequence<String>) -> String? {
    nearest(to: text, in: words).map { "did you mean '\($0)'?" }
}

/// How many insertions, removals, changes and swaps of neighbours lead from one text to the other.
func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            let isEqual = left[row] == right[column]
            var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (isEqual ? 0 : 1))
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
