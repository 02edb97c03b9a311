import Foundation
import Testing

/// A way by which something comes under a name that is denied.
private struct Arrival: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// For sh, as root and unconfined, in `/tmp/bound`; the names `etc/key` and beneath `etc/tree` are denied.
    var script: String
    /// Another name of what came, by which no rule denies it.
    var alias: String
    var rule = "literal"
}

private let arrivals: [Arrival] = [
    Arrival(
        testDescription: "rename over", script: "echo x >etc/new; mv etc/new etc/key; ln etc/key aliases/key",
        alias: "aliases/key"),
    Arrival(
        testDescription: "rename of what is open under another name",
        script: "echo x >aliases/key; ln aliases/key etc/new; mv etc/new etc/key", alias: "aliases/key"),
    Arrival(
        testDescription: "link", script: "echo x >aliases/key; rm etc/key; ln aliases/key etc/key",
        alias: "aliases/key"),
    Arrival(
        testDescription: "create after unlink", script: "rm etc/key; echo x >etc/key; ln etc/key aliases/key",
        alias: "aliases/key"),
    Arrival(
        testDescription: "create, rename and link through a bind mount",
        script: "echo x >mounted/new; mv mounted/new mounted/key; ln mounted/key mounted/alias",
        alias: "etc/alias"),
    Arrival(
        testDescription: "create through a bind mount",
        script: "rm etc/key; echo x >mounted/key; ln mounted/key mounted/alias", alias: "mounted/alias"),
    Arrival(
        testDescription: "exchange, the new name",
        script: "echo x >etc/new; ln etc/new aliases/key; exchange etc/new etc/key", alias: "aliases/key"),
    Arrival(
        testDescription: "exchange, the old name",
        script: "echo x >etc/new; ln etc/new aliases/key; exchange etc/key etc/new", alias: "aliases/key"),
    Arrival(
        testDescription: "mknod",
        script: "rm etc/key; python3 -c 'import os; os.mknod(\"etc/key\")'; ln etc/key aliases/key",
        alias: "aliases/key"),
    Arrival(
        testDescription: "a file without a name gets it",
        script: """
            rm etc/key; python3 -c 'import ctypes, os
            file = os.open("etc", os.O_TMPFILE | os.O_RDWR)
            name = f"/proc/self/fd/{file}".encode()
            assert ctypes.CDLL(None).linkat(-100, name, -100, b"etc/key", 0x400) == 0'; ln etc/key aliases/key
            """, alias: "aliases/key"),
    Arrival(
        testDescription: "what was there before stays denied",
        script: "ln etc/key aliases/old; echo x >etc/new; mv etc/new etc/key", alias: "aliases/old"),
    Arrival(
        testDescription: "mkdir",
        script: "rm -r etc/tree; mkdir etc/tree; echo x >etc/tree/file; mount --bind etc/tree aliases/tree",
        alias: "aliases/tree/file", rule: "subtree"),
    Arrival(
        testDescription: "rename of a directory",
        script:
            "mkdir new; echo x >new/file; rm -r etc/tree; mv new etc/tree; mount --bind etc/tree aliases/tree",
        alias: "aliases/tree/file", rule: "subtree"),
]

extension AgentTests {
    /// What comes under a name that a literal denies is denied by what it is.
    @Suite(.serialized)
    struct RebindTests {
        private static let cat = "/tmp/confined-cat"
        private static let policy = """
            subjects: [{exec: /tmp/confined-cat}]
            files:
              default: allow
              rules:
                - id: literal
                  deny: [read]
                  paths: [/tmp/bound/etc/key]
                - id: subtree
                  deny: [read]
                  paths: [/tmp/bound/etc/tree/**]
            """

        private func shell(_ script: String) throws {
            let prelude = """
                set -e; cd /tmp/bound
                exchange() {
                    python3 -c 'import ctypes, sys; sys.exit(-ctypes.CDLL(None).renameat2(
                        -100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2))' "$@"
                }

                """
            let ended = try Ended("/bin/sh", ["-c", prelude + script])
            #expect(ended.status == 0, "\(script): \(ended.output)")
        }

        private func renew() throws {
            try shell(
                """
                umount aliases/tree 2>/dev/null || true; rm -rf aliases etc/*
                mkdir -p aliases/tree etc/tree; echo x >etc/key; echo x >etc/tree/file; echo x >aliases/free
                """)
        }

        private func expectDenied(_ path: String, _ rule: String, _ agent: RunningAgent, _ what: String)
            throws
        {
            #expect(try Ended(Self.cat, [path]).status != 0, "\(what)")
            let events = try agent.events { $0["object", "path"] == path }
            #expect(
                events.contains {
                    $0["object", "path"] == path && $0["rule", "id"] == rule && $0["errno"] == "EACCES"
                }, "\(what): \(events)")
        }

        /// stat(2) gives what overlayfs shows the device of a layer, and another inode than the kernel's.
        @Test(arguments: ["off", "auto"])
        func `an object of an overlay of several file systems is denied under other names`(_ numbers: String)
            throws
        {
            let files = FileManager.default
            try? files.removeItem(atPath: Self.cat)
            try files.copyItem(atPath: "/usr/bin/cat", toPath: Self.cat)
            try files.createDirectory(atPath: "/tmp/bound", withIntermediateDirectories: true)
            try shell(
                """
                mount -t tmpfs none .; cd /tmp/bound; mkdir lower above; mount -t tmpfs none lower; mount -t tmpfs none above
                mkdir -p lower/etc/tree lower/aliases above/upper above/work; echo x >lower/etc/key; echo x >lower/etc/tree/file
                echo x >lower/aliases/free
                mount -t overlay -o lowerdir=lower,upperdir=above/upper,workdir=above/work,xino=\(numbers) none /tmp/bound
                cd /tmp/bound; mkdir aliases/etc aliases/tree; mount --bind etc aliases/etc; mount --bind etc/tree aliases/tree
                """)
            defer {
                for _ in 0..<2 { _ = try? Ended("/usr/bin/umount", ["--recursive", "/tmp/bound"]) }
            }
            let agent = try RunningAgent(["cat": Self.policy])
            try expectDenied("/tmp/bound/aliases/etc/key", "literal", agent, "a file of a lower layer")
            try expectDenied("/tmp/bound/aliases/tree/file", "subtree", agent, "a directory of one")
            // Without xino it may have the number of something that is denied.
            if numbers != "off" { #expect(try Ended(Self.cat, ["/tmp/bound/aliases/free"]).status == 0) }
            // Its copy above is another file of another layer, and the same object.
            try shell("echo y >>etc/key")
            try expectDenied("/tmp/bound/aliases/etc/key", "literal", agent, "after it was copied up")
            try shell("echo x >etc/new; mv etc/new etc/key")
            try expectDenied("/tmp/bound/aliases/etc/key", "literal", agent, "what came after it")
            #expect(try agent.end() == 0)
        }

        /// tmpfs gives no number twice; ext4 gives that of what was removed to the next.
        @Test(arguments: ["tmpfs", "ext4"])
        func `whatever comes under a denied name is denied under other names`(_ type: String) throws {
            let files = FileManager.default
            try? files.removeItem(atPath: Self.cat)
            try files.copyItem(atPath: "/usr/bin/cat", toPath: Self.cat)
            try files.createDirectory(atPath: "/tmp/bound", withIntermediateDirectories: true)
            try shell(
                type == "tmpfs"
                    ? "mount -t tmpfs none ."
                    : "truncate -s 16M /tmp/bound.img; mkfs.ext4 -qF /tmp/bound.img; mount -o loop /tmp/bound.img ."
            )
            defer { _ = try? Ended("/usr/bin/umount", ["--recursive", "/tmp/bound"]) }
            try shell("mkdir etc mounted; mount --bind etc mounted")
            try renew()
            let agent = try RunningAgent(["cat": Self.policy])
            for arrival in arrivals {
                try renew()
                try shell(arrival.script)
                _ = try agent.writtenEvents()
                let alias = "/tmp/bound/\(arrival.alias)"
                try expectDenied(alias, arrival.rule, agent, arrival.testDescription)
                #expect(
                    try Ended("/usr/bin/head", ["-c", "1", alias]).status == 0, "others: \(arrival)")
                #expect(try Ended(Self.cat, ["/tmp/bound/aliases/free"]).status == 0)
            }
            // What is gone: its number may be another's. ext4 waits five seconds before it gives it again.
            try renew()
            try shell("rm etc/key; sleep 6; for name in $(seq 64); do echo x >aliases/$name; done")
            let names = (1...64).map { "/tmp/bound/aliases/\($0)" }
            let read = try Ended(Self.cat, names)
            #expect(read.status == 0, "\(read.output)")
            // A load looks at what is there then, and lets go of what was.
            try renew()
            try shell("ln etc/key aliases/old; echo x >etc/new; mv etc/new etc/key; ln etc/key aliases/key")
            try agent.reload("cat", Self.policy)
            _ = try agent.writtenEvents()
            try expectDenied("/tmp/bound/aliases/key", "literal", agent, "after a load")
            #expect(try Ended(Self.cat, ["/tmp/bound/aliases/old"]).status == 0)
            #expect(!agent.errors.contains("could not be bound"), "\(agent.errors)")
            #expect(try agent.end() == 0)
            #expect(try Ended(Self.cat, ["/tmp/bound/aliases/key"]).status == 0)
        }
    }
}
