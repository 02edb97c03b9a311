import Policy
import Testing

private func policy(_ body: String) -> String { head + body }

private let reads = "files: {rules: [{allow: [read], paths: [/x]}]}"

@Suite struct LoaderTests {
    @Test func `a name is looked for along the policy path, a path is a file, a dash is standard input`() {
        var files = MemoryFiles()
        files.files["/etc/swguard/policies/web.yaml"] = policy(reads)
        files.files["policies/web"] = policy("mode: complain")
        files.files["web.yaml"] = policy("mode: enforce")
        files.standardInput = policy("network: {}")
        let loader = loader(files)
        #expect(loader.load("web").policy?.file == "/etc/swguard/policies/web.yaml")
        #expect(loader.load("policies/web").policy?.mode == .complain)
        #expect(loader.load("web.yaml").policy?.files == nil)
        let input = loader.load("-")
        #expect(input.policy?.network?.location.file == "-")
        #expect(input.inputs.map(\.path) == ["-"])
    }

    @Test func `what is not there cannot be read, and the reason says where it was looked for`() {
        var files = MemoryFiles()
        files.errors["secret.yaml"] = "permission denied"
        files.errors["/etc/swguard/policies/locked.yaml"] = "permission denied"
        #expect(loader(files).load("web").unreadable == "there is none in /etc/swguard/policies")
        #expect(loader(files).load("web").missing == ["/etc/swguard/policies/web.yaml"])
        #expect(loader(files).load("./web").unreadable == "no such file")
        #expect(loader(files).load("secret.yaml").unreadable == "permission denied")
        #expect(
            loader(files).load("locked").unreadable == "/etc/swguard/policies/locked.yaml: permission denied")
        #expect(loader(files).load("..").unreadable == "'..' is not the name of a policy")
        #expect(loader(files).load("").unreadable == "'' is not the name of a policy")
    }

    @Test
    func `the policy path begins with the variable, then the user's, the host's and the vendor's directory`()
    {
        #expect(
            PolicyLoader.searchPath(policyPath: "/a::b:", home: "/home/ann") == [
                "/a", "b", "/home/ann/.config/swguard/policies", "/etc/swguard/policies",
                "/usr/share/swguard/policies",
            ])
        #expect(PolicyLoader.searchPath(policyPath: nil, home: "home").count == 2)
    }

    @Test func `an include is looked for beside the including file, then on the policy path`() throws {
        var files = MemoryFiles()
        files.files["p/web.yaml"] = policy("include: [base/a, b]\n" + reads)
        files.files["p/base/a.yaml"] = policy("include: [c]\n" + reads)
        files.files["p/base/c.yaml"] = policy("files: {rules: [{id: own, deny: [read], paths: [/c]}]}")
        files.files["/etc/swguard/policies/b.yaml"] = policy(reads)
        files.files["/etc/swguard/policies/base/a.yaml"] = policy("mode: complain")
        let loaded = loader(files).load("p/web.yaml")
        #expect(loaded.diagnostics.isEmpty)
        let rules = try #require(loaded.policy?.files?.rules)
        #expect(
            rules.map(\.header.id) == [
                "c:own", "base/a:files.rules[0]", "b:files.rules[0]", "files.rules[0]",
            ])
        #expect(rules.map(\.header.hasWrittenID) == [true, false, false, false])
        #expect(rules[0].header.location.file == "p/base/c.yaml")
        #expect(
            loaded.inputs.map(\.path) == [
                "p/web.yaml", "p/base/a.yaml", "p/base/c.yaml", "/etc/swguard/policies/b.yaml",
            ])
        #expect(loaded.missing == ["p/b.yaml"])
    }

    @Test func `a file that is reached twice counts once, under the name that came first`() throws {
        var files = MemoryFiles()
        files.files["web.yaml"] = policy("include: [a, b, c]\n" + reads)
        files.files["a.yaml"] = policy("include: [c]\n" + reads)
        files.files["b.yaml"] = policy("include: [c]\n" + reads)
        files.files["c.yaml"] = policy("files: {rules: [{deny: all, paths: [/c]}]}")
        let loaded = loader(files).load("web.yaml")
        #expect(loaded.inputs.count == 4)
        #expect(
            loaded.policy?.files?.rules.map(\.header.id) == [
                "c:files.rules[0]", "a:files.rules[0]", "b:files.rules[0]", "files.rules[0]",
            ])
    }

    @Test func `what one loader has read of an include is what another reads`() throws {
        var files = MemoryFiles()
        files.files["/etc/swguard/policies/base.yaml"] = policy(
            "files: {rules: [{id: x, allow: [read], paths: ['/{a,b}/**', '${HOME}/x']}]}")
        files.files["/etc/swguard/policies/plain.yaml"] = policy(
            "files: {rules: [{id: x, allow: [read], paths: ['/{a,b}/**']}]}")
        for (name, head) in [("one", ""), ("two", "subjects: [{exec: /x}]\n"), ("three", "")] {
            for include in ["base", "plain"] {
                files.files["\(name)-\(include).yaml"] = policy("\(head)include: [\(include)]\nfiles: {}")
            }
        }
        let shared = loader(files)
        for name in ["one", "two", "three"] {
            for include in ["base", "plain"] {
                let file = "\(name)-\(include).yaml"
                let known = shared.load(file)
                let fresh = loader(files).load(file)
                #expect(known.policy == fresh.policy && known.diagnostics == fresh.diagnostics, "\(file)")
                #expect(known.inputs == fresh.inputs && known.missing == fresh.missing, "\(file)")
                // Variables are for policies without subjects.
                #expect((known.policy == nil) == (file == "two-base.yaml"), "\(file): \(known.diagnostics)")
            }
        }
    }

    @Test func `an include gives rules only to sections that the including policy has`() throws {
        var files = MemoryFiles()
        files.files["web.yaml"] = policy("include: [a]\nfiles: {}\ncapabilities: {allow: [kill]}")
        files.files["a.yaml"] = policy(
            """
            include: [b]
            mode: complain
            files: {default: allow, rules: [{allow: [read], paths: [/a]}]}
            network: {families: [inet], rules: [{allow: all, endpoints: ["ip:*:*"]}]}
            capabilities: {allow: [setuid], deny: [kill]}
            syscalls: {architectures: [i386], rules: [{allow: all}]}
            subjects: [{user: a}]
            tests: [{allow: {capability: kill}}]
            """)
        files.files["b.yaml"] = policy("network: {rules: [{deny: all, endpoints: [\"ip:*:*\"]}]}\n" + reads)
        let loaded = loader(files).load("web.yaml")
        let merged = try #require(loaded.policy)
        #expect(merged.files?.rules.map(\.header.id) == ["b:files.rules[0]", "a:files.rules[0]"])
        #expect(merged.files?.defaultVerdict == .deny)
        #expect(merged.network == nil)
        #expect(merged.syscalls == nil)
        #expect(
            merged.capabilities?.entries.map(\.header.id) == [
                "a:capabilities.allow[0]", "a:capabilities.deny[0]", "capabilities.allow[0]",
            ])
        #expect(merged.mode == .enforce)
        #expect(merged.subjects.isEmpty)
        #expect(merged.tests.isEmpty)
        #expect(loaded.diagnostics.map(\.severity) == [.note, .note])
        #expect(
            loaded.diagnostics.map(\.text) == [
                "'a' has rules for network, syscalls, which this policy does not mediate",
                "of 'a', 'default' of files, 'families', 'architectures', 'mode', 'subjects' does not carry over",
            ])
        #expect(
            loaded.diagnostics[0].location == SourceLocation(file: "web.yaml", line: 4, column: 11, length: 1)
        )
    }

    @Test func `a cycle is an error that names it`() {
        var files = MemoryFiles()
        files.files["web.yaml"] = policy("include: [a]")
        files.files["a.yaml"] = policy("include: [b]")
        files.files["b.yaml"] = policy("include: [a]")
        files.files["self.yaml"] = policy("include: [self]")
        let loaded = loader(files).load("web.yaml")
        #expect(loaded.policy == nil)
        #expect(loaded.diagnostics.map(\.text) == ["an include cycle: a, b, a"])
        #expect(loaded.diagnostics.first?.location.file == "b.yaml")
        #expect(
            loader(files).load("self.yaml").diagnostics.map(\.text) == ["an include cycle: self.yaml, self"])
    }

    @Test func `8 levels and 32 includes are accepted, and no more`() {
        var files = MemoryFiles()
        for level in 0...9 { files.files["l\(level).yaml"] = policy("include: [l\(level + 1)]") }
        files.files["l10.yaml"] = policy("")
        #expect(loader(files).load("l2.yaml").diagnostics.isEmpty)
        #expect(loader(files).load("l1.yaml").diagnostics.map(\.text) == ["includes are more than 8 deep"])
        for number in 0..<33 { files.files["n\(number).yaml"] = policy("") }
        let names = (0..<33).map { "n\($0)" }
        files.files["few.yaml"] = policy("include: [\(names.dropLast().joined(separator: ","))]")
        files.files["many.yaml"] = policy("include: [\(names.joined(separator: ","))]")
        #expect(loader(files).load("few.yaml").diagnostics.isEmpty)
        #expect(loader(files).load("many.yaml").diagnostics.map(\.text) == ["more than 32 includes"])
    }

    @Test func `errors of included files are reported in their files, behind those of the policy`() {
        var files = MemoryFiles()
        files.files["web.yaml"] = policy("include: [a]\nmood: x")
        files.files["a.yaml"] = policy("mode: bad")
        files.errors["b.yaml"] = "not a regular file"
        files.files["c.yaml"] = policy("include: [b]")
        let loaded = loader(files).load("web.yaml")
        #expect(loaded.policy == nil)
        #expect(
            loaded.diagnostics.map { "\($0.location.fileAndLine) \($0.text)" } == [
                "web.yaml:5 unknown key 'mood'", "a.yaml:4 unknown mode 'bad'",
            ])
        #expect(loaded.diagnostics.map(\.sourceLine) == ["mood: x", "mode: bad"])
        #expect(
            loader(files).load("c.yaml").diagnostics.map(\.text)
                == ["cannot read the include 'b': b.yaml: not a regular file"])
    }

    @Test func `one name for two files is an error, for rules are called by it`() {
        var files = MemoryFiles()
        files.files["web.yaml"] = policy("include: [x/a, b]")
        files.files["b.yaml"] = policy("")
        files.files["x/a.yaml"] = policy("include: [b]")
        files.files["x/b.yaml"] = policy("")
        #expect(
            loader(files).load("web.yaml").diagnostics.map(\.text) == [
                "'b' is two files: x/b.yaml and b.yaml"
            ])
    }

    @Test func `a policy without text takes includes from the policy path`() throws {
        var files = MemoryFiles()
        files.files["/etc/swguard/policies/base/a.yaml"] = policy(reads)
        var own = Policy(name: "command-line", file: "command-line")
        own.files = FilesSection(location: SourceLocation(file: "command-line", line: 1))
        let loaded = loader(files).complete(own, including: ["base/a"])
        #expect(loaded.diagnostics.isEmpty)
        #expect(loaded.policy?.files?.rules.map(\.header.id) == ["base/a:files.rules[0]"])
        let missing = loader().complete(own, including: ["base/a"])
        #expect(missing.policy == nil)
        #expect(missing.diagnostics.first?.location == SourceLocation(file: "command-line", line: 1))
    }
}
