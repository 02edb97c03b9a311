import Foundation
import Policy
import Testing

@testable import Agent

@Suite struct AgentLogTests {
    /// What a log writes.
    private final class Sink {
        var text = ""

        func log(hasLevels: Bool = false) -> AgentLog {
            AgentLog(usesColour: false, hasLevels: hasLevels) { self.text += $0 }
        }
    }

    private static let diagnostic = Diagnostic(
        "unknown access 'raed'", at: SourceLocation(file: "web.yaml", line: 14, column: 15, length: 4),
        hint: "did you mean 'read'?", sourceLine: "    - allow: [raed]")

    @Test func `people get lines, without what would change their terminal`() {
        let sink = Sink()
        let log = sink.log()
        log.info("enforcing 2 policies")
        log.error("cannot read '\u{1b}[2J'")
        #expect(sink.text == "swguard: enforcing 2 policies\nswguard: cannot read '\\x1b[2J'\n")
    }

    @Test func `the journal gets the level of each line`() {
        let sink = Sink()
        let log = sink.log(hasLevels: true)
        log.warning("this kernel has no hook x")
        log.report([Self.diagnostic])
        let lines = sink.text.split(separator: "\n")
        #expect(lines[0] == "<4>swguard: this kernel has no hook x")
        #expect(lines[1] == "<3>web.yaml:14:15: error: unknown access 'raed'")
        #expect(lines.count == 4 && lines.dropFirst().allSatisfy { $0.hasPrefix("<3>") })
    }

    @Test func `machines get an object a line, wherever a text comes from`() throws {
        let sink = Sink()
        let log = sink.log(hasLevels: true)
        log.format = .json
        log.error("two\nlines \u{1b}")
        log.report([Self.diagnostic])
        let lines = sink.text.split(separator: "\n")
        try #require(lines.count == 2)
        let objects = try lines.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(
            objects[0]["text"] as? String == "two\nlines \u{1b}" && objects[0]["level"] as? String == "error")
        #expect((objects[0]["time"] as? String)?.hasSuffix("Z") == true)
        #expect(objects[1]["file"] as? String == "web.yaml" && objects[1]["line"] as? Int == 14)
        #expect(objects[1]["hint"] as? String == "did you mean 'read'?")
        #expect(objects[1]["level"] as? String == "error")
    }
}
