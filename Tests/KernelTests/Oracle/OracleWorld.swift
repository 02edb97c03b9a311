import Foundation

/// The objects that requests are made of: a tree with hard links, symbolic links and bind mounts, programs, sockets and
/// processes. What a request changes, it is given for itself.
final class OracleWorld {
    static let root = "/oracle"
    static let tree = "/oracle/t"
    static let sockets = "/oracle/s"
    static let directories = ["a", "b", "ab", ".c"]
    /// `e` can be executed.
    static let files = ["f0", "g1.log", "key", "e"]

    /// Each directory of the tree twice over, and the mounts: one beneath another, and one from outside.
    private static let build = """
        umount -R \(root) 2>/dev/null || true
        mkdir -p \(root) && mount -t tmpfs none \(root) && cd \(root)
        mkdir bin s t m; cp "$1" bin/free
        for d in t t/a t/b t/ab t/.c t/a/a t/a/b t/b/ab t/b/.c t/ab/a t/.c/b t/a/b/ab t/a/b/a m m/a; do
            mkdir -p $d; for f in f0 g1.log key; do echo x >$d/$f; done; ln bin/free $d/e
        done
        ln -f t/f0 t/a/f0; ln -f t/b/key t/ab/g1.log
        ln -s t/a to-a; ln -s /oracle/t/b/ab t/a/to-ab
        mkdir t/b/mnt t/ab/b; mount --bind m t/b/mnt; mount --bind t/a t/ab/b
        """

    /// Directories that something can be asked in, by their real names.
    static let places = [
        "", "/a", "/b", "/ab", "/.c", "/a/a", "/a/b", "/b/ab", "/b/.c", "/ab/a", "/.c/b", "/a/b/ab", "/a/b/a",
        "/b/mnt", "/b/mnt/a", "/ab/b", "/ab/b/a", "/ab/b/b",
    ].map { tree + $0 }

    static let attacks = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "attacks").path

    private let children: [Child]
    /// What stands for words in capitals in the tables of requests.
    let words: [String: String]

    init() throws {
        guard try Child("/bin/sh", "-e", "-c", Self.build, "sh", Self.attacks).wait() == 0 else {
            throw RunningAgent.Failure(text: "the world cannot be built")
        }
        let stream = Self.sockets + "/stream", datagram = Self.sockets + "/datagram"
        let service = try Child(
            Self.program(nil), "endpoints-serve", "stream", stream, "datagram", datagram, "stream",
            "@oracle-stream", "datagram", "@oracle-datagram")
        let target = try Child("/usr/bin/sleep", "10000")
        children = [service, target]
        words = [
            "TARGET": String(target.identifier), "SHM": String(shmget(IPC_PRIVATE, 4096, 0o600)),
            "SEM": String(semget(IPC_PRIVATE, 1, 0o600)), "MSG": String(msgget(IPC_PRIVATE, 0o600)),
        ]
        // Until it serves.
        for _ in 0..<500 where access(datagram, F_OK) != 0 { usleep(10_000) }
    }

    deinit {
        for child in children { child.end() }
        _ = try? Child("/bin/umount", "--recursive", "--lazy", Self.root).wait()
    }

    /// The program with which the policies of a batch begin; nil: with which none does.
    static func program(_ batch: Int?) -> String { root + "/bin/" + (batch.map { "p\($0)" } ?? "free") }

    /// Gives a batch a program of its own.
    func provideProgram(_ batch: Int) { link(Self.program(nil), Self.program(batch)) }

    /// Another spelling by which the kernel comes to the same path.
    static func spelling(of path: String, _ numbers: inout SeededNumbers) -> String {
        switch numbers.below(8) {
        case 0 where path.hasPrefix("/oracle/t/a/"): "/oracle/to-a/" + path.dropFirst("/oracle/t/a/".count)
        case 1 where path.hasPrefix("/oracle/t/b/ab/"):
            "/oracle/t/a/to-ab/" + path.dropFirst("/oracle/t/b/ab/".count)
        case 2: "/oracle/./t/../" + path.dropFirst("/oracle/".count)
        case 3: "//oracle//" + path.dropFirst("/oracle/".count)
        default: path
        }
    }
}
