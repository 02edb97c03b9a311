import Foundation
import Testing

extension AgentTests {
    /// The agent's log, from a denial in the kernel to a line that a command shows.
    @Suite(.serialized)
    final class LogTests {
        private static let cat = "/tmp/confined-logged-cat"
        private static let directory = "/tmp/agent-log"
        private static let log = directory + "/audit.jsonl"

        init() throws {
            let files = FileManager.default
            for path in [Self.cat, Self.directory] { try? files.removeItem(atPath: path) }
            try files.copyItem(atPath: "/usr/bin/cat", toPath: Self.cat)
        }

        private func denied() throws { #expect(try Ended(Self.cat, ["/etc/hostname"]).status != 0) }

        private func audit(_ arguments: String...) throws -> Ended {
            try Ended(RunningAgent.program, ["audit"] + arguments)
        }

        /// Starts an agent that writes the log.
        private func agent() throws -> RunningAgent {
            try RunningAgent(
                [
                    "logged": """
                    subjects: [{exec: \(Self.cat)}]
                    files:
                      rules:
                        - { allow: [read, map, execute], paths: [/usr/**, /etc/ld.so.cache, \(Self.cat)] }
                    """
                ], configuration: "audit: {file: \(Self.log)}")
        }

        /// Waits for a query's answer.
        private func shows(_ text: String, seconds: Double = 10) throws -> Bool {
            let end = Date(timeIntervalSinceNow: seconds)
            repeat {
                if try audit("query", Self.log).output.contains(text) { return true }
                usleep(50_000)
            } while Date() < end
            return false
        }

        @Test func `a denial is in the log, the log is rotated by others and survives its agent`() throws {
            let first = try agent()
            try denied()
            #expect(try shows("/etc/hostname"))
            var status = stat()
            #expect(stat(Self.log, &status) == 0 && status.st_mode & 0o777 == 0o640 && status.st_uid == 0)

            // As logrotate does it.
            #expect(rename(Self.log, Self.log + ".1") == 0)
            kill(first.identifier, SIGUSR1)
            for _ in 0..<200 where access(Self.log, F_OK) != 0 {
                usleep(50_000)
                // Equal denials of a second become one line.
                try denied()
            }
            #expect(access(Self.log, F_OK) == 0)
            // No end that it would have wished for: its last lines have no seal.
            kill(first.identifier, SIGKILL)
            _ = try first.end()
            let cut = try audit("verify", Self.log + ".1", Self.log)
            #expect(cut.status == 0, "\(cut.output)")

            // A line that was being written.
            let handle = try #require(FileHandle(forWritingAtPath: Self.log))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("{\"v\":1,\"se".utf8))
            let second = try agent()
            try denied()
            #expect(try shows("(restart)"))
            #expect(try second.end() == 0)
            let whole = try audit("verify", Self.log + ".1", Self.log)
            #expect(whole.status == 0 && whole.output.hasPrefix("whole: "), "\(whole.output)")
        }
    }
}
