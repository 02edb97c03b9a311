import Foundation
import Policy
import Testing

@testable import Confinement

/// Following paths as the kernel does: a file system on paper.
@Suite struct PathResolverTests {
    private typealias Entry = PathResolver.Entry

    /// Everything that is there; directories are implied.
    private static let links: [String: String] = [
        "/bin": "usr/bin", "/usr/bin/vi": "/etc/alternatives/vi", "/etc/alternatives/vi": "../../usr/bin/vim",
        "/home/me/up": "..", "/home/me/loop": "loop", "/home/me/gone": "nowhere/at/all",
        "/home/me/new": "fresh",
        "/proc/42/fd/3": "/etc/passwd", "/proc/42/fd/4": "pipe:[77]", "/proc/42/fd/5": "/tmp/x (deleted)",
        "/proc/42/fd/6": "/memfd:code (deleted)", "/proc/42/cwd": "/home/me", "/proc/42/root": "/",
        "/proc/42/task/43/fd/3": "/etc/group", "/proc/7/exe": "/usr/bin/vim", "/home/me/abs": "/etc",
    ]
    private static let files = [
        "/usr/bin/vim", "/etc/passwd", "/etc/group", "/home/me/file", "/proc/42/status",
        "/proc/42/task/43/comm",
        "/proc/42/ns/x", "/jail/etc/passwd", "/jail/home/x",
    ]

    private func resolver(root: String = "/") -> PathResolver {
        let known = Self.links.keys + Self.files
        return PathResolver(process: 42, thread: 43, root: Array(root.utf8)) { path in
            let name = String(decoding: path, as: UTF8.self)
            if name == "/secret" { return .unreadable }
            if let target = Self.links[name] { return .link(Array(target.utf8)) }
            return known.contains { $0 == name || $0.hasPrefix(name + "/") } ? .other : .missing
        }
    }

    /// A path seen from /home/me, whether the last link is followed, and where it leads.
    static let paths: [(path: String, follows: Bool, leads: String)] = [
        ("file", true, "existing /home/me/file"),
        ("./file", true, "existing /home/me/file"),
        ("/home//me/./file", true, "existing /home/me/file"),
        ("../me/file", true, "existing /home/me/file"),
        ("/../../etc/passwd", true, "existing /etc/passwd"),
        ("/bin/vi", true, "existing /usr/bin/vim"),
        ("/bin/vi", false, "existing /usr/bin/vi"),
        ("up", true, "existing /home"),
        ("up", false, "existing /home/me/up"),
        ("up/", false, "existing /home"),
        ("up/me/file", false, "existing /home/me/file"),
        ("abs/passwd", true, "existing /etc/passwd"),
        ("missing", true, "missing /home/me/missing"),
        ("missing/", true, "missing /home/me/missing"),
        ("missing/file", true, "nowhere"),
        ("new", true, "missing /home/me/fresh"),
        ("new", false, "existing /home/me/new"),
        ("gone", true, "nowhere"),
        ("loop", true, "nowhere"),
        ("", true, "nowhere"),
        ("/", true, "existing /"),
        ("..", true, "existing /home"),
        ("/secret", true, "unreadable"),
        ("/proc/self/status", true, "existing /proc/self/status"),
        ("/proc/42/status", true, "existing /proc/self/status"),
        ("/proc/thread-self/comm", true, "existing /proc/self/task/43/comm"),
        ("/proc/self/fd/3", true, "existing /etc/passwd"),
        ("/proc/self/fd/3", false, "existing /proc/self/fd/3"),
        ("/proc/self/fd/4", true, "anonymous"),
        ("/proc/self/fd/5", true, "anonymous"),
        ("/proc/self/fd/6", true, "anonymous"),
        ("/proc/self/cwd/file", true, "existing /home/me/file"),
        ("/proc/self/root/etc/passwd", true, "existing /etc/passwd"),
        ("/proc/thread-self/fd/3", true, "existing /etc/group"),
        ("/proc/7/exe", true, "existing /usr/bin/vim"),
        ("/proc/421", true, "missing /proc/421"),
    ]

    @Test(arguments: paths) func `a path leads where the kernel would go`(
        _ row: (path: String, follows: Bool, leads: String)
    ) {
        let resolution = resolver().resolve(
            Array(row.path.utf8), from: Array("/home/me".utf8), followsLast: row.follows)
        #expect(Self.text(resolution) == row.leads)
    }

    @Test func `a chroot is not left`() {
        let jail = resolver(root: "/jail")
        #expect(
            Self.text(
                jail.resolve(Array("/../../etc/passwd".utf8), from: Array("/jail".utf8), followsLast: true))
                == "existing /jail/etc/passwd")
        #expect(
            Self.text(jail.resolve(Array("../../x".utf8), from: Array("/jail/home".utf8), followsLast: true))
                == "missing /jail/x")
    }

    @Test(arguments: [1, 2, 3]) func `no path makes it crash or hang`(_ seed: UInt64) {
        var state = seed
        let parts = [
            "..", ".", "", "proc", "self", "fd", "3", "up", "loop", "bin", "abs", "\u{ff}", "root", "cwd",
            "task",
        ]
        for _ in 0..<3000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let path = (0..<Int(state >> 60)).map { parts[Int(state >> (3 * UInt64($0)) % 61) % parts.count] }
            _ = resolver().resolve(
                Array(path.joined(separator: "/").utf8), from: Array("/home/me".utf8),
                followsLast: state & 1 == 0)
        }
    }

    private static func text(_ resolution: PathResolver.Resolution) -> String {
        switch resolution {
        case .existing(let path): "existing \(String(decoding: path, as: UTF8.self))"
        case .missing(let path): "missing \(String(decoding: path, as: UTF8.self))"
        case .nowhere: "nowhere"
        case .anonymous: "anonymous"
        case .unreadable: "unreadable"
        }
    }
}

@Suite struct RunObservedTests {
    /// A Python statement, the call that it makes, and what is reported of it. `D` is the test's directory, which the
    /// probe's policy denies everything in; `file`, `dir`, `link` (to `file`) and `sub` exist.
    static let calls: [(statement: String, calls: [String], reported: [String])] = [
        ("open('D/file')", ["openat"], ["read D/file"]),
        ("open('D/link')", ["openat"], ["read D/file"]),
        ("os.chdir('D'); open('file')", ["openat"], ["read D/file"]),
        (
            "open('file', opener=lambda p, f: os.open(p, f, dir_fd=os.open('D', os.O_PATH)))", ["openat"],
            ["read D/file"]
        ),
        ("open('D/file', 'a')", ["openat"], ["write D/file"]),
        ("open('D/file', 'r+')", ["openat"], ["read, write D/file"]),
        ("open('D/new', 'w')", ["openat"], ["write, create D/new"]),
        ("os.open('D/file', os.O_RDONLY | os.O_TRUNC)", ["openat"], ["read, write D/file"]),
        ("os.open('D/dir', os.O_TMPFILE | os.O_RDWR)", ["openat"], ["read, write D/dir/#"]),
        ("os.open('D/file', os.O_PATH)", ["openat"], []),
        ("os.listdir('D/dir')", ["openat"], ["read D/dir"]),
        ("os.mkdir('D/new')", ["mkdir"], ["create D/new"]),
        ("os.mkdir('D/dir')", ["mkdir"], []),
        ("os.rmdir('D/dir')", ["rmdir"], ["remove D/dir"]),
        ("os.unlink('D/link')", ["unlink"], ["remove D/link"]),
        ("os.rename('D/file', 'D/new')", ["rename"], ["remove D/file", "create D/new"]),
        ("os.rename('D/file', 'D/link')", ["rename"], ["remove D/file", "create, remove D/link"]),
        ("os.link('D/file', 'D/new')", ["link", "linkat"], ["link D/file", "create D/new"]),
        ("os.symlink('/x', 'D/new')", ["symlink"], ["create D/new"]),
        ("os.mkfifo('D/new')", ["mknod", "mknodat"], ["create D/new"]),
        ("os.mknod('D/new', 0o20600, os.makedev(1, 3))", ["mknod", "mknodat"], ["device D/new"]),
        ("os.chmod('D/link', 0o600)", ["chmod"], ["metadata D/file"]),
        ("os.utime('D/file')", ["utimensat"], ["metadata D/file"]),
        ("os.setxattr('D/link', 'user.x', b'', follow_symlinks=False)", ["lsetxattr"], ["metadata D/link"]),
        ("os.truncate('D/file', 0)", ["truncate"], ["write D/file"]),
        ("os.execv('D/script', ['x'])", ["execve"], ["execute D/script", "execute D/tool"]),
        ("socket.socket(socket.AF_UNIX).bind('D/new')", ["bind"], ["create D/new", "bind unix:D/new"]),
        ("socket.socket().connect(('127.0.0.1', 1))", ["connect"], ["connect tcp:127.0.0.1:1"]),
        ("socket.socket().connect(('0.0.0.0', 1))", ["connect"], ["connect tcp:127.0.0.1:1"]),
        (
            "socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', 1))", ["connect"],
            ["connect tcp:127.0.0.1:1"]
        ),
        (
            "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))", ["sendto"],
            ["connect udp:127.0.0.1:9"]
        ),
        (
            "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('127.0.0.1', 9))", ["sendmsg"],
            ["connect udp:127.0.0.1:9"]
        ),
        ("socket.socket().listen()", ["listen"], ["listen tcp:0.0.0.0:0"]),
        ("socket.socket(socket.AF_UNIX).connect('\\0name')", ["connect"], ["connect unix:@name"]),
    ]

    @Test(arguments: calls) func `what a call asks for is read from its caller`(
        _ row: (statement: String, calls: [String], reported: [String])
    ) throws {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for name in ["file", "tool"] {
            try Data("x\n".utf8).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
        }
        try Data("#!\(directory)/tool -x\n".utf8).write(to: URL(fileURLWithPath: directory + "/script"))
        for name in ["tool", "script"] { chmod("\(directory)/\(name)", 0o755) }
        try FileManager.default.createDirectory(
            atPath: directory + "/dir", withIntermediateDirectories: false)
        symlink("file", directory + "/link")
        let script =
            "import os, socket\ntry:\n    \(row.statement.replacing("'D", with: "'\(directory)"))\n"
            + "except OSError: pass\n"
        let run = try RunHarness.start(
            [RunHarness.probe, "--deny-path", directory] + row.calls.flatMap { ["--observe", $0] }
                + ["--", Self.python, "-c", script])
        _ = run.wait()
        // "swguard: denied python3[7]: read /x by secret (probe.yaml:3)…"
        let reported = run.complaints.split(separator: "\n").compactMap { line -> String? in
            guard line.hasPrefix("swguard: denied "), let start = line.range(of: "]: "),
                let end = line.range(of: " by ")
            else { return nil }
            return String(line[start.upperBound..<end.lowerBound]).replacing(directory, with: "D")
        }
        #expect(reported == row.reported, "\(run.complaints)")
    }

    /// The interpreter itself: a shim of a version manager would open files of its own.
    static let python =
        FileManager.default.isExecutableFile(atPath: "/usr/bin/python3") ? "/usr/bin/python3" : "python3"

    @Test func `every observed call has a shape`() {
        for name in ObservedCalls.names { #expect(ObservedCalls.shapes[name] != nil, "\(name)") }
        #expect(ObservedCalls.number(of: "openat") != nil)
        #expect(ObservedCalls.number(of: "read") == nil)
    }

    @Test func `interpreters are found as the kernel finds them`() {
        func script(_ text: String) -> String? {
            Executable.scriptInterpreter(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(script("#!/bin/sh\n") == "/bin/sh")
        #expect(script("#! \t/usr/bin/env python3\nx") == "/usr/bin/env")
        #expect(script("#!\n") == nil)
        #expect(script("#!") == nil)
        let shell = FileManager.default.contents(atPath: "/bin/sh").map { Array($0.prefix(4096)) } ?? []
        #expect(
            Executable.elfInterpreter(shell).map { String(decoding: $0, as: UTF8.self) }?.contains("/ld-")
                == true)
        for length in 0..<min(shell.count, 1200) {
            _ = Executable.elfInterpreter(Array(shell.prefix(length)))
        }
        var state: UInt64 = 7
        for _ in 0..<2000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var broken = shell
            if !broken.isEmpty {
                broken[Int(state >> 40) % min(broken.count, 600)] = UInt8(truncatingIfNeeded: state >> 32)
            }
            _ = Executable.elfInterpreter(broken)
        }
    }
}
