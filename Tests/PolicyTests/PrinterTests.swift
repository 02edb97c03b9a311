import Foundation
import Policy
import Testing

@Suite struct PrinterTests {
    @Test func `what is printed is read back equal, for random policies`() throws {
        for seed in caseSeeds(3_000) {
            var random = RandomPolicy(seed: seed)
            var policy = random.policy()
            let text = try policy.yaml()
            let loaded = decode(text)
            guard var again = loaded.policy else {
                Issue.record("seed \(seed): \(DiagnosticFormatter().text(loaded.diagnostics))\n\(text)")
                return
            }
            // A test may name a rule by a place that the text calls by its written id.
            for index in policy.tests.indices where index < again.tests.count {
                again.tests[index].rule = policy.tests[index].rule
            }
            policy = policy.withoutPlaces()
            again = again.withoutPlaces()
            if policy != again {
                Issue.record("seed \(seed)\n\(text)\n\(policy)\n\(again)")
                return
            }
        }
    }

    @Test func `what was merged from includes is printed as one policy that says the same`() throws {
        let merged = try #require(loader(exampleFiles).load("policies/web.yaml").policy)
        let text = try merged.yaml()
        let again = try #require(decode(text).policy, "\(text)")
        #expect(text.contains("# base/runtime:locales (policies/base/runtime.yaml:7)"))
        #expect(again.files?.rules.map(\.header.id).last == "no-hashes")
        #expect(again.failedTests.isEmpty)
        #expect(
            again.files?.rules.map(\.patterns).map { $0.map(\.value) }
                == merged.files?.rules.map(\.patterns).map { $0.map(\.value) })
    }

    @Test func `a name that an include and the policy both list is printed once`() throws {
        var files = MemoryFiles()
        files.files["a.yaml"] = head + "capabilities: {allow: [kill, setuid]}\noperations: {deny: [signal]}"
        files.files["web.yaml"] =
            head
            + "include: [a]\ncapabilities: {allow: [setuid, chown]}\noperations: {deny: all}\ntests: [{allow: {capability: chown, rule: \"capabilities.allow[1]\"}}]"
        let policy = try #require(loader(files).load("web.yaml").policy)
        let text = try policy.yaml()
        #expect(text.contains("allow: [kill, setuid, chown]"))
        #expect(text.contains("deny: all"))
        let again = try #require(decode(text).policy, "\(text)")
        #expect(again.failedTests.isEmpty, "\(text)")
    }

    @Test func `a path that is not UTF-8 cannot be printed`() throws {
        var policy = try #require(decode(head + "files: {rules: [{allow: [read], paths: [/a]}]}").policy)
        policy.files?.rules[0].patterns[0].value = PathPattern(literal: [0x2f, 0xff])
        #expect(throws: PolicyTextError.self) { try policy.yaml() }
    }

    @Test func `the printed form is the canonical one`() throws {
        let policy = try #require(
            decode(
                head
                    + """
                    files:
                      rules:
                        - {id: x, allow: [write, read], paths: ["/{a,b}", "${HOME}/**"], log: true}
                    network: {}
                    syscalls: {rules: [{deny: [socket], when: [arg0 == AF_UNIX, arg1 & 0xff == 3, arg2 > -1]}]}
                    tests: [{deny: {file: "${HOME}/x", access: [read], rule: x}}]
                    """
            ).policy)
        #expect(
            try policy.yaml() == """
                apiVersion: swguard/v1
                kind: Policy
                metadata:
                  name: p
                files:
                  rules:
                    - id: x
                      allow: [read, write]
                      log: true
                      paths:
                        - /a
                        - /b
                        - /home/ann/**
                network: {}
                syscalls:
                  rules:
                    - deny: [socket]
                      when:
                        - arg0 == 1
                        - arg1 & 255 == 3
                        - arg2 > -1
                tests:
                  - deny: { file: /home/ann/x, access: [read], rule: x }

                """)
    }
}
