import Policy
import Testing

/// The example of the language page, with the two includes that it names.
let examplePolicy = """
    apiVersion: swguard/v1
    kind: Policy
    metadata:
      name: web-server                 # [a-z0-9-], 1 to 63 characters
      description: Static web server
    include: [base/runtime, base/tls]
    mode: enforce                      # enforce (default) | complain

    subjects:                          # whom the host agent confines; any of them. `swguard run` ignores it
      - exec: /usr/sbin/nginx
      - unit: nginx.service
      - cgroup: /web.slice/**
      - user: www-data

    files:
      rules:
        - allow: [read]
          paths: [/etc/nginx/**, /usr/share/nginx/**]
        - allow: [read, write, create, remove]
          paths: ["/var/log/nginx/*.log", /run/nginx.pid]
        - id: no-hashes
          deny: [read, write]
          paths: [/etc/shadow]
          reason: password hashes never leave the host

    network:
      rules:
        - allow: [bind, listen]
          endpoints: ["tcp:*:80", "tcp:*:443"]
        - allow: [connect]
          endpoints: ["tcp:10.0.0.0/8:5432", "udp:127.0.0.53:53", "unix:/run/app/*.sock"]

    capabilities:
      allow: [net_bind_service, setuid, setgid]

    operations:
      allow: [signal, setuid]

    syscalls:
      rules:
        - allow: ["@system-service"]
        - deny: ["@mount", ptrace]

    tests:
      - allow: { file: /etc/nginx/nginx.conf, access: [read] }
      - deny:  { file: /etc/shadow, access: [read], rule: no-hashes }
      - deny:  { connect: "tcp:1.2.3.4:25" }
    """

let exampleFiles = MemoryFiles(files: [
    "policies/web.yaml": examplePolicy,
    "policies/base/runtime.yaml": """
    apiVersion: swguard/v1
    kind: Policy
    metadata: {name: runtime}
    files:
      rules:
        - {allow: [read, map], paths: ["/usr/lib/**"]}
        - {id: locales, allow: [read], paths: [/usr/share/locale/**]}
    """,
    "policies/base/tls.yaml": """
    apiVersion: swguard/v1
    kind: Policy
    metadata: {name: tls}
    files:
      rules:
        - {allow: [read], paths: [/etc/ssl/certs/**]}
    """,
])

@Suite struct ExamplePolicyTests {
    @Test func `the example of the language page is a policy`() throws {
        let loaded = loader(exampleFiles).load("policies/web.yaml")
        #expect(loaded.diagnostics.isEmpty, "\(DiagnosticFormatter().text(loaded.diagnostics))")
        let policy = try #require(loaded.policy)
        #expect(policy.name == "web-server")
        #expect(policy.description == "Static web server")
        #expect(policy.subjects.count == 4)
        #expect(
            policy.files?.rules.map(\.header.id) == [
                "base/runtime:files.rules[0]", "base/runtime:locales", "base/tls:files.rules[0]",
                "files.rules[0]", "files.rules[1]", "no-hashes",
            ])
        #expect(policy.files?.rules.last?.header.location.fileAndLine == "policies/web.yaml:21")
        #expect(policy.files?.rules.last?.header.reason == "password hashes never leave the host")
        #expect(policy.network?.families.map(\.value) == SocketFamily.defaults)
        #expect(policy.capabilities?.entries.map(\.item) == [.net_bind_service, .setuid, .setgid])
        #expect(policy.syscalls?.rules.last?.selectors.map(\.value) == [.group("mount"), .name("ptrace")])
        #expect(policy.tests.count == 3)
        #expect(loaded.inputs.map(\.path).first == "policies/web.yaml")
        #expect(loaded.inputs.count == 3)
    }
}
