import Policy

/// A set of ports, as ranges in ascending order that neither touch nor overlap.
struct PortSet: Hashable, Sendable {
    private(set) var ranges: [ClosedRange<Int>]

    /// Every port, 0 included.
    static let all = Self(ranges: [0...65535])
    static let none = Self(ranges: [])

    private init(ranges: [ClosedRange<Int>]) { self.ranges = ranges }

    /// The ports that `pattern` covers: a range of more than one never includes 0.
    init(_ pattern: PortPattern) {
        switch pattern {
        case .any: self = .all
        case .range(let range):
            let low = range.count > 1 ? max(1, Int(range.lowerBound)) : Int(range.lowerBound)
            ranges = [low...Int(range.upperBound)]
        }
    }

    var isEmpty: Bool { ranges.isEmpty }
    /// How many ports there are.
    var count: Int { ranges.reduce(0) { $0 + $1.count } }

    func union(_ other: Self) -> Self {
        var result: [ClosedRange<Int>] = []
        for range in (ranges + other.ranges).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound + 1 {
                result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return Self(ranges: result)
    }

    func subtracting(_ other: Self) -> Self {
        var result = ranges
        for cut in other.ranges {
            result = result.flatMap { range -> [ClosedRange<Int>] in
                guard range.overlaps(cut) else { return [range] }
                var rest: [ClosedRange<Int>] = []
                if range.lowerBound < cut.lowerBound { rest.append(range.lowerBound...cut.lowerBound - 1) }
                if range.upperBound > cut.upperBound { rest.append(cut.upperBound + 1...range.upperBound) }
                return rest
            }
        }
        return Self(ranges: result)
    }

    func intersection(_ other: Self) -> Self { subtracting(subtracting(other)) }

    /// The ports, ascending.
    var ports: [UInt16] { ranges.flatMap { $0.map { UInt16($0) } } }
}
