import CProbes
import Compiler
import Confinement
import Foundation
import Landlock
import Policy
import Testing

/// Every shipped policy as a Landlock domain on this host: it never grants what the evaluator denies.
@Suite(.landlock) struct PoliciesLandlockTests {
    private let place: Workplace

    init() throws {
        place = try Workplace()
        for name in ["file", "out/file", "sub/file", ".git/config"] {
            try place.write(name, "x", mode: 0o755)
        }
    }

    @Test(arguments: PoliciesRuntimeTests.shipped.filter { !$0.hasPrefix("base/") })
    func `a shipped policy as a domain grants no more than it says`(_ name: String) throws {
        // The home once beside and once as the place of work, which is carved then.
        var granted = 0
        for directory in [place.project, place.home] {
            let policy = try load(name, in: directory)
            let lowered = LandlockLowering.lower(
                policy, features: try hostLandlock(), isPrivileged: getuid() == 0)
            let ruleset = try LandlockApplication.prepare(lowered.recipe)
            for finding in lowered.coverage.findings + ruleset.findings {
                #expect(finding.kind != .excess, "\(finding)")
            }
            let questions = self.questions
            let results = try Attempt.run(questions.map(\.attempt), in: ruleset)
            let evaluator = Evaluator(policy, vocabulary: SyscallTable.vocabulary)
            for (question, result) in zip(questions, results) where result == 0 || result == ENOEXEC {
                granted += 1
                let decision = evaluator.decide(.file(path: Array(question.path.utf8), question.access))
                #expect(
                    decision.verdict == .allow,
                    "\(question.attempt.kind) \(question.path) was granted, errno \(result); \(decision)")
            }
        }
        // A domain that grants nothing would prove nothing.
        #expect(granted > 50)
    }

    private func load(_ name: String, in directory: String) throws -> Policy {
        let variables = PolicyVariables(
            home: .set(Array(place.home.utf8)), cwd: .set(Array(directory.utf8)),
            user: .set(Array("person".utf8)),
            uid: .set(Array("1000".utf8)), tmpdir: .set(Array(place.temporary.utf8)), runtime: .unset("unset")
        )
        let loader = PolicyLoader(
            vocabulary: SyscallTable.vocabulary, variables: variables, files: HostPolicyFiles())
        return LinkedPolicy(try #require(loader.load("\(Swguard.policies)/\(name)").policy)).policy
    }

    private struct Question {
        var path: String
        var attempt: Attempt
        var access: FileAccessSet
    }

    /// What is there on this host, opened; what is the test's own, also written anew and executed.
    private var questions: [Question] {
        var questions: [Question] = []
        let host = [
            "/etc", "/etc/ssh", "/etc/ssl", "/etc/ssl/private", "/etc/ld.so.conf.d", "/etc/nginx",
            "/etc/alternatives",
            "/etc/git", "/root", "/home", "/var", "/var/log", "/var/lib", "/var/lib/nginx", "/var/log/nginx",
            "/var/www", "/var/www/html", "/var/cache", "/usr", "/usr/bin", "/usr/sbin", "/usr/share",
            "/usr/share/zoneinfo", "/usr/lib", "/usr/lib/git-core", "/usr/include", "/usr/local", "/opt",
            "/srv", "/run",
        ]
        for directory in host { questions += Self.opened(directory) }
        for name in (try? FileManager.default.subpathsOfDirectory(atPath: place.home)) ?? [] {
            questions += Self.opened("\(place.home)/\(name)")
        }
        for directory in [
            place.home, place.project, "\(place.project)/out", "\(place.project)/sub", place.temporary,
            place.outside,
            "\(place.home)/.ssh", "\(place.home)/.config",
        ] {
            questions += Self.opened(directory)
            for kind in [PROBE_CREATE, PROBE_MKDIR, PROBE_SYMLINK, PROBE_FIFO] {
                let path = "\(directory)/new-\(kind.rawValue)"
                questions.append(Question(path: path, attempt: Attempt(kind, path), access: .create))
                let remove = kind == PROBE_MKDIR ? PROBE_RMDIR : PROBE_UNLINK
                questions.append(Question(path: path, attempt: Attempt(remove, path), access: .remove))
            }
        }
        for name in ["file", "out/file", "sub/file", ".git/config"] {
            let path = "\(place.project)/\(name)"
            questions.append(Question(path: path, attempt: Attempt(PROBE_EXECUTE, path), access: .execute))
        }
        return questions
    }

    /// The directory and the files and directories in it: nothing that is a link, and no device.
    private static func opened(_ path: String) -> [Question] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return ([path] + names.sorted().prefix(120).map { "\(path)/\($0)" }).flatMap { path -> [Question] in
            var status = stat()
            guard lstat(path, &status) == 0 else { return [] }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: return [Question(path: path, attempt: Attempt(PROBE_LIST, path), access: .read)]
            case S_IFREG:
                return [
                    Question(path: path, attempt: Attempt(PROBE_READ, path), access: .read),
                    Question(path: path, attempt: Attempt(PROBE_WRITE, path), access: .write),
                ]
            default: return []
            }
        }
    }
}
