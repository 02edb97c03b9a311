import CProbes
import Compiler
import Confinement
import Foundation
import Landlock
import Policy
import Testing

/// What has been used against path rules, tried against a real domain.
@Suite(.landlock)
struct LandlockAttackTests {
    /// A tree P, and a policy that allows everything in it but reading and executing `P/secret/**` and `P/key`.
    private func makeScene() throws -> (TemporaryDirectory, LandlockRecipe) {
        let tree = try TemporaryDirectory()
        for name in ["secret", "open", "open/sub"] { tree.directory(name) }
        for name in ["secret/f", "key", "open/f", "open/sub/g", "plain"] { tree.file(name) }
        let policy = Policy(files: [
            (.allow, .all.subtracting(.metadata), [tree.path + "/**"]),
            (.deny, [.read, .execute], [tree.path + "/secret/**", tree.path + "/key"]),
        ])
        let lowered = LandlockLowering.lower(policy, features: try hostLandlock(), isPrivileged: false)
        #expect(!lowered.coverage.findings.contains { $0.kind == .excess })
        return (tree, lowered.recipe)
    }

    private func run(_ attempts: (String) -> [Attempt]) throws -> [Int32] {
        let (tree, recipe) = try makeScene()
        defer { tree.keep() }
        let ruleset = try LandlockApplication.prepare(recipe)
        return try Attempt.run(attempts(tree.path), in: ruleset)
    }

    @Test
    func `what is granted works, what is denied does not`() throws {
        let results = try run { p in
            [
                .init(PROBE_READ, p + "/open/f"), .init(PROBE_READ, p + "/secret/f"),
                .init(PROBE_READ, p + "/key"),
                .init(PROBE_LIST, p + "/secret"), .init(PROBE_EXECUTE, p + "/secret/f"),
                .init(PROBE_WRITE, p + "/secret/f"), .init(PROBE_READ, p + "/plain"),
                .init(PROBE_READ, "/etc/passwd"),
            ]
        }
        #expect(results == [0, EACCES, EACCES, EACCES, EACCES, 0, 0, EACCES])
    }

    @Test
    func `a hard link does not give its name's rights`() throws {
        let results = try run { p in
            [
                .init(PROBE_LINK, p + "/secret/f", p + "/open/stolen"), .init(PROBE_READ, p + "/open/stolen"),
                .init(PROBE_LINK, p + "/key", p + "/beside"), .init(PROBE_READ, p + "/beside"),
            ]
        }
        #expect(results[0] == EXDEV)
        #expect(results[1] != 0)
        // In the same directory nothing is inherited: the file stays what it was.
        #expect(results[3] == EACCES)
    }

    @Test
    func `renaming does not uncover what is denied`() throws {
        let results = try run { p in
            [
                .init(PROBE_RENAME, p + "/secret", p + "/moved"), .init(PROBE_READ, p + "/moved/f"),
                .init(PROBE_RENAME, p + "/moved", p + "/open/moved"), .init(PROBE_READ, p + "/open/moved/f"),
                .init(PROBE_RENAME, p + "/key", p + "/open/key"), .init(PROBE_READ, p + "/open/key"),
            ]
        }
        #expect(results[1] == EACCES)
        #expect(results[2] == EXDEV)
        #expect(results[3] != 0)
        #expect(results[4] == EXDEV)
        #expect(results[5] != 0)
    }

    @Test
    func `an exchange does not uncover what is denied`() throws {
        let results = try run { p in
            [
                .init(PROBE_EXCHANGE, p + "/open/sub", p + "/secret"), .init(PROBE_READ, p + "/open/sub/f"),
                .init(PROBE_EXCHANGE, p + "/open/f", p + "/key"), .init(PROBE_READ, p + "/open/f"),
                .init(PROBE_EXCHANGE, p + "/open", p + "/secret"), .init(PROBE_READ, p + "/open/f"),
            ]
        }
        #expect(results[0] == EXDEV)
        #expect(results[2] == EXDEV)
        // Exchanged in one directory: the rules went along with the directories.
        #expect(results[4] == 0)
        #expect(results[5] == EACCES)
    }

    @Test
    func `a symbolic link leads to the object and its rights`() throws {
        let (tree, recipe) = try makeScene()
        defer { tree.keep() }
        symlink(tree.path + "/secret", tree.path + "/open/way")
        symlink(tree.path + "/key", tree.path + "/open/door")
        let ruleset = try LandlockApplication.prepare(recipe)
        let results = try Attempt.run(
            [
                .init(PROBE_READ, tree.path + "/open/way/f"), .init(PROBE_READ, tree.path + "/open/door"),
                .init(PROBE_SYMLINK, tree.path + "/open/new"),
            ], in: ruleset)
        #expect(results == [EACCES, EACCES, 0])
    }

    @Test
    func `a link in a carved directory is not followed when the rules are made`() throws {
        let (tree, recipe) = try makeScene()
        defer { tree.keep() }
        symlink("/etc", tree.path + "/etc")
        let ruleset = try LandlockApplication.prepare(recipe)
        let results = try Attempt.run([.init(PROBE_READ, tree.path + "/etc/passwd")], in: ruleset)
        #expect(results == [EACCES])
    }

    @Test
    func `a new file in a carved directory grants nothing`() throws {
        let results = try run { p in
            [.init(PROBE_CREATE, p + "/fresh"), .init(PROBE_READ, p + "/fresh"), .init(PROBE_LIST, p)]
        }
        #expect(results == [0, EACCES, EACCES])
    }

    @Test
    func `a file that replaced a granted one is not granted`() throws {
        let (tree, recipe) = try makeScene()
        defer { tree.keep() }
        let ruleset = try LandlockApplication.prepare(recipe)
        tree.file("other")
        rename(tree.path + "/other", tree.path + "/plain")
        let results = try Attempt.run(
            [.init(PROBE_READ, tree.path + "/plain"), .init(PROBE_READ, tree.path + "/open/f")], in: ruleset)
        #expect(results == [EACCES, 0])
    }

    @Test
    func `nothing is mounted`() throws {
        let results = try run { p in [.init(PROBE_MOUNT, p + "/open")] }
        #expect(results == [EPERM])
    }

    @Test
    func `a denied file with other names is refused`() throws {
        let (tree, recipe) = try makeScene()
        defer { tree.keep() }
        link(tree.path + "/key", tree.path + "/open/spare")
        let ruleset = try LandlockApplication.prepare(recipe)
        #expect(ruleset.findings.contains { $0.kind == .excess && $0.text.contains("hard links") })
    }

    @Test
    func `other names by bind mount are denied as well`() throws {
        guard geteuid() == 0 else { return }
        let (tree, recipe) = try makeScene()
        defer { tree.keep() }
        tree.directory("open/bound")
        let mounted = mount(tree.path + "/secret", tree.path + "/open/bound", nil, UInt(MS_BIND), nil)
        try #require(mounted == 0)
        defer { umount2(tree.path + "/open/bound", Int32(MNT_DETACH)) }
        let ruleset = try LandlockApplication.prepare(recipe)
        let results = try Attempt.run(
            [
                .init(PROBE_READ, tree.path + "/open/bound/f"), .init(PROBE_READ, tree.path + "/open/f"),
                .init(PROBE_READ, tree.path + "/open/sub/g"),
            ], in: ruleset)
        #expect(results == [EACCES, 0, 0])
    }

    // MARK: Denies with wildcards

    /// A directory `in` with `a.key`, which `in/*.key` denies, and the rest granted.
    private func makeGlobScene(allowing names: [String] = ["in/**"]) throws -> (
        TemporaryDirectory, LandlockRecipe
    ) {
        let tree = try TemporaryDirectory()
        for name in ["in", "in/sub", "out"] { tree.directory(name) }
        for name in ["in/a.key", "in/plain", "in/sub/b.key"] { tree.file(name) }
        let policy = Policy(files: [
            (.allow, [.read], names.map { tree.path + "/" + $0 }),
            (.deny, [.read], [tree.path + "/in/*.key", tree.path + "/in/s*/b.key"]),
        ])
        let host = try hostLandlock()
        return (tree, LandlockLowering.lower(policy, features: host, isPrivileged: false).recipe)
    }

    @Test(arguments: [["in/**"], ["in/a.key", "in/hard.txt"]])
    func `a file with other names that a pattern denies is refused`(_ allowed: [String]) throws {
        let (tree, recipe) = try makeGlobScene(allowing: allowed)
        defer { tree.keep() }
        let plain = try LandlockApplication.prepare(recipe)
        #expect(!plain.findings.contains { $0.kind == .excess })
        #expect(try Attempt.run([.init(PROBE_READ, tree.path + "/in/a.key")], in: plain) == [EACCES])
        link(tree.path + "/in/a.key", tree.path + "/in/hard.txt")
        let linked = try LandlockApplication.prepare(recipe)
        #expect(
            linked.findings.contains {
                $0.kind == .excess && $0.subject == "r1" && $0.text.contains("hard links")
            }, "\(linked.findings)")
    }

    @Test(arguments: [["**"], ["in/**", "out/hard"]])
    func `a granted name of a file beneath a denied directory gives nothing`(_ allowed: [String]) throws {
        let tree = try TemporaryDirectory()
        for name in ["in", "in/secret", "out"] { tree.directory(name) }
        tree.file("in/secret/key")
        let policy = Policy(files: [
            (.allow, [.read], allowed.map { tree.path + "/" + $0 }),
            (.deny, [.read], [tree.path + "/in/secret/**"]),
        ])
        let recipe = LandlockLowering.lower(policy, features: try hostLandlock(), isPrivileged: false).recipe
        link(tree.path + "/in/secret/key", tree.path + "/in/hard")
        link(tree.path + "/in/secret/key", tree.path + "/out/hard")
        let ruleset = try LandlockApplication.prepare(recipe)
        #expect(ruleset.findings.contains { $0.kind == .narrowed && $0.text.contains("hard links") })
        #expect(try Attempt.run([.init(PROBE_READ, tree.path + "/in/secret/key")], in: ruleset) == [EACCES])
    }

    @Test
    func `other names of a pattern's directory by bind mount are denied as well`() throws {
        guard geteuid() == 0 else { return }
        let (tree, recipe) = try makeGlobScene(allowing: ["**"])
        defer { tree.keep() }
        let other = tree.path + "/out"
        try #require(mount(tree.path + "/in", other, nil, UInt(MS_BIND), nil) == 0)
        defer { umount2(other, Int32(MNT_DETACH)) }
        let ruleset = try LandlockApplication.prepare(recipe)
        #expect(!ruleset.findings.contains { $0.kind == .excess }, "\(ruleset.findings)")
        let results = try Attempt.run(
            [
                .init(PROBE_READ, other + "/a.key"), .init(PROBE_READ, tree.path + "/in/a.key"),
                .init(PROBE_READ, other + "/sub/b.key"), .init(PROBE_READ, other + "/plain"),
            ], in: ruleset)
        #expect(results == [EACCES, EACCES, EACCES, 0])
    }

    @Test
    func `a mount beneath a pattern that is shown elsewhere is refused`() throws {
        guard geteuid() == 0 else { return }
        let (tree, recipe) = try makeGlobScene(allowing: ["**"])
        defer { tree.keep() }
        // What is denied as in/sub/b.key is out/b.key.
        let other = tree.path + "/out"
        try #require(mount(tree.path + "/in/sub", other, nil, UInt(MS_BIND), nil) == 0)
        defer { umount2(other, Int32(MNT_DETACH)) }
        let ruleset = try LandlockApplication.prepare(recipe)
        #expect(
            ruleset.findings.contains { $0.kind == .excess && $0.text.contains(other) }, "\(ruleset.findings)"
        )
    }
}
