import Foundation
import Testing

/// One access of the policy language, and a program that asks for it.
private struct AccessCase: CustomTestStringConvertible, Sendable {
    /// What the event's action names.
    var access: String
    /// A line of Python that asks for it of `path`, with `os`, `mmap` and `ctypes` there.
    var script: String
    /// What is there before: nothing, a file, a directory, an executable.
    var before: Before = .file
    /// What the policy has to grant besides, of the same path.
    var besides: [String] = []
    /// What the caller gets.
    var errno: Int32 = EACCES

    enum Before { case nothing, file, directory, program }

    var testDescription: String { "\(access): \(script)" }
}

private let cases: [AccessCase] = [
    AccessCase(access: "read", script: "os.close(os.open(path, os.O_RDONLY))"),
    AccessCase(access: "read", script: "os.listdir(path)", before: .directory),
    AccessCase(access: "write", script: "os.close(os.open(path, os.O_WRONLY))"),
    AccessCase(access: "write", script: "os.close(os.open(path, os.O_WRONLY|os.O_APPEND))"),
    AccessCase(access: "write", script: "os.truncate(path, 1)"),
    AccessCase(access: "create", script: "os.mkdir(path)", before: .nothing),
    AccessCase(access: "create", script: "os.symlink('x', path)", before: .nothing),
    AccessCase(access: "create", script: "os.mkfifo(path)", before: .nothing),
    AccessCase(
        access: "create", script: "os.close(os.open(path, os.O_WRONLY|os.O_CREAT, 0o600))", before: .nothing,
        besides: ["write"]),
    AccessCase(access: "remove", script: "os.unlink(path)"),
    AccessCase(access: "remove", script: "os.rmdir(path)", before: .directory),
    AccessCase(
        access: "execute",
        script: "r = os.spawnv(os.P_WAIT, path, [path])\nif r: raise PermissionError(13, 'exec')",
        before: .program, besides: ["read", "map"]),
    AccessCase(
        access: "map",
        script:
            "f = os.open(path, os.O_RDONLY)\nmmap.mmap(f, 1, mmap.MAP_PRIVATE, mmap.PROT_READ|mmap.PROT_EXEC)",
        before: .program, besides: ["read"]),
    AccessCase(access: "metadata", script: "os.chmod(path, 0o600)"),
    AccessCase(access: "metadata", script: "os.chown(path, 0, 0)"),
    AccessCase(access: "metadata", script: "os.utime(path, (1, 1))"),
    AccessCase(access: "metadata", script: "os.setxattr(path, b'trusted.x', b'y')"),
    AccessCase(
        access: "link", script: "os.link(path, '/tmp/granted/link')",
        besides: ["read", "write", "execute", "map", "metadata"]),
    AccessCase(
        access: "device", script: "os.mknod(path, 0o020600, os.makedev(1, 3))", before: .nothing,
        besides: ["create"]),
]

extension AgentTests {
    /// Every access of the files table, by the program that ships, with real programs.
    @Suite(.serialized)
    final class FileTests {
        private static let all = "[read, write, create, remove, execute, map, metadata, link, device]"
        private static let python = "/tmp/confined-python"

        /// The interpreter under another name: what it is under that name is what the policy confines.
        private func run(
            _ script: String, path: String, program: String = FileTests.python
        ) throws -> Ended {
            let lines = """
                import os, sys, mmap
                path = sys.argv[1]
                try:
                    \(script.replacingOccurrences(of: "\n", with: "\n    "))
                except OSError as error:
                    sys.exit(error.errno)
                """
            return try Ended(program, ["-I", "-S", "-c", lines, path], environment: ["PYTHONHOME": "/usr"])
        }

        private func prepare(_ item: AccessCase, _ path: String) throws {
            let files = FileManager.default
            try? files.removeItem(atPath: path)
            try? files.removeItem(atPath: "/tmp/granted/link")
            switch item.before {
            case .nothing: break
            case .file: _ = files.createFile(atPath: path, contents: Data("text".utf8))
            case .directory: try files.createDirectory(atPath: path, withIntermediateDirectories: false)
            case .program: try files.copyItem(atPath: "/usr/bin/true", toPath: path)
            }
        }

        private func path(_ number: Int, _ kind: String) -> String { "/tmp/\(kind)/case\(number)" }

        @Test func `each access is allowed, then denied with its rule, and allowed again`() throws {
            let files = FileManager.default
            for directory in ["/tmp/granted", "/tmp/denied", "/tmp/other"] {
                try? files.removeItem(atPath: directory)
                try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
            }
            try? files.removeItem(atPath: Self.python)
            try files.copyItem(
                atPath: URL(filePath: "/usr/bin/python3").resolvingSymlinksInPath().path, toPath: Self.python)
            // Allowed.
            for (number, item) in cases.enumerated() {
                try prepare(item, path(number, "denied"))
                let ended = try run(item.script, path: path(number, "denied"))
                #expect(ended.status == 0, "without a policy: \(item) \(ended.output)")
            }
            var rules = """
                    - allow: [read, map, execute]
                      paths: [/usr/**, /etc/ld.so.cache, \(Self.python)]
                    - allow: \(Self.all)
                      paths: [/tmp/granted/**]

                """
            for (number, item) in cases.enumerated() where !item.besides.isEmpty {
                rules +=
                    "    - allow: [\(item.besides.joined(separator: ", "))]\n      paths: [\(path(number, "denied"))]\n"
            }
            let policy = "subjects: [{exec: \(Self.python)}]\nfiles:\n  rules:\n\(rules)"
            let agent = try RunningAgent(["test": policy])
            _ = try agent.events()
            for (number, item) in cases.enumerated() {
                // Granted.
                try prepare(item, path(number, "granted"))
                let granted = try run(item.script, path: path(number, "granted"))
                #expect(granted.status == 0, "granted: \(item) \(granted.output)")
                // Denied, with the right rule.
                let denied = path(number, "denied")
                try prepare(item, denied)
                let ended = try run(item.script, path: denied)
                #expect(ended.status == item.errno, "denied: \(item) \(ended.output)")
                let events = try agent.events { $0["object", "path"] == denied }
                let event = events.first { $0["object", "path"] == denied && $0["kind"] == "denial" }
                #expect(event?["action"] == "file.\(item.access)", "\(item): \(events)")
                #expect(
                    event?["rule", "id"] == "files.default" && event?["verdict"] == "deny",
                    "\(item): \(events)")
                #expect(event?["errno"] == "EACCES" && event?["layer"] == "lsm")
                #expect(event?["policy", "name"] == "test" && event?["policy", "generation"] == "1")
                // Others are not concerned.
                try prepare(item, denied)
                #expect(
                    try run(item.script, path: denied, program: "/usr/bin/python3").status == 0,
                    "others: \(item)"
                )
            }
            try checkRename(agent)
            #expect(try agent.end() == 0)
            // Allowed again.
            for (number, item) in cases.enumerated() {
                try prepare(item, path(number, "denied"))
                #expect(try run(item.script, path: path(number, "denied")).status == 0, "afterwards: \(item)")
            }
            let last = try agent.events { $0["kind"] == "agent" }
            #expect(last.last { $0["kind"] == "agent" }?["state"] == "stopped")
            #expect(last.contains { $0["kind"] == "enforcement" && $0["state"] == "ended" })
        }

        /// A new name that grants more.
        private func checkRename(_ agent: RunningAgent) throws {
            let number = try #require(cases.firstIndex { $0.access == "map" })
            let old = path(number, "denied")
            try prepare(cases[number], old)
            // It may be read there, and neither removed nor written.
            #expect(try run("os.rename(path, '/tmp/granted/gain')", path: old).status == EACCES)
            let events = try agent.events { $0["action"] == "file.remove" }
            #expect(
                events.contains { $0["action"] == "file.remove" && $0["object", "path"] == old }, "\(events)")
        }
    }
}
