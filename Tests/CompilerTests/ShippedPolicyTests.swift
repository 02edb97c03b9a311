import Compiler
import Foundation
import Policy
import Testing

/// The policies that are shipped, with fixed values for the variables.
enum ShippedPolicies {
    static let directory =
        ProcessInfo.processInfo.environment["SWGUARD_POLICIES"]
        ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "policies").path

    /// Their files, beneath the directory; those of `base` are policies like the others.
    static let names: [String] = {
        let all = try? FileManager.default.subpathsOfDirectory(atPath: directory)
        return (all ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
    }()

    static let variables = PolicyVariables(
        home: .set(Array("/home/person".utf8)), cwd: .set(Array("/home/person/project".utf8)),
        user: .set(Array("person".utf8)), uid: .set(Array("1000".utf8)), tmpdir: .set(Array("/tmp".utf8)),
        runtime: .set(Array("/run/user/1000".utf8)))

    static func load(_ name: String, variables: PolicyVariables = variables) throws -> Policy {
        let loader = PolicyLoader(
            vocabulary: SyscallTable.vocabulary, variables: variables, files: HostPolicyFiles())
        let loaded = loader.load("\(directory)/\(name)")
        #expect(loaded.diagnostics.isEmpty, "\(DiagnosticFormatter().text(loaded.diagnostics))")
        return try #require(loaded.policy)
    }
}

@Suite struct ShippedPolicyTests {
    @Test func `there are policies`() { #expect(ShippedPolicies.names.count >= 13) }

    @Test(arguments: ShippedPolicies.names)
    func `the filter of a shipped policy agrees with the evaluator`(_ name: String) throws {
        try SyscallAgreement.check([SyscallLayerInputs(policy: try ShippedPolicies.load(name))])
    }

    @Test(arguments: ShippedPolicies.names)
    func `the filter of a shipped policy agrees with libseccomp`(_ name: String) throws {
        let policy = try ShippedPolicies.load(name)
        let questions = try LibseccompOracle.check(policy)
        // All of them are of a kind that libseccomp has words for.
        #expect(questions > 0 || policy.syscalls == nil)
    }

    @Test func `the filters of all shipped policies as layers agree with the evaluators`() throws {
        let policies = try ShippedPolicies.names.filter { !$0.hasPrefix("base/") }.map {
            try ShippedPolicies.load($0)
        }
        try SyscallAgreement.check(policies.map { SyscallLayerInputs(policy: $0) })
    }

    /// The tests that a policy carries, wherever the person stands.
    @Test(
        arguments: ShippedPolicies.names,
        ["/tmp/project", "/home/person", "/tmp", "/srv/deep/er", "/var/tmp/x"])
    func `a shipped policy keeps what its tests promise in every directory`(
        _ name: String, _ directory: String
    )
        throws
    {
        for (home, temporary) in [
            ("/home/person", "/tmp"), ("/tmp", "/tmp"), ("/root", "/root/tmp"), ("/tmp/home", "/tmp"),
        ] {
            let policy = try ShippedPolicies.load(
                name,
                variables: PolicyVariables(
                    home: .set(Array(home.utf8)), cwd: .set(Array(directory.utf8)),
                    user: .set(Array("person".utf8)),
                    uid: .set(Array("1000".utf8)), tmpdir: .set(Array(temporary.utf8)),
                    runtime: .unset("unset")))
            let results = policy.runTests(vocabulary: SyscallTable.vocabulary)
            #expect(!results.isEmpty || name.hasPrefix("base/"))
            for result in results { #expect(result.isPassed, "\(result) with HOME=\(home)") }
        }
    }
}
