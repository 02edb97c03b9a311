import AuditLog
import Foundation
import Testing

/// `swguard audit` as people run it, on a log that was written as the agent writes it.
@Suite struct AuditCommandTests {
    private static func event(_ path: String, comm: String = "nginx", rule: String = "files.default")
        -> AuditEvent
    {
        .denial(
            AccessRecord(
                layer: .lsm, verdict: .deny, errno: "EACCES", access: ["read"], denied: ["read"],
                object: .file(path: Array(path.utf8)), policy: PolicyReference(name: "web"),
                rule: RuleReference(id: rule, source: "web.yaml:12"),
                process: ProcessIdentity(
                    pid: 812, uid: 33, comm: Array(comm.utf8), exe: Array("/usr/sbin/nginx".utf8))))
    }

    /// A log with some events, sealed.
    private func log(_ scratch: Scratch, _ events: [AuditEvent], rotationSize: UInt64 = 64 << 20) throws
        -> String
    {
        let path = scratch.path + "/audit.jsonl"
        var settings = AuditTrail.Settings(file: path)
        settings.log.rotationSize = rotationSize
        var trail = try AuditTrail(settings, boot: [], host: Array("web-3".utf8))
        for event in events {
            let isTaken = trail.write(event)
            #expect(isTaken)
        }
        let said = trail.end(patience: 60_000)
        #expect(said == [])
        return path
    }

    private func audit(_ arguments: String...) throws -> Swguard.Outcome {
        try Swguard.run(["audit"] + arguments)
    }

    @Test func `verify says whole, unsealed, or at which line it is broken, and by its status`() throws {
        let scratch = try Scratch()
        let path = try log(scratch, (0..<9).map { Self.event("/srv/\($0)") })
        let whole = try audit("verify", path)
        #expect(whole.status == 0 && whole.output.hasPrefix("whole: 10 lines in 1 file"), "\(whole)")

        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let lines = bytes.split(separator: 0x0a).map { $0 + [0x0a] }
        try Data(lines.dropLast().joined()).write(to: URL(fileURLWithPath: path))
        let unsealed = try audit("verify", path)
        #expect(unsealed.status == 0 && unsealed.output.contains("not sealed yet: 9 lines"), "\(unsealed)")

        var changed = bytes
        let place = try #require(bytes.range(of: Data("/srv/4".utf8)))
        changed[place.upperBound - 1] = UInt8(ascii: "7")
        try changed.write(to: URL(fileURLWithPath: path))
        let broken = try audit("verify", path)
        #expect(
            broken.status == 1
                && broken.output.contains("\(path): broken at line 10: the seal does not match"), "\(broken)")
        #expect(broken.output.contains("lines 1 to 10"))

        try Data((lines[..<4] + lines[5...]).joined()).write(to: URL(fileURLWithPath: path))
        let hole = try audit("verify", path)
        #expect(hole.status == 1 && hole.output.contains("broken at line 5: number 5 is missing"), "\(hole)")

        let none = try audit("verify", scratch.path + "/none")
        #expect(none.status == 2 && none.errors.contains("No such file"), "\(none)")
        #expect(try audit("verify", scratch.path).status == 2)
        #expect(try audit("verify", "--frobnicate").status == 2)
    }

    @Test func `query filters, reads what is compressed, and counts`() throws {
        let scratch = try Scratch()
        let events = (0..<600).map {
            Self.event("/srv/\($0 % 7)", comm: $0 % 2 == 0 ? "nginx" : "php", rule: $0 % 3 == 0 ? "a" : "b")
        }
        let path = try log(scratch, events, rotationSize: 64 << 10)
        var files: [String] = []
        for _ in 0..<6000 where files.isEmpty {
            usleep(10_000)
            let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
            if names.contains(where: {
                $0.hasSuffix(".jsonl") && $0 != "audit.jsonl" || $0.hasSuffix(".part")
            }) {
                continue
            }
            files = try LogPlace(path).files()
        }
        try #require(files.count > 1 && files[0].hasSuffix(".gz"), "\(files)")
        func query(_ arguments: String...) throws -> Swguard.Outcome {
            try Swguard.run(["audit", "query"] + arguments + files)
        }
        let all = try query("--policy", "web")
        #expect(all.status == 0 && all.output.split(separator: "\n").count == 601)
        let some = try query("--path", "/srv/[35]", "--process", "php", "--rule", "a", "--format", "json")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(some.output.utf8)) as? [String: Any])
        let records = try #require((object["result"] as? [String: Any])?["records"] as? [[String: Any]])
        #expect(records.count == (0..<600).count { [3, 5].contains($0 % 7) && $0 % 2 == 1 && $0 % 3 == 0 })
        let last = try query("--limit", "3")
        #expect(
            last.output.split(separator: "\n").last?.hasSuffix("/srv/\(599 % 7)") == true
                && last.output.split(separator: "\n").count == 4)
        let top = try query("--top", "rule")
        #expect(
            top.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) } == [
                ["COUNT", "RECORDS", "RULE"], ["400", "400", "b"], ["200", "200", "a"],
            ])
        #expect(try query("--until", "2020-01-01").output == "")
        #expect(try query("--since", "1h", "--top", "path").output.contains("/srv/0"))
        for wrong in [
            ["--since", "soon"], ["--kind", "x"], ["--top", "x"], ["--path", "srv"], ["--limit", "0"],
        ] {
            #expect(try Swguard.run(["audit", "query"] + wrong + files).status == 2, "\(wrong)")
        }
        for (arguments, schema) in [
            (["query"], "audit-query"), (["query", "--top", "path"], "audit-query"),
            (["verify"], "audit-verify"),
        ] {
            let outcome = try Swguard.run(["audit"] + arguments + ["--format", "json"] + files)
            #expect(outcome.status == 0)
            let file = Swguard.repository.appending(path: "audit/schema/cli/\(schema).json").path
            guard FileManager.default.isReadableFile(atPath: file) else { continue }
            let check =
                "import json, sys, jsonschema; jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(sys.stdin))"
            let judged = try Swguard.command(["/usr/bin/python3", "-c", check, file], input: outcome.output)
            #expect(judged.status == 0, "\(judged)")
        }
    }

    @Test(
        .enabled("the recipes are in the checkout") {
            FileManager.default.isReadableFile(
                atPath: Swguard.repository.appending(path: "audit/recipes/load-sqlite").path)
        })
    func `SQLite takes the log, compressed or not, and no line twice`() throws {
        let scratch = try Scratch()
        let path = try log(scratch, (0..<300).map { Self.event("/srv/\($0)") })
        let half = scratch.path + "/half.gz"
        let zipped = try Swguard.command(
            ["/bin/sh", "-c", "head -n 100 \(path) | gzip > \(half)"], in: scratch.path)
        #expect(zipped.status == 0)
        let database = scratch.path + "/audit.db"
        let recipe = Swguard.repository.appending(path: "audit/recipes/load-sqlite").path
        for (files, said) in [
            ([half], "100 lines loaded\n"), ([half, path], "201 lines loaded\n"),
            ([path], "0 lines loaded\n"),
        ] {
            let loaded = try Swguard.command(["/usr/bin/python3", recipe, database] + files)
            #expect(loaded.status == 0 && loaded.output == said, "\(loaded)")
        }
        let asked = try Swguard.command([
            "/usr/bin/python3", "-c",
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(c.execute('SELECT count(*), min(object), max(seq) FROM denials').fetchone(), c.execute('SELECT * FROM holes').fetchall())",
            database,
        ])
        #expect(asked.output == "(300, '/srv/0', 300) []\n", "\(asked)")
    }

    @Test func `nothing that a log holds reaches the terminal raw`() throws {
        let scratch = try Scratch()
        let hostile =
            "{\"v\":1,\"seq\":1,\"kind\":\"denial\",\"action\":\"\\u001b[2J\",\"verdict\":\"deny\",\"object\":{\"path\":\"/\\u202e\\u009b1m\\n\"},\"policy\":{\"name\":\"\\u0007\"},\"process\":{\"comm\":\"\\r\"}}\n\u{1b}[31mraw\n"
        let path = try scratch.write(
            "audit.jsonl", hostile + "\n" + String(repeating: "x", count: 100_000) + "\n")
        for arguments in [["query"], ["query", "--top", "path"], ["verify"]] {
            let outcome = try Swguard.run(["audit"] + arguments + [path])
            let shown = outcome.output + outcome.errors
            #expect(
                shown.unicodeScalars.allSatisfy {
                    $0 == "\n" || $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) && $0 != "\u{202e}"
                }, "\(arguments): \(shown)")
        }
    }

    @Test func `tail shows what comes while it watches, through a rotation`() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/audit.jsonl"
        var settings = AuditTrail.Settings(file: path)
        settings.log.rotationSize = 4096
        var trail = try AuditTrail(settings, boot: [], host: [])
        trail.write(Self.event("/srv/first"))
        for _ in 0..<6000 where !FileManager.default.fileExists(atPath: path) { usleep(10_000) }
        usleep(50_000)
        let shown = scratch.path + "/shown"
        _ = FileManager.default.createFile(atPath: shown, contents: nil)
        let tail = Process()
        tail.executableURL = URL(fileURLWithPath: Swguard.path)
        tail.arguments = ["audit", "tail", path]
        tail.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: shown))
        try tail.run()
        defer {
            // The threads of tests block all signals, and children inherit that.
            kill(tail.processIdentifier, SIGKILL)
            tail.waitUntilExit()
        }
        func text() throws -> String { try String(contentsOfFile: shown, encoding: .utf8) }
        var start = Date()
        while try !text().contains("/srv/first"), Date().timeIntervalSince(start) < 60 { usleep(5000) }
        #expect(
            try text().contains(
                " denied nginx[812]: read /srv/first by files.default (web.yaml:12), policy web\n"))
        for number in 0..<40 { trail.write(Self.event("/srv/\(number)")) }
        start = Date()
        while try !text().contains("/srv/39 "), Date().timeIntervalSince(start) < 60 { usleep(5000) }
        let said = trail.end(patience: 60_000)
        #expect(said == [])
        let all = try text()
        #expect(all.split(separator: "\n").count { $0.contains("denied") } == 41 && !all.contains("\u{1b}"))
    }
}
