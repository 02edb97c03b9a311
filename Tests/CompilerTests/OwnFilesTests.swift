import Compiler
import Policy
import Testing

/// What the agent guards of its own, in the tables of every policy.
@Suite struct OwnFilesTests {
    private static let place = SourceLocation(file: "test.yaml", line: 1)

    private static var own: OwnFiles {
        var own = OwnFiles()
        own.deny([.write, .metadata], [PathPattern(subtree: "/own".utf8)])
        own.deny([.create, .remove], [PathPattern(literal: "/run/socket".utf8)])
        return own
    }

    /// A policy with one rule that grants everything, and one that denies a part of what is the agent's.
    private static func generous(_ name: String) -> Policy {
        var policy = Policy(name: name, file: "test.yaml")
        policy.files = FilesSection(
            defaultVerdict: .allow,
            rules: [
                FileRule(
                    header: RuleHeader(id: "all", verdict: .allow, location: place), accesses: .all,
                    patterns: [Located(PathPattern(subtree: "/".utf8), at: place)]),
                FileRule(
                    header: RuleHeader(id: "part", verdict: .deny, location: place),
                    accesses: [.write, .read],
                    patterns: [Located(PathPattern(subtree: "/own/part".utf8), at: place)]),
            ], location: place)
        return policy
    }

    @Test(arguments: [true, false])
    func `no policy grants it, and whoever is denied is told the rule self`(_ hasFiles: Bool) throws {
        let policy = hasFiles ? Self.generous("generous") : Policy(name: "none", file: "test.yaml")
        let tables = try KernelTables.compile([policy], own: Self.own)
        let model = KernelTablesModel(tables)
        let compiled = try #require(tables.policies[0])
        let rule = UInt32(compiled.rules.count - 1)
        #expect(compiled.rules[Int(rule)].id == "self" && compiled.rules[Int(rule)].location == nil)
        #expect(tables.counterCount == compiled.rules.count + 1 + KernelTables.closedCounterCount)
        for (path, denied) in [
            ("/own", [FileAccess.write, .create, .remove, .metadata]),
            ("/own/deep/file", [.write, .create, .remove, .metadata]),
            ("/own/part", [.write, .create, .remove, .metadata]),
            ("/run/socket", [.create, .remove]), ("/owner", []), ("/run/socket2", []),
        ] {
            let verdict = try #require(model.files(0, Array(path.utf8)))
            for access in denied {
                #expect(verdict.granted & 1 << UInt32(access.rawValue) == 0, "\(path) \(access)")
                #expect(verdict.rules[Int(access.rawValue)] == rule, "\(path) \(access)")
            }
            let isConnectable = verdict.granted & 1 << UInt32(FileAccess.write.rawValue) != 0
            #expect(isConnectable == !denied.contains(.write), "\(path)")
        }
        // The policy's own rules keep their numbers.
        if hasFiles {
            let verdict = try #require(model.files(0, Array("/own/part".utf8)))
            #expect(verdict.rules[Int(FileAccess.read.rawValue)] == 1)
        }
    }

    @Test func `it is guarded under other names, too`() throws {
        let object = KernelObject(inode: 7, device: 1)
        let tables = try KernelTables.compile(
            [Self.generous("generous")], own: Self.own, identify: { $0 == Array("/own".utf8) ? object : nil })
        #expect(tables.guardCount == 1)
        let model = KernelTablesModel(tables)
        // What nobody denies is looked up no further.
        let changes: FileAccessSet = [.write, .create, .remove, .metadata]
        #expect(model.guardedAccesses == UInt32(changes.union(.read).rawValue))
        let none = try KernelTables.compile(
            [Policy(name: "none", file: "test.yaml")], own: Self.own, identify: { _ in object })
        #expect(KernelTablesModel(none).guardedAccesses == UInt32(changes.rawValue))
        let word = try #require(tables.guards(at: 1000).first?.word)
        let rule = try #require(tables.policies[0]).rules.count - 1
        let own = try #require(model.guards(at: word).first)
        #expect(own[2] == 1 && own[3 + Int(FileAccess.write.rawValue)] == UInt32(rule))
    }

    @Test func `without it policies have no such rule`() throws {
        let tables = try KernelTables.compile([Self.generous("generous")])
        #expect(tables.policies[0]?.rules.map(\.id) == ["all", "part"])
    }

    @Test func `what is taken again of policies makes the tables that compiling them anew does`() throws {
        func entries(_ names: [String]) -> [KernelTables.Entry] {
            names.enumerated().map { KernelTables.Entry(slot: 2 * $0, policy: Self.generous($1)) }
        }
        let before = try KernelTables.compile(entries(["a", "b", "c"]), own: Self.own)
        // Another policy in a slot, one that is gone, and another generation's own files.
        for (names, own) in [
            (["a", "b", "c", "d"], Self.own), (["a", "other", "c"], Self.own), (["b"], Self.own),
            (["a", "b"], OwnFiles()),
        ] {
            let anew = try KernelTables.compile(entries(names), own: own)
            #expect(try KernelTables.compile(entries(names), own: own, reusing: before.parts) == anew)
        }
        // The same name and another text.
        var changed = entries(["a", "b", "c"])
        changed[1].policy.files?.rules.removeLast()
        let anew = try KernelTables.compile(changed, own: Self.own)
        #expect(anew != before)
        #expect(try KernelTables.compile(changed, own: Self.own, reusing: before.parts) == anew)
    }
}
