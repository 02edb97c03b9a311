import Foundation
import Testing

/// Help, usage errors and completions, as a user meets them.
@Suite struct CommandLineHelpTests {
    private static let commands = [
        "run", "check", "plan", "compile", "inspect", "explain", "test", "agent", "status", "policies", "ps",
        "audit", "schema", "doctor",
    ]

    @Test func `without arguments the help is printed`() throws {
        let outcome = try Swguard.run([])
        #expect(outcome.status == 0)
        for command in Self.commands { #expect(outcome.output.contains("\n  \(command) ")) }
        #expect(outcome.errors == "")
    }

    @Test(arguments: commands)
    func `every command has help, in two spellings`(_ command: String) throws {
        let help = try Swguard.run([command, "--help"])
        #expect(help.status == 0 && help.errors == "")
        #expect(help.output.hasPrefix("OVERVIEW: "))
        #expect(help.output.contains("USAGE: swguard \(command)"))
        // Every option says what it is for.
        for line in help.output.split(separator: "\n") where line.hasPrefix("  --") {
            #expect(line.count > 26 || line.contains(">"), "\(line)")
        }
        let again = try Swguard.run(["help", command])
        #expect(again.output.split(separator: "\n").first == help.output.split(separator: "\n").first)
    }

    @Test func `the help of run has every option, whatever stands before`() throws {
        for arguments in [
            ["run", "--help"], ["run", "--strict", "--read", "/etc", "-h"], ["run", "--what", "-h"],
        ] {
            let help = try Swguard.run(arguments)
            #expect(help.status == 0, "\(arguments) \(help)")
            for option in [
                "--policy <P>", "--deny-read <P>", "--keep-fd <N>", "-v, --verbose", "--exec-only",
            ] {
                #expect(help.output.contains("  \(option)"))
            }
        }
    }

    @Test(
        arguments: [
            (["chekc", "x"], "swguard: unknown command 'chekc'; did you mean 'check'?"),
            (["--polciy"], "swguard: unknown option '--polciy'"),
            (["check"], "swguard: missing expected argument '<policies> ...'"),
            (
                ["check", "x", "--fromat", "json"],
                "swguard: unknown option '--fromat'. Did you mean '--format'?"
            ),
            (["check", "x", "--format", "xml"], "'text'"),
            (["explain", "x"], "swguard: ask about exactly one of --file"),
            (
                ["explain", "x", "--file", "/a", "--access", "raed"],
                "swguard: unknown access 'raed'; there are read,"
            ),
            (["explain", "x", "--file", "etc"], "swguard: 'etc' is no path of an object"),
            (["explain", "x", "--access", "read"], "swguard: ask about exactly one of --file"),
            (
                ["explain", "x", "--operation", "mout"],
                "swguard: unknown operation 'mout'; did you mean 'mount'?"
            ),
            (
                ["explain", "x", "--capability", "net_admn"],
                "swguard: unknown capability 'net_admn'; did you mean 'net_admin'?"
            ),
            (
                ["explain", "x", "--syscall", "mkdri"],
                "swguard: unknown system call 'mkdri'; did you mean 'mkdir'?"
            ),
            (["explain", "x", "--connect", "tcp:*:80"], "is not one address"),
            (["compile", "x"], "swguard: missing expected argument '--output <file>'"),
            (["plan", "x", "--backend", "bpf"], "'auto', 'landlock' or 'lsm'"),
        ] as [([String], String)])
    func `a usage error says what is wrong and what would be right`(_ arguments: [String], _ text: String)
        throws
    {
        let outcome = try Swguard.run(arguments)
        #expect(outcome.status == 2)
        #expect(outcome.output == "")
        let first = outcome.errors.split(separator: "\n").first ?? ""
        #expect(first.hasPrefix("swguard: ") && first.contains(text), "\(outcome)")
        #expect(outcome.errors.contains("\nusage: swguard"))
    }

    @Test func `the version is one line`() throws {
        let outcome = try Swguard.run(["--version"])
        #expect(try Swguard.run(["run", "--version"]).output == outcome.output)
        #expect(outcome.status == 0 && outcome.output.split(separator: "\n").count == 1)
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `there are completions`(for shell: String) throws {
        let script = try Swguard.run(["--generate-completion-script", shell])
        #expect(script.status == 0)
        for command in Self.commands { #expect(script.output.contains(command)) }
        #expect(script.output.contains("deny-read"))
    }

    @Test(
        arguments: [
            ("swguard ch", ["check"]), ("swguard run --allow", ["--allow-partial", "--allow-syscall"]),
            ("swguard run --backend l", ["landlock", "lsm"]), ("swguard plan --str", ["--strict"]),
        ] as [(String, [String])])
    func `bash takes the completions and completes`(_ line: String, _ expected: [String]) throws {
        let scratch = try Scratch()
        let script = try scratch.write(
            "completion.bash", try Swguard.run(["--generate-completion-script", "bash"]).output)
        #expect(try Swguard.command(["/bin/bash", "-n", script]).status == 0)
        let words = line.split(separator: " ").map(String.init)
        let (current, previous) = (words[words.count - 1], words[words.count - 2])
        let outcome = try Swguard.command([
            "/bin/bash", "-c",
            """
            source \(script); COMP_LINE='\(line)'; COMP_POINT=\(line.count); COMP_WORDS=(\(line))
            COMP_CWORD=\(words.count - 1); _swguard swguard '\(current)' '\(previous)'
            printf '%s\\n' "${COMPREPLY[@]}"
            """,
        ])
        let offered = outcome.output.split(whereSeparator: \.isWhitespace).map(String.init)
        #expect(Set(offered) == Set(expected), "\(outcome)")
    }

    @Test func `the schema is one JSON document`() throws {
        let outcome = try Swguard.run(["schema"])
        #expect(outcome.status == 0)
        let schema = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        #expect(schema?["title"] as? String == "swguard policy")
    }
}
