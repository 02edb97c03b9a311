import Foundation
import Testing

extension AgentTests {
    /// Who comes under a policy, when, and that nobody leaves it: by a file, a user, a unit, a cgroup; new tasks, those that
    /// run already, and their children and threads.
    @Suite(.serialized)
    final class SubjectTests {
        private static let root = "/subjects"
        private static let slice = "/sys/fs/cgroup/subjects.slice"
        private static let unit = "/sys/fs/cgroup/other.slice/swguard-subject.service"
        private static let attacks = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "attacks").path
        private static let build = """
            mkdir -p \(root) \(slice)/deeper \(unit) && mount -t tmpfs none \(root) && cd \(root)
            cp "$1" free; cp "$1" confined; cp "$1" running; cp "$1" forking; cp "$1" setid; chown games setid; chmod 4755 setid
            for n in 1 2 3 4 5 6 7 8 9; do ln free layer$n; done
            echo x >secret; echo x >other
            printf '#!/bin/sh\\nexec \(root)/free read \(root)/secret\\n' >script; chmod 755 script
            printf '#!/bin/sh\\nexec \(root)/free read \(root)/secret\\n' >free-script; chmod 755 free-script
            """

        /// One way to come under a policy, or not to: a script for sh as root, and what its last command ends with.
        private struct Way: CustomStringConvertible {
            let description: String
            let script: String
            var policy: String?

            init(_ description: String, _ script: String, by policy: String? = nil) {
                self.description = description
                self.script = script
                self.policy = policy
            }
        }

        private static let ways = [
            Way("a file", "exec ./confined read $PWD/secret", by: "by-exec"),
            Way("another file", "exec ./free read $PWD/secret"),
            Way("a script", "exec ./script", by: "by-exec"),
            Way("another script, of the same interpreter", "exec ./free-script"),
            Way(
                "an exec of one that is confined", "exec ./confined execute $PWD/free read $PWD/secret",
                by: "by-exec"),
            Way("a child in a session of its own", "exec ./confined daemon-read $PWD/secret", by: "by-exec"),
            Way("a thread", "exec ./confined thread-read $PWD/secret", by: "by-exec"),
            Way("the real user", "exec ./free read-as real $user $PWD/secret", by: "by-user"),
            Way("the effective user", "exec ./free read-as effective $user $PWD/secret", by: "by-user"),
            Way("the file system's user", "exec ./free read-as filesystem $user $PWD/secret", by: "by-user"),
            Way("another user", "exec ./free read-as real 65534 $PWD/secret"),
            Way(
                "a user, then an exec",
                "exec setpriv --reuid games --regid games --clear-groups ./free read $PWD/secret",
                by: "by-user"),
            Way("a set-id file", "exec ./setid read $PWD/secret", by: "by-user"),
            Way("a cgroup", "echo $$ >$slice/cgroup.procs; exec ./free read $PWD/secret", by: "by-cgroup"),
            Way(
                "a cgroup beneath", "echo $$ >$slice/deeper/cgroup.procs; exec ./free read $PWD/secret",
                by: "by-cgroup"),
            Way("a cgroup, before an exec", "echo $$ >$slice/cgroup.procs; read x <secret"),
            Way(
                "a cgroup that was left",
                "echo $$ >$slice/cgroup.procs; exec sh -c 'echo $$ >/sys/fs/cgroup/cgroup.procs; exec ./free read $PWD/secret'",
                by: "by-cgroup"),
            Way(
                "a child that left the cgroup",
                "echo $$ >$slice/cgroup.procs; exec sh -c '(echo 0 >/sys/fs/cgroup/cgroup.procs; ./free read $PWD/secret)'",
                by: "by-cgroup"),
            Way(
                "a unit, in any slice", "echo $$ >$unit/cgroup.procs; exec ./free read $PWD/secret",
                by: "by-unit"),
            Way("no cgroup", "exec ./free read $PWD/other"),
        ]

        private static let deny =
            "files: {default: allow, rules: [{id: secret, deny: [read], paths: [\(root)/secret]}]}"

        private static func policies() -> [String: String] {
            var policies = [
                "by-exec": "{exec: \(root)/confined}, {exec: \(root)/running}, {exec: \(root)/script}",
                "by-user": "{user: games}", "by-cgroup": "{cgroup: /subjects.slice/**}",
                "by-unit": "{unit: swguard-subject.service}",
            ].mapValues { "subjects: [\($0)]\n\(deny)" }
            for number in 1...9 { policies["layer\(number)"] = "subjects: [{exec: \(root)/layer\(number)}]" }
            return policies
        }

        private func run(_ script: String) throws -> Int32 {
            let prelude =
                "cd \(Self.root); user=$(id -u games); slice=\(Self.slice); unit=\(Self.unit); export slice unit\n"
            return try Child("/bin/bash", "-c", prelude + script).wait()
        }

        init() throws {
            #expect(try Child("/bin/sh", "-e", "-c", Self.build, "sh", Self.attacks).wait() == 0)
        }

        deinit { _ = try? Child("/usr/bin/umount", "--lazy", Self.root).wait() }

        @Test func `tasks come under policies, and never leave them`() throws {
            for way in Self.ways { #expect(try run(way.script) == 0, "without an agent: \(way)") }
            // What runs when the policies come: by its file, its user, its cgroup; a thread, and children that are being made.
            let sign = Self.root + "/sign"
            let secret = Self.root + "/secret"
            let later = "exec \(Self.root)/free thread-reads-later \(sign) \(secret)"
            func start(_ script: String) throws -> Child { try Child("/bin/bash", "-c", script) }
            let running = [
                "a file": try Child(Self.root + "/running", "thread-reads-later", sign, secret),
                "a user": try Child(
                    "/usr/bin/setpriv", "--reuid", "games", "--clear-groups", "/bin/bash", "-c", later),
                "a cgroup": try start("echo $$ >\(Self.slice)/cgroup.procs; \(later)"),
                "a unit": try start("echo $$ >\(Self.unit)/cgroup.procs; \(later)"),
            ]
            let others = try start(later)
            let agent = try RunningAgent(Self.policies())
            #expect(FileManager.default.createFile(atPath: sign, contents: nil))
            for (name, child) in running { #expect(try child.wait() == EACCES, "running: \(name)") }
            #expect(try others.wait() == 0)
            // Children that are being made when their parent comes under a policy, which takes long.
            try FileManager.default.removeItem(atPath: sign)
            let forking = try Child(
                "/usr/bin/nice", Self.root + "/forking", "children-read-later", sign, secret)
            sleep(1)
            try agent.reload("by-forking", "subjects: [{exec: \(Self.root)/forking}]\n\(Self.deny)")
            #expect(FileManager.default.createFile(atPath: sign, contents: nil))
            #expect(try forking.wait() == EACCES)
            _ = try agent.events()
            for way in Self.ways {
                let status = try run(way.script)
                guard let policy = way.policy else {
                    #expect(status == 0, "\(way)")
                    continue
                }
                #expect(status == EACCES, "\(way)")
                let events = try agent.events { $0["policy", "name"] == policy && $0["kind"] == "denial" }
                #expect(
                    events.contains { $0["policy", "name"] == policy && $0["rule", "id"] == "secret" },
                    "\(way)")
            }
            // As many layers as there can be, and one more.
            func chain(_ count: Int) -> String {
                "exec ./free " + (1...count).map { "execute $PWD/layer\($0) " }.joined() + "nothing"
            }
            #expect(try run(chain(8)) == 0)
            #expect(try run(chain(9)) == EACCES)
            #expect(try agent.end() == 0)
            for way in Self.ways { #expect(try run(way.script) == 0, "afterwards: \(way)") }
        }

        /// What launchers are in the middle of when the agent starts: `launcher` forks, as process 1 may; what they forked
        /// enters the cgroup, and reads, before it executes the service's program.
        @Test func `what a launcher has begun comes under the cgroup's policies when it executes`() throws {
            let place = "/run/launch"
            let script = """
                mkdir -p \(place) \(Self.slice) && cd \(place) && rm -f go result after
                ln -sfn \(Self.slice) cgroup; ln -sfn \(Self.root)/secret wanted
                printf '#!/bin/sh\\nread x </run/launch/wanted; echo $? >/run/launch/after\\n' >program; chmod 755 program
                """
            #expect(try Child("/bin/sh", "-e", "-c", script).wait() == 0)
            // A launcher that is listed, and one that only calls itself so: its children have its executable, too.
            let wait =
                "echo $$ >\(Self.slice)/cgroup.procs; (while [ ! -e go ]; do sleep 0.1; done; read x <wanted)"
            func shell(_ name: String) throws -> Child {
                try Child(
                    "/bin/sh", "-c",
                    "cp /bin/bash \(place)/\(name) && cd \(place) && exec ./\(name) -c '\(wait)'")
            }
            let listed = try shell("listed")
            let unlisted = try shell("unlisted")
            kill(1, SIGUSR1)
            func members() throws -> Int {
                try String(contentsOfFile: Self.slice + "/cgroup.procs", encoding: .utf8).split(
                    separator: "\n"
                ).count
            }
            for _ in 0..<200 where try members() < 5 { usleep(20_000) }
            let agent = try RunningAgent(
                Self.policies(), configuration: "launchers: [\(place)/listed]")
            #expect(FileManager.default.createFile(atPath: place + "/go", contents: nil))
            for _ in 0..<200 where !FileManager.default.fileExists(atPath: place + "/after") {
                usleep(20_000)
            }
            func text(_ name: String) throws -> String {
                try String(contentsOfFile: place + "/" + name, encoding: .utf8)
            }
            #expect(try text("result") == "0\n", "\(agent.errors)")
            #expect(try text("after") != "0\n")
            #expect(try listed.wait() == 0)
            #expect(try unlisted.wait() != 0)
            #expect(try agent.end() == 0)
        }
    }
}
