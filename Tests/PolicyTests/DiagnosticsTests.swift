import Policy
import Testing

/// A text that is not a policy, and what is said about it: `LINE:COLUMN: text` and the hint, one after the other.
struct BadPolicy: Sendable, CustomTestStringConvertible {
    var text: String
    var expected: [String]
    var testDescription: String { text }

    /// `body` stands behind `head`: its first line is line 4.
    init(_ body: String, _ expected: String...) {
        text = head + body
        self.expected = expected
    }

    init(whole text: String, _ expected: String...) {
        self.text = text
        self.expected = expected
    }
}

private let syntax: [BadPolicy] = [
    BadPolicy(whole: "", "1:1: the file is empty", "a policy begins 'apiVersion: swguard/v1'"),
    BadPolicy(whole: "# nothing\n", "1:1: the file is empty", "a policy begins 'apiVersion: swguard/v1'"),
    BadPolicy(
        whole: "\u{feff}kind: Policy", "1:1: the file begins with a byte order mark",
        "save it as UTF-8 without one"),
    BadPolicy(whole: "kind: \0", "1:7: the file contains a NUL byte", "-"),
    BadPolicy(whole: "%TAG ! tag:x,2000:\n---\na: b", "1:1: tags are not accepted", "-"),
    BadPolicy(
        whole: "kind: Policy\n\tmode: x",
        "2:1: found a tab character that violates indentation while scanning a plain scalar",
        "indent with spaces"),
    BadPolicy(
        "mode: [a, b",
        "4:12: did not find expected ',' or ']' while parsing a flow sequence", "-"),
    BadPolicy(
        "mode: enforce\n---\nkind: x", "5:1: a file holds one document",
        "put the second policy into a file of its own"),
    BadPolicy(
        "mode: enforce\n...\nkind: x", "6:1: a file holds one document",
        "put the second policy into a file of its own"),
    BadPolicy("files: &a {}", "4:8: anchors are not accepted", "write the value where it is used"),
    BadPolicy("mode: !!str enforce", "4:7: tags are not accepted", "every scalar is text as written"),
    BadPolicy(
        "files: *a", "4:8: aliases are not accepted",
        "a pattern that begins with '*' must be in quotes; a value is written where it is used"),
    BadPolicy("<<: {mode: enforce}", "4:1: merge keys are not accepted", "use 'include'"),
    BadPolicy("[a]: b", "4:1: a key must be text", "lists and mappings are no keys"),
    BadPolicy("kind: Policy", "4:1: duplicate key 'kind'", "the first is in line 2"),
    BadPolicy(
        "files:\n  rules:\n    - {allow: [read], paths: [*.log]}",
        "6:32: did not find expected alphabetic or numeric character while scanning an alias",
        "text that begins with '*' must be in quotes"),
    BadPolicy(whole: "---", "1:1: the file is empty", "a policy begins 'apiVersion: swguard/v1'"),
    BadPolicy(whole: "---\n...\n", "1:1: the file is empty", "a policy begins 'apiVersion: swguard/v1'"),
    // What stands before a syntax error is read.
    BadPolicy(
        "files:\n  rules:\n    - allow: [raed]\n      paths: [/a, b]\n    - deny: [read]\n      id: X\n   oops: {",
        "6:15: unknown access 'raed'", "did you mean 'read'?",
        "7:19: the pattern is not absolute", "it must begin with '/'",
        "9:11: 'X' is not a rule id", "use a-z, 0-9, '.', '_' and '-', at most 63, a letter or digit first",
        "10:4: did not find expected key while parsing a block mapping", "-"),
    // Nothing is said of keys that may stand behind it, nor of what a missing bracket takes in.
    BadPolicy(
        whole:
            "apiVersion: swguard/v2\nfiles:\n  rules:\n    - allow: [read\n      paths: [/a]\nkind: Policy\n",
        "1:13: unknown apiVersion 'swguard/v2'", "did you mean 'swguard/v1'?",
        "5:12: did not find expected ',' or ']' while parsing a flow sequence", "-"),
    BadPolicy(
        "files:\n  rules:\n    - deny: [raed]\n     paths: [/a]\nnetwork: {}\n",
        "6:14: unknown access 'raed'", "did you mean 'read'?",
        "7:6: did not find expected '-' indicator while parsing a block collection", "-"),
    BadPolicy(
        "mode: enforce\n  files: {}",
        "5:8: mapping values are not allowed in this context", "-"),
    BadPolicy(
        "flies: {}\nmode: \"enforce\nfiles: {}", "4:1: unknown key 'flies'", "did you mean 'files'?",
        "6:10: found unexpected end of stream while scanning a quoted scalar", "-"),
    BadPolicy(
        "flies: {}\n---\nkind: x", "4:1: unknown key 'flies'", "did you mean 'files'?",
        "5:1: a file holds one document", "put the second policy into a file of its own"),
    BadPolicy(whole: "just text", "1:1: this must be a mapping, not 'just text'", "-"),
    BadPolicy(whole: "[a, b]", "1:1: this must be a mapping, not a list", "-"),
]

private let structure: [BadPolicy] = [
    BadPolicy(
        whole: "kind: Polic\nmetadata: {}\n",
        "1:1: a policy needs the key 'apiVersion'", "add 'apiVersion: swguard/v1'",
        "1:7: unknown kind 'Polic'", "did you mean 'Policy'?",
        "2:11: metadata needs the key 'name'", "add 'name:', the policy's name: a-z, 0-9 and '-', at most 63"
    ),
    BadPolicy(
        whole: "apiVersion: swguard/v2\nkind: Policy\nmetadata: {name: Ä}\n",
        "1:13: unknown apiVersion 'swguard/v2'", "did you mean 'swguard/v1'?",
        "3:18: 'Ä' is not a policy name", "use a-z, 0-9 and '-', 1 to 63 characters"),
    BadPolicy("flies: {}", "4:1: unknown key 'flies'", "did you mean 'files'?"),
    BadPolicy(
        "zzz: {}", "4:1: unknown key 'zzz'",
        "the keys of a policy are apiVersion, kind, metadata, include, mode, subjects, files, network, capabilities, operations, syscalls, tests"
    ),
    BadPolicy(
        "files:", "4:1: 'files' has no value",
        "write {} for one without entries; a section that is {} denies everything"),
    BadPolicy("mode: complian", "4:7: unknown mode 'complian'", "did you mean 'complain'?"),
    BadPolicy("mode: [enforce]", "4:7: 'mode' must be text, not a list", "-"),
    BadPolicy(
        "include: base/runtime", "4:10: 'include' must be a list, not 'base/runtime'", "write [base/runtime]"),
    BadPolicy("include: []", "4:10: 'include' is empty", "name at least one, or leave the key out"),
    BadPolicy("tests: []", "4:8: 'tests' is empty", "name at least one, or leave the key out"),
    BadPolicy("subjects: []", "4:11: 'subjects' is empty", "name at least one, or leave the key out"),
    BadPolicy("files: {default: dney}", "4:18: unknown verdict 'dney'", "did you mean 'deny'?"),
    BadPolicy(
        "capabilities: {deny: []}", "4:22: 'deny' is empty", "name at least one, or leave the key out"),
    BadPolicy(
        "syscalls: {architectures: []}", "4:27: 'architectures' is empty",
        "name at least one, or leave the key out"),
    BadPolicy(
        "include: [../x, base/runtime.yaml]",
        "4:11: '../x' is not the name of a policy",
        "write it as in base/runtime: no '..', no '/' to begin with, no '.yaml'",
        "4:17: 'base/runtime.yaml' is not the name of a policy",
        "write it as in base/runtime: no '..', no '/' to begin with, no '.yaml'"),
    BadPolicy(
        "include: [nothing]", "4:11: no policy 'nothing'", "looked for nothing.yaml in /etc/swguard/policies"),
]

private let rules: [BadPolicy] = [
    BadPolicy(
        "files:\n  rules:\n    - allow: [raed]\n      paths: [/etc/shadow]",
        "6:15: unknown access 'raed'", "did you mean 'read'?"),
    BadPolicy(
        "files:\n  rules:\n    - allow: [xyzzy]\n      paths: [/etc/shadow]",
        "6:15: unknown access 'xyzzy'",
        "one of read, write, create, remove, execute, map, metadata, link, device"),
    BadPolicy(
        "files:\n  rules:\n    - paths: [/a]\n",
        "6:7: a rule has exactly one of 'allow' and 'deny'", "add one"),
    BadPolicy(
        "files:\n  rules:\n    - allow: [read]\n      deny: [write]\n      paths: [/a]\n",
        "7:7: a rule has exactly one of 'allow' and 'deny'", "'allow' is there already, in line 6"),
    BadPolicy(
        "files:\n  rules:\n    - alow: [read]\n      pahts: [/a]\n",
        "6:7: unknown key 'alow'", "did you mean 'allow'?", "7:7: unknown key 'pahts'",
        "did you mean 'paths'?"),
    BadPolicy(
        "files:\n  rules:\n    - allow: read\n      paths: /a\n",
        "6:14: 'allow' must be a list, or 'all', not 'read'", "write [read]",
        "7:14: 'paths' must be a list, not '/a'", "write [/a]"),
    BadPolicy(
        "files:\n  rules:\n    - allow: []\n      paths: []\n",
        "6:14: 'allow' is empty", "name at least one, or leave the key out",
        "7:14: 'paths' is empty", "name at least one, or leave the key out"),
    BadPolicy(
        "files:\n  rules:\n    - allow: [read, write, read]\n      paths: [/a, /b, \"/a\"]\n",
        "6:28: 'read' stands twice in this list", "the first is at 6:15",
        "7:23: '/a' stands twice in this list", "the first is at 7:15"),
    BadPolicy(
        "files:\n  rules:\n    - {allow: [all], paths: [/a]}\n", "6:16: 'all' within a list",
        "write 'allow: all'"),
    BadPolicy(
        "files:\n  rules:\n    - {id: No, allow: [read], paths: [/a]}\n", "6:12: 'No' is not a rule id",
        "use a-z, 0-9, '.', '_' and '-', at most 63, a letter or digit first"),
    BadPolicy(
        "files:\n  rules:\n    - {id: a, allow: [read], paths: [/a]}\nnetwork:\n  rules:\n    - {id: a, allow: all, endpoints: [\"ip:*:*\"]}",
        "9:12: the id 'a' is taken", "the rule in line 6 has it"),
    BadPolicy(
        "files:\n  rules:\n    - {id: unresolved, allow: [read], paths: [/a]}\n    - {id: files.default, allow: [read], paths: [/a]}\n    - {id: network.families, allow: [read], paths: [/a]}",
        "6:12: the id 'unresolved' is taken: decisions without a rule are called by it",
        "give the rule another, or none",
        "7:12: the id 'files.default' is taken: decisions without a rule are called by it",
        "give the rule another, or none",
        "8:12: the id 'network.families' is taken: decisions without a rule are called by it",
        "give the rule another, or none"),
    BadPolicy(
        "files:\n  rules:\n    - allow: [read]\n      paths:\n      - /a\n      -\n",
        "9:8: an item without a value", "remove the '-'"),
    BadPolicy(
        "syscalls:\n  rules:\n    - deny:\n      -\ninclude:\n  -\n",
        "7:8: an item without a value", "remove the '-'", "9:4: an item without a value", "remove the '-'"),
    BadPolicy(
        "files:\n  rules:\n    - {deny: [read], coarse: true, paths: [/a]}\n", "6:22: 'coarse' beside 'deny'",
        "only an allow can be coarse: a coarse deny would deny more"),
    BadPolicy(
        "files:\n  rules:\n    - {allow: [read], log: yes, paths: [/a]}\n",
        "6:28: 'log' is neither true nor false: 'yes'", "write true or false, without quotes"),
    BadPolicy(
        "network:\n  families: [inet, netlnk, \"netlink:rout\", AF_PACKET]\n",
        "5:20: unknown socket family 'netlnk'", "did you mean 'netlink'?",
        "5:28: unknown socket family 'netlink:rout'", "did you mean 'netlink:route'?",
        "5:44: unknown socket family 'AF_PACKET'", "did you mean 'packet'?"),
    BadPolicy(
        "capabilities:\n  allow: [CAP_NET_ADMIN, net_row]\n",
        "5:11: unknown capability 'CAP_NET_ADMIN'", "did you mean 'net_admin'?",
        "5:26: unknown capability 'net_row'", "did you mean 'net_raw'?"),
    BadPolicy(
        "operations:\n  allow: [raw_socket]\n  deny: [trace]",
        "5:11: unknown operation 'raw_socket'", "did you mean 'raw-socket'?",
        "6:10: unknown operation 'trace'", "did you mean 'ptrace'?"),
    BadPolicy(
        "subjects:\n  - {exec: /a, user: b}\n  - {}\n  - {unit: nginx}\n",
        "5:16: a subject has exactly one of 'exec', 'unit', 'cgroup' and 'user'",
        "'exec' is there already, in line 5",
        "6:5: a subject has exactly one of 'exec', 'unit', 'cgroup' and 'user'", "add one",
        "7:12: 'nginx' is not the name of a unit", "write it with its type: nginx.service"),
    BadPolicy(
        "subjects: [{user: a}]\nfiles:\n  rules:\n    - {allow: [read], paths: [\"${HOME}/x\"]}\n",
        "7:32: '${HOME}' cannot be used here",
        "variables are for 'swguard run'; a policy with 'subjects' is for every process"),
]

private let syscalls: [BadPolicy] = [
    BadPolicy(
        "syscalls:\n  rules:\n    - allow: [opneat, \"@system-servce\", mount?, mout, system-service]",
        "6:15: unknown system call 'opneat'", "did you mean 'openat'?",
        "6:23: unknown group '@system-servce'", "did you mean '@system-service'?",
        "6:49: unknown system call 'mout'", "did you mean 'mount'?",
        "6:55: unknown system call 'system-service'", "did you mean '@system-service'?"),
    BadPolicy(
        "syscalls:\n  rules:\n    - allow: [very_new]", "6:15: unknown system call 'very_new'",
        "write 'very_new?' if it need not be known"),
    BadPolicy(
        "syscalls:\n  rules:\n    - allow: [\"@mount\", read]\n      when: [arg0 == 1]",
        "6:15: '@mount' with 'when'", "'when' (line 7) is for calls that are named one by one"),
    BadPolicy(
        "syscalls:\n  rules:\n    - allow: all\n      when: [arg0 == 1]",
        "6:14: 'all' with 'when'", "'when' (line 7) is for calls that are named one by one"),
    BadPolicy(
        "syscalls:\n  rules:\n    - allow: [socket]\n      when: [arg6 == 1, arg0 = 1, arg0 == AF_UNX, arg0 ==, arg0 & 3 == 4]",
        "7:14: unknown argument 'arg6'", "the arguments are arg0 to arg5",
        "7:30: unknown comparison '='", "did you mean '=='?",
        "7:43: unknown constant 'AF_UNX'", "did you mean 'AF_UNIX'?",
        "7:57: the condition ends where a value should follow", "write 'arg0 == 1'",
        "7:72: the value has bits that the mask takes away: this never holds",
        "a condition that cannot hold is a mistake"),
    BadPolicy(
        "syscalls:\n  rules:\n    - allow: [socket]\n      when: [arg0 == 0x100000000, arg0 == 010, arg0 == 0x1ffffffffffffffff]",
        "7:14: 0x100000000 does not fit arg0 of 'socket', which has 32 bits", "the largest is 0xffffffff",
        "7:43: '010' is no number", "write 10, 0xa or -1",
        "7:56: '0x1ffffffffffffffff' does not fit 64 bits", "the largest is 0xffffffffffffffff"),
    BadPolicy(
        "syscalls:\n  rules:\n    - {deny: [read], action: errno:EPREM}\n    - {allow: [read], action: kill}\n    - {deny: [read], action: errno:13}\n    - {deny: [read], action: kil}",
        "6:36: unknown error 'EPREM'", "did you mean 'EPERM'?",
        "7:23: 'action' beside 'allow'", "only a denied call has an action",
        "8:36: unknown error '13'", "did you mean 'EACCES'?",
        "9:30: unknown action 'kil'", "did you mean 'kill'?"),
    BadPolicy(
        "syscalls:\n  architectures: [amd64, i386]", "5:19: unknown architecture 'amd64'",
        "one of x86_64, i386, x32, aarch64, arm, riscv64"),
]

private let tests: [BadPolicy] = [
    BadPolicy(
        "tests:\n  - allow: {file: /a}\n  - allow: {connect: \"tcp:*:80\"}\n  - deny: {access: [read]}\n",
        "5:13: 'file' without 'access'", "name the accesses asked for: access: [read]",
        "6:23: a test asks for one address",
        "write tcp: or udp:, an address and a port, such as tcp:192.0.2.1:443",
        "7:12: a request has exactly one of 'file', 'connect', 'bind', 'listen', 'capability', 'operation' and 'syscall'",
        "add one", "7:12: 'access' without 'file'", "only files are asked for accesses"),
    BadPolicy(
        "tests:\n  - allow: {file: a/b, access: [read]}\n  - allow: {file: /a/../b, access: [read]}\n  - allow: {syscall: raed}\n  - allow: {syscall: read, args: [x, 0, 0]}",
        "5:19: the path is not absolute", "it must begin with '/'",
        "6:19: not a path as the kernel resolves it", "no component is empty, '.' or '..'",
        "7:22: unknown system call 'raed'", "did you mean 'read'?",
        "8:35: unknown constant 'x'", "write a number: 10, 0xa or -1"),
    BadPolicy(
        "tests:\n  - deny: {capability: kill, rule: \"\"}\n", "5:36: '' is not a rule id",
        "name a rule, or leave the key out"),
    BadPolicy(
        "tests:\n  - deny: {file: , access: [read]}\n", "5:12: 'file' has no value",
        "write one, or leave the key out"),
    BadPolicy(
        "tests:\n  - {allow: {capability: kill}, deny: {capability: kill}}\n  - allow: {syscall: read, args: [0,0,0,0,0,0,0]}",
        "5:33: a test has exactly one of 'allow' and 'deny'", "'allow' is there already, in line 5",
        "6:47: more than six arguments", "a system call has at most six"),
]

@Suite struct DiagnosticsTests {
    @Test(arguments: syntax + structure + rules + syscalls + tests)
    func `a hint is no sentence`(_ bad: BadPolicy) {
        for diagnostic in decode(bad.text).diagnostics {
            let sentences = [diagnostic.text, diagnostic.hint ?? ""].filter { $0.hasSuffix(".") }
            #expect(sentences.isEmpty)
        }
    }

    @Test(arguments: syntax + structure + rules + syscalls + tests)
    func `a bad policy is refused with place, text and hint`(_ bad: BadPolicy) {
        let loaded = decode(bad.text)
        var found: [String] = []
        for diagnostic in loaded.diagnostics {
            #expect(diagnostic.location.file == "p.yaml")
            found.append("\(diagnostic.location.line):\(diagnostic.location.column): \(diagnostic.text)")
            found.append(diagnostic.hint ?? "-")
        }
        #expect(found == bad.expected)
        #expect(loaded.policy == nil)
    }

    @Test func `bytes that are not UTF-8 are refused where they stand`() {
        let bytes = Array(head.utf8) + Array("# ä".utf8) + [0xff, 0x0a]
        let loaded = loader().decode(bytes, named: "p.yaml")
        #expect(loaded.diagnostics.map(\.text) == ["this is not UTF-8"])
        #expect(loaded.diagnostics.first?.location == SourceLocation(file: "p.yaml", line: 4, column: 4))
    }

    @Test func `a file of more than 1 MiB is refused`() {
        let text = head + String(repeating: "#", count: 1 << 20)
        #expect(decode(text).diagnostics.map(\.text) == ["the file is larger than 1 MiB"])
    }

    @Test(arguments: ["[", "{a: ", "- ", "? "])
    func `64 levels are the deepest`(_ open: String) {
        let text = String(repeating: open, count: 5_000)
        #expect(decode(text).diagnostics.map(\.text) == ["more than 64 levels"])
    }

    @Test func `100,000 values are the most`() {
        let text = head + "include: [" + String(repeating: "a,", count: 100_001) + "]"
        #expect(decode(text).diagnostics.map(\.text) == ["more than 100,000 values"])
    }

    @Test func `the first hundred diagnostics are shown, in order, and a note says how many there were`() {
        let text = head + (0..<150).map { "key\($0): x\n" }.joined()
        let diagnostics = decode(text).diagnostics
        #expect(diagnostics.count == 101)
        #expect(diagnostics.dropLast().map(\.location.line) == Array(4...103))
        #expect(diagnostics.last?.text == "50 more are not shown")
        #expect(diagnostics.last?.severity == .note)
    }

    @Test func `the length of a scalar is what was written, quotes included`() {
        let loaded = decode(head + "mode: \"\\x78y\" # ä")
        #expect(
            loaded.diagnostics.first?.location
                == SourceLocation(file: "p.yaml", line: 4, column: 7, length: 7))
        #expect(loaded.diagnostics.first?.text == "unknown mode 'xy'")
    }

    @Test func `columns count code points`() {
        let loaded = decode(head + "include: [äöü€, \"../x\"]")
        #expect(loaded.diagnostics.map(\.location.column) == [11, 17])
    }

    @Test func `an allow list beside a default of allow is warned about`() {
        let loaded = decode(head + "capabilities: {default: allow, allow: [kill]}")
        #expect(loaded.policy != nil)
        #expect(loaded.diagnostics.map(\.severity) == [.warning])
    }

    @Test(arguments: [
        "files: {}\nnetwork: {}\ncapabilities: {}\noperations: {}\nsyscalls: {}",
        "files: {rules: []}\nnetwork: {families: [], rules: []}\ncapabilities: {allow: []}\noperations: {allow: []}",
        "%YAML 1.1\n---\n", "# only the head\n...\n# and this\n",
        "capabilities: {allow: all, deny: [kill]}\noperations: {default: allow, deny: all}",
        "syscalls: {rules: [{allow: [anything_new?, read], log: true}, {deny: all, action: kill}]}",
    ])
    func `what the page allows is accepted`(_ body: String) {
        let text = body.hasPrefix("%") ? body + head : head + body
        let loaded = decode(text)
        #expect(loaded.diagnostics.isEmpty, "\(DiagnosticFormatter().text(loaded.diagnostics))")
        #expect(loaded.policy != nil)
    }
}
