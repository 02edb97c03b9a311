extension IPAddress {
    /// The address that `text` is, in one of the forms of RFC 4291 for IPv6 (without brackets or a zone), or
    /// four decimal numbers for IPv4.
    public init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let address = Self.parseV6(Substring(text)) else { return nil }
            self = address
        } else {
            guard let address = Self.parseV4(Substring(text)) else { return nil }
            self = .v4(address)
        }
    }

    private static func parseV4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            // A leading zero would be octal to some readers.
            guard let byte = decimal(part, limit: 255) else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }

    private static func parseV6(_ text: Substring) -> Self? {
        var left: [UInt16] = []
        var right: [UInt16] = []
        if let gap = text.firstIndexOfDoubleColon {
            guard let before = groups(text[..<gap]),
                let after = groups(text[text.utf8.index(gap, offsetBy: 2)...])
            else { return nil }
            // `::` stands for at least one group.
            guard before.count + after.count <= 7 else { return nil }
            // An embedded IPv4 address may stand at the end only.
            if text[..<gap].utf8.contains(UInt8(ascii: ".")) { return nil }
            (left, right) = (before, after)
        } else {
            guard let all = groups(text), all.count == 8 else { return nil }
            left = all
        }
        let all = left + Array(repeating: 0, count: 8 - left.count - right.count) + right
        let words = all.reduce(into: (high: UInt64(0), low: UInt64(0))) { words, group in
            words.high = words.high << 16 | words.low >> 48
            words.low = words.low << 16 | UInt64(group)
        }
        return .v6(words.high, words.low)
    }

    /// The groups of a part of an IPv6 address; the last may be an IPv4 address.
    private static func groups(_ text: Substring) -> [UInt16]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if part.utf8.contains(UInt8(ascii: ".")) {
                guard index == parts.count - 1, let address = parseV4(part) else { return nil }
                groups += [UInt16(address >> 16), UInt16(truncatingIfNeeded: address)]
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups.count <= 8 ? groups : nil
    }

    /// A decimal number without signs and leading zeros, at most `limit`.
    static func decimal(_ text: some StringProtocol, limit: Int) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != 0x30, let number = Int(text), number <= limit
        else { return nil }
        return number
    }

    /// The address with all bits behind the first `length` cleared.
    func masked(to length: Int) -> Self {
        switch self {
        case .v4(let bits): .v4(length == 0 ? 0 : bits & (UInt32.max << UInt32(32 - length)))
        case .v6(let high, let low):
            .v6(
                length == 0 ? 0 : high & (length >= 64 ? .max : .max << UInt64(64 - length)),
                length <= 64 ? 0 : low & (length >= 128 ? .max : .max << UInt64(128 - length)))
        }
    }

    /// The bits of an address: 32 or 128.
    public var bitCount: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// `10.0.0.1`; `fd00::1`, as RFC 5952 writes it.
    public var description: String {
        switch self {
        case .v4(let bits):
            return [24, 16, 8, 0].map { "\((bits >> UInt32($0)) & 0xff)" }.joined(separator: ".")
        case .v6(let high, let low):
            let groups = [high, low].flatMap { word in
                [48, 32, 16, 0].map { UInt16(truncatingIfNeeded: word >> UInt64($0)) }
            }
            // The longest run of at least two zero groups, the first of equal ones, becomes `::`.
            var gap = 0..<0
            var start = 0
            while start < 8 {
                let end = groups[start...].firstIndex { $0 != 0 } ?? 8
                if end - start >= 2, end - start > gap.count { gap = start..<end }
                start = max(end, start + 1)
            }
            func text(_ range: Range<Int>) -> String {
                groups[range].map { String($0, radix: 16) }.joined(separator: ":")
            }
            return gap.isEmpty ? text(0..<8) : text(0..<gap.lowerBound) + "::" + text(gap.upperBound..<8)
        }
    }
}

extension Substring {
    /// Where the first `::` begins.
    fileprivate var firstIndexOfDoubleColon: Index? {
        var previous: Index?
        for index in utf8.indices {
            if utf8[index] == UInt8(ascii: ":") {
                if let previous { return previous }
                previous = index
            } else {
                previous = nil
            }
        }
        return nil
    }
}
