import Policy
import Testing

@Suite struct ExplanationTests {
    private func explain(_ request: Request) throws -> String {
        let policy = try #require(loader(exampleFiles).load("policies/web.yaml").policy)
        return Evaluator(policy, vocabulary: testVocabulary).explain(request).text
    }

    private func file(_ path: String, _ accesses: FileAccessSet) -> Request {
        .file(path: Array(path.utf8), accesses)
    }

    @Test func `each access has its block: verdict, rule, reason, and what came close`() throws {
        #expect(
            try explain(file("/etc/shadow", [.read, .map])) == """
                denied: read /etc/shadow
                  by no-hashes (policies/web.yaml:21): deny [read, write] /etc/shadow
                  reason: password hashes never leave the host
                  near base/tls:files.rules[0] (policies/base/tls.yaml:6): allow [read] /etc/ssl/certs/**
                  near files.rules[0] (policies/web.yaml:17): allow [read] /etc/nginx/**
                denied: map /etc/shadow
                  by files.default (policies/web.yaml:15): deny what no rule allows
                  near no-hashes (policies/web.yaml:21): deny [read, write] /etc/shadow
                  near base/tls:files.rules[0] (policies/base/tls.yaml:6): allow [read] /etc/ssl/certs/**
                  near files.rules[0] (policies/web.yaml:17): allow [read] /etc/nginx/**

                """)
    }

    @Test func `what a request needs besides has a block of its own`() throws {
        let policy = try #require(
            decode(
                head + """
                    files: {}
                    network: { families: [unix], rules: [{ allow: all, endpoints: ["unix:/**", "tcp:*:*"] }] }
                    """
            ).policy)
        let evaluator = Evaluator(policy, vocabulary: testVocabulary)
        #expect(
            evaluator.explain(.network(.bind, .unixPath(Array("/run/x".utf8)))).text == """
                allowed: bind unix:/run/x
                  by network.rules[0] (p.yaml:5): allow all unix:/**
                denied: create /run/x
                  by files.default (p.yaml:4): deny what no rule allows

                """)
        #expect(
            evaluator.explain(.network(.connect, .inet(.tcp, .v4(1), 80))).text == """
                denied: connect tcp:0.0.0.1:80
                  by network.families (p.yaml:5): families [unix]
                  near network.rules[0] (p.yaml:5): allow all tcp:*:*

                """)
    }

    @Test func `addresses, names and calls are explained alike`() throws {
        #expect(
            try explain(.network(.connect, .inet(.tcp, IPAddress("10.0.0.1") ?? .v4(0), 80)))
                == """
                denied: connect tcp:10.0.0.1:80
                  by network.default (policies/web.yaml:26): deny what no rule allows
                  near files.rules[0]
                """.replacing(
                    "  near files.rules[0]",
                    with: """
                          near network.rules[0] (policies/web.yaml:28): allow [bind, listen] tcp:*:80
                          near network.rules[1] (policies/web.yaml:30): allow [connect] tcp:10.0.0.0/8:5432

                        """))
        #expect(
            try explain(.capability(.net_bind_service)) == """
                allowed: capability net_bind_service
                  by capabilities.allow[0] (policies/web.yaml:34): allow net_bind_service

                """)
        #expect(
            try explain(.operation(.mount)) == """
                denied: operation mount
                  by operations.default: deny unless allowed

                """)
        #expect(
            try explain(.syscall(name: "mount", arguments: [])) == """
                denied: syscall mount
                  by syscalls.rules[1] (policies/web.yaml:42): deny [@mount, ptrace]

                """)
    }

    @Test func `built-in rules say what they are`() throws {
        #expect(
            try explain(.socket(family: 17, protocolNumber: 0)) == """
                denied: socket packet
                  by network.families (policies/web.yaml:26): families [unix, inet, inet6, netlink:route]

                """)
        #expect(
            try explain(.syscall(name: "execve", arguments: [])) == """
                allowed: syscall execve
                  by syscalls.always: allow what every command needs to start

                """)
        #expect(
            try explain(.operation(.anonymousExec)) == """
                allowed: operation anonymous-exec
                  by operations.default: allow unless denied

                """)
    }

    @Test func `what is not mediated says so, and nothing of a path reaches the terminal raw`() throws {
        let policy = try #require(decode(head).policy)
        let text = Evaluator(policy, vocabulary: testVocabulary).explain(file("/\u{1b}[2J", .read)).text
        #expect(text == "allowed: read /\\x1b[2J\n  by no rule: the policy does not mediate it\n")
    }

    @Test func `three rules at most come close, those that cover the object first`() throws {
        let rules =
            (0..<6).map { "{allow: [map], paths: [/a/b\($0)/**]}" } + ["{allow: [map], paths: [/a/**]}"]
        let policy = try #require(
            decode(head + "files: {rules: [\(rules.joined(separator: ", ")), {deny: all, paths: [/z]}]}")
                .policy)
        let near = Evaluator(policy, vocabulary: testVocabulary).explain(file("/a/b3/x", .read)).parts[0].near
        #expect(near.map(\.rule.id) == ["files.rules[3]", "files.rules[6]", "files.rules[0]"])
    }
}

@Suite struct PolicyTestRunTests {
    @Test func `the tests of the example pass`() throws {
        let policy = try #require(loader(exampleFiles).load("policies/web.yaml").policy)
        #expect(policy.runTests(vocabulary: testVocabulary).count == 3)
        #expect(policy.failedTests.isEmpty)
    }

    @Test func `a test fails by its verdict or by its rule`() throws {
        let policy = try #require(
            decode(
                head
                    + """
                    capabilities: {allow: [kill]}
                    tests:
                      - allow: {capability: kill, rule: "capabilities.allow[0]"}
                      - deny: {capability: kill}
                      - deny: {capability: chown, rule: x}
                      - allow: {syscall: mount}
                    """
            ).policy)
        let results = policy.runTests(vocabulary: testVocabulary)
        #expect(results.map(\.hasExpectedVerdict) == [true, false, true, true])
        #expect(results.map(\.hasExpectedRule) == [true, true, false, true])
        #expect(
            results.map { $0.decidingPart.rule?.id } == [
                "capabilities.allow[0]", "capabilities.allow[0]", "capabilities.default", nil,
            ])
        #expect(results.map(\.test.location.line) == [6, 7, 8, 9])
    }
}
