import Foundation
import Testing

/// Several policies for one command: each is a layer, carried once.
@Suite(.landlock) struct RunLayerTests {
    /// Policies of different names under which /bin/true runs.
    private func policies(_ count: Int, in scratch: Scratch) throws -> [String] {
        try (0..<count).map { index in
            let path = try scratch.policy(
                "files: { rules: [{ allow: [read, execute, map], paths: [/**] }] }",
                name: "p\(index).yaml")
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let name = text.replacing(/name: [a-z0-9-]+/, with: "name: p\(index)")
            try name.write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }
    }

    private func run(_ policies: [String], in scratch: Scratch) throws -> Swguard.Outcome {
        try Swguard.run(
            ["run", "-v"] + policies.flatMap { ["--policy", $0] } + ["--", "/bin/true"], in: scratch.path)
    }

    @Test func `a policy is carried once, however often and by whatever name it is given`() throws {
        let scratch = try Scratch()
        let one = try policies(1, in: scratch)[0]
        symlink(one, scratch.path + "/other.yaml")
        let outcome = try run(
            Array(repeating: one, count: 17) + ["./p0.yaml", "./other.yaml"], in: scratch)
        #expect(outcome.status == 0 && outcome.errors.contains("confined by p0:"), "\(outcome)")
    }

    @Test func `several policies are printed as several documents`() throws {
        let scratch = try Scratch()
        let given = try policies(2, in: scratch)
        let outcome = try Swguard.run(["run", "--print-policy"] + given.flatMap { ["--policy", $0] })
        let documents = outcome.output.components(separatedBy: "\n---\n")
        #expect(documents.count == 2 && documents.allSatisfy { $0.hasPrefix("apiVersion:") }, "\(outcome)")
        let one = try Swguard.run(["run", "--print-policy", "--policy", given[0]])
        #expect(!one.output.contains("---"), "\(one)")
    }

    @Test func `more layers than a process carries are refused`() throws {
        let scratch = try Scratch()
        let limit = geteuid() == 0 ? 8 : 4
        let most = try run(try policies(limit, in: scratch), in: scratch)
        #expect(most.status == 0, "\(most)")
        let more = try run(try policies(limit + 1, in: scratch), in: scratch)
        #expect(more.status == 125 && more.output == "", "\(more)")
        #expect(
            more.errors.contains("\(limit + 1) policies are given, and a process carries at most \(limit)"),
            "\(more)")
    }
}
