import Foundation
import Policy
import Testing

@Suite struct JSONParsingTests {
    private func parsed(_ text: String, _ limits: JSON.Limits = JSON.Limits()) throws(JSONError) -> JSON {
        try JSON(parsing: Array(text.utf8), limits: limits)
    }

    @Test(
        arguments: [
            ("null", "null"), (" true ", "true"), ("[false,[],{}]", "[false,[],{}]"), ("-0", "0"),
            ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
            ("1.5", "1.5"), ("-2e3", "-2000.0"), ("1E+2", "100.0"), ("0.25", "0.25"),
            ("18446744073709551615", "1.8446744073709552e+19"),
            (#""\"\\\/\b\f\n\r\t""#, #""\"\\/\u0008\u000c\n\r\t""#), (#""\u0041\u00e9\u20ac""#, "\"Aé€\""),
            (#""\ud83d\ude00""#, "\"😀\""), (#""\u0000""#, #""\u0000""#), ("\"é€😀\"", "\"é€😀\""),
            (" { \"b\" : 1 , \"a\" : [ 2 ] } \r\n\t", #"{"b":1,"a":[2]}"#), (#"{"":{}}"#, #"{"":{}}"#),
        ])
    func `a value is read as it was meant`(_ text: String, _ written: String) throws {
        #expect(try parsed(text).text == written)
    }

    @Test(
        arguments: [
            ("", 0), ("nul", 0), ("True", 0), ("01", 2), ("-", 1), ("+1", 0), ("1.", 2), (".5", 0), ("1e", 2),
            ("1 2", 2), ("1e999", 5), ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3), ("{\"a\":1,}", 7), ("{a:1}", 1),
            ("{\"a\" 1}", 5), ("{\"a\":1,\"a\":2}", 10), ("[", 1), ("{", 1), ("\"", 1), ("\"\\", 2),
            (#""\x""#, 3), (#""\u12""#, 5), (#""\ud800""#, 7), (#""\udc00""#, 7), (#""\ud800\u0041""#, 13),
            ("\"\n\"", 1), ("'a'", 0), ("NaN", 0), ("//x\n1", 0), ("\u{feff}1", 0),
        ])
    func `what is no value is an error that says where`(_ text: String, _ offset: Int) {
        #expect(throws: JSONError.self) { try parsed(text) }
        do throws(JSONError) { _ = try parsed(text) } catch { #expect(error.offset == offset, "\(error)") }
    }

    @Test func `bytes that are not UTF-8 are an error`() {
        for bytes: [UInt8] in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xc3]] {
            #expect(throws: JSONError.self) { try JSON(parsing: [0x22] + bytes + [0x22]) }
        }
    }

    @Test func `depth and number of values have limits`() throws {
        let limits = JSON.Limits(depth: 4, values: 8)
        _ = try parsed("[[[[]]]]", limits)
        #expect(throws: JSONError.self) { try parsed("[[[[[]]]]]", limits) }
        #expect(throws: JSONError.self) { try parsed(#"{"a":{"a":{"a":{"a":{}}}}}"#, limits) }
        _ = try parsed("[1,2,3,4,5,6,7]", limits)
        #expect(throws: JSONError.self) { try parsed("[1,2,3,4,5,6,7,8]", limits) }
        // What recursion would not survive.
        #expect(throws: JSONError.self) { try parsed(String(repeating: "[", count: 1 << 20)) }
    }

    @Test(arguments: Seeds.all)
    func `what is written is read as it was`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<Seeds.rounds {
            let value = JSON.random(depth: 4, using: &random)
            #expect(try parsed(value.text).text == value.text, "seed \(seed)")
            #expect(try parsed(value.indentedText).text == value.text, "seed \(seed)")
        }
    }

    @Test(arguments: Seeds.all)
    func `any bytes are a value or an error`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pieces = ["{", "}", "[", "]", ",", ":", "\"a\"", "1", "-", "e5", "null", "\\u", "\"", " ", "\\"]
        for _ in 0..<Seeds.rounds {
            var bytes = Array(JSON.random(depth: 3, using: &random).text.utf8)
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let place = Int.random(in: 0...bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 3))
                default: bytes.insert(contentsOf: pieces.randomElement(using: &random)!.utf8, at: place)
                }
            }
            guard let value = try? JSON(parsing: bytes) else { continue }
            // What is accepted has a form, and that is accepted as the same.
            #expect(try parsed(value.text).text == value.text, "seed \(seed)")
        }
    }
}

/// Seeds of the random tests, and how much of each is tried; SWGUARD_CONTROL_ROUNDS sets another number.
enum Seeds {
    static let all: [UInt64] = [1, 20_261_122, 0xfeed_beef]
    static let rounds =
        ProcessInfo.processInfo.environment["SWGUARD_CONTROL_ROUNDS"].flatMap { Int($0) } ?? 400
}

/// SplitMix64.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

extension JSON {
    static func random(depth: Int, using random: inout SeededRandom) -> JSON {
        let texts = ["", "a", "method", "é", "😀", "\"\\/", "\n\t\0\u{7f}", "org.varlink.service.GetInfo"]
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int.random(in: .min ... .max, using: &random))
        case 3: return .double(Double.random(in: -1e9...1e9, using: &random) + 0.5)
        case 4, 5: return .string(texts.randomElement(using: &random)!)
        case 6:
            return .array(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    .random(depth: depth - 1, using: &random)
                })
        default:
            let names = texts.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random))
            return .object(names.map { ($0, .random(depth: depth - 1, using: &random)) })
        }
    }
}
