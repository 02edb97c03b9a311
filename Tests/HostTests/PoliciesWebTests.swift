import Foundation
import Testing

/// `policies/nginx.yaml` and `policies/curl.yaml`: a server that serves, a client that downloads.
///
/// The ports are the policies' own, 8080; the addresses are the test's.
@Suite(.landlock) struct PoliciesWebTests {
    private let place: Workplace

    init() throws {
        place = try Workplace()
        try place.write("content/index.html", "a page\n")
    }

    // MARK: nginx

    /// nginx under its policy as shipped, and one directory more for the configuration and what it serves.
    private func nginx(
        _ address: String, port: UInt16 = 8080, extra: String = "", root: String? = nil,
        options: [String]? = nil
    ) throws -> [String] {
        let root = root ?? place.project
        let options = options ?? ["--write", root]
        let configuration =
            """
            \(getuid() == 0 ? "user www-data;" : "")
            daemon off;
            worker_processes 2;
            pid \(root)/nginx.pid;
            error_log \(root)/error.log;
            events { worker_connections 64; }
            http {
                access_log \(root)/access.log;
                client_body_temp_path \(root)/body; proxy_temp_path \(root)/proxy;
                fastcgi_temp_path \(root)/fastcgi; uwsgi_temp_path \(root)/uwsgi; scgi_temp_path \(root)/scgi;
                disable_symlinks off;
                server {
                    listen \(address):\(port);
                    location / { root \(root)/content; }
                    \(extra)
                }
            }

            """
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: "\(root)/nginx.conf"))
        return [
            "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin", Swguard.path, "run", "--policy",
            "\(Swguard.policies)/nginx.yaml", "--audit", "\(place.temporary)/nginx.jsonl", "--explain",
        ] + options + ["--", "nginx", "-e", "\(root)/error.log", "-c", "\(root)/nginx.conf"]
    }

    private func get(_ url: String) throws -> String {
        try place.unconfined(["/usr/bin/curl", "-s", "--max-time", "20", "--noproxy", "*", url]).output
    }

    @Test func `nginx serves files, and not what it may not read`() throws {
        let address = LoopbackServer.newAddress()
        let key = "\(place.home)/.ssh/id_ed25519"
        chmod("\(place.home)/.ssh", 0o755)
        try FileManager.default.createSymbolicLink(
            atPath: "\(place.project)/content/key.html", withDestinationPath: key)
        let command = try nginx(
            address,
            extra: """
                location /etc/ { alias /etc/; }
                location /out/ { proxy_pass http://127.0.0.1:8081/; }
                """)
        let server = try LoopbackServer(command, address: address, port: 8080, in: place.project)
        #expect(try get("http://\(address):8080/") == "a page\n")
        #expect(try get("http://\(address):8080/missing").contains("404 Not Found"))
        // A link out of the content, a part of the host, a server behind.
        #expect(try get("http://\(address):8080/key.html").contains("403 Forbidden"))
        #expect(try get("http://\(address):8080/etc/fstab").contains("403 Forbidden"))
        #expect(try get("http://\(address):8080/out/").contains("502 Bad Gateway"))
        server.stop()
        let denials = Confined(
            outcome: .init(status: 0, output: "", errors: ""),
            denials: try Denial.all(in: "\(place.temporary)/nginx.jsonl"))
        denials.expectDenied("file.read", key, by: "files.default")
        denials.expectDenied("file.read", "/etc/fstab", by: "files.default")
        denials.expectDenied("socket.connect", "tcp:127.0.0.1:8081", by: "network.default")
        #expect(
            try String(contentsOfFile: "\(place.project)/access.log", encoding: .utf8).contains(
                "GET /etc/fstab"))
        #expect(!LoopbackServer.listens(address, 8080), "stopped with its workers")
    }

    @Test func `nginx takes no other port, writes nothing else and starts nothing`() throws {
        let address = LoopbackServer.newAddress()
        let other = try Workplace.finish(try nginx(address, port: 8022), in: place.project, limit: 60)
        #expect(other.status == 1, "\(other)")
        let denials = Confined(outcome: other, denials: try Denial.all(in: "\(place.temporary)/nginx.jsonl"))
        denials.expectDenied("socket.bind", "tcp:\(address):8022", by: "network.default")
        let log = try place.run(
            "nginx", options: ["--write", place.project],
            ["nginx", "-e", "\(place.outside)/error.log", "-c", "\(place.project)/nginx.conf", "-t"])
        log.expectDenied("file.write", "\(place.outside)/error.log", by: "files.default")
        let shell = try place.run("nginx", ["/usr/bin/sh", "-c", "id"])
        #expect(shell.status == 126)
        shell.expectDenied("file.execute", "/usr/bin/dash", by: "files.default")
        try place.expectUntouched()
    }

    /// Root may write where nginx has its state; then the policy needs nothing beside.
    @Test(
        .enabled("needs root, and nginx as Debian has it") {
            getuid() == 0 && access("/var/lib/nginx", W_OK) == 0
        })
    func `nginx serves with the policy alone`() throws {
        let root = "/var/lib/nginx/swguard-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.copyItem(atPath: "\(place.project)/content", toPath: "\(root)/content")
        let address = LoopbackServer.newAddress()
        let server = try LoopbackServer(
            try nginx(address, root: root, options: []), address: address, port: 8080, in: root)
        #expect(try get("http://\(address):8080/") == "a page\n")
        server.stop()
    }

    // MARK: curl

    @Test func `curl downloads, by port, into the directory`() throws {
        let address = LoopbackServer.newAddress()
        let server = try LoopbackServer(
            ["python3", "-m", "http.server", "8080", "--bind", address], address: address, port: 8080,
            in: "\(place.project)/content")
        let url = "http://\(server.address):8080/index.html"
        let shown = try place.run("curl", ["curl", "-sS", "--noproxy", "*", url])
        #expect(shown.output == "a page\n", "\(shown)")
        let kept = try place.run("curl", ["curl", "-sS", "--noproxy", "*", "-o", "page.html", url])
        #expect(kept.status == 0, "\(kept)")
        #expect(place.read("page.html") == "a page\n")
        let named = try place.run(
            "curl",
            [
                "curl", "-sS", "--noproxy", "*", "--resolve", "example.org:8080:\(address)",
                "http://example.org:8080/index.html",
            ])
        #expect(named.output == "a page\n", "\(named)")
    }

    @Test func `curl connects by no other port and no other way`() throws {
        let other = try place.run("curl", ["curl", "-sS", "--noproxy", "*", "http://127.0.0.1:8081/"])
        #expect(other.status == 7, "\(other)")
        other.expectDenied("socket.connect", "tcp:127.0.0.1:8081", by: "network.default")
        let mail = try place.run("curl", ["curl", "-sS", "--noproxy", "*", "telnet://127.0.0.1:25"])
        #expect(mail.status == 7)
        mail.expectDenied("socket.connect", "tcp:127.0.0.1:25", by: "network.default")
        let unix = try place.run(
            "curl", ["curl", "-sS", "--unix-socket", "/run/docker.sock", "http://localhost/info"])
        #expect(unix.status == 7, "\(unix)")
        unix.expectDenied("socket.create", "unix", by: "network.default")
        #expect(unix.errors.contains(#"to allow: allow: [connect], endpoints: ["unix:/**"]"#), "\(unix)")
        let shell = try place.run("curl", ["sh", "-c", "curl http://localhost:8080"])
        #expect(shell.status == 126)
        shell.expectDenied("file.execute", "/usr/bin/dash", by: "files.default")
    }

    @Test func `curl uploads no secret and overwrites nothing outside`() throws {
        let key = "\(place.home)/.ssh/id_ed25519"
        let upload = try place.run("curl", ["curl", "-sS", "-T", key, "http://127.0.0.1:8080/"])
        #expect(upload.status == 26, "\(upload)")
        upload.expectDenied("file.read", key, by: "base/secrets:keys")
        let read = try place.run("curl", ["curl", "-sS", "file:///etc/shadow"])
        #expect(read.status == 37)
        read.expectDenied("file.read", "/etc/shadow", by: "files.default")
        let tokens = try place.run("curl", ["curl", "-sS", "-n", "http://127.0.0.1:8080/"])
        tokens.expectDenied("file.read", "\(place.home)/.netrc", by: "base/secrets:tokens")
        let page = "file://\(place.project)/content/index.html"
        let write = try place.run("curl", ["curl", "-sS", "-o", "\(place.outside)/file", page])
        #expect(write.status == 23, "\(write)")
        write.expectDenied("file.write", "\(place.outside)/file", by: "files.default")
        try FileManager.default.createSymbolicLink(
            atPath: "\(place.project)/way", withDestinationPath: "\(place.outside)/file")
        let linked = try place.run("curl", ["curl", "-sS", "-o", "way", page])
        #expect(linked.status == 23, "\(linked)")
        try place.expectUntouched()
    }
}
