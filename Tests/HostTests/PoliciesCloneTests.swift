import Foundation
import Testing

/// `policies/git-clone.yaml` with git over `file://` and `git://`, and with repositories that mean no good.
@Suite(.landlock) struct PoliciesCloneTests {
    private let place: Workplace
    private let key: String

    /// A repository in the directory `origin.git`, and another outside of the project.
    init() throws {
        place = try Workplace()
        key = "\(place.home)/.ssh/id_ed25519"
        let script = """
            set -e
            git init -q -b main work; cd work
            echo text > README.md; printf '#!/bin/sh\\necho ran > ran\\n' > run-me; chmod +x run-me
            ln -s ../../.ssh/id_ed25519 key; ln -s \(place.outside) way
            echo '*.txt filter=spy' > .gitattributes; echo text > note.txt
            git add .; git -c filter.spy.smudge=cat commit -qm first; cd ..
            git clone -q --bare work origin.git; git clone -q --bare work \(place.temporary)/../srv/origin.git
            rm -rf work
            """
        let made = try place.unconfined(["/bin/sh", "-c", script])
        try #require(made.status == 0, "\(made)")
    }

    private var served: String { (place.temporary as NSString).deletingLastPathComponent + "/srv" }

    private func git(_ arguments: String..., options: [String] = []) throws -> Confined {
        try place.run("git-clone", options: options, ["git"] + arguments)
    }

    @Test func `a repository is cloned, fetched from and pushed to as file`() throws {
        let clone = try git("clone", "-q", "file://\(place.project)/origin.git", "copy")
        #expect(clone.status == 0, "\(clone)")
        #expect(place.read("copy/README.md") == "text\n")
        let script =
            "cd copy && echo more > new && git add new && git commit -qm second && git push -q && git fetch -q"
        let push = try place.run("git-clone", ["sh", "-c", script])
        #expect(push.status == 0, "\(push)")
        let log = try place.unconfined(["/usr/bin/git", "-C", "origin.git", "log", "--format=%s"])
        #expect(log.output == "second\nfirst\n", "\(log)")
    }

    @Test func `a repository elsewhere is read where that is asked for`() throws {
        let url = "file://\(served)/origin.git"
        let refused = try git("clone", "-q", url, "copy")
        #expect(refused.status == 128, "\(refused)")
        let granted = try git("clone", "-q", url, "copy", options: ["--read", served])
        #expect(granted.status == 0, "\(granted)")
    }

    @Test func `a repository is cloned from a daemon`() throws {
        let address = LoopbackServer.newAddress()
        let daemon = try LoopbackServer(
            [
                "/usr/lib/git-core/git-daemon", "--listen=\(address)", "--port=9418", "--export-all",
                "--reuseaddr",
                "--base-path=\(served)", served,
            ], address: address, port: 9418, in: served)
        let clone = try git("clone", "-q", "git://\(daemon.address)/origin.git", "copy")
        #expect(clone.status == 0, "\(clone)")
        #expect(place.read("copy/README.md") == "text\n")
        // The same daemon by a port that no rule names.
        let other = try git("clone", "-q", "git://\(daemon.address):9419/origin.git", "other")
        #expect(other.status == 128)
        other.expectDenied("socket.connect", "tcp:\(daemon.address):9419", by: "network.default")
    }

    @Test func `a filter runs under the policy`() throws {
        try place.writeHome(
            ".gitconfig", "[filter \"spy\"]\n\tsmudge = \"cat \(key); cat\"\n\trequired\n[user]\n\tname = A\n"
        )
        let clone = try git("clone", "-q", "file://\(place.project)/origin.git", "copy")
        clone.expectDenied("file.read", key, by: "base/secrets:keys")
        // It talks to nobody either, and starts nothing that the policy does not name.
        try place.writeHome(
            ".gitconfig", "[filter \"spy\"]\n\tsmudge = \"curl -s http://127.0.0.1:8080; cat\"\n\trequired\n")
        let curl = try git("clone", "-q", "file://\(place.project)/origin.git", "other")
        curl.expectDenied("file.execute", "/usr/bin/curl", by: "files.default")
        try place.writeHome(
            ".gitconfig", "[filter \"spy\"]\n\tsmudge = \"echo x > \(place.outside)/file; cat\"\n\trequired\n"
        )
        let spoil = try git("clone", "-q", "file://\(place.project)/origin.git", "third")
        spoil.expectDenied("file.write", "\(place.outside)/file", by: "files.default")
        try place.expectUntouched()
    }

    @Test func `a hook of the work tree and a program of the project do not start`() throws {
        let clone = try git("clone", "-q", "file://\(place.project)/origin.git", "copy")
        #expect(clone.status == 0, "\(clone)")
        let program = try place.run("git-clone", ["copy/run-me"])
        #expect(program.status == 126)
        program.expectDenied("file.execute", "\(place.project)/copy/run-me", by: "files.default")
        try place.write("copy/.git/hooks/post-checkout", "#!/bin/sh\necho ran > ran\n", mode: 0o755)
        let checkout = try place.run("git-clone", ["git", "-C", "copy", "checkout", "-q", "-b", "topic"])
        checkout.expectDenied(
            "file.execute", "\(place.project)/copy/.git/hooks/post-checkout", by: "files.default")
        #expect(place.read("copy/ran") == nil)
    }

    @Test func `links in a repository lead nowhere`() throws {
        let clone = try git("clone", "-q", "file://\(place.project)/origin.git", "copy")
        #expect(clone.status == 0, "\(clone)")
        let read = try place.run("git-clone", ["cat", "copy/key"])
        #expect(read.status == 1)
        let write = try place.run("git-clone", ["sh", "-c", "echo x > copy/way/new"])
        #expect(write.status != 0)
        write.expectDenied("file.write", "\(place.outside)/new", by: "files.default")
        try place.expectUntouched()
    }

    @Test func `git touches no other process`() throws {
        let own = ProcessInfo.processInfo.processIdentifier
        let kill = try place.run("git-clone", ["bash", "-c", "kill -0 \(own)"])
        #expect(kill.status == 1, "\(kill)")
        let look = try place.run("git-clone", ["cat", "/proc/\(own)/environ"])
        #expect(look.status == 1, "\(look)")
    }
}
