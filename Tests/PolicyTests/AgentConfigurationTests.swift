import Policy
import Testing

@Suite struct AgentConfigurationTests {
    private func decoded(_ text: String) -> (AgentConfiguration?, [Diagnostic]) {
        AgentConfiguration.decode(Array(text.utf8), named: "agent.yaml")
    }

    private static let head = "apiVersion: swguard/v1\nkind: Agent\n"

    @Test func `launchers are systemd's, unless some are written`() throws {
        let (standard, none) = decoded(Self.head)
        #expect(standard?.launchers.map(\.value) == AgentConfiguration.standardLaunchers && none.isEmpty)
        let (written, _) = decoded(Self.head + "launchers: [/usr/sbin/runc, /opt/x/crun]\n")
        #expect(written?.launchers.map(\.value) == ["/usr/sbin/runc", "/opt/x/crun"])
        #expect(written?.launchers[1].location.line == 3)
        let (empty, _) = decoded(Self.head + "launchers: []\n")
        #expect(empty?.launchers.isEmpty == true)
    }

    @Test func `nothing is sealed, unless it is written`() {
        for (text, expected) in [("", false), ("sealed: true\n", true), ("sealed: false\n", false)] {
            let configuration = decoded(Self.head + text).0
            #expect(configuration?.isSealed == expected, "\(text)")
            #expect(configuration?.contents == Array((Self.head + text).utf8))
        }
    }

    @Test func `the cache is used, unless it is written that it is not`() throws {
        for (text, expected) in [("", true), ("cache: true\n", true), ("cache: false\n", false)] {
            #expect(decoded(Self.head + text).0?.isCaching == expected, "\(text)")
        }
    }

    @Test(
        arguments: [
            (head + "cache: no", "agent.yaml:3:8: "),
            ("kind: Agent", "agent.yaml:1:1: the agent's configuration needs the key 'apiVersion'"),
            ("apiVersion: swguard/v1\nkind: Policy", "agent.yaml:2:7: unknown kind 'Policy'"),
            (head + "launcher: []", "agent.yaml:3:1: unknown key 'launcher'"),
            (head + "launchers: /usr/sbin/runc", "agent.yaml:3:12: 'launchers' must be a list"),
            (head + "launchers: [runc]", "agent.yaml:3:13: 'runc' is not an absolute path of one file"),
            (head + "launchers: [/usr/*/runc]", "agent.yaml:3:13: '/usr/*/runc' is not an absolute path"),
            (head + "launchers: [/usr/../runc]", "agent.yaml:3:13: '/usr/../runc' is not an absolute path"),
            (head + "launchers: [/a, /a]", "agent.yaml:3:17: '/a' stands twice in this list"),
            (head + "launchers: [", "agent.yaml:"),
        ])
    func `what is wrong is said, and then there is no configuration`(_ text: String, _ expected: String) {
        let (configuration, diagnostics) = decoded(text)
        #expect(configuration == nil)
        let said = diagnostics.map {
            "\($0.location.file):\($0.location.line):\($0.location.column): \($0.text)"
        }
        #expect(said.contains { $0.hasPrefix(expected) }, "\(said)")
    }
}

@Suite struct AuditConfigurationTests {
    private func decoded(_ text: String) -> (AuditConfiguration?, [Diagnostic]) {
        let head = "apiVersion: swguard/v1\nkind: Agent\n"
        let (configuration, diagnostics) = AgentConfiguration.decode(
            Array((head + text).utf8), named: "agent.yaml")
        return (configuration?.audit, diagnostics)
    }

    @Test func `unless something is written, events go to the log's file`() {
        #expect(decoded("").0 == AuditConfiguration())
        #expect(AuditConfiguration().file == "/var/log/swguard/audit.jsonl")
    }

    @Test func `everything can be written`() throws {
        let (audit, diagnostics) = decoded(
            """
            audit:
              file: /srv/log/a.jsonl
              rotate: { size: 128KiB, age: 90m, keep: 30 }
              sync: lines
              buffer: 1MiB
              rate: 500
              stdout: true
              journald: true
              syslog: "udp:[2001:db8::1]:514"
            """)
        #expect(diagnostics.isEmpty)
        let found = try #require(audit)
        #expect(
            found.file == "/srv/log/a.jsonl" && found.rotationSize == 131_072 && found.rotationAge == 5400)
        #expect(found.keep == 30 && found.sync == .lines && found.buffer == 1 << 20)
        #expect(found.rate == 500)
        #expect(found.standardOutput && found.journal)
        #expect(found.syslog == .udp(address: "2001:db8::1", port: 514))
        #expect(decoded("audit: {file: none}").0?.file == nil)
        #expect(decoded("audit: {syslog: 'unix:/dev/log'}").0?.syslog == .unix("/dev/log"))
    }

    @Test(arguments: [
        "file: audit.jsonl", "file: /srv/../x", "rotate: {size: 1}", "rotate: {size: 64MB}",
        "rotate: {age: 1w}",
        "rotate: {size: 99999999999999999999GiB}", "rotate: {age: 9999999999999999999d}", "rotate: {keep: 0}",
        "rotate: {keep: -1}", "sync: always", "buffer: 1KiB", "stdout: 1", "syslog: /dev/log",
        "syslog: 'unix:x'",
        "syslog: 'udp:localhost:514'", "syslog: 'udp:1.2.3.4'", "syslog: 'udp:1.2.3.4:0'", "syslog: 'udp:'",
        "syslog: 'udp:1.2.3.4:99999'", "files: x", "rate: 0", "rate: 10/s",
    ])
    func `what is wrong is said`(_ text: String) {
        let (audit, diagnostics) = decoded("audit: {\(text)}")
        #expect(audit == nil && diagnostics.contains { $0.location.line == 3 }, "\(diagnostics)")
    }
}
