import Foundation
import Testing

/// One agent at a time: what one denies would be in the way of another's test.
@Suite(.needsBPFLSM, .serialized)
enum AgentTests {}

extension AgentTests {
    /// The agent as a whole: entry, no gain, complain, reloading, and what it refuses.
    @Suite(.serialized)
    final class LifeTests {
        private static let cat = "/tmp/confined-cat"
        private static let runtime = """
                - allow: [read, map, execute]
                  paths: [/usr/**, /etc/ld.so.cache, /tmp/confined-*]

            """

        init() throws {
            let files = FileManager.default
            for (name, source) in [("cat", "cat"), ("mv", "mv"), ("bash", "bash")] {
                try? files.removeItem(atPath: "/tmp/confined-\(name)")
                try files.copyItem(atPath: "/usr/bin/\(source)", toPath: "/tmp/confined-\(name)")
            }
            try? files.removeItem(atPath: "/tmp/a")
            try files.createDirectory(atPath: "/tmp/a/b", withIntermediateDirectories: true)
            _ = files.createFile(atPath: "/tmp/a/b/file", contents: Data("text".utf8))
        }

        @Test func `policies are replaced without a moment between, and children stay confined`() throws {
            let agent = try RunningAgent([
                "cat": """
                subjects: [{exec: /tmp/confined-cat}, {exec: /tmp/confined-bash}]
                files:
                  rules:
                \(Self.runtime)
                    - id: written
                      deny: [read]
                      paths: [/etc/hostname]
                      reason: not yours
                """,
                "mv": """
                subjects: [{exec: /tmp/confined-mv}]
                files:
                  rules:
                \(Self.runtime)
                    - allow: [read, create, remove]
                      paths: [/tmp/a/**]
                    - allow: [write]
                      paths: [/tmp/a/gain/**]
                """,
            ])
            let began = try agent.events { $0["kind"] == "enforcement" }
            #expect(began.first?["kind"] == "agent" && began.first?["state"] == "started")
            #expect(began.filter { $0["kind"] == "policy" && $0["change"] == "loaded" }.count == 2)
            // By the file, and through the exec of one that is confined.
            #expect(try Ended(Self.cat, ["/etc/hostname"]).status != 0)
            var events = try agent.events { $0["object", "path"] == "/etc/hostname" }
            #expect(events.contains { $0["rule", "id"] == "written" }, "\(events)")
            #expect(try Ended("/tmp/confined-bash", ["-c", "/usr/bin/cat /etc/hostname"]).status != 0)
            #expect(try Ended("/usr/bin/cat", ["/etc/hostname"]).status == 0)
            // A name that grants more than the old one.
            try FileManager.default.createDirectory(atPath: "/tmp/a/gain", withIntermediateDirectories: true)
            _ = try agent.events()
            #expect(try Ended("/tmp/confined-mv", ["-n", "/tmp/a/b/file", "/tmp/a/b/other"]).status == 0)
            #expect(try Ended("/tmp/confined-mv", ["-n", "/tmp/a/b/other", "/tmp/a/gain/other"]).status == 0)
            events = try agent.events { $0["rule", "id"] == "no-gain" }
            #expect(events.contains { $0["rule", "id"] == "no-gain" && $0["errno"] == "EXDEV" }, "\(events)")
            // What does not compile leaves everything as it is.
            try agent.reload(
                "cat",
                "subjects: [{exec: /tmp/confined-cat}]\nfiles: { rules: [{ allow: [raed], paths: [/**] }] }")
            #expect(agent.errors.contains("unknown access 'raed'"))
            #expect(try Ended(Self.cat, ["/etc/hostname"]).status != 0)
            // Complain reports and lets go on.
            _ = try agent.events()
            try agent.reload(
                "cat",
                "mode: complain\nsubjects: [{exec: /tmp/confined-cat}]\nfiles:\n  rules:\n\(Self.runtime)")
            #expect(try Ended(Self.cat, ["/etc/hostname"]).status == 0)
            events = try agent.events {
                $0["verdict"] == "would-deny" && $0["object", "path"] == "/etc/hostname"
            }
            let event = events.first {
                $0["verdict"] == "would-deny" && $0["object", "path"] == "/etc/hostname"
            }
            #expect(event?["verdict"] == "would-deny" && event?["errno"] == nil, "\(events)")
            #expect(event?["policy", "generation"] == "2" && event?["policy", "mode"] == "complain")
            #expect(events.contains { $0["kind"] == "policy" && $0["change"] == "replaced" })
            #expect(try agent.end() == 0)
            #expect(try Ended(Self.cat, ["/etc/hostname"]).status == 0)
        }

        @Test func `what runs already comes under the policy of its file`() throws {
            let held = try HeldProcess("/tmp/confined-cat", "/etc/hostname")
            let running = Process()
            running.executableURL = URL(filePath: "/tmp/confined-bash")
            let input = Pipe()
            running.standardInput = input
            running.standardError = FileHandle.nullDevice
            running.arguments = ["-c", "read -r _; exec 3</etc/hostname"]
            try running.run()
            let agent = try RunningAgent([
                "bash": "subjects: [{exec: /tmp/confined-bash}]\nfiles:\n  rules:\n\(Self.runtime)"
            ])
            try input.fileHandleForWriting.write(contentsOf: Data("\n".utf8))
            running.waitUntilExit()
            #expect(running.terminationStatus != 0)
            #expect(try held.finish() == 0)
            #expect(try agent.end() == 0)
        }

        @Test func `what a literal denies is denied under other names`() throws {
            let files = FileManager.default
            for (directory, name) in [("/tmp/guard/tree", "inside"), ("/tmp/guard/secrets", "secret")] {
                try? files.removeItem(atPath: directory)
                try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
                _ = files.createFile(atPath: "\(directory)/\(name)", contents: Data("x".utf8))
            }
            try? files.removeItem(atPath: "/tmp/guard/alias")
            try files.linkItem(atPath: "/tmp/guard/secrets/secret", toPath: "/tmp/guard/alias")
            try files.createDirectory(atPath: "/tmp/guard/mounted", withIntermediateDirectories: true)
            #expect(
                try Ended("/usr/bin/mount", ["--bind", "/tmp/guard/tree", "/tmp/guard/mounted"]).status == 0)
            defer { _ = try? Ended("/usr/bin/umount", ["/tmp/guard/mounted"]) }
            let agent = try RunningAgent([
                "cat": """
                subjects: [{exec: /tmp/confined-cat}]
                files:
                  default: allow
                  rules:
                    - id: literal
                      deny: [read]
                      paths: [/tmp/guard/secrets/secret]
                    - id: subtree
                      deny: [read]
                      paths: [/tmp/guard/tree/**]
                """
            ])
            _ = try agent.events()
            for (path, rule) in [
                ("/tmp/guard/secrets/secret", "literal"), ("/tmp/guard/alias", "literal"),
                ("/tmp/guard/tree/inside", "subtree"), ("/tmp/guard/mounted/inside", "subtree"),
            ] {
                #expect(try Ended(Self.cat, [path]).status != 0, "\(path)")
                let events = try agent.events { $0["object", "path"] == path }
                #expect(
                    events.contains {
                        $0["object", "path"] == path && $0["errno"] == "EACCES"
                            && [rule, "identity"].contains($0["rule", "id"])
                    }, "\(path): \(events)")
                #expect(try Ended("/usr/bin/cat", [path]).status == 0)
            }
            #expect(try agent.end() == 0)
            #expect(try Ended(Self.cat, ["/tmp/guard/alias"]).status == 0)
        }

        @Test func `what cannot be loaded loads nothing`() throws {
            let directory = FileManager.default.temporaryDirectory.appending(path: "bad-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            let file = directory.appending(path: "bad.yaml")
            try RunningAgent.document(
                "bad",
                "subjects: [{exec: /tmp/confined-cat}]\nfiles: { rules: [{ allow: [raed], paths: [/a] }] }"
            )
            .write(to: file, atomically: false, encoding: .utf8)
            let bad = try Ended(RunningAgent.program, ["agent", file.path])
            #expect(bad.status == 2)
            #expect(bad.output.contains("\(file.path):5:28: error: unknown access 'raed'"), "\(bad.output)")
            try RunningAgent.document("bad", "subjects: [{user: nobody-here}]").write(
                to: file, atomically: false, encoding: .utf8)
            let nobody = try Ended(RunningAgent.program, ["agent", file.path])
            #expect(nobody.status == 2 && nobody.output.contains("there is no user 'nobody-here'"))
            try RunningAgent.document("bad", "subjects: [{exec: /tmp/confined-cat}]").write(
                to: file, atomically: false, encoding: .utf8)
            let user = try Ended(
                "/usr/bin/setpriv",
                ["--reuid", "65534", "--clear-groups", RunningAgent.program, "agent", file.path])
            #expect(user.status != 0)
        }
    }
}
