import Foundation

/// What programs work on.
enum ProgramProject {
    private static let files = [
        "script.py": """
        import csv, json, pathlib, sqlite3, tempfile, threading
        rows = list(csv.reader(open("table.csv")))
        with tempfile.TemporaryFile() as scratch: scratch.write(b"x")
        data = sqlite3.connect("out/rows.db")
        data.execute("create table rows (name, value)")
        data.executemany("insert into rows values (?, ?)", rows)
        data.commit()
        results = []
        thread = threading.Thread(target=lambda: results.append(sum(int(row[1]) for row in rows)))
        thread.start(); thread.join()
        pathlib.Path("out/result.json").write_text(json.dumps(results))
        print("total", results[0])

        """,
        "table.csv": "a,1\nb,41\n",
        "app.js": """
        const fs = require("fs"), { Worker } = require("worker_threads");
        const { execFileSync } = require("child_process");
        fs.mkdirSync("made"); fs.writeFileSync("made/new", "text"); fs.renameSync("made/new", "made/kept");
        let sum = 0; for (let i = 0; i < 1e5; i++) sum += i % 7;
        const kernel = execFileSync("/usr/bin/uname", ["-s"]).toString().trim();
        new Worker("require('worker_threads').parentPort.postMessage(42)", { eval: true })
            .on("message", (value) => console.log(fs.readFileSync("made/kept", "utf8"), sum, kernel, value));

        """,
        "program.c": "#include <stdio.h>\nint main(void) { puts(\"built\"); return 0; }\n",
        "Makefile": """
        all: program
        \t@./program
        program: program.c
        \t@gcc -O1 -o $@ $<
        key:
        \t@cat \(ProgramStage.key)
        spoil:
        \t@echo spoiled >\(ProgramStage.outside)
        call:
        \t@bash -c ': </dev/tcp/127.0.0.1/\(ProgramStage.port)'
        signal:
        \t@kill -0 $(VICTIM)

        """,
        "commit.sh": """
        git init -q -b main work; cd work; echo text >README; git add .; git commit -qm first; cd ..
        git clone -q --bare work origin.git; git clone -q file://$PWD/origin.git copy
        cd copy; echo more >new; git add new; git commit -qm second; git push -q
        git -C ../origin.git log --format=%s

        """,
    ]

    /// Makes the project anew.
    static func renew(at directory: String) throws {
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(
            atPath: directory + "/out", withIntermediateDirectories: true)
        for (name, text) in files {
            try text.write(toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
        }
    }
}
