import Foundation
import Testing

/// Where evasions are tried: a tree on a file system of its own, services, and an agent with the policy that they evade;
/// with SWGUARD_BESIDE=1 beside another program that keeps something with every task.
///
/// Unchecked: one suite uses it, one test after the other.
final class EvasionStage: Stage, @unchecked Sendable {
    static let root = "/evasion"

    /// The stage of the tests that run.
    @TaskLocal static var current: EvasionStage?
    static var scope: TaskLocal<EvasionStage?> { $current }

    /// What the policy protects, and what it grants beside it.
    static let policy = """
        subjects:
          - exec: /evasion/bin/confined
          - exec: /evasion/elsewhere/jail/evasion/bin/confined
        files:
          rules:
            - id: own
              allow: [read, write, create, remove, execute, map, metadata, link]
              paths: [/evasion/granted/**]
            - id: shared
              allow: [read, create, remove, link]
              paths: [/evasion/readable/**]
            - id: programs
              allow: [read, execute, map]
              paths: [/evasion/bin/**, "/{lib,lib64}/**", "/usr/{lib,lib64}/**", /etc/ld.so.cache]
            - id: data
              allow: [read]
              paths: [/evasion/data/**]
            # What the programs read of themselves when they start.
            - id: maps
              allow: [read]
              paths: [/proc/self/maps, /evasion/elsewhere/jail/proc/**]
            - id: memory
              allow: [read, write]
              paths: ["/proc/[0-9]*/mem"]
            - id: kernel-settings
              allow: [read, write]
              paths: [/proc/sys/**]
            - id: no-code
              deny: [execute]
              paths: [/evasion/data/**]
            - id: no-key
              deny: all
              paths: [/evasion/secret/key]
            - id: no-secrets
              deny: all
              paths: [/evasion/secret/**]
            - id: no-child
              deny: all
              paths: [/evasion/granted/w/parent/child/**]
        network:
          rules:
            - id: anywhere
              allow: [connect, bind]
              endpoints: ["ip:*:*", "unix:/evasion/granted/**"]
            - id: no-service
              deny: [connect]
              endpoints:
                - "ip:127.0.0.1:7001"
                - "ip:[::1]:7001"
                - "ip:127.0.0.2:7002"
                - "ip:127.0.0.1:7003"
                - "unix:/evasion/secret/service"
            - id: no-server
              deny: [bind]
              endpoints: ["tcp:*:7004"]
        operations:
          allow: [signal, ipc, io-uring, setuid]
          deny: [writable-code, anonymous-exec]
        """

    private static let build = """
        mkdir -p /evasion && mount -t tmpfs none /evasion && cd /evasion && mount --make-private .
        mkdir bin data granted readable secret old
        cp "$1" bin/attacks; cp "$1" bin/confined; cp "$1" data/program; cp /bin/true data/true
        echo key >secret/key; ln secret/key granted/early
        """

    /// The program of `Tests/attacks`, which stands beside the test bundle.
    private static let attacks = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appending(path: "attacks").path

    private static let directories = ["granted/w", "readable/w", "secret/w", "elsewhere"]

    /// Before each attempt.
    private static let prelude = """
        set -e; cd \(root); free=$PWD/bin/attacks; attack=$1
        echo x >readable/w/file; echo x >secret/w/victim

        """

    private let neighbour: Neighbour?
    private let agent: RunningAgent
    private let services: Child

    /// Prepares the tree, and starts the services and the agent.
    init() throws {
        guard try Child("/bin/sh", "-e", "-c", Self.build, "sh", Self.attacks).wait() == 0
        else {
            throw Failure(reason: "the stage cannot be built")
        }
        services = try Child(
            Self.root + "/bin/attacks", "serve", Self.root + "/secret/service", "7001", "7002", "7003")
        neighbour = Neighbour.isWanted ? try Neighbour(contending: false) : nil
        agent = try RunningAgent(["evasion": Self.policy])
    }

    func end() throws {
        services.end()
        guard try agent.end() == 0 else { throw Failure(reason: "the agent failed: \(agent.errors)") }
    }

    /// Runs an evasion's script; what its attempt ended with.
    func attempt(_ evasion: Evasion, isConfined: Bool) throws -> Int32 {
        try Self.renewDirectories()
        let shell = [
            "/bin/sh", "-c", Self.prelude + evasion.script, "sh",
            Self.root + (isConfined ? "/bin/confined" : "/bin/attacks"),
        ]
        return try Child(evasion.mounts ? ["/usr/bin/unshare", "--mount"] + shell : shell).wait()
    }

    /// Makes the directories anew. Those that were are put aside: nothing is started, and nothing takes long.
    private static func renewDirectories() throws {
        for (index, directory) in directories.enumerated() {
            let path = root + "/" + directory
            _ = rename(path, root + "/old/\(index)-\(UInt64.random(in: .min ... .max))")
            guard mkdir(path, 0o755) == 0 else { throw Failure(reason: "\(path) cannot be made") }
        }
    }

    /// Lets what was reported until now be.
    func forgetDenials() throws { _ = try agent.writtenEvents() }

    /// The denials that were reported since this was asked last; waits a little for the first.
    func denials() throws -> [Event] {
        try agent.events { $0["kind"] == "denial" }.filter { $0["kind"] == "denial" }
    }

    struct Failure: Error, CustomStringConvertible {
        let reason: String
        var description: String { reason }
    }
}
