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
