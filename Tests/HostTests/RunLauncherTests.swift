import AuditLog
import Foundation
import Testing

@testable import Confinement

/// Each step of the launch that can fail: nothing is started, and the step is named.
@Suite struct RunLauncherTests {
    static let broken: [(part: String, message: String)] = [
        ("landlock", "with Landlock (layer 1): bad file descriptor"),
        ("grant", "cannot grant '/nowhere' to"),
        ("seccomp", "with seccomp: invalid argument"),
        ("seccomp-empty", "with seccomp: invalid argument"),
        ("seccomp-long", "with seccomp: invalid argument"),
        ("seccomp-flags", "with seccomp: invalid argument"),
    ]

    @Test(arguments: broken, [[], ["--exec-only"]])
    func `a step that fails starts nothing`(_ row: (part: String, message: String), _ options: [String])
        throws
    {
        let run = try RunHarness.start(
            [RunHarness.probe, "--broken", row.part] + options + ["--", "sh", "-c", "echo started"])
        #expect(run.wait() == .exited(125))
        #expect(run.written == "")
        #expect(run.complaints.hasPrefix("swguard: cannot "), "\(run.complaints)")
        #expect(run.complaints.contains(row.message), "\(run.complaints)")
    }

    @Test func `a file that Landlock forbids to execute is found but not executable`() throws {
        let run = try RunHarness.start([RunHarness.probe, "--landlock-execute", "/tmp", "--", "true"])
        #expect(run.wait() == .exited(126))
        #expect(run.complaints.contains("swguard: cannot execute 'true': permission denied"))
    }

    @Test func `what the policy says of a forbidden command is said`() throws {
        let run = try RunHarness.start([
            RunHarness.probe, "--landlock-execute", "/tmp", "--observe", "execve", "--deny-path",
            "/usr/bin/env",
            "--", "/usr/bin/env",
        ])
        #expect(run.wait() == .exited(126))
        #expect(run.complaints.contains("execute /usr/bin/env by secret (probe.yaml:3)"), "\(run.complaints)")
    }

    @Test func `a command whose execve itself is handed over starts`() throws {
        let run = try RunHarness.start([RunHarness.probe, "--observe", "execve", "--", "sh", "-c", "exit 3"])
        #expect(run.wait() == .exited(3), "\(run.complaints)")
    }

    @Test func `capabilities that are not kept are gone from every set`() throws {
        let list = ["grep", "^Cap", "/proc/self/status"]
        let bare = try RunHarness.start(list)
        #expect(bare.wait() == .exited(0))
        // CAP_CHOWN and CAP_SETUID.
        let run = try RunHarness.start([RunHarness.probe, "--keep-caps", "129", "--"] + list)
        #expect(run.wait() == .exited(0))
        let before = Self.sets(bare.written)
        let after = Self.sets(run.written)
        for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            let had = try #require(before[name])
            #expect(after[name] == had & 129, "\(name)")
        }
        // The bounding set stays without CAP_SETPCAP; nothing is gained from it under no_new_privs.
        let bounding = try #require(before["CapBnd"])
        #expect(after["CapBnd"] == (geteuid() == 0 ? bounding & 129 : bounding))
    }

    private static func sets(_ text: String) -> [String: UInt64] {
        var sets: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "\t")
            sets[String(parts[0].dropLast())] = UInt64(parts[1], radix: 16)
        }
        return sets
    }

    // MARK: What is handed over

    @Test func `a refused call fails and is reported with its rule`() throws {
        let run = try RunHarness.start([RunHarness.probe, "--refuse", "mkdir", "--", "mkdir", "/tmp/never"])
        #expect(run.wait() == .exited(1))
        let lines = run.complaints.split(separator: "\n")
        // Before whatever the command says itself.
        #expect(
            lines.first.map {
                $0.hasPrefix("swguard: denied mkdir[")
                    && $0.hasSuffix(
                        "]: system call mkdir by syscalls.default (probe.yaml:7); to allow: allow: [mkdir]")
            } == true, "\(run.complaints)")
        #expect(lines.dropFirst().first?.contains("Operation not permitted") == true)
    }

    @Test func `a storm is written in few lines and counted exactly`() throws {
        let script = "i=0; while [ $i -lt 200 ]; do mkdir /tmp/never 2>/dev/null; i=$((i+1)); done; exit 3"
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let log = directory + "/audit.jsonl"
        let run = try RunHarness.start(
            [RunHarness.probe, "--refuse", "mkdir", "--audit", log, "--", "sh", "-c", script])
        #expect(run.wait(limit: 60) == .exited(3))
        let events = try Self.events(log)
        let denials = events.filter { $0["kind"] as? String == "denial" }
        #expect(denials.compactMap { $0["count"] as? Int }.reduce(0, +) == 200)
        #expect(denials.count < 50)
        #expect(events.map { $0["seq"] as? Int } == Array(1...events.count))
        #expect(events.first?["state"] as? String == "began")
        #expect(events.last?["state"] as? String == "ended")
        #expect(
            run.complaints.contains("syscalls.default (probe.yaml:7), 200 times; to allow: allow: [mkdir]"))
        let readable = try RunHarness.start([RunHarness.probe, "--refuse", "mkdir", "--", "sh", "-c", script])
        #expect(readable.wait(limit: 60) == .exited(3))
        #expect(readable.complaints.contains("syscalls.default (probe.yaml:7), 199 more times\n"))
        #expect(readable.complaints.split(separator: "\n").count == 2)
    }

    @Test func `an audit log that cannot be written is not silent`() throws {
        let run = try RunHarness.start(
            [
                RunHarness.probe, "--refuse", "mkdir", "--audit", "/dev/full", "--", "sh", "-c",
                "mkdir /tmp/never; true",
            ])
        #expect(run.wait() == .exited(0))
        #expect(
            run.complaints.contains(
                "swguard: cannot write the audit log: no space left on device; 3 events are lost"))
    }

    @Test func `inside another listener, denied calls fail all the same`() throws {
        let run = try RunHarness.start([
            RunHarness.probe, "--refuse", "mkdir", "--",
            RunHarness.probe, "--refuse", "rmdir", "--", "sh", "-c", "rmdir /tmp/never; mkdir /tmp/never",
        ])
        #expect(run.wait() == .exited(1))
        #expect(run.complaints.contains("rmdir: failed to remove '/tmp/never': Operation not permitted"))
        #expect(run.complaints.contains("denied mkdir["))
        #expect(!run.complaints.contains("denied rmdir["))
    }

    @Test func `who outlives the supervisor stays confined`() throws {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        // Until its parent is another, the supervisor may still be there.
        let script =
            "(sleep 0.3; mkdir \(directory)/new 2>\(directory)/said; echo $? >\(directory)/status) & exit 0"
        let run = try RunHarness.start([RunHarness.probe, "--refuse", "mkdir", "--", "sh", "-c", script])
        #expect(run.wait() == .exited(0))
        #expect(
            RunHarness.eventually {
                (try? String(contentsOfFile: directory + "/status", encoding: .utf8)) == "1\n"
            })
        let said = try String(contentsOfFile: directory + "/said", encoding: .utf8)
        #expect(said.contains("Operation not permitted"))
        // Who answered has the arguments of the supervisor, and goes when nobody is left to ask.
        #expect(RunHarness.eventually { Self.processes(naming: directory).isEmpty })
    }

    @Test func `who answers for those left behind holds nothing but the listener`() throws {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let script =
            "(exec >/dev/null 2>&1 </dev/null; read word < \(directory)/fifo; mkdir \(directory)/new) & exit 0"
        mkfifo(directory + "/fifo", 0o600)
        let run = try RunHarness.start([RunHarness.probe, "--refuse", "mkdir", "--", "sh", "-c", script])
        #expect(run.wait() == .exited(0))
        func answering() -> [Int32] {
            Self.processes(naming: directory).filter {
                (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8)) == "swguard-answers\n"
            }
        }
        #expect(RunHarness.eventually { answering().count == 1 })
        let process = try #require(answering().first)
        #expect(RunHarness.eventually { getsid(process) == process })
        let held = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)")
        }
        #expect(held == ["anon_inode:seccomp notify"])
        let fifo = open(directory + "/fifo", O_WRONLY)
        close(fifo)
        #expect(RunHarness.eventually { Self.processes(naming: directory).isEmpty })
        #expect(!FileManager.default.fileExists(atPath: directory + "/new"))
    }

    /// The processes that have `text` in their arguments.
    private static func processes(naming text: String) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { process in
            guard let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else {
                return false
            }
            return line.range(of: Data(text.utf8)) != nil
        }
    }

    static func events(_ path: String) throws -> [[String: Any]] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    // MARK: Where the command is looked for

    static let lookups: [(name: String, path: String?, candidates: [String])] = [
        ("make", "/a:/b", ["/a/make", "/b/make"]),
        ("make", ":/b:", ["make", "/b/make", "make"]),
        ("make", "", ["make"]),
        ("make", nil, ["/bin/make", "/usr/bin/make"]),
        ("./make", "/a", ["./make"]),
        ("/x/y", nil, ["/x/y"]),
        ("", "/a", []),
    ]

    @Test(arguments: lookups) func `a command is looked for as execvp does`(
        _ row: (name: String, path: String?, candidates: [String])
    ) {
        let found = CommandLookup.candidates(for: Array(row.name.utf8), path: row.path.map { Array($0.utf8) })
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == row.candidates)
    }
}
