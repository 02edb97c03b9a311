import Compiler
import Policy

/// A policy as its author would write it, in pieces that can be left out one by one.
struct OraclePolicy: Hashable {
    /// One rule of `files` or `network`: accesses, and patterns or endpoints as they are written.
    struct Rule: Hashable {
        var id: String
        var verdict: Verdict
        var accesses: [String]
        var objects: [String]
        /// nil: not written.
        var log: Bool?

        func text(_ key: String) -> String {
            let accesses = accesses.isEmpty ? "all" : "[\(accesses.joined(separator: ", "))]"
            let objects = objects.map { "'\($0)'" }.joined(separator: ", ")
            let log = log.map { ", log: \($0)" } ?? ""
            return "{id: \(id), \(verdict.rawValue): \(accesses), \(key): [\(objects)]\(log)}"
        }
    }

    /// `files` or `network`; no `families`: those that the language names.
    struct Section: Hashable {
        var defaultVerdict: Verdict
        var rules: [Rule]
        var families: [String]?

        func text(_ name: String, _ key: String) -> String {
            let families = families.map { ", families: [\($0.map { "'\($0)'" }.joined(separator: ", "))]" }
            let rules = rules.map { "\n    - \($0.text(key))" }.joined()
            return """
                \(name):
                  default: \(defaultVerdict.rawValue)\(families.map { "\n  " + $0.dropFirst(2) } ?? "")
                  rules: \(rules.isEmpty ? "[]" : rules)

                """
        }
    }

    /// `capabilities` or `operations`.
    struct List: Hashable {
        var defaultVerdict: Verdict
        var allowed: [String]
        var denied: [String]

        func text(_ name: String) -> String {
            let lists = [("allow", allowed), ("deny", denied)].filter { !$1.isEmpty }
                .map { ", \($0): [\($1.joined(separator: ", "))]" }
            return "\(name): {default: \(defaultVerdict.rawValue)\(lists.joined())}\n"
        }
    }

    var name: String
    var complains = false
    var files: Section?
    var network: Section?
    var capabilities: List?
    var operations: List?

    /// Everything behind the name, for processes that execute `program`.
    func sections(program: String) -> String {
        var text = "subjects: [{exec: \(program)}]\n"
        if complains { text += "mode: complain\n" }
        text += files?.text("files", "paths") ?? ""
        text += network?.text("network", "endpoints") ?? ""
        text += capabilities?.text("capabilities") ?? ""
        text += operations?.text("operations") ?? ""
        return text
    }

    /// The policy that the text is; what is wrong with it is thrown.
    func decoded(program: String) throws -> Policy {
        let none = PolicyVariables(
            home: .unset("none"), cwd: .unset("none"), user: .unset("none"), uid: .unset("none"),
            tmpdir: .unset("none"), runtime: .unset("none"))
        let loader = PolicyLoader(
            vocabulary: SyscallTable.vocabulary, variables: none, files: HostPolicyFiles())
        let text = RunningAgent.document(name, sections(program: program))
        let loaded = loader.decode(Array(text.utf8), named: "\(name).yaml")
        guard let policy = loaded.policy else {
            throw RunningAgent.Failure(text: "\(text)\n\(loaded.diagnostics)")
        }
        return policy
    }
}
