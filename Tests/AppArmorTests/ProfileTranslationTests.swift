import AppArmor
import Policy
import Testing

/// Files that profiles include.
private struct Tree: ProfileFiles {
    var files: [String: String] = [:]
    func read(_ path: String) -> [UInt8]? { files[path].map { Array($0.utf8) } }
    func names(in directory: String) -> [String]? {
        let names = files.keys.filter { $0.hasPrefix(directory + "/") }.map {
            String($0.dropFirst(directory.count + 1))
        }
        return names.isEmpty ? nil : names.sorted()
    }
}

private let tree = Tree(files: [
    "/base/tunables/global": """
    @{HOMEDIRS}=/home/ /srv/homes/
    @{HOME}=@{HOMEDIRS}/*/ /root/
    @{PROC}=/proc/
    @{pid}={[1-9],[1-9][0-9]}
    """,
    "/base/abstractions/base": "/etc/ld.so.cache mr,\n/usr/lib/** rm,\n",
    "/base/base.d/one": "capability kill,",
    "/base/base.d/two": "capability chown,",
])

private func translation(_ text: String, partial: Bool = false, profile: String? = nil) -> ProfileTranslation
{
    ProfileTranslation(
        Array(text.utf8), file: "file", files: tree, base: "/base", profile: profile, allowingPartial: partial
    )
}

/// The translation of a profile with these rules, which must print and read back.
private func evaluator(
    _ rules: String, partial: Bool = false, sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws -> Evaluator {
    let translated = translation("#include <tunables/global>\n/usr/bin/it {\n\(rules)\n}", partial: partial)
    #expect(!translated.diagnostics.contains { $0.severity == .error }, sourceLocation: sourceLocation)
    let policy = try #require(translated.policy, sourceLocation: sourceLocation)
    let text = try policy.yaml()
    let again = PolicyLoader(vocabulary: vocabulary, variables: noVariables, files: NoPolicies())
        .decode(Array(text.utf8), named: "policy.yaml")
    let read = try #require(again.policy, "\(again.diagnostics)", sourceLocation: sourceLocation)
    return Evaluator(read, vocabulary: vocabulary)
}

private let vocabulary = SyscallVocabulary(
    names: ["read"], groups: [:], alwaysAllowed: [], narrowArguments: [:])
private let noVariables = PolicyVariables(
    home: .unset("-"), cwd: .unset("-"), user: .unset("-"), uid: .unset("-"), tmpdir: .unset("-"),
    runtime: .unset("-"))

private struct NoPolicies: PolicyFiles {
    func read(_ path: String) throws(PolicyFileError) -> PolicyFile { throw .missing }
    func read(_ name: String, beneath directory: String) throws(PolicyFileError) -> PolicyFile {
        throw .missing
    }
    func readStandardInput() throws(PolicyFileError) -> [UInt8] { throw .missing }
}

extension Evaluator {
    fileprivate func grants(_ path: String, _ accesses: FileAccessSet) -> Bool {
        decide(.file(path: Array(path.utf8), accesses)).verdict == .allow
    }
}

/// A row: rules, a path, what the program asks, and whether AppArmor grants it (apparmor_parser -D rule-exprs).
private let verdicts: [(rules: String, path: String, accesses: FileAccessSet, isGranted: Bool)] = [
    ("/etc/x r,", "/etc/x", .read, true),
    ("/etc/x r,", "/etc/x", .write, false),
    ("/etc/x r,", "/etc/xy", .read, false),
    ("r /etc/x,", "/etc/x", .read, true),
    ("file rw /etc/x,", "/etc/x", [.read, .write], true),
    ("\"/etc/a b\" r,", "/etc/a b", .read, true),
    ("/etc/a\\ b r,", "/etc/a b", .read, true),
    ("/etc/\\101 r,", "/etc/A", .read, true),
    // What is beneath, not the directory itself.
    ("/d/** r,", "/d/a/b", .read, true),
    ("/d/** r,", "/d", .read, false),
    ("/d/{,**} r,", "/d", .read, true),
    ("/d/{,**} r,", "/d/a/b", .read, true),
    ("/d/ r,", "/d", .read, true),
    ("/d/ r,", "/d/a", .read, false),
    ("/d/* r,", "/d/a/b", .read, false),
    ("/d/**.so r,", "/d/a/b.so", .read, true),
    ("/d/*/c r,", "/d/b/c", .read, true),
    ("/d/[ab]? r,", "/d/ax", .read, true),
    ("/d/[^ab] r,", "/d/a", .read, false),
    ("/d/*{*,x} r,", "/d/a/b", .read, false),
    ("/d/x**{*,x} r,", "/d/x/b", .read, true),
    ("/d/{.,a} r,", "/d/a", .read, true),
    // A set may be about '/', too.
    ("/d[^ab]x r,", "/d/x", .read, true),
    ("/d/[^ab] r,", "/d", .read, false),
    ("/d/[/]x r,", "/d/x", .read, false),
    ("/d[/a]x r,", "/d/x", .read, true),
    ("/** r,\ndeny /d[^a]x r,", "/d/x", .read, false),
    ("/d/{a,b/c}{1,2} r,", "/d/b/c2", .read, true),
    // Only directories: their listing cannot be had without the files of those names.
    ("/d/*/ r,", "/d/a", .read, false),
    ("/d/*/ r,\n/d/* r,", "/d/a", .read, true),
    // Names are made and removed with 'w'.
    ("/d/* w,", "/d/a", [.write, .create, .remove, .metadata], true),
    ("/d/* w,", "/d/a", .device, false),
    ("/d/* w,\ncapability mknod,", "/d/a", .device, true),
    ("/d/ w,", "/d", [.create, .remove], true),
    ("/d/ w,", "/d", .write, false),
    ("/d/* a,", "/d/a", .write, false),
    ("/d/* rwl,", "/d/a", .link, false),
    ("/d/* m,", "/d/a", .map, true),
    ("/d/* ix,", "/d/a", .execute, true),
    ("/d/* ix,", "/d/a", .map, true),
    ("/d/* ux,", "/d/a", .map, false),
    ("/d/* ux,", "/d/a", .execute, true),
    ("/d/* px,", "/d/a", .execute, false),
    ("/d/* cix,", "/d/a", .execute, false),
    ("/d/* ix -> other,", "/d/a", .execute, false),
    // A dynamic program is loaded by another, which AppArmor does not ask for.
    ("/d/* ix,", "/usr/lib64/ld-linux-x86-64.so.2", .execute, true),
    ("/d/* r,", "/usr/lib64/ld-linux-x86-64.so.2", .execute, false),
    ("/d/** rw,\ndeny /d/x w,", "/d/x", .write, false),
    ("/d/** rw,\ndeny /d/x w,", "/d/x", .read, true),
    ("/d/** rw,\ndeny /d/x w,", "/d/x", .remove, false),
    ("/d/** rix,\naudit deny /d/x x,", "/d/x", .execute, false),
    ("file,", "/any/thing", [.read, .write, .execute, .map], true),
    ("owner /d/* r,", "/d/a", .read, false),
    ("/d/* r,\ndeny owner /d/a r,", "/d/a", .read, false),
    // What AppArmor calls by a number is /proc/self here where it is the process's own.
    ("@{PROC}/@{pid}/status r,", "/proc/self/status", .read, true),
    ("@{PROC}/@{pid}/status r,", "/proc/12/status", .read, true),
    ("@{PROC}/@{pid}/fd/ r,", "/proc/self/fd", .read, true),
    ("@{PROC}/@{pid}/fd/ r,", "/proc/12/fd", .read, true),
    ("/proc/[0-9]*/status r,", "/proc/self/status", .read, true),
    ("owner @{PROC}/@{pid}/status r,", "/proc/self/status", .read, true),
    ("owner @{PROC}/@{pid}/status r,", "/proc/12/status", .read, false),
    ("/proc/self/mem r,", "/proc/self/mem", .read, false),
    ("/** r,\ndeny @{PROC}/@{pid}/mem r,", "/proc/self/mem", .read, false),
    ("@{HOME}/x r,", "/srv/homes/ann/x", .read, true),
    ("@{HOME}/x r,", "/root/x", .read, true),
    ("include <abstractions/base>", "/usr/lib/a.so", [.read, .map], true),
    ("#include <abstractions/base>\n#no rule,", "/etc/ld.so.cache", .read, true),
    ("include if exists <local/none>\n/x r,", "/x", .read, true),
]

@Suite struct ProfileTranslationTests {
    @Test(arguments: verdicts.indices)
    func `a profile and its translation say the same of a file`(row: Int) throws {
        let (rules, path, accesses, isGranted) = verdicts[row]
        #expect(
            try evaluator(rules).grants(path, accesses) == isGranted, "\(rules): \(accesses.members) \(path)")
    }

    @Test(arguments: [
        ("/d/*/ r,", FileAccessSet.read), ("/d/* a,", .write), ("/d/* rwl,", .link), ("/d/* px,", .execute),
        ("owner /d/* r,", .read),
    ])
    func `what grants more is left out and named, or granted where one asks for it`(
        rules: String, access: FileAccessSet
    ) throws {
        let text = "/usr/bin/it {\n  \(rules)\n}"
        for isPartial in [false, true] {
            #expect(try evaluator(rules, partial: isPartial).grants("/d/a", access) == isPartial)
            let said = translation(text, partial: isPartial).diagnostics.filter { $0.severity == .warning }
            #expect(said.map(\.location.line) == [2])
            #expect(said.first?.text.contains(String(rules.dropLast())) ?? false)
        }
    }

    @Test(arguments: [
        "deny /d/a k,", "deny /d/a l,", "set rlimit nofile <= 10,", "signal,\ndeny signal (send) peer=x,",
        "deny unix addr=@x,", "deny capability nothing,",
    ])
    func `a denial or limit that cannot be translated is an error, unless one does without it`(rules: String)
    {
        let text = "/usr/bin/it {\n\(rules)\n}"
        #expect(translation(text).diagnostics.contains { $0.severity == .error })
        let partial = translation(text, partial: true).diagnostics
        #expect(!partial.contains { $0.severity == .error } && partial.contains { $0.severity == .warning })
    }

    @Test func `capabilities and operations`() throws {
        let some = try evaluator(
            "include <base.d>\naudit deny capability chown,\nsignal,\nptrace (read) peer=x,")
        #expect(some.decide(.capability(.kill)).verdict == .allow)
        #expect(some.decide(.capability(.chown)).verdict == .deny)
        #expect(some.decide(.capability(.sys_admin)).verdict == .deny)
        #expect(some.decide(.operation(.signal)).verdict == .allow)
        #expect(some.decide(.operation(.ptrace)).verdict == .deny)
        #expect(some.decide(.operation(.rawSocket)).verdict == .deny)
        #expect(try evaluator("capability,").decide(.capability(.sys_admin)).verdict == .allow)
        #expect(try evaluator("/x r,").decide(.operation(.signal)).verdict == .deny)
    }

    @Test func `families and types`() throws {
        let some = try evaluator(
            "network inet stream,\nnetwork inet6,\nnetwork netlink raw,\ndeny network inet6 dgram,")
        #expect(some.decide(.socket(family: 2, protocolNumber: 0)).verdict == .allow)
        #expect(some.decide(.socket(family: 17, protocolNumber: 0)).verdict == .deny)
        #expect(some.decide(.socket(family: 1, protocolNumber: 0)).verdict == .deny)
        #expect(some.decide(.socket(family: 16, protocolNumber: 7)).verdict == .allow)
        let hosts = [
            (TransportProtocol.tcp, "1.2.3.4", true), (.udp, "1.2.3.4", false), (.tcp, "::1", true),
            (.udp, "::1", false),
        ]
        for (transport, host, isGranted) in hosts {
            let address = SocketAddress.inet(transport, try #require(IPAddress(host)), 80)
            #expect(some.decide(.network(.connect, address)).verdict == (isGranted ? .allow : .deny))
        }
        // Raw sockets of one family alone cannot be said.
        #expect(some.decide(.operation(.rawSocket)).verdict == .deny)
        #expect(try evaluator("network inet raw,").decide(.operation(.rawSocket)).verdict == .allow)
        #expect(try evaluator("network,").decide(.socket(family: 17, protocolNumber: 0)).verdict == .allow)
        #expect(
            try evaluator("network packet raw,").decide(.socket(family: 17, protocolNumber: 0)).verdict
                == .deny)
    }

    @Test func `flags, the attachment and the name`() throws {
        let head = "profile Some_it /usr/{bin,sbin}/it flags=(complain, attach_disconnected) {\n}"
        let policy = try #require(translation(head).policy)
        #expect(policy.mode == .complain && policy.name == "some-it")
        #expect(
            policy.subjects.map(\.value)
                == ["/usr/bin/it", "/usr/sbin/it"].map { .exec(PathPattern(literal: $0.utf8)) })
        #expect(translation("profile it {\n}").policy?.subjects == [])
        #expect(
            translation("profile it flags=(unconfined) {\n}").diagnostics.contains { $0.severity == .error })
        #expect(translation("profile a {\n}\nprofile b {\n}").policy == nil)
        #expect(translation("profile a {\n}\nprofile b {\n}", profile: "b").policy?.name == "b")
        // What is within another is left out, and its rules are not the outer one's.
        let outer = translation("profile a {\n profile b {\n /x r,\n }\n ^hat {\n /y r,\n }\n}")
        #expect(outer.policy?.files?.rules == [])
        #expect(outer.diagnostics.filter { $0.severity == .warning }.map(\.location.line) == [2, 5])
    }

    @Test(arguments: [
        ("/usr/bin/it {\n /x r\n}", 2), ("/usr/bin/it {\n /x r,", 1), ("/x r,", 1), ("}", 1),
        ("/usr/bin/it {\n /x rz,\n}", 2), ("/usr/bin/it {\n \"/x r,\n}", 2),
        ("/usr/bin/it {\n include <none>\n}", 2),
        ("/usr/bin/it {\n alias /a -> /b,\n}", 2), ("/usr/bin/it {\n @{NO}/x r,\n}", 2),
        ("/usr/bin/it {\n /[b-a] r,\n}", 2), ("@{A}=@{A}\n/usr/bin/it {\n /@{A} r,\n}", 3),
        ("@{A}=@{B}@{B}\n@{B}={a,b}{c,d}{e,f}\n/usr/bin/it {\n /@{A}@{A} r,\n}", 4),
        ("/usr/bin/it {\n /a{b,c r,\n}", 2), ("", 1), ("profile a xattrs=(x=y) {\n}", 1),
        ("/usr/bin/it {\n include \"../x\"\n}", 2), ("/usr/bin/it {\n if $x {\n /a r,\n }\n}", 2),
    ])
    func `what cannot be read is an error with its place`(text: String, line: Int) {
        let errors = translation(text).diagnostics.filter { $0.severity == .error }
        #expect(errors.map(\.location.line) == [line], "\(errors)")
    }
}
