import Foundation
import Testing

/// What `base/runtime` is enough for, and what holds for every shipped policy.
@Suite(.landlock) struct PoliciesRuntimeTests {
    private let place: Workplace
    private let plain: String

    /// A policy that denies by default, with `base/runtime` and the programs, and nothing else.
    init() throws {
        place = try Workplace()
        plain = try place.writePolicy(
            """
            include: [base/runtime]
            files: { rules: [{ allow: [read, execute, map], paths: [/usr/**] }] }
            network: {}
            capabilities: {}
            operations: {}
            syscalls: { rules: [{ allow: ["@system-service"] }] }
            """)
    }

    /// A program, what it is to do, and what it says then.
    struct Program: CustomTestStringConvertible, Sendable {
        var command: [String]
        var says: String
        var testDescription: String { command[0] }
    }

    static let programs: [Program] = [
        Program(command: ["bash", "-c", "x=$(seq 3 | wc -l); echo $((x * 14)); exit 0"], says: "42\n"),
        Program(
            command: [
                "python3", "-c", "import ctypes, json, ssl, subprocess, threading; print(json.dumps([42]))",
            ],
            says: "[42]\n"),
        Program(
            command: ["python3", "-c", "import subprocess; print(subprocess.run(['true']).returncode)"],
            says: "0\n"),
        Program(
            command: ["node", "-e", "setTimeout(() => console.log([1, 2].map(x => x * 21)), 1)"],
            says: "[ 21, 42 ]\n"),
        Program(
            command: ["node", "-p", "require('crypto').createHash('md5').update('').digest('hex').length"],
            says: "32\n"),
        Program(command: ["java", "-version"], says: ""),
        Program(command: ["java", "-XshowSettings:vm", "-version"], says: ""),
        Program(
            command: [
                "bash", "-c",
                "echo 'int main(void) { return 0; }' | gcc -pipe -O2 -xc - -S -o - | grep -c ret",
            ],
            says: "1\n"),
        Program(
            command: [
                "bash", "-c", "export GIT_CONFIG_GLOBAL=/dev/null; echo text | git hash-object --stdin",
            ],
            says: "8e27be7d6154a1f68ea9160ef0e18691d20560dc\n"),
        Program(command: ["git", "--version"], says: "git version "),
        Program(
            command: ["perl", "-e", "use POSIX; use File::Spec; print floor(42.5), \"\\n\""], says: "42\n"),
        Program(command: ["date", "-u", "-d", "@0", "+%Z %Y"], says: "UTC 1970\n"),
        Program(command: ["getent", "hosts", "localhost"], says: ""),
        Program(command: ["id", "-un", "0"], says: "root\n"),
    ]

    @Test(arguments: programs) func `a program starts and works with base/runtime`(_ program: Program) throws
    {
        let run = try place.run(plain, program.command)
        #expect(run.status == 0, "\(run)")
        #expect(run.output.hasPrefix(program.says), "\(run)")
    }

    @Test func `a single-file Java program runs, and a C program is built, where the project is granted`()
        throws
    {
        let policy = try place.writePolicy(
            """
            include: [base/runtime, base/temp]
            files:
              rules:
                - { allow: [read, execute, map], paths: [/usr/**] }
                - { allow: [read, write, create, remove, execute, map], paths: ["${CWD}/**"] }
            network: {}
            capabilities: {}
            operations: {}
            syscalls: { rules: [{ allow: ["@system-service"] }] }
            """)
        try place.write(
            "Main.java",
            "public class Main { public static void main(String[] a) { System.out.println(6 * 7); } }\n")
        #expect(try place.run(policy, ["java", "Main.java"]).output == "42\n")
        try place.write("main.c", "#include <stdio.h>\nint main(void) { return puts(\"built\") < 0; }\n")
        #expect(try place.run(policy, ["gcc", "-o", "main", "main.c"]).status == 0)
        #expect(try place.run(policy, ["./main"]).output == "built\n")
        let commit = try place.run(
            policy,
            [
                "bash", "-c",
                "export GIT_CONFIG_GLOBAL=/dev/null; git init -q . && git add . && git -c user.name=A -c user.email=a@b commit -qm x && git log --format=%s",
            ])
        #expect(commit.output == "x\n", "\(commit)")
    }

    @Test func `nothing more than that is granted`() throws {
        let key = "\(place.home)/.ssh/id_ed25519"
        let read = try place.run(plain, ["cat", key])
        #expect(read.status == 1)
        read.expectDenied("file.read", key, by: "files.default")
        for command in [
            "cat /etc/shadow", "cat /etc/fstab", "ls /etc/ssl", "ls /", "ls \(place.home)", "ls /tmp",
            "ls /var/log", "ls /etc", "touch /dev/shm/x", "cat /dev/tty",
        ] {
            let run = try place.run(plain, ["bash", "-c", command])
            #expect(run.output == "", "\(run)")
            #expect(run.status != 0, "\(run)")
        }
        let write = try place.run(plain, ["bash", "-c", "echo x > \(place.temporary)/x"])
        write.expectDenied("file.write", "\(place.temporary)/x", by: "files.default")
        let other = ProcessInfo.processInfo.processIdentifier
        for command in [
            "cat /proc/\(other)/environ", "cat /proc/\(other)/mem", "cat /proc/\(other)/maps",
            "readlink /proc/\(other)/fd/0", "cat /proc/\(other)/root/etc/fstab", "kill -0 \(other)",
        ] {
            let run = try place.run(plain, ["bash", "-c", command])
            #expect(run.status != 0, "\(run)")
        }
        // Where the kernel is told what to start as root.
        let helper = try place.run(plain, ["bash", "-c", "echo '|/bin/x' > /proc/sys/kernel/core_pattern"])
        #expect(helper.status != 0)
        helper.expectDenied("file.write", "/proc/sys/kernel/core_pattern", by: "files.default")
    }

    // MARK: every shipped policy

    static let shipped: [String] = {
        let names = try? FileManager.default.subpathsOfDirectory(atPath: Swguard.policies)
        return (names ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
    }()

    @Test func `there are policies`() { #expect(Self.shipped.count >= 13) }

    /// From the project, from the home, from the temporary files: the verdicts that a policy promises are the same.
    @Test(arguments: shipped, ["project", "home", "tmp", "TMPDIR=HOME"])
    func `a shipped policy has no errors, and its tests pass everywhere`(_ name: String, _ where: String)
        throws
    {
        let directory = [
            "project": place.project, "home": place.home, "tmp": place.temporary,
            "TMPDIR=HOME": place.project,
        ][`where`]
        for command in ["check", "test"] {
            let run = try Workplace.finish(
                [
                    "/usr/bin/env", "-i", "HOME=\(place.home)",
                    "TMPDIR=\(`where` == "TMPDIR=HOME" ? place.home : place.temporary)", Swguard.path,
                    command,
                    "\(Swguard.policies)/\(name)",
                ], in: try #require(directory), limit: 60)
            #expect(run.status == 0, "\(command): \(run)")
            #expect(!run.errors.contains("warning:"), "\(command): \(run)")
        }
    }

    /// As `--allow-partial` is never needed, so `plan` finds nothing that would refuse a run.
    @Test(arguments: shipped.filter { !$0.hasPrefix("base/") })
    func `a shipped policy starts a program, and what it narrows is little`(_ name: String) throws {
        try place.makeDirectory("out")
        let file = "\(Swguard.policies)/\(name)"
        let start = try place.run(file, options: ["--exec", "/usr/bin/true"], ["/usr/bin/true"])
        #expect(start.status == 0, "\(start)")
        let plan = try Workplace.finish(
            [
                "/usr/bin/env", "-i", "HOME=\(place.home)", "TMPDIR=\(place.temporary)", Swguard.path, "plan",
                file,
            ],
            in: place.project, limit: 60)
        #expect(plan.status == 0, "\(plan)")
        let narrowed = plan.output.split(separator: "\n").filter { $0.contains("narrowed:") }
        #expect(narrowed.count <= 6, "\(narrowed)")
        let missing = narrowed.filter { $0.contains("does not exist") && $0.contains("base/runtime") }
        #expect(missing.count <= 1, "\(missing)")
    }
}
