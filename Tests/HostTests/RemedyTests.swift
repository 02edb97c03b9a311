import Foundation
import Testing

/// What a denial says would allow it does allow it, put into the policy as it stands.
@Suite struct RemedyTests {
    /// A policy that a remedy can be put into.
    struct Draft: Sendable {
        var fileRules: [String]?
        var networkRules: [String]?
        var networkDefault: String?
        var families: [String]?
        var operations: [String]?
        /// The section as a remedy writes it, where there was none.
        var wholeOperations: String?
        var syscallRules: [String]?

        var sections: String {
            var lines: [String] = []
            if let fileRules { lines.append("files: { rules: [\(fileRules.joined(separator: ", "))] }") }
            if networkRules != nil || families != nil || networkDefault != nil {
                let families = families.map { "families: [\($0.joined(separator: ", "))], " } ?? ""
                let verdict = networkDefault.map { "default: \($0), " } ?? ""
                let rules = (networkRules ?? []).joined(separator: ", ")
                lines.append("network: { \(verdict)\(families)rules: [\(rules)] }")
            }
            if let operations {
                lines.append("operations: { allow: [\(operations.joined(separator: ", "))] }")
            }
            if let wholeOperations { lines.append(wholeOperations) }
            if let syscallRules {
                lines.append("syscalls: { rules: [\(syscallRules.joined(separator: ", "))] }")
            }
            return lines.joined(separator: "\n")
        }

        /// Puts the rule where it belongs; false where it has a form that nobody expects.
        mutating func add(_ remedy: String) -> Bool {
            func list(_ prefix: String, _ suffix: String) -> String? {
                guard remedy.hasPrefix(prefix), remedy.hasSuffix(suffix) else { return nil }
                return String(remedy.dropFirst(prefix.count).dropLast(suffix.count))
            }
            if operations != nil, let name = list("operations: {allow: [", "]}") {
                operations = (operations ?? []) + [name]
            } else if operations == nil, remedy.hasPrefix("operations: {default: allow, allow: [") {
                wholeOperations = remedy
            } else if let names = list("families: [", "]") {
                families = [names]
            } else if remedy == "network: {default: allow}" {
                networkDefault = "allow"
            } else if remedy.contains("paths: [") {
                fileRules = (fileRules ?? []) + ["{ \(remedy) }"]
            } else if remedy.contains("endpoints: [") {
                networkRules = (networkRules ?? []) + ["{ \(remedy) }"]
            } else if remedy.hasPrefix("allow: [") {
                syscallRules = (syscallRules ?? []) + ["{ \(remedy) }"]
            } else {
                return false
            }
            return true
        }
    }

    /// A kind of denial: what is denied, by which policy, and how it is shown to be possible.
    struct Kind: Sendable, CustomTestStringConvertible {
        var name: String
        var draft: Draft
        /// Python; FILE is a file of the test's.
        var program: String
        /// What the line says was denied.
        var denied: String

        var testDescription: String { name }
    }

    private static let system =
        "{ allow: [read, execute, map], paths: [/usr/**, /bin/**, /lib/**, /lib64/**, /etc/**, /proc/**] }"

    private static let kinds: [Kind] = [
        Kind(
            name: "a file to read", draft: Draft(fileRules: [system]), program: "open('FILE').read()",
            denied: "read FILE"),
        Kind(
            name: "a file to write", draft: Draft(fileRules: [system]),
            program: "open('FILE', 'a').write('y')",
            denied: "write FILE"),
        Kind(
            name: "a program to execute",
            draft: Draft(fileRules: [system, "{ allow: [read], paths: [\"DIRECTORY/**\"] }"]),
            program: "import os; os.posix_spawn('FILE', ['FILE'], {})", denied: "execute FILE"),
        Kind(
            name: "a tcp connection",
            draft: Draft(networkRules: ["{ allow: [connect], endpoints: [\"tcp:*:9\"] }"]),
            program: """
                import socket
                s = socket.socket()
                try: s.connect(('127.0.0.1', 10))
                except ConnectionRefusedError: pass
                """, denied: "connect tcp:127.0.0.1:10"),
        Kind(
            name: "a tcp port to bind",
            draft: Draft(networkRules: ["{ allow: [connect], endpoints: [\"tcp:*:9\"] }"]),
            program: """
                import socket, errno
                s = socket.socket()
                try: s.bind(('127.0.0.1', 45671))
                except OSError as error:
                    if error.errno != errno.EADDRINUSE: raise
                """, denied: "bind tcp:127.0.0.1:45671"),
        Kind(
            name: "a stream socket where no rule is about tcp", draft: Draft(networkRules: []),
            program: "import socket; socket.socket()", denied: "socket inet"),
        Kind(
            name: "a datagram socket where no rule is about udp", draft: Draft(networkRules: []),
            program: "import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
            denied: "socket inet6"),
        Kind(
            name: "a family of sockets", draft: Draft(networkRules: [], families: ["inet"]),
            program: "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)",
            denied: "socket netlink"),
        Kind(
            name: "an operation", draft: Draft(operations: ["signal"]),
            program: """
                import ctypes
                call = ctypes.CDLL(None, use_errno=True).syscall
                # KEYCTL_GET_KEYRING_ID of a keyring that does not exist
                assert call(250, 0, 0x7fffffff, 0) == -1 and ctypes.get_errno() != 1
                """, denied: "operation keyring"),
        Kind(
            name: "an operation that is always denied",
            draft: Draft(syscallRules: ["{ allow: [\"@known\"] }"]),
            program: """
                import ctypes
                call = ctypes.CDLL(None, use_errno=True).syscall
                # BPF_MAP_CREATE with no attributes at all
                assert call(321, 0, 0, 0) == -1 and ctypes.get_errno() != 1
                """, denied: "operation bpf"),
        Kind(
            name: "a system call", draft: Draft(syscallRules: ["{ allow: [\"@system-service\"] }"]),
            program: """
                import ctypes
                call = ctypes.CDLL(None, use_errno=True).syscall
                # vhangup without a terminal, quotactl_fd of no descriptor: what is not in the group
                assert call(443, -1, 0, 0, 0) == -1 and ctypes.get_errno() != 1
                """, denied: "system call quotactl_fd"),
    ]

    private func run(
        _ kind: Kind, _ draft: Draft, in scratch: Scratch, file: String
    ) throws -> Swguard.Outcome {
        func filled(_ text: String) -> String {
            text.replacingOccurrences(of: "FILE", with: file)
                .replacingOccurrences(of: "DIRECTORY", with: scratch.path + "/data")
        }
        let policy = try scratch.policy(filled(draft.sections))
        return try Swguard.run(
            ["run", "--explain", "--policy", policy, "--", "/usr/bin/python3", "-c", filled(kind.program)],
            in: scratch.path,
            environment: ["HOME": scratch.path, "XDG_CACHE_HOME": scratch.path + "/.cache"])
    }

    @Test(arguments: kinds)
    func `what a denial says would allow it allows it`(_ kind: Kind) throws {
        let scratch = try Scratch()
        let file = try scratch.write("data/file", "#!/bin/true\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
        var draft = kind.draft
        var outcome = try run(kind, draft, in: scratch, file: file)
        #expect(outcome.status != 0, "\(outcome)")
        let denied = kind.denied.replacingOccurrences(of: "FILE", with: file)
        #expect(outcome.errors.contains("]: \(denied)"), "\(outcome)")
        // One thing after another: a program may need more than one.
        for _ in 0..<4 where outcome.status != 0 {
            let remedies = outcome.errors.split(separator: "\n").compactMap { line -> String? in
                guard let range = line.range(of: "; to allow: ") else { return nil }
                return String(line[range.upperBound...])
            }
            #expect(!remedies.isEmpty, "\(outcome)")
            for remedy in Set(remedies) {
                let isKnown = draft.add(remedy)
                #expect(isKnown, "\(remedy)")
            }
            outcome = try run(kind, draft, in: scratch, file: file)
        }
        #expect(outcome.status == 0, "\(draft.sections)\n\(outcome)")
        #expect(!outcome.errors.contains("]: \(denied) by"), "\(outcome)")
    }

    /// What worked before works with the remedy put in, at the first attempt.
    private static let keeping: [Kind] = [
        Kind(
            name: "an operation where there is no section",
            draft: Draft(syscallRules: ["{ allow: [\"@known\"] }"]),
            program: """
                import ctypes
                call = ctypes.CDLL(None, use_errno=True).syscall
                # KEYCTL_GET_KEYRING_ID of a keyring that does not exist; granted without the section
                assert call(250, 0, 0x7fffffff, 0) == -1 and ctypes.get_errno() != 1
                # BPF_MAP_CREATE with no attributes at all
                assert call(321, 0, 0, 0) == -1 and ctypes.get_errno() != 1
                """, denied: "operation bpf"),
        Kind(
            name: "a family beside others",
            draft: Draft(
                networkRules: ["{ allow: [connect], endpoints: [\"tcp:*:*\"] }"],
                families: ["inet", "packet"]),
            program: """
                import socket
                socket.socket()
                # AF_PACKET needs raw-socket too, which denies with another errno
                try: socket.socket(17, socket.SOCK_RAW)
                except OSError as error: assert error.errno == 1
                socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
                """, denied: "socket netlink"),
        Kind(
            name: "a name that is not UTF-8",
            draft: Draft(fileRules: [system]),
            program: "import os; os.open(b'DIRECTORY/\\xff[\\xc3', os.O_RDONLY)",
            denied: "read DIRECTORY/\\xff[\\xc3"),
    ]

    @Test(arguments: keeping)
    func `what a denial says would allow it takes nothing else away`(_ kind: Kind) throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("data")
        let strange = Array("\(scratch.path)/data/".utf8CString.dropLast()) + [-1, 0x5b, -61, 0]
        let descriptor = open(strange, O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
        try #require(descriptor >= 0)
        close(descriptor)
        var draft = kind.draft
        let denied = try run(kind, draft, in: scratch, file: "/x")
        let expected = kind.denied.replacingOccurrences(of: "DIRECTORY", with: scratch.path + "/data")
        #expect(denied.status == 1 && denied.errors.contains("]: \(expected) by "), "\(denied)")
        let line = denied.errors.split(separator: "\n").first { $0.contains("]: \(expected) by ") }
        let range = try #require(line?.range(of: "; to allow: "))
        let remedy = String(line?[range.upperBound...] ?? "")
        let isKnown = draft.add(remedy)
        #expect(isKnown, "\(remedy)")
        let allowed = try run(kind, draft, in: scratch, file: "/x")
        #expect(allowed.status == 0, "\(draft.sections)\n\(allowed)")
    }

    @Test(arguments: [
        (Draft(networkRules: []), #"allow: [connect], endpoints: ["unix:/**"]"#),
        (Draft(fileRules: [system]), "network: {default: allow}"),
    ])
    func `a unix socket that is refused because nobody sees its path`(_ draft: Draft, _ remedy: String) throws
    {
        let scratch = try Scratch()
        let doctor = try Swguard.run(["doctor"]).output
        // From Landlock ABI 9 the path is seen, and sockets are not refused as such.
        if doctor.contains("unix sockets by path\n") { return }
        let kind = Kind(
            name: "", draft: draft, program: "import socket; socket.socket(socket.AF_UNIX)",
            denied: "socket unix")
        let denied = try run(kind, draft, in: scratch, file: "/x")
        #expect(denied.status == 1 && denied.errors.contains("]: socket unix by "), "\(denied)")
        #expect(denied.errors.contains("; to allow: \(remedy)\n"), "\(denied)")
        var allowed = draft
        let isKnown = allowed.add(remedy)
        #expect(isKnown)
        let granted = try run(kind, allowed, in: scratch, file: "/x")
        #expect(granted.status == 0, "\(granted)")
    }
}
