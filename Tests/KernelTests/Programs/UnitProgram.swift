import Foundation

/// A unit of its own making: a program that tries things, where systemd gives it a mount namespace, a user, no privileges
/// and a filter of system calls.
enum UnitProgram {
    private static let directory = ProgramStage.root + "/unit"
    static let python = directory + "/python"
    static let result = "/var/lib/worker/result.json"

    static let policy = """
        include: [base/runtime]
        subjects: [{unit: worker.service}]
        files:
          rules:
            - id: program
              allow: [read, execute, map]
              paths: [\(directory)/**]
            - id: state
              allow: [read, write, create]
              paths: [/var/lib/worker/**, /tmp/**]
            - id: no-notes
              deny: [read, write]
              paths: [/var/lib/worker/notes]
        network: { families: [unix, inet] }
        """

    static let unit = """
        [Service]
        Type=oneshot
        ExecStart=\(python) -I -S \(directory)/service.py
        Environment=PYTHONHOME=/usr
        User=www-data
        StateDirectory=worker
        PrivateTmp=yes
        PrivateDevices=yes
        ProtectHome=yes
        ProtectSystem=full
        NoNewPrivileges=yes
        CapabilityBoundingSet=
        SystemCallFilter=@system-service

        """

    static let attempts = [
        Attempt("its state", "open('/var/lib/worker/file', 'w')"),
        Attempt("temporary files", "open('/tmp/file', 'w')"),
        Attempt(
            "its notes", "open('/var/lib/worker/notes')", "file.read", by: "no-notes", "/var/lib/worker/notes"
        ),
        Attempt(
            "what is outside", "open('\(ProgramStage.outside)')", "file.read", by: "files.default",
            ProgramStage.outside),
        Attempt(
            "another program", "os.posix_spawn('/usr/bin/true', ['true'], {})", "file.execute",
            by: "files.default", "/usr/bin/true"),
        Attempt(
            "connecting", "socket.create_connection(('127.0.0.1', \(ProgramStage.port)))", "socket.connect",
            by: "network.default"),
    ]

    static func prepare() throws {
        let files = FileManager.default
        try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try files.copyItem(
            atPath: URL(filePath: "/usr/bin/python3").resolvingSymlinksInPath().path, toPath: python)
        try files.createDirectory(atPath: "/var/lib/worker", withIntermediateDirectories: true)
        try "notes".write(toFile: "/var/lib/worker/notes", atomically: false, encoding: .utf8)
        let script =
            Attempt.script(attempts) + """
                status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
                results["user"] = os.getuid()
                results["capabilities"] = int(status["CapBnd"], 16)
                results["filter"] = int(status["Seccomp"])
                results["mounts"] = os.readlink("/proc/self/ns/mnt")
                json.dump(results, open("\(result)", "w"))

                """
        try script.write(toFile: "\(directory)/service.py", atomically: false, encoding: .utf8)
    }
}
