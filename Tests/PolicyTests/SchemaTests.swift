import Foundation
import Policy
import Testing

/// The generated schema, held against a validator that is not ours: python3 with the package `jsonschema`.
@Suite struct SchemaTests {
    /// Every policy here is accepted by the decoder (where its includes are there).
    static let valid: [String] = [
        head, examplePolicy,
        head
            + """
            files: {default: allow, rules: [{deny: all, paths: ["{/a,/b}", "${HOME}/x", "/a[^b]*"], id: a.b, log: false}]}
            network: {families: [], rules: [{allow: all, coarse: true, endpoints: ["ip:*:*", "tcp:[fd00::]/8:1-2", "unix:@x", "unix:${TMPDIR}/x"]}]}
            capabilities: {allow: all}
            operations: {default: allow, deny: [raw-socket]}
            syscalls:
              default: allow
              architectures: [x86_64, i386]
              rules:
                - {deny: [socket, "new?"], when: ["arg0 == AF_UNIX", "arg1&0xff==3", "arg2 >= -1"], action: kill}
                - {deny: ["@mount"], action: "errno:ENOSYS"}
                - {allow: all, reason: 5}
            tests:
              - allow: {syscall: socket, args: [1, 1, 0x10, AF_UNIX, -1]}
              - deny: {listen: "tcp:127.0.0.1:80", rule: "network.rules[0]"}
              - deny: {operation: mount}
            """,
        head
            + "files: {}\nnetwork: {}\ncapabilities: {}\noperations: {}\nsyscalls: {}\nsubjects: [{user: 33}]",
        head + "files: {rules: []}\ncapabilities: {allow: []}\noperations: {allow: []}\nmode: complain",
    ]

    static let invalid: [String] = [
        "kind: Policy\nmetadata: {name: p}\n",
        "apiVersion: swguard/v1\nkind: Policy\nmetadata: {name: P}\n",
        head + "flies: {}", head + "files:", head + "files: []", head + "mode: x", head + "include: []",
        head + "include: [../x]", head + "include: [a, a]",
        head + "files: {rules: [{allow: [raed], paths: [/a]}]}",
        head + "files: {rules: [{allow: [read]}]}",
        head + "files: {rules: [{paths: [/a]}]}",
        head + "files: {rules: [{allow: [read], deny: [write], paths: [/a]}]}",
        head + "files: {rules: [{allow: [read], paths: []}]}",
        head + "files: {rules: [{allow: [], paths: [/a]}]}",
        head + "files: {rules: [{allow: read, paths: [/a]}]}",
        head + "files: {rules: [{allow: [read], paths: [a]}]}",
        head + "files: {rules: [{deny: [read], paths: [/a], coarse: true}]}",
        head + "files: {rules: [{deny: [read], paths: [/a], log: maybe}]}",
        head + "files: {rules: [{deny: [read], paths: [/a], id: Bad}]}",
        head + "files: {rules: [{deny: [read], paths: [/a], id: no-gain}]}",
        head + "files: {rules: [{deny: [read], paths: [/a], id: files.default}]}",
        head + "tests: [{deny: {operation: mount, rule: ''}}]",
        head + "network: {rules: [{allow: [connect], endpoints: [\"tcp:example.com:80\"]}]}",
        head + "network: {families: [inet, foo]}",
        head + "capabilities: {allow: [CAP_KILL]}", head + "capabilities: {deny: []}",
        head + "operations: {allow: [kill]}",
        head + "syscalls: {rules: [{allow: [read], action: kill}]}",
        head + "syscalls: {rules: [{deny: [read], action: stop}]}",
        head + "syscalls: {rules: [{allow: [\"@mount\"], when: [\"arg0 == 1\"]}]}",
        head + "syscalls: {rules: [{allow: all, when: [\"arg0 == 1\"]}]}",
        head + "syscalls: {rules: [{allow: [read], when: [\"arg9 == 1\"]}]}",
        head + "tests: []", head + "tests: [{allow: {file: /a}}]",
        head + "tests: [{allow: {capability: kill, operation: mount}}]",
        head + "tests: [{allow: {capability: kill}, deny: {capability: kill}}]",
        head + "subjects: [{exec: /a, user: b}]", head + "subjects: []",
    ]

    @Test func `a validator accepts every valid policy and refuses the usual errors`() throws {
        for text in Self.valid { #expect(decodes(text), "\(text)") }
        for text in Self.invalid { #expect(!decodes(text), "\(text)") }
        let verdicts = try validate(Self.valid + Self.invalid)
        for (text, verdict) in zip(Self.valid + Self.invalid, verdicts) {
            #expect((verdict == "valid") == Self.valid.contains(text), "\(verdict)\n\(text)")
        }
    }

    @Test func `random policies are valid by the schema too`() throws {
        let texts = try (0..<UInt64(200)).map { seed in
            var random = RandomPolicy(seed: seed)
            return try random.policy().yaml()
        }
        for (text, verdict) in zip(texts, try validate(texts)) { #expect(verdict == "valid", "\(text)") }
    }

    @Test func `every key and every word of the language is in the schema`() {
        let schema = PolicySchema.json()
        for word in FileAccess.allCases.map(\.name) + Operation.allCases.map(\.name)
            + Capability.allCases.map(\.name)
        {
            #expect(schema.contains("\"\(word)\""), "\(word)")
        }
        #expect(schema.contains("\"additionalProperties\": false"))
        #expect(schema.contains("https://json-schema.org/draft/2020-12/schema"))
    }

    private func decodes(_ text: String) -> Bool {
        var files = exampleFiles
        files.files["policies/p.yaml"] = text
        return loader(files).load("policies/p.yaml").policy != nil
    }

    /// What the validator says of each text: `valid`, or the first error.
    private func validate(_ texts: [String]) throws -> [String] {
        let program = """
            import json, sys
            try:
                import jsonschema, yaml
            except ImportError as error:
                sys.exit("this test needs python3 with jsonschema and yaml (pip install jsonschema pyyaml): %s" % error)
            data = json.load(sys.stdin)
            schema = json.loads(data["schema"])
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema)
            def verdict(text):
                errors = sorted(validator.iter_errors(yaml.safe_load(text)), key=str)
                return "%s: %s" % (errors[0].json_path, errors[0].message) if errors else "valid"
            print(json.dumps([verdict(text) for text in data["texts"]]))
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program]
        let input = FileManager.default.temporaryDirectory.appendingPathComponent(
            "swguard-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: input) }
        let data: [String: Any] = ["schema": PolicySchema.json(), "texts": texts]
        try JSONSerialization.data(withJSONObject: data).write(to: input)
        let output = Pipe()
        let errors = Pipe()
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let result = output.fileHandleForReading.readDataToEndOfFile()
        let message = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            Issue.record("\(message)")
            return []
        }
        return try #require(JSONSerialization.jsonObject(with: result) as? [String])
    }
}
