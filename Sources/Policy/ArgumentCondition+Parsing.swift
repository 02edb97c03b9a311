extension ArgumentCondition {
    /// The condition that `text` is: `argN OP VALUE`, or `argN & MASK == VALUE`.
    public static func parse(_ text: String) throws(PolicyTextError) -> ArgumentCondition {
        var words = Words(Array(text.utf8))
        let argument = try parseArgument(words.next())
        guard let operation = words.next() else {
            throw words.missing("a comparison", hint: "write == != < <= > or >=, and a value")
        }
        if operation.text == "&" {
            guard let maskWord = words.next() else { throw words.missing("a mask") }
            let mask = try parseValue(maskWord.text, at: maskWord.offset)
            let comparison = words.next()
            guard let comparison, comparison.text == "==" else {
                throw PolicyTextError(
                    "a mask is followed by '=='", at: comparison?.offset ?? words.end,
                    length: comparison?.length ?? 1, hint: "write 'arg\(argument) & MASK == VALUE'")
            }
            guard let valueWord = words.next() else { throw words.missing("a value") }
            let value = try parseValue(valueWord.text, at: valueWord.offset)
            try words.finish()
            if value & ~mask != 0 {
                throw PolicyTextError(
                    "the value has bits that the mask takes away: this never holds", at: valueWord.offset,
                    length: valueWord.length, hint: "a condition that cannot hold is a mistake")
            }
            return ArgumentCondition(argument: argument, mask: mask, comparison: .equal, value: value)
        }
        guard let comparison = Comparison(rawValue: operation.text) else {
            throw PolicyTextError(
                "unknown comparison \(quoted(operation.text))", at: operation.offset,
                length: operation.length,
                hint: operation.text == "=" ? "did you mean '=='?" : "write == != < <= > >= or &")
        }
        guard let valueWord = words.next() else { throw words.missing("a value") }
        let value = try parseValue(valueWord.text, at: valueWord.offset)
        try words.finish()
        return ArgumentCondition(argument: argument, comparison: comparison, value: value)
    }

    private static func parseArgument(_ word: Words.Word?) throws(PolicyTextError) -> Int {
        guard let word else {
            throw PolicyTextError("the condition is empty", at: 0, hint: "write 'arg0 == 1'")
        }
        guard word.text.hasPrefix("arg"), let number = IPAddress.decimal(word.text.dropFirst(3), limit: 5)
        else {
            throw PolicyTextError(
                "unknown argument \(quoted(word.text))", at: word.offset, length: word.length,
                hint: "the arguments are arg0 to arg5")
        }
        return number
    }

    /// The number that `text` is: decimal, `0x…`, negative, or a symbolic constant.
    static func parseValue(_ text: String, at offset: Int) throws(PolicyTextError) -> UInt64 {
        let length = max(1, text.utf8.count)
        let isNegative = text.hasPrefix("-")
        let digits = isNegative ? text.dropFirst() : Substring(text)
        guard let first = digits.utf8.first, (0x30...0x39).contains(first) else {
            if let value = KernelConstants.values[text] { return value }
            throw PolicyTextError(
                "unknown constant \(quoted(text))", at: offset, length: length,
                hint: suggestion(for: text, in: KernelConstants.values.keys)
                    ?? "write a number: 10, 0xa or -1")
        }
        let isHexadecimal = digits.hasPrefix("0x")
        let body = isHexadecimal ? digits.dropFirst(2) : digits
        let isNumber =
            body.utf8.first != UInt8(ascii: "+") && !body.isEmpty
            && (isHexadecimal || body.utf8.count == 1 || body.utf8.first != 0x30)
        guard isNumber, body.allSatisfy({ isHexadecimal ? $0.isHexDigit : $0.isNumber }) else {
            throw PolicyTextError(
                "\(quoted(text)) is no number", at: offset, length: length, hint: "write 10, 0xa or -1")
        }
        guard let magnitude = UInt64(body, radix: isHexadecimal ? 16 : 10),
            !isNegative || magnitude <= 1 << 63
        else {
            throw PolicyTextError(
                "\(quoted(text)) does not fit 64 bits", at: offset, length: length,
                hint: isNegative ? "the least is -0x8000000000000000" : "the largest is 0xffffffffffffffff")
        }
        return isNegative ? 0 &- magnitude : magnitude
    }

    /// The words of a condition, with the byte that each begins at.
    private struct Words {
        struct Word {
            var text: String
            var offset: Int
            var length: Int { text.utf8.count }
        }

        private let bytes: [UInt8]
        private var position = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        var end: Int { max(0, bytes.count - 1) }

        /// The next run of operator characters or of anything else but spaces.
        mutating func next() -> Word? {
            while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
            guard position < bytes.count else { return nil }
            let start = position
            let isOperator = "=!<>&".utf8.contains(bytes[start])
            while position < bytes.count, bytes[position] != UInt8(ascii: " "),
                "=!<>&".utf8.contains(bytes[position]) == isOperator
            {
                position += 1
            }
            return Word(text: String(decoding: bytes[start..<position], as: UTF8.self), offset: start)
        }

        func missing(_ what: String, hint: String = "write 'arg0 == 1'") -> PolicyTextError {
            PolicyTextError("the condition ends where \(what) should follow", at: end, hint: hint)
        }

        mutating func finish() throws(PolicyTextError) {
            if let word = next() {
                throw PolicyTextError(
                    "\(quoted(word.text)) behind the condition", at: word.offset,
                    length: bytes.count - word.offset,
                    hint: "each condition is an item of the list; all must hold")
            }
        }
    }
}

extension ArgumentCondition: CustomStringConvertible {
    /// The condition as policies write it.
    public var description: String {
        if mask == .max { return "arg\(argument) \(comparison.rawValue) \(Self.text(value))" }
        return "arg\(argument) & \(Self.text(mask)) \(comparison.rawValue) \(Self.text(value))"
    }

    private static func text(_ value: UInt64) -> String {
        // What fits a negative number of 32 bits is written as one: it is the same for both widths.
        if value >= 0xffff_ffff_8000_0000 { return "\(Int64(bitPattern: value))" }
        return value < 4_096 ? "\(value)" : "0x\(String(value, radix: 16))"
    }
}
