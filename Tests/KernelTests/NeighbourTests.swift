import Foundation
import Testing

extension AgentTests {
    /// The agent beside another program that keeps something with every task, and looks it up so often that the storage is
    /// busy where Linux 6.1 is fully preempted.
    @Suite(.serialized)
    final class NeighbourTests {
        private static let root = "/neighbour"
        private static let attacks = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "attacks").path
        private static let build = """
            mkdir -p \(root) && mount -t tmpfs none \(root) && cd \(root)
            cp "$1" free; cp "$1" confined; echo x >denied; echo x >granted
            """
        private static let policy = """
            subjects: [{exec: \(root)/confined}]
            files:
              default: allow
              rules:
                - id: no-opening
                  deny: [read]
                  paths: [\(root)/denied]
            """
        private let neighbour: Neighbour
        private let agent: RunningAgent
        private let readers: [Child]

        init() throws {
            #expect(try Child("/bin/sh", "-e", "-c", Self.build, "sh", Self.attacks).wait() == 0)
            neighbour = try Neighbour(contending: true)
            agent = try RunningAgent(["neighbour": Self.policy])
            readers = try (0..<2).map { _ in
                try Child(Self.root + "/free", "read-for-ever", Self.root + "/granted")
            }
        }

        deinit {
            for reader in readers { reader.end() }
            _ = try? Child("/usr/bin/umount", "--lazy", Self.root).wait()
        }

        /// Whether a lookup can find the storage busy here, as the agent has found out.
        private var isBusy: Bool { agent.errors.contains("preempted") }

        /// How often a program could open a file; nil: it did not run.
        private func opensOnce(_ program: String, _ call: String, _ file: String, _ count: Int) throws -> Int?
        {
            let output = Self.root + "/count"
            try? FileManager.default.removeItem(atPath: output)
            let child = try? Child(
                [Self.root + "/" + program, call, Self.root + "/" + file, String(count)], output: output)
            guard let child, try child.wait() == 0 else { return nil }
            let text = try String(contentsOfFile: output, encoding: .utf8)
            return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }

        /// The same of a program that runs in the end: an exec of which cannot be decided what it enters does not happen.
        private func opens(_ program: String, _ call: String, _ file: String, _ count: Int) throws -> Int {
            for _ in 0..<100 {
                if let found = try opensOnce(program, call, file, count) { return found }
            }
            throw RunningAgent.Failure(text: "\(program) never runs")
        }

        @Test func `what is denied is never opened, and what others open always`() throws {
            // One after the other on one processor: less where nothing can happen.
            let count = isBusy ? 3000 : 300
            #expect(try opens("free", "count-opens", "denied", count) == count)
            #expect(try opens("confined", "count-opens", "denied", count) == 0)
            let granted = try opens("confined", "count-opens", "granted", count)
            print("neighbour: of \(count) granted opens \(count - granted) were denied")
            // It is denied without need where it cannot be decided, and nowhere else: else this would test nothing.
            #expect(isBusy ? granted < count : granted == count)
            // Children are confined, or are not made.
            #expect(try opens("confined", "count-opens-of-children", "denied", count / 15) == 0)
            // A program with which a policy begins never runs without it.
            for _ in 0..<(count / 30) {
                #expect(try opensOnce("confined", "count-opens", "denied", 1) ?? 0 == 0)
            }
            #expect(try agent.events { $0["rule", "id"] == "no-opening" }.contains { $0["kind"] == "denial" })
            for reader in readers { reader.end() }
            #expect(try agent.end() == 0)
            #expect(try opens("confined", "count-opens", "denied", 1) == 1)
        }
    }
}
