import Foundation
import Testing

/// `policies/coding-agent.yaml` with bash, git and what a programmer types; and with what an agent that was talked
/// into something would try.
@Suite(.landlock) struct PoliciesAgentTests {
    private let place: Workplace
    private let key: String

    init() throws {
        place = try Workplace()
        key = "\(place.home)/.ssh/id_ed25519"
    }

    private func shell(_ script: String) throws -> Confined {
        try place.run("coding-agent", ["bash", "-c", script])
    }

    @Test func `the shell is usable`() throws {
        let run = try shell(
            """
            set -e
            cat ~/.gitconfig /etc/hosts > /dev/null; ls /etc/apt /usr/share > /dev/null; ls -l . > /dev/null
            mkdir -p sub/deep; cd sub; echo one > a; cp a b; mv b deep/c; ln -s deep/c d; ln deep/c e; cat d e
            chmod +x a; touch -d yesterday a; rm e; cd ..
            vim -es -c 'normal ihello' -c wq written < /dev/null; less written; grep -r hello .
            python3 -c 'print(6 * 7)'; node -e 'console.log(6 * 8)'
            printf 'all:\\n\\t@echo made\\n' > Makefile; make
            echo 'int main(void) { return 7; }' > x.c; gcc -o x x.c; ./x || echo "exit $?"
            find . -name c; sed -i s/one/two/ sub/a; cat sub/a; sort <<< "sorted"; diff x.c x.c; tar cf t.tar sub
            getent hosts localhost > /dev/null; id -un > /dev/null; git --version > /dev/null
            sleep 30 & kill $!; wait $! || echo "ended $?"
            """)
        #expect(run.status == 0, "\(run)")
        let lines = run.output.split(separator: "\n")
        for line in ["hello", "42", "48", "made", "exit 7", "./sub/deep/c", "two", "sorted", "ended 143"] {
            #expect(lines.contains { $0 == line }, "\(line) in \(run)")
        }
        // Below ABI 9 Landlock cannot tell unix sockets apart: nscd is not asked, and names come from files.
        let denied = run.denials.filter { $0.object != "unix" }
        #expect(denied.isEmpty, "\(denied)")
    }

    @Test func `work is committed with git`() throws {
        let run = try shell(
            """
            set -e
            git init -q -b main; echo text > README.md; git add .; git commit -qm first; git checkout -qb topic
            echo more >> README.md; git commit -qam second; git checkout -q main; git merge -q topic
            git gc -q; git stash list; git status --porcelain; git log --format='%s by %an'
            """)
        #expect(run.status == 0, "\(run)")
        #expect(run.output == "second by A Person\nfirst by A Person\n")
        let hook = try shell(
            "printf '#!/bin/sh\\ncat \(key) > stolen\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit;"
                + "echo x > y; git add y; git commit -qm third")
        #expect(hook.status != 0, "the hook, which fails, runs under the policy too")
        hook.expectDenied("file.read", key, by: "base/secrets:keys")
        try place.expectUntouched()
    }

    /// The name of a secret beneath the home, and the rule that keeps it.
    @Test(arguments: [
        (".ssh/id_ed25519", "base/secrets:keys"), (".aws/credentials", "base/secrets:keys"),
        (".netrc", "base/secrets:tokens"), (".git-credentials", "base/secrets:tokens"),
        (".config/git/credentials", "base/secrets:tokens"), (".bash_history", "base/secrets:history"),
    ])
    func `a secret is not read`(_ name: String, _ rule: String) throws {
        let path = "\(place.home)/\(name)"
        let run = try shell("cat ~/\(name)")
        #expect(run.status == 1)
        run.expectDenied("file.read", path, by: rule)
        #expect(run.errors.contains("to allow: change \(rule), a deny rule"), "\(run)")
        let write = try shell("echo mine >> ~/\(name)")
        #expect(write.status == 1)
        write.expectDenied("file.write", path, by: rule)
    }

    @Test func `a secret is not reached by another name`() throws {
        try place.bringAttacks()
        for script in [
            "ln -s \(key) k; cat k", "ln \(key) k; cat k", "mv ~/.ssh mine; cat mine/*", "cp -r ~/.ssh mine",
            "cat /proc/self/root\(key)", "cat /proc/$PPID/root\(key)", "cd ~/.ssh && cat id_ed25519",
            "python3 -c 'print(open(\"\(key)\").read())'", "git hash-object -w --stdin-paths <<< \(key)",
            "git -c core.editor=cat config -f \(key) -l", "tar cf - ~/.ssh | cat", "./attacks reopen \(key)",
            "./attacks openat2 \(key)", "./attacks handle \(key)", "./attacks daemon-read \(key)",
            "./attacks exchange \(key) \(place.project)/attacks",
            "exec 9< ~/.ssh; cat /proc/self/fd/9/id_ed25519",
            "gcc -include \(key) -E -xc /dev/null", "curl -s file://\(key)", "source \(key)",
            "unshare -Ur cat \(key)", "mount --bind ~/.ssh . && cat id_ed25519",
        ] {
            let run = try shell("set -o pipefail; " + script)
            #expect(run.status != 0, "\(script): \(run)")
        }
        #expect(try String(contentsOfFile: key, encoding: .utf8) == Workplace.secret + "\n")
        try place.expectUntouched()
    }

    @Test func `the secrets of the host are not read`() throws {
        let run = try shell("cat /etc/shadow /etc/sudoers /etc/ssl/private/* /etc/ssh/ssh_host_*_key")
        #expect(run.status == 1)
        #expect(run.output == "")
        run.expectDenied("file.read", "/etc/shadow", by: "host-secrets")
    }

    @Test func `nothing outside is written`() throws {
        let file = "\(place.outside)/file"
        let run = try shell("echo spoiled > \(file)")
        run.expectDenied("file.write", file, by: "files.default")
        for script in [
            "ln -s \(file) way; echo spoiled > way", "rm \(file)", "mv \(file) .",
            "ln \(file) . && echo x > file",
            "touch ../.profile", "echo x >> ~/.gitconfig", "touch /usr/bin/x", "touch /etc/x",
            "git init -q \(place.outside)/repository", "mkdir ../../outside/new",
        ] {
            let run = try shell(script)
            #expect(run.status != 0, "\(script): \(run)")
        }
        try place.expectUntouched()
    }

    @Test func `the network is reached by port, and no process outside at all`() throws {
        try place.bringAttacks()
        let own = String(ProcessInfo.processInfo.processIdentifier)
        // Nobody listens: refused by the peer, not by the policy.
        #expect(try shell("./attacks connect 9418").status == ECONNREFUSED)
        let mail = try shell("./attacks connect 25")
        #expect(mail.status == EACCES)
        mail.expectDenied("socket.connect", "tcp:127.0.0.1:25", by: "network.default")
        let port = try shell("./attacks bind 4443")
        #expect(port.status == EACCES)
        port.expectDenied("socket.bind", "tcp:127.0.0.1:4443", by: "network.default")
        let agent = try shell("./attacks connect-unix \(place.temporary)/agent.sock")
        #expect(agent.status == EACCES)
        for attack in [
            "ptrace \(own)", "signal \(own)", "environment \(own)", "proc-memory \(own)", "tiocsti", "packet",
            "raw",
            "unshare", "mount .", "io-uring", "fast-open 25", "connect-mapped 25", "mptcp", "vsock",
            "netlink-audit",
        ] {
            let run = try shell("./attacks \(attack)")
            #expect([EACCES, EPERM, ENOSYS].contains(run.status), "\(attack): \(run)")
        }
    }

    @Test func `a home that is the project keeps its secrets`() throws {
        try place.writeHome("home.txt", "text\n")
        let run = try place.run(
            "coding-agent", options: [], in: place.home,
            [
                "bash", "-c",
                "cat home.txt; echo more >> project/new; cat .ssh/id_ed25519 .netrc .bash_history",
            ])
        #expect(run.status == 1, "\(run)")
        #expect(run.output == "text\n")
        #expect(place.read("new") == "more\n")
        run.expectDenied("file.read", key, by: "base/secrets:keys")
    }
}
