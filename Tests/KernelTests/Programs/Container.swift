import Foundation

/// A container: an overlay of an image as its root, with namespaces and users of its own, made by a launcher that is in
/// the container's cgroup already.
enum Container {
    private static let directory = ProgramStage.root + "/container"
    /// On the host, and what the image has at the same place.
    static let launcher = ProgramStage.root + "/launcher"
    static let cgroup = "/containers.slice/one"

    static let policy = """
        include: [base/runtime]
        subjects: [{cgroup: /containers.slice/**}]
        files:
          rules:
            - id: program
              allow: [read, execute, map]
              paths: [/app/**, \(launcher)]
            - id: data
              allow: [read, write, create]
              paths: [/data/**, /tmp/**]
            - id: no-secret
              deny: [read, write]
              paths: [/data/secret/**]
            - id: no-guarded
              deny: [read, write]
              paths: [\(directory)/shared/guarded]
        network: { families: [unix, inet] }
        """

    static let attempts = [
        Attempt("data", "open('/data/file', 'w')"),
        Attempt("temporary files", "open('/tmp/file', 'w')"),
        Attempt("the image's users", "if open('/etc/passwd').read() != 'image': call(-1)"),
        Attempt("what is shared", "open('/data/shared/granted')"),
        Attempt(
            "itself", "open('/proc/self/status')\n    if os.getpid() != 1 or os.getuid() != 1000: call(-1)"),
        Attempt("the host's files", "open('\(ProgramStage.outside)')", error: ENOENT),
        Attempt("a secret", "open('/data/secret/key')", "file.read", by: "no-secret", "/data/secret/key"),
        Attempt("the image's hashes", "open('/etc/shadow')", "file.read", by: "files.default", "/etc/shadow"),
        Attempt(
            "a guarded object", "open('/data/shared/guarded')", "file.read", by: "no-guarded",
            "/data/shared/guarded"),
        Attempt(
            "another program", "os.posix_spawn('/usr/bin/true', ['true'], {})", "file.execute",
            by: "files.default", "/usr/bin/true"),
        Attempt(
            "connecting", "socket.create_connection(('127.0.0.1', \(ProgramStage.port)))", "socket.connect",
            by: "network.default"),
        Attempt(
            "a namespace", "call(libc.unshare(0x10000000))", "operation.namespace", by: "operations.default",
            error: EPERM),
    ]

    private static let build = """
        mkdir -p \(directory) /sys/fs/cgroup\(cgroup); cd \(directory)
        mkdir -p image/etc image/usr image/proc image/dev image/tmp image/app image/data/secret image/data/shared
        mkdir -p space/upper space/work space/root shared
        for name in bin lib lib64; do ln -s usr/$name image/$name; done
        cp /etc/ld.so.cache image/etc; printf image >image/etc/passwd; cp "$(realpath /usr/bin/python3)" image/app/python
        for file in image/data/secret/key image/etc/shadow shared/granted shared/guarded; do echo text >$file; done
        mkdir image\(ProgramStage.root); cp image/app/python image\(launcher); cp "$1" \(launcher)
        chmod 777 image/data; chown -R 100000:100000 image space
        """

    static func prepare() throws {
        guard try Child("/bin/sh", "-e", "-c", build, "sh", Program.containerLauncher).wait() == 0 else {
            throw ProgramStage.Failure(reason: "the container cannot be built")
        }
        try (Attempt.script(attempts) + "print(json.dumps(results))\n").write(
            toFile: "\(directory)/image/app/program.py", atomically: false, encoding: .utf8)
    }

    /// Runs the program in a container. `isAgain`: the launcher executes itself once more, in the cgroup. `isPosing`: the
    /// program is where the launcher is on the host.
    static func run(isAgain: Bool = false, isPosing: Bool = false) throws -> Ran {
        try Program.run(
            ["/usr/bin/env", "-i", "PYTHONHOME=/usr", launcher] + (isAgain ? ["--again"] : []) + [
                "/sys/fs/cgroup\(cgroup)", "\(directory)/image", "\(directory)/space", "--bind",
                "\(directory)/shared", "/data/shared", "--", isPosing ? launcher : "/app/python", "-I", "-S",
                "/app/program.py",
            ])
    }
}
