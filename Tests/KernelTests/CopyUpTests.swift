import Foundation
import Testing

/// What changes a file of an overlay's lower layer, which is copied up before.
private struct Change: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// In Python, of the file PATH.
    var statement: String
    /// The access of the event where it is denied.
    var action: String
    /// What it gets on an overlay without redirections.
    var errno: Int32 = 0

    init(_ name: String, _ statement: String, _ action: String, errno: Int32 = 0) {
        testDescription = name
        self.statement = statement
        self.action = action
        self.errno = errno
    }

    func statement(of path: String) -> String {
        statement.replacingOccurrences(of: "PATH", with: "'\(path)'")
    }
}

/// An ACL of version 2: rwx for the owner, r for user 1, the group, the mask and others.
private let acl =
    "bytes.fromhex('02000000' '01000700ffffffff' '0200040001000000' '04000400ffffffff' '10000400ffffffff' '20000400ffffffff')"

/// What changes attributes, and nothing else.
private let attributeChanges = [
    Change("chmod", "os.chmod(PATH, 0o640)", "file.metadata"),
    Change("chown", "os.chown(PATH, 1, 1)", "file.metadata"),
    Change("lchown", "os.lchown(PATH, 1, 1)", "file.metadata"),
    Change("utimes", "os.utime(PATH, (1, 1))", "file.metadata"),
    Change("utimes to now", "os.utime(PATH)", "file.metadata"),
    Change("setxattr", "os.setxattr(PATH, 'trusted.new', b'x')", "file.metadata"),
    Change("removexattr", "os.removexattr(PATH, 'trusted.old')", "file.metadata"),
    Change("set an ACL", "os.setxattr(PATH, 'system.posix_acl_access', \(acl))", "file.metadata"),
    Change(
        "fsetxattr",
        "f = os.open(PATH, os.O_RDONLY); exec('try: os.setxattr(f, \"trusted.f\", b\"x\")\\nfinally: os.close(f)')",
        "file.metadata"),
    Change(
        "futimes", "f = os.open(PATH, os.O_RDONLY); exec('try: os.utime(f, (1, 1))\\nfinally: os.close(f)')",
        "file.metadata"),
    Change(
        "fchmod", "f = os.open(PATH, os.O_RDONLY); exec('try: os.fchmod(f, 0o640)\\nfinally: os.close(f)')",
        "file.metadata"),
]

private let changes =
    attributeChanges + [
        Change("append", "os.close(os.open(PATH, os.O_WRONLY | os.O_APPEND))", "file.write"),
        Change("open to truncate", "os.close(os.open(PATH, os.O_WRONLY | os.O_TRUNC))", "file.write"),
        Change(
            "open to read and truncate", "os.close(os.open(PATH, os.O_RDONLY | os.O_TRUNC))", "file.write"),
        Change("open to create", "os.close(os.open(PATH, os.O_RDWR | os.O_CREAT))", "file.write"),
        Change("truncate", "os.truncate(PATH, 1)", "file.write"),
        Change("link", "os.link(PATH, PATH + '-link')", "file.link"),
        Change("rename", "os.rename(PATH, PATH + '-moved')", "file.remove"),
        Change("unlink", "os.unlink(PATH)", "file.remove"),
        Change(
            "rename of a directory", "os.rename(os.path.dirname(PATH), os.path.dirname(PATH) + '-moved')",
            "file.remove", errno: EXDEV),
        Change("mkdir", "os.mkdir(os.path.dirname(PATH) + '/made')", "file.create"),
    ]

extension AgentTests {
    /// On overlays, what a policy grants changes files of lower layers, and what it denies changes none, by whichever name.
    @Suite(.serialized)
    final class CopyUpTests {
        private static let root = "/copyup"
        private static let overlays = ["plain", "rich", "memory"]
        private static let program = "\(root)/bin/confined"

        /// Each overlay has a file for each change, alone in a directory that only the lower layer has, and one that is
        /// denied; its upper layer has files of its own. `rich` moves directories and copies contents late, and its files
        /// have several links.
        private static let build = """
            mkdir -p \(root); cd \(root); mkdir bin disk memory-disk; truncate -s 64M image; /usr/sbin/mkfs.ext4 -q image
            mount -o loop image disk; mount -t tmpfs none memory-disk
            make() {
                mkdir -p $1/$2/lower/closed $1/$2/upper $1/$2/work $1/free $2
                for n in $(seq 0 59); do
                    mkdir -p $1/$2/lower/d$n/e; echo text >$1/$2/lower/d$n/e/file; echo text >$1/$2/lower/closed/file$n
                    echo text >$1/$2/upper/above$n; echo text >$1/free/file$n
                    [ $2 != rich ] || ln $1/$2/lower/d$n/e/file $1/$2/lower/d$n/e/second
                done
                python3 -c 'import os, sys
            for directory, _, names in os.walk(sys.argv[1]):
                for name in names: os.setxattr(os.path.join(directory, name), "trusted.old", b"x")' $1
            }
            make disk plain; make disk rich; make memory-disk memory
            layers() { echo lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work; }
            mount -t overlay none -o $(layers disk/plain) plain
            mount -t overlay none -o $(layers disk/rich),redirect_dir=on,metacopy=on,index=on rich
            mount -t overlay none -o $(layers memory-disk/memory) memory
            """

        private static let policy = """
            subjects: [{exec: \(program)}]
            files:
              rules:
                - {allow: [read, map, execute], paths: [/usr/**, /etc/ld.so.cache, \(program)]}
                - {allow: all, paths: ["\(root)/{plain,rich,memory}/**"]}
                - {id: closed, deny: [write, metadata, link, create, remove], paths: ["\(root)/*/closed/file*"]}
                - {allow: [read], paths: ["\(root)/*disk/**"]}
                - {id: layers, deny: [write, metadata, link], paths: ["\(root)/*disk/**"]}
            """

        private func expect(
            _ agent: RunningAgent, denied path: String, _ action: String, _ rule: String, _ what: String
        ) throws {
            let matches: (Event) -> Bool = {
                $0["object", "path"] == path && $0["action"] == action && $0["rule", "id"] == rule
                    && $0["errno"] == "EACCES"
            }
            let events = try agent.events(until: matches)
            #expect(events.contains(where: matches), "\(what): \(events)")
        }

        @Test func `a confined task changes files of lower layers as its policy grants`() throws {
            let built = try Ended("/bin/bash", ["-e", "-c", Self.build])
            try #require(built.status == 0, "\(built.output)")
            defer {
                for _ in 0..<2 {
                    _ = try? Ended(
                        "/bin/sh", ["-c", "cd \(Self.root); umount plain rich memory disk memory-disk"])
                }
            }
            try Interpreter.install(at: Self.program)
            let agent = try RunningAgent(["copyup": Self.policy])
            let interpreter = try Interpreter(Self.program)
            _ = try agent.writtenEvents()
            for overlay in Self.overlays {
                try checkGranted(agent, interpreter, overlay)
                try checkDenied(agent, interpreter, overlay)
                try checkLayers(agent, interpreter, overlay)
            }
            interpreter.end()
            #expect(try agent.end() == 0)
        }

        private func checkGranted(_ agent: RunningAgent, _ interpreter: Interpreter, _ overlay: String) throws
        {
            for (number, change) in changes.enumerated() {
                let path = "\(Self.root)/\(overlay)/d\(number)/e/file"
                let error = try interpreter.perform(change.statement(of: path))
                #expect(
                    error == (overlay == "rich" ? 0 : change.errno), "\(overlay): \(change.testDescription)")
            }
            let events = try agent.writtenEvents()
            #expect(events.isEmpty, "\(overlay): \(events)")
        }

        private func checkDenied(_ agent: RunningAgent, _ interpreter: Interpreter, _ overlay: String) throws
        {
            for (number, change) in changes.enumerated() where !change.statement.contains("dirname") {
                let path = "\(Self.root)/\(overlay)/closed/file\(number)"
                let what = "\(overlay): \(change.testDescription)"
                let error = try interpreter.perform(change.statement(of: path))
                #expect(error == EACCES, "\(what)")
                try expect(agent, denied: path, change.action, "closed", what)
            }
            let copied = try FileManager.default.contentsOfDirectory(atPath: "\(Self.root)/\(overlay)/closed")
            #expect(copied.count == 60)
            let contents = try copied.filter {
                try String(contentsOfFile: "\(Self.root)/\(overlay)/closed/\($0)", encoding: .utf8)
                    != "text\n"
            }
            #expect(contents.isEmpty, "\(overlay): \(contents)")
            let above = try Ended(
                "/usr/bin/find", ["\(Self.root)/\(disk(of: overlay))/\(overlay)/upper/closed"])
            #expect(above.status != 0, "nothing that is denied was copied up: \(above.output)")
        }

        private func disk(of overlay: String) -> String { overlay == "memory" ? "memory-disk" : "disk" }

        /// A layer's file, and another of its file system, by their own names, right behind what has overlayfs write to the
        /// layer for the task.
        private func checkLayers(_ agent: RunningAgent, _ interpreter: Interpreter, _ overlay: String) throws
        {
            let merged = "\(Self.root)/\(overlay)"
            let disk = "\(Self.root)/\(disk(of: overlay))"
            let copyings = [
                "os.utime(PATH, (1, 1))", "os.setxattr(PATH, 'trusted.a', b'x')",
                "os.close(os.open(PATH, os.O_WRONLY | os.O_TRUNC))",
            ]
            for (number, change) in attributeChanges.enumerated() {
                for (side, path) in ["\(overlay)/upper/above", "free/file"].enumerated() {
                    let path = "\(disk)/\(path)\(number)"
                    let lower = "'\(merged)/d\(59 - 2 * number - side)/e/file'"
                    let copying = copyings[number % 3].replacingOccurrences(of: "PATH", with: lower)
                    let errors = try interpreter.perform([copying, change.statement(of: path)])
                    let what = "\(path): \(change.testDescription) after \(copying)"
                    #expect(errors == [0, EACCES], "\(what)")
                    try expect(agent, denied: path, "file.metadata", "layers", what)
                }
            }
            // Without an overlay, too.
            for flags in ["os.O_WRONLY | os.O_TRUNC", "os.O_RDONLY | os.O_TRUNC"] {
                #expect(try interpreter.open("\(disk)/free/file0", flags) == EACCES, "\(flags)")
                try expect(agent, denied: "\(disk)/free/file0", "file.write", "layers", flags)
            }
            #expect(try String(contentsOfFile: "\(disk)/free/file0", encoding: .utf8) == "text\n")
        }
    }
}
