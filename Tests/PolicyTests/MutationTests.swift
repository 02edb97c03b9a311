import Policy
import Testing

/// Bytes that are nearly a policy: no crash, no hang, and every place lies in the text.
@Suite struct MutationTests {
    private static let corpus: [[UInt8]] = (SchemaTests.valid + SchemaTests.invalid).map { Array($0.utf8) }

    @Test func `no mutation of a policy crashes or hangs the reader`() {
        let loader = loader(exampleFiles)
        let clock = ContinuousClock()
        for seed in caseSeeds(6_000) {
            var generator = SeededGenerator(seed: seed)
            let bytes = Self.mutated(using: &generator)
            let start = clock.now
            let loaded = loader.decode(bytes, named: "p.yaml", directory: "policies")
            #expect(clock.now - start < .seconds(5), "seed \(seed)")
            #expect(
                loaded.policy != nil || loaded.diagnostics.contains { $0.severity == .error }, "seed \(seed)")
            _ = DiagnosticFormatter(usesColour: true).text(loaded.diagnostics)
            let lines = bytes.count { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } + 1
            for location in loaded.diagnostics.map(\.location) where location.file == "p.yaml" {
                #expect(
                    (1...lines).contains(location.line) && location.column >= 1 && location.length >= 1,
                    "seed \(seed)")
            }
            guard let policy = loaded.policy else { continue }
            // What is accepted can be printed, and is read back.
            do {
                let text = try policy.yaml()
                #expect(
                    loader.decode(Array(text.utf8), named: "p.yaml").policy != nil, "seed \(seed)\n\(text)")
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }

    private static func mutated(using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = corpus.randomElement(using: &generator) ?? []
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
            case 1: if place < bytes.count { bytes.remove(at: place) }
            case 2: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
            case 3:
                let pieces = [
                    "[", "]", "{", "}", ": ", "- ", "\"", "'", "*", "&a ", "!t ", "${HOME}", "**", "\\", "\n",
                    "\r", "\u{85}", "|\n ", "? ",
                ]
                bytes.insert(
                    contentsOf: Array((pieces.randomElement(using: &generator) ?? "").utf8), at: place)
            case 4:
                let other = corpus.randomElement(using: &generator) ?? []
                let from = Int.random(in: 0...other.count, using: &generator)
                bytes.insert(contentsOf: other[from..<min(other.count, from + 40)], at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + 20))
            }
        }
        return bytes
    }

    /// One long line, or very many of anything: what is quadratic anywhere takes minutes here.
    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            String(repeating: "a,", count: 49_000), String(repeating: "{a: b},", count: 30_000),
            String(repeating: "\"\\u00e4\",", count: 49_000), String(repeating: "ä,", count: 49_000),
            String(repeating: "[],", count: 49_000), "\"" + String(repeating: "\\t", count: 400_000) + "\"",
            "\"" + String(repeating: "a\n\n", count: 300_000) + "\"", String(repeating: " ", count: 900_000),
            "&a [" + String(repeating: "*a,", count: 49_000) + "]", String(repeating: "? ", count: 60),
            "\"/" + String(repeating: "{a,", count: 8) + String(repeating: "}", count: 8) + "\"",
        ])
    func `a large text takes no longer than its size`(_ body: String) {
        let clock = ContinuousClock()
        let time = clock.measure {
            _ = DiagnosticFormatter().text(decode(head + "include: [" + body + "]").diagnostics)
            _ = DiagnosticFormatter().text(
                decode(head + "files: {rules: [{allow: [read], paths: [" + body + "]}]}").diagnostics)
        }
        #expect(time < .seconds(30))
    }

    @Test func `a thousand directives are no work`() {
        let text = String(repeating: "%TAG !a! b\n", count: 90_000)
        #expect(decode(text + "---\na: b").diagnostics.map(\.text) == ["tags are not accepted"])
        #expect(
            decode(head + "...\n" + text + "---\na: b").diagnostics.map(\.text) == [
                "a file holds one document"
            ])
    }
}
