import Policy

extension IPAddress {
    var isVersion4: Bool {
        if case .v4 = self { true } else { false }
    }

    /// The address as people write it: dotted, or by RFC 5952 (the longest run of zero groups is `::`).
    var text: String {
        switch self {
        case .v4(let bits):
            return [24, 16, 8, 0].map { String((bits >> UInt32($0)) & 255) }.joined(separator: ".")
        case .v6(let high, let low):
            let groups = [high, low].flatMap { half in
                [48, 32, 16, 0].map { (half >> UInt64($0)) & 0xffff }
            }
            guard let run = Self.longestZeroRun(groups) else { return Self.text(groups[...]) }
            return Self.text(groups[..<run.lowerBound]) + "::" + Self.text(groups[run.upperBound...])
        }
    }

    private static func text(_ groups: ArraySlice<UInt64>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    /// The first longest run of at least two groups that are zero.
    private static func longestZeroRun(_ groups: [UInt64]) -> Range<Int>? {
        var best: Range<Int>?
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start >= 2, end - start > (best?.count ?? 0) { best = start..<end }
            start = max(end, start + 1)
        }
        return best
    }
}
