import Foundation
import Glibc
import Testing

/// Listening, which Landlock does not see: refused as a whole where no rule grants any.
@Suite(.serialized) struct ListenTests {
    /// Connecting and binding are granted; listening nowhere, and on TCP by a rule that says so.
    private static let policy = """
        network:
          rules:
            - { allow: [connect, bind], endpoints: ["tcp:*:*", "unix:/**", "unix:@**"] }
            - { id: no-server, deny: [listen], endpoints: ["tcp:*:*"] }
        """

    /// What tries to listen, what its event says of the socket, and the rule that denies it.
    static let attempts: [(attack: [String], object: [String: String], rule: String)] = [
        (
            ["endpoint-listen", "tcp", "127.0.0.1", "0"], ["family": "inet", "address": "127.0.0.1"],
            "no-server"
        ),
        // A socket that was never bound gets a port of the kernel's choice.
        (
            ["endpoint-listen-unbound", "tcp", "127.0.0.1", "0"], ["family": "inet", "address": "0.0.0.0"],
            "no-server"
        ),
        (["endpoint-listen-unbound", "tcp", "::1", "0"], ["family": "inet6", "address": "::"], "no-server"),
        (
            ["endpoint-listen-unbound", "multipath", "127.0.0.1", "0"],
            ["family": "inet", "protocol": "tcp"],
            "no-server"
        ),
        (
            ["endpoint-listen", "stream", "SCRATCH/s"], ["family": "unix", "path": "SCRATCH/s"],
            "network.default"
        ),
        (
            ["endpoint-listen", "packet", "SCRATCH/s"], ["family": "unix", "path": "SCRATCH/s"],
            "network.default"
        ),
        (["endpoint-listen", "stream", "@swguard-test"], ["family": "unix"], "network.default"),
    ]

    @Test(arguments: attempts)
    func `who is granted no listening does not listen`(
        _ row: (attack: [String], object: [String: String], rule: String)
    ) throws {
        let scratch = try Scratch()
        let place = { (text: String) in text.replacing("SCRATCH", with: scratch.path) }
        let attack = [Swguard.attacks] + row.attack.map(place)
        let free = try Swguard.command(attack)
        #expect(free.status == 0, "unconfined it must work: \(free)")
        let policy = try scratch.policy(Self.policy)
        let audit = scratch.path + "/audit.jsonl"
        for options in [[], ["--explain"], ["--exec-only"]] {
            unlink(audit)
            let output = options == ["--exec-only"] ? [] : ["--audit", audit]
            let outcome = try Swguard.run(["run", "--policy", policy] + options + output + ["--"] + attack)
            #expect(outcome.status == EACCES, "\(options): \(outcome)")
            if output.isEmpty { continue }
            let denial = try #require(Self.denials(in: audit).first)
            #expect(denial["layer"] as? String == "seccomp" && denial["errno"] as? String == "EACCES")
            #expect(denial["action"] as? String == "socket.listen")
            #expect((denial["rule"] as? [String: String])?["id"] == row.rule)
            let object = try #require(denial["object"] as? [String: Any])
            for (key, value) in row.object { #expect(object[key] as? String == place(value), "\(object)") }
        }
    }

    private static func denials(in file: String) throws -> [[String: Any]] {
        try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["kind"] as? String == "denial" }
    }

    @Test func `what a line says would allow it allows it`() throws {
        let scratch = try Scratch()
        let attack = ["--", Swguard.attacks, "endpoint-listen-unbound", "tcp", "127.0.0.1", "0"]
        let connects = "{ allow: [connect], endpoints: [\"tcp:*:*\"] }"
        let closed = try scratch.policy("network: { rules: [\(connects)] }")
        let refused = try Swguard.run(["run", "--policy", closed] + attack)
        #expect(refused.status == EACCES)
        let advice = "allow: [listen], endpoints: [\"tcp:0.0.0.0:0\"], coarse: true"
        #expect(refused.errors.contains("to allow: \(advice)"), "\(refused)")
        let open = try scratch.policy("network: { rules: [\(connects), { \(advice) }] }")
        #expect(try Swguard.run(["run", "--policy", open] + attack).status == 0)
    }

    /// What a filter cannot tell apart is refused before anything starts, not granted.
    @Test(arguments: ["listen", "all"]) func `a deny of some listening is refused where other is granted`(
        _ accesses: String
    ) throws {
        let scratch = try Scratch()
        let denied = accesses == "all" ? "all" : "[\(accesses)]"
        let policy = try scratch.policy(
            "network: { rules: [{ allow: all, endpoints: [\"tcp:*:8000-8080\"] }, "
                + "{ id: x, deny: \(denied), endpoints: [\"tcp:*:8042\"] }] }")
        let outcome = try Swguard.run(["run", "--policy", policy, "--", Swguard.attacks, "udp"])
        #expect(outcome.status == 125, "\(outcome)")
        #expect(outcome.errors.contains("x (\(policy):"), "\(outcome)")
        #expect(outcome.errors.contains("Landlock does not see listen"), "\(outcome)")
    }
}
