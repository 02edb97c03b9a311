import Foundation
import Testing

extension AgentTests.ProgramTests {
    private static let site = """
        server {
            listen 80;
            root /var/www/html;
            location /etc/ { alias /etc/; }
            location /behind/ { proxy_pass http://127.0.0.1:\(ProgramStage.port)/; }
        }

        """
    /// The status that nginx answers with.
    private func get(_ path: String) throws -> String {
        try Program.run(
            [
                "/usr/bin/curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20",
                "http://127.0.0.1\(path)",
            ]
        ).output
    }

    /// Waits until nginx has a worker that is not among `old`.
    private func workers(of manager: ServiceManager, not old: [String] = []) throws -> [String] {
        for _ in 0..<200 {
            let processes = try manager.processes(of: "nginx.service")
            if processes.count == 2, processes.contains(where: { !old.contains($0) }) { return processes }
            usleep(50_000)
        }
        throw ProgramStage.Failure(reason: "nginx has no new worker:")
    }

    @Test func `nginx as a unit serves its files and nothing else`() throws {
        let stage = try #require(ProgramStage.current)
        let site = "/etc/nginx/sites-enabled/default"
        unlink(site)
        try Self.site.write(toFile: site, atomically: false, encoding: .utf8)
        try "page".write(toFile: "/var/www/html/index.html", atomically: false, encoding: .utf8)
        symlink("/etc/shadow", "/var/www/html/link.html")
        // Not what keeps it from serving them.
        chmod("/etc/shadow", 0o644)
        defer { chmod("/etc/shadow", 0o640) }
        let manager = stage.services
        try stage.forgetDenials()
        let started = try manager.control("start", "nginx")
        #expect(started.status == 0, "\(started)")
        let first = try workers(of: manager)
        #expect(try get("/") == "200")
        #expect(try get("/missing") == "404")
        // What is not nginx's: by a link, by a part of the host that is configured, and a server behind.
        for (path, status, action, object) in [
            ("/link.html", "403", "file.read", "/etc/shadow"),
            ("/etc/fstab", "403", "file.read", "/etc/fstab"),
            ("/behind/", "502", "socket.connect", nil),
        ] {
            try stage.forgetDenials()
            #expect(try get(path) == status, "\(path)")
            let denials = try stage.denials()
            #expect(denials.count == 1, "\(denials)")
            #expect(denials.first?["action"] == action && denials.first?["object", "path"] == object)
            #expect(denials.first?["rule", "id"] == (object == nil ? "network.default" : "files.default"))
            #expect(denials.first?["policy", "name"] == "nginx")
            #expect(denials.first?["process", "cgroup"] == "/system.slice/nginx.service")
        }
        // New workers are under it, too.
        let reloaded = try manager.control("reload", "nginx")
        #expect(reloaded.status == 0, "\(reloaded)")
        let second = try workers(of: manager, not: first)
        #expect(try get("/") == "200" && get("/link.html") == "403")
        // A process leaves its cgroup, not its policy.
        for process in second {
            try process.write(toFile: "/sys/fs/cgroup/cgroup.procs", atomically: false, encoding: .utf8)
        }
        #expect(try get("/") == "200" && get("/link.html") == "403")
        for process in second {
            try process.write(
                toFile: "/sys/fs/cgroup/system.slice/nginx.service/cgroup.procs", atomically: false,
                encoding: .utf8)
        }
        // A log elsewhere is not taken, and the server stays.
        try "error_log \(ProgramStage.root)/outside/log;\n\(Self.site)".write(
            toFile: site, atomically: false, encoding: .utf8)
        try stage.forgetDenials()
        _ = try manager.control("reload", "nginx")
        let denials = try stage.denials { $0["object", "path"] == ProgramStage.root + "/outside/log" }
        #expect(denials.contains { $0["object", "path"] == ProgramStage.root + "/outside/log" }, "\(denials)")
        #expect(try get("/") == "200")
        let stopped = try manager.control("stop", "nginx")
        #expect(stopped.status == 0, "\(stopped)")
        #expect(try manager.control("is-failed", "nginx").status != 0)
        let log = try String(contentsOfFile: "/var/log/nginx/access.log", encoding: .utf8)
        #expect(log.contains("\"GET / HTTP/1.1\" 200") && log.contains("\"GET /link.html HTTP/1.1\" 403"))
    }

    @Test func `a unit comes under its policy when all that systemd gives it is there`() throws {
        let stage = try #require(ProgramStage.current)
        let manager = stage.services
        try stage.forgetDenials()
        let ended = try manager.control("start", "worker")
        #expect(ended.status == 0, "\(ended)")
        let results = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: UnitProgram.result)))
                as? [String: Any])
        #expect(results["user"] as? Int == 33 && results["capabilities"] as? Int == 0)
        #expect(results["filter"] as? Int == 2)
        #expect(
            results["mounts"] as? String
                != (try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/mnt")))
        let last = UnitProgram.attempts.last { $0.action != nil }?.action
        Attempt.expect(
            UnitProgram.attempts, in: results, denials: try stage.denials { $0["action"] == last },
            policy: "unit", cgroup: "/system.slice/worker.service")
    }

    @Test(arguments: [(false, false), (true, false), (false, true)])
    func `a container comes under its policy when its launcher is done`(
        _ isAgain: Bool, _ isPosing: Bool
    ) throws {
        let stage = try #require(ProgramStage.current)
        try expect(stage.unconfinedContainer, [], isConfined: false)
        try stage.forgetDenials()
        let ended = try Container.run(isAgain: isAgain, isPosing: isPosing)
        let last = Container.attempts.last { $0.action != nil }?.action
        try expect(ended, try stage.denials { $0["action"] == last }, isConfined: true)
    }

    private func expect(_ ended: Ran, _ denials: [Event], isConfined: Bool) throws {
        #expect(ended.status == 0, "\(ended)")
        let results = try #require(
            try JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any], "\(ended)")
        Attempt.expect(
            Container.attempts, in: results, isConfined: isConfined, denials: denials, policy: "container",
            cgroup: Container.cgroup)
    }
}
