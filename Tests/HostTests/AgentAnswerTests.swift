import Foundation
import Testing

/// What commands make of an agent's answers, without an agent.
@Suite struct AgentAnswerTests {
    /// Answers calls at a socket, each as the interface's file says.
    private static let agent = """
        import json, os, socket, sys
        counts = dict.fromkeys(["decided", "submitted", "quiet", "written", "aggregated", "waiting", "unreported"], 0)
        counts.update(decided=9, submitted=7, quiet=1, written=3, aggregated=2, waiting=1,
                      dropped=dict(ring=1, rate=1, disk=0, restart=0))
        section = dict(name="files", extent="partial", gaps=["what a rule does not see"])
        policy = dict(name="web", file="/etc/web.yaml", mode="enforce", digest="sha256:" + "0f" * 32, extent="partial",
                      sections=[section], counts=counts)
        process = dict(pid=7, start=12345678, threads=2, comm="nginx", exe="/usr/sbin/nginx", uid=33, user="www-data",
                       cgroup="/docker/" + "0a" * 32, container="0a" * 32, policies=["web"])
        time = "2026-11-22T10:15:30.123456789Z"
        facts = [dict(name="bpf-lsm", text="the programs run"), dict(name="missing-hook", text="no hook lsm/x")]
        change = dict(generation=4, refused=1, changes=[
            dict(policy=kind, change=kind) for kind in ["loaded", "replaced", "removed", "rolled_back"]])
        wrong = dict(file="/etc/bad.yaml", line=3, column=5, length=4, severity="error", text="unknown access 'raed'",
                     hint="did you mean 'read'?", source="  - allow: [raed]")
        answers = {
            "Status": dict(version="1.2", pid=5, since=time, generation=3, changed=time, extent="partial", policies=1,
                           refused=0, unwritten=4, counts=counts, kernel="6.12.0", facts=facts),
            "Policies": dict(generation=3, policies=[policy]),
            "Ps": dict(generation=3, processes=[process, dict(process, exe=None, user=None, cgroup=None, container=None)]),
            "Load": change, "Unload": change, "Reload": change, "Rollback": change,
        }
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[1] + ".new")
        listener.listen(8)
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        while True:
            connection = listener.accept()[0]
            data = b""
            while piece := connection.recv(65536):
                data += piece
                while b"\\0" in data:
                    call, data = data.split(b"\\0", 1)
                    call = json.loads(call)
                    name = call["method"].rsplit(".", 1)[1]
                    reply = dict(parameters=answers[name])
                    if "bad" in json.dumps(call.get("parameters", {})):
                        reply = dict(error="io.swguard.Control.Rejected", parameters=dict(diagnostics=[wrong], reasons=["x"]))
                    connection.sendall(json.dumps(reply).encode() + b"\\0")
        """

    private func withAgent(_ body: (_ scratch: Scratch, _ socket: String) throws -> Void) throws {
        let scratch = try Scratch()
        let socket = scratch.path + "/control"
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", Self.agent, socket]
        try process.run()
        defer {
            // Its signals are blocked, as those of the thread that started it.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        for _ in 0..<3000 where access(socket, F_OK) != 0 { usleep(10_000) }
        try body(scratch, socket)
    }

    private static let commands: [(arguments: [String], status: Int32)] = [
        (["status"], 0), (["policies"], 0), (["ps"], 0), (["doctor"], 0), (["load", "good.yaml"], 0),
        (["load", "bad.yaml"], 2), (["unload", "web"], 0), (["unload", "bad"], 2), (["reload"], 0),
        (["rollback"], 0),
    ]

    @Test(
        .enabled("the schemas are in the checkout") {
            FileManager.default.isReadableFile(
                atPath: Swguard.repository.appending(path: "audit/schema/cli/load.json").path)
        }) func `what an agent answers is printed as the schemas say`() throws
    {
        let check = """
            import json, sys, jsonschema
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            jsonschema.Draft202012Validator(schema).validate(json.load(sys.stdin))
            """
        try withAgent { scratch, socket in
            for name in ["good", "bad"] { _ = try scratch.policy("files: {}", name: "\(name).yaml") }
            for (arguments, status) in Self.commands {
                let outcome = try Swguard.run(
                    arguments + ["--format", "json"], in: scratch.path,
                    environment: ["SWGUARD_SOCKET": socket])
                #expect(outcome.status == status, "\(arguments): \(outcome)")
                #expect(outcome.output.contains(#""result":null"#) == (status != 0), "\(outcome)")
                let schema = Swguard.repository.appending(path: "audit/schema/cli/\(arguments[0]).json").path
                let validation = try Swguard.command(
                    ["/usr/bin/python3", "-c", check, schema], input: outcome.output)
                #expect(validation.status == 0, "\(outcome.output)\n\(validation.errors)")
            }
        }
    }

    @Test func `what an agent answers is told in words`() throws {
        try withAgent { scratch, socket in
            func text(_ command: String) throws -> String {
                try Swguard.run([command], in: scratch.path, environment: ["SWGUARD_SOCKET": socket]).output
            }
            #expect(
                try text("status").contains(
                    "  events: 9 decided, 3 written, 2 aggregated, 1 waiting, 1 only counted, "
                        + "1 dropped: the kernel's buffer was full, 1 dropped: more than the rate\n"))
            #expect(try text("ps").contains("  0a0a0a0a0a0a  /docker/0a"))
            let doctor = try text("doctor")
            #expect(doctor.contains("partial  agent: version 1.2, process 5, enforcing 1 policy not fully\n"))
            #expect(doctor.contains("ok       bpf-lsm: the programs run\n"))
            #expect(doctor.contains("partial  missing-hook: no hook lsm/x\n"))
            #expect(doctor.contains("partial  audit log: 4 events could not be written"))
            let alone = try Swguard.run(
                ["doctor"], in: scratch.path, environment: ["SWGUARD_SOCKET": scratch.path + "/none"])
            #expect(alone.status == 0 && alone.output.contains("partial  agent: no agent answers at"))
        }
    }
}
