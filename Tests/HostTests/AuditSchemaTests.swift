import AuditLog
import Compiler
import Foundation
import Policy
import Testing

@testable import Confinement

/// What really comes out, event by event, against the published schema.
@Suite struct AuditSchemaTests {
    /// What python3-jsonschema says of the first line that the schema of events does not accept; nil: it accepts all.
    private func complaint(about lines: String) throws -> String? {
        let schema = Swguard.repository.appending(path: "audit/schema/event.json").path
        let check = """
            import json, sys, jsonschema
            validator = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
            for line in sys.stdin.read().splitlines():
                if not validator.is_valid(json.loads(line)):
                    errors = validator.iter_errors(json.loads(line))
                    sys.exit(f"{jsonschema.exceptions.best_match(errors).message}: {line}")
            """
        let outcome = try Swguard.command(["/usr/bin/python3", "-c", check, schema], input: lines)
        return outcome.status == 0 ? nil : outcome.errors
    }

    private static let addresses: [SocketAddress] = [
        .inet(.tcp, .v4(0x0102_0304), 25), .inet(.udp, .v6(1, 2), 53), .unixPath(Array("/run/x".utf8)),
        .unixAbstract(Array("x".utf8)),
    ]

    /// Everything that a policy speaks of.
    private static let requests: [Request] =
        [.file(path: Array("/etc/x".utf8), .all), .syscall(name: "mkdir", arguments: [1, 2, 3, 4, 5, 6])]
        + addresses.flatMap { address in NetworkAccess.allCases.map { .network($0, address) } }
        + [1, 2, 16, 4711].map { .socket(family: $0, protocolNumber: 9) }
        + Capability.allCases.map { .capability($0) } + Operation.allCases.map { .operation($0) }

    @Test(.enabled("the schemas are in the checkout") { Self.hasSchema })
    func `whatever a policy denies or logs, the event is valid`() throws {
        let scratch = try Scratch()
        let file = try scratch.policy(
            """
            files: {}
            network: { families: [] }
            capabilities: {}
            operations: { deny: all }
            syscalls: { rules: [{ deny: [mkdir] }] }
            """)
        let loader = PolicyLoader(
            vocabulary: SyscallTable.vocabulary, variables: HostEnvironment.read().variables,
            files: HostPolicyFiles())
        let policy = try #require(loader.load(file).policy)
        let evaluator = Evaluator(policy, vocabulary: SyscallTable.vocabulary)
        var encoder = AuditEncoder(boot: [], host: [])
        var lines: [UInt8] = []
        for request in Self.requests {
            let decision = evaluator.decide(request)
            #expect(decision.verdict == .deny, "\(request)")
            let report = DenialReport(
                judgement: Judgement(
                    policy: PolicyReference(name: "test"), request: request, decision: decision,
                    layer: .observed), code: 13)
            let record = report.record(process: ProcessIdentity(pid: 1), count: 1, span: nil)
            lines += encoder.line(.denial(record), at: .now())
        }
        let complaint = try complaint(about: String(decoding: lines, as: UTF8.self))
        #expect(complaint == nil)
    }

    private static var hasSchema: Bool {
        FileManager.default.isReadableFile(
            atPath: Swguard.repository.appending(path: "audit/schema/event.json").path)
    }

    /// What is denied, by which sections, and the action that says so.
    private static let denials: [(sections: String, program: String, action: String)] = [
        ("files: { rules: [SYSTEM] }", "import os; os.mkdir('/etc/nowhere')", "file.create"),
        ("files: { rules: [SYSTEM] }", "open('/etc/hostname', 'a')", "file.write"),
        ("network: { families: [unix] }", "import socket; socket.socket()", "socket.create"),
        (
            "network: { rules: [{ allow: [bind], endpoints: ['tcp:*:9'] }] }",
            "import socket; socket.socket().connect(('127.0.0.1', 10))", "socket.connect"
        ),
        (
            "network: { rules: [{ allow: [connect], endpoints: ['tcp:*:9'] }] }",
            "import socket; socket.socket().bind(('127.0.0.1', 45673))", "socket.bind"
        ),
        (
            "syscalls: { default: allow, rules: [{ deny: [sethostname] }] }",
            "import socket; socket.sethostname('x')", "syscall.sethostname"
        ),
        ("operations: {}", "import os; os.chroot('/')", "operation.chroot"),
    ]

    @Test(.enabled("the schemas are in the checkout") { Self.hasSchema }, arguments: denials)
    func `each line of the audit stream of a run is valid`(
        _ row: (sections: String, program: String, action: String)
    ) throws {
        let scratch = try Scratch()
        let system = "{ allow: [read, execute, map], paths: [/usr/**, /bin/**, /lib/**, /lib64/**, /etc/**] }"
        let policy = try scratch.policy(row.sections.replacingOccurrences(of: "SYSTEM", with: system))
        let audit = scratch.path + "/audit.jsonl"
        let outcome = try Swguard.run(
            [
                "run", "--policy", policy, "--explain", "--allow-partial", "--audit", audit, "--",
                "/usr/bin/python3", "-c", row.program,
            ], in: scratch.path)
        #expect(outcome.status == 1, "\(outcome)")
        let lines = try String(contentsOfFile: audit, encoding: .utf8)
        #expect(lines.contains("\"action\":\"\(row.action)\""), "\(lines)")
        let complaint = try complaint(about: lines)
        #expect(complaint == nil)
    }
}
