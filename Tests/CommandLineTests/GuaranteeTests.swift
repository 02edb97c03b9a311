import Foundation
import Testing

/// SECURITY.md, whose every line names what shows it.
@Suite struct GuaranteeTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The text of each file of tests, by its name without the ending.
    private static func sources() throws -> [String: String] {
        let tests = repository.appending(path: "Tests")
        var texts: [String: String] = [:]
        for case let file as URL in try #require(
            FileManager.default.enumerator(at: tests, includingPropertiesForKeys: nil))
        where file.pathExtension == "swift" {
            texts[file.deletingPathExtension().lastPathComponent, default: ""] += try String(
                contentsOf: file, encoding: .utf8)
        }
        return texts
    }

    @Test func `every test that is named as a witness is there`() throws {
        let page = try String(contentsOf: Self.repository.appending(path: "SECURITY.md"), encoding: .utf8)
        let sources = try Self.sources()
        var count = 0
        for witness in page.matches(of: /`(\w+Tests)`(?::((?: \*[^*]+\*,?)+))?/) {
            let source = try #require(sources[String(witness.1)], "\(witness.1)")
            for name in (witness.2 ?? "").matches(of: /\*([^*]+)\*/) {
                let isThere = source.contains("func `\(name.1)`")
                #expect(isThere, "\(witness.1): \(name.1)")
                count += 1
            }
        }
        #expect(count > 30)
        for script in page.matches(of: /`(Tests\/[\w\/-]+)`/) {
            let path = Self.repository.appending(path: String(script.1)).path
            #expect(FileManager.default.fileExists(atPath: path), "\(script.1)")
        }
    }

    @Test func `every line that says what holds has a witness`() throws {
        let page = try String(contentsOf: Self.repository.appending(path: "SECURITY.md"), encoding: .utf8)
        let claims = page.components(separatedBy: "## ").filter { $0.contains("shown by") }
        #expect(claims.count == 3)
        for line in claims.joined().split(separator: "\n")
        where line.hasPrefix("| ") && !line.contains("shown by") {
            #expect(line.contains("Tests`") || line.contains("`Tests/"), "\(line)")
        }
    }
}
