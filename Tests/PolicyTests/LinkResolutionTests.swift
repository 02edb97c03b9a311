import Policy
import Testing

/// Where paths lead: those that are there, without links.
private let host: [String: String] = [
    "/": "/", "/bin": "/usr/bin", "/bin/sh": "/usr/bin/dash", "/usr": "/usr", "/usr/bin": "/usr/bin",
    "/usr/bin/dash": "/usr/bin/dash", "/var": "/var", "/var/run": "/run", "/run": "/run", "/etc": "/etc",
    "/proc": "/proc", "/proc/self": "/proc/77", "/dev": "/dev", "/dev/fd": "/proc/77/fd", "/top": "/",
]

private func resolve(_ body: String) throws -> LinkResolution {
    let policy = try #require(decode(head + body).policy)
    return LinkResolution(policy, processID: 77) { path in
        host[String(decoding: path, as: UTF8.self)].map { Array($0.utf8) }
    }
}

@Suite struct LinkResolutionTests {
    @Test(arguments: [
        ("/bin/sh", "/bin/sh /usr/bin/dash"),
        ("/bin/none/x", "/bin/none/x /usr/bin/none/x"),
        ("/bin/py*", "/bin/py* /usr/bin/py*"),
        ("/bin/**", "/bin/** /usr/bin/**"),
        ("/var/run/app/*/x", "/var/run/app/*/x /run/app/*/x"),
        ("/var/*/x", "/var/*/x"),
        ("/b?n/sh", "/b?n/sh"),
        ("/usr/bin/dash", "/usr/bin/dash"),
        ("/**", "/**"),
        ("/nothing/here", "/nothing/here"),
        ("/proc/self/fd/**", "/proc/self/fd/**"),
        ("/proc/self", "/proc/self"),
        ("/dev/fd/**", "/dev/fd/** /proc/self/fd/**"),
        ("/top/**", "/top/** /**"),
        ("/top/etc", "/top/etc /etc"),
        ("/top", "/top /"),
    ])
    func `a pattern stands under both spellings`(_ pattern: String, _ expected: String) throws {
        for verdict in ["allow", "deny"] {
            let resolution = try resolve("files: {rules: [{\(verdict): [read], paths: [\"\(pattern)\"]}]}")
            let found = resolution.policy.files?.rules[0].patterns.map(\.value.description)
            #expect(found == expected.split(separator: " ").map(String.init))
            #expect(resolution.notes.count == (found?.count ?? 0) - 1)
        }
    }

    @Test func `unix endpoints too, and other endpoints not`() throws {
        let resolution = try resolve(
            "network: {rules: [{allow: [connect], endpoints: [\"unix:/var/run/x\", \"unix:@/var/run/x\", \"tcp:*:1\"]}]}"
        )
        #expect(
            resolution.policy.network?.rules[0].endpoints.map(\.value.description) == [
                "unix:/var/run/x", "unix:/run/x", "unix:@/var/run/x", "tcp:*:1",
            ])
    }

    @Test func `what is there already is not added, and every look is recorded once`() throws {
        let resolution = try resolve(
            "files: {rules: [{allow: [read], paths: [/bin/**, /usr/bin/**]}, {deny: [read], paths: [/bin/x, /bin/**]}]}"
        )
        #expect(resolution.policy.files?.rules[0].patterns.count == 2)
        #expect(resolution.policy.files?.rules[1].patterns.count == 4)
        #expect(
            resolution.lookups.map { String(decoding: $0.prefix, as: UTF8.self) } == [
                "/bin", "/usr/bin", "/bin/x",
            ])
        #expect(resolution.notes.map(\.severity) == [.note, .note])
        #expect(resolution.notes[0].text == "'/bin/x' leads through a link")
        #expect(resolution.notes[0].hint == "the rule also covers /usr/bin/x")
        #expect(resolution.notes[0].location.line == 4)
        for lookup in resolution.lookups {
            let again = LinkResolution.resolved(lookup.prefix, processID: 77) { path in
                host[String(decoding: path, as: UTF8.self)].map { Array($0.utf8) }
            }
            #expect(again == lookup.resolved)
        }
    }
}
