extension AuditTime {
    /// The time in a text as `text` writes it; the fraction, and what is behind the day, may be left out.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count, bytes[range].allSatisfy({ (0x30...0x39).contains($0) })
            else {
                return nil
            }
            return bytes[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        func separates(_ index: Int, _ character: Unicode.Scalar) -> Bool {
            bytes.indices.contains(index) && bytes[index] == UInt8(ascii: character)
        }
        guard let year = number(0..<4), separates(4, "-"), let month = number(5..<7), separates(7, "-"),
            let day = number(8..<10), (1...12).contains(month),
            (1...Self.days(inMonth: month, of: year)).contains(day)
        else { return nil }
        var seconds = Self.days(year: year, month: month, day: day) * 86_400
        var fraction: Int32 = 0
        if bytes.count > 10 {
            guard separates(10, "T") || separates(10, " "), let hour = number(11..<13), separates(13, ":"),
                let minute = number(14..<16), hour < 24, minute < 60
            else { return nil }
            seconds += hour * 3600 + minute * 60
            var end = 16
            if separates(16, ":") {
                guard let second = number(17..<19), second < 60 else { return nil }
                seconds += second
                end = 19
            }
            if end == 19, separates(19, ".") {
                let digits = bytes[20...].prefix { (0x30...0x39).contains($0) }
                guard (1...9).contains(digits.count) else { return nil }
                fraction = digits.reduce(0) { $0 * 10 + Int32($1 - 0x30) }
                for _ in digits.count..<9 { fraction *= 10 }
                end = digits.endIndex
            }
            guard end == bytes.count || (separates(end, "Z") && end + 1 == bytes.count) else { return nil }
        }
        self.init(seconds: seconds, nanoseconds: fraction)
    }

    /// The time that a line of the log tells; nil: none is where the writer puts it.
    init?(ofLine bytes: [UInt8]) {
        let key = Array(#","time":""#.utf8)
        // Behind the version and the number, the longest of which has 20 digits.
        let head = bytes.prefix(64)
        guard head.count > key.count else { return nil }
        let start = (0...(head.count - key.count)).first { head[$0...].starts(with: key) }
        guard let start else { return nil }
        let text = bytes[(start + key.count)...].prefix { $0 != UInt8(ascii: "\"") }
        self.init(String(decoding: text, as: UTF8.self))
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][Int(month - 1)]
    }

    /// Days from 1970-01-01, in years that begin on 1 March, as `text` counts them.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
