import Foundation
import Testing

/// `policies/python-script.yaml` with a script that computes, and with scripts that do something else.
@Suite(.landlock) struct PoliciesScriptTests {
    private let place: Workplace

    init() throws {
        place = try Workplace()
        try place.makeDirectory("out")
        try place.write("table.csv", "a,1\nb,41\n")
        try place.write("helper.py", "def total(rows): return sum(int(row[1]) for row in rows)\n")
        try place.write(
            "script.py",
            """
            import csv, json, pathlib, sqlite3, tempfile, threading
            import helper
            rows = list(csv.reader(open("table.csv")))
            with tempfile.TemporaryFile() as scratch: scratch.write(b"x")
            data = sqlite3.connect("out/rows.db")
            data.execute("create table rows (name, value)")
            data.executemany("insert into rows values (?, ?)", rows)
            data.commit()
            results = []
            thread = threading.Thread(target=lambda: results.append(helper.total(rows)))
            thread.start(); thread.join()
            pathlib.Path("out/result.json").write_text(json.dumps(results))
            print("total", results[0])

            """)
    }

    /// Runs Python text under the policy.
    private func python(_ text: String) throws -> Confined {
        try place.run("python-script", ["python3", "-c", text])
    }

    @Test func `a script reads its directory and writes its results`() throws {
        let run = try place.run("python-script", ["python3", "script.py"])
        #expect(run.status == 0, "\(run)")
        #expect(run.output == "total 42\n")
        #expect(place.read("out/result.json") == "[42]")
    }

    @Test func `a script reads no key and no history`() throws {
        let key = "\(place.home)/.ssh/id_ed25519"
        let run = try python("print(open('\(key)').read())")
        #expect(run.status == 1)
        run.expectDenied("file.read", key, by: "base/secrets:keys")
        let history = try python("print(open('\(place.home)/.bash_history').read())")
        history.expectDenied("file.read", "\(place.home)/.bash_history", by: "base/secrets:history")
        let hashes = try python("print(open('/etc/shadow').read())")
        #expect(hashes.status == 1)
        hashes.expectDenied("file.read", "/etc/shadow", by: "files.default")
        let link = try python("import os; os.symlink('\(key)', 'out/x'); print(open('out/x').read())")
        #expect(link.status == 1)
        link.expectDenied("file.read", key, by: "base/secrets:keys")
    }

    @Test func `a script writes no other file`() throws {
        let spoil = try python("open('\(place.outside)/file', 'w').write('spoiled')")
        #expect(spoil.status == 1)
        spoil.expectDenied("file.write", "\(place.outside)/file", by: "files.default")
        // Nor its own source, which whoever runs it next would run.
        let change = try python("open('script.py', 'a').write('import os')")
        change.expectDenied("file.write", "\(place.project)/script.py", by: "files.default")
        let move = try python("import os; os.rename('out', 'elsewhere')")
        #expect(move.status == 1)
        try place.expectUntouched()
    }

    @Test func `a script starts no program and talks to nobody`() throws {
        try place.bringAttacks()
        let shell = try python("import os; os.execv('/usr/bin/sh', ['sh', '-c', 'id'])")
        #expect(shell.status == 1)
        shell.expectDenied("file.execute", "/usr/bin/dash", by: "files.default")
        let own = try python("import os; os.execv('./attacks', ['attacks', 'udp'])")
        #expect(own.status == 1)
        own.expectDenied("file.execute", "\(place.project)/attacks", by: "files.default")
        let web = try python("import socket; socket.create_connection(('127.0.0.1', 80))")
        #expect(web.status == 1)
        web.expectDenied("socket.create", "inet", by: "network.families")
        let process = ProcessInfo.processInfo.processIdentifier
        let kill = try python("import os; os.kill(\(process), 0)")
        #expect(kill.errors.contains("PermissionError"), "\(kill)")
        let look = try python("print(open('/proc/\(process)/environ').read())")
        #expect(look.errors.contains("PermissionError"), "\(look)")
    }
}
