import Landlock
import Policy
import Testing

@testable import Compiler

/// The lines of the language page's table about files, for every ABI.
struct LandlockFileTests {
    private static let abis = Array(1...LandlockFeatures.newestABI)

    // MARK: P/**

    @Test(arguments: abis)
    func `a tree becomes one rule with the rights that the kernel has`(_ abi: Int) {
        let lowered = Policy(files: [Policy.allow("read", "write", "create", "remove", on: ["/p/**"])])
            .lowered(abi: abi)
        var expected: FileRights = [
            .readFile, .readDirectory, .writeFile, .makeRegular, .makeDirectory, .makeSymbolicLink, .makeFIFO,
            .makeSocket, .removeFile, .removeDirectory,
        ]
        if abi >= 2 { expected.formUnion(.refer) }
        if abi >= 3 { expected.formUnion(.truncate) }
        if abi >= 5 { expected.formUnion(.deviceControl) }
        if abi >= 9 { expected.formUnion(.resolveUnix) }
        #expect(lowered.grants == ["/p/**": expected])
        #expect(lowered.recipe.carvings.isEmpty)
        #expect(lowered.recipe.fileRights == LandlockFeatures.abi(abi).fileRights)
        #expect(lowered.extent("files.0") == (abi >= 3 ? .full : .partial))
    }

    @Test(arguments: abis)
    func `truncation is left to seccomp below ABI 3`(_ abi: Int) {
        let lowered = Policy(files: [Policy.allow("read", on: ["/p/**"])]).lowered(abi: abi)
        #expect((lowered.restrictsTruncation?.id == "files.default") == (abi < 3))
        #expect(lowered.kinds("files.default").contains(.narrowed) == (abi < 9))
        let everywhere = Policy(files: [Policy.allow("read", "write", on: ["/**"])]).lowered(abi: abi)
        #expect(everywhere.restrictsTruncation == nil)
    }

    @Test(arguments: abis)
    func `access mode 3 is left to seccomp, but where all may be read and written`(_ abi: Int) {
        let everything = Policy.allow("read", "write", on: ["/**"])
        for (rules, isRestricted) in [
            ([everything], false), ([everything, Policy.deny("read", on: ["/p/q"])], true),
            ([Policy.allow("read", on: ["/**"])], true), ([], true),
        ] {
            #expect(Policy(files: rules).lowered(abi: abi).restrictsAccessMode == isRestricted)
        }
        #expect(!Policy(files: [], filesDefault: .allow).lowered(abi: abi).restrictsAccessMode)
        #expect(!Policy(files: nil).lowered(abi: abi).restrictsAccessMode)
    }

    @Test(arguments: abis)
    func `renames between directories are refused at ABI 1 alone`(_ abi: Int) {
        let lowered = Policy(files: [Policy.allow("create", "remove", "write", on: ["/p/**"])])
            .lowered(abi: abi)
        #expect(lowered.findings.contains { $0.contains("ABI 1 refuses every rename") } == (abi == 1))
    }

    @Test(arguments: abis)
    func `devices opened for ioctl alone are a gap below ABI 5`(_ abi: Int) {
        let lowered = Policy(files: [Policy.allow("read", on: ["/p/**"])]).lowered(abi: abi)
        #expect(
            lowered.findings.contains { $0.hasPrefix("gap files.default: below Landlock ABI 5") } == (abi < 5)
        )
    }

    // MARK: What Landlock does not see

    @Test
    func `metadata and map are one gap of the section, link where names can be made`() {
        let reading = Policy(files: [
            Policy.allow("read", on: ["/p/**"]), Policy.allow("read", "metadata", on: ["/q/**"]),
        ]).lowered(abi: 9)
        #expect(
            reading.findings == [
                "gap files.default: Landlock does not see map, metadata: granted on every path"
            ])
        #expect(reading.extent("files.1") == .full)
        #expect(reading.extent("files.default") == .partial)
        let making = Policy(files: [Policy.allow("create", on: ["/p/**"])]).lowered(abi: 9)
        #expect(
            making.findings == [
                "gap files.default: Landlock does not see map, metadata, link: granted on every path"
            ])
    }

    @Test
    func `what is granted everywhere is no gap`() {
        let lowered = Policy(files: [
            Policy.allow("read", on: ["/p/**"]), Policy.allow("metadata", "map", on: ["/**"]),
        ]).lowered(abi: 9)
        #expect(lowered.findings.isEmpty)
        #expect(lowered.extent("files.default") == .full)
    }

    /// Deny lists, allow lists, whether the deny is refused.
    static let blindDenies: [(deny: [String], allow: [String], isRefused: Bool)] = [
        (["metadata"], ["read", "metadata"], true),
        (["metadata"], ["read", "write"], true),
        (["read", "metadata"], ["read", "metadata"], true),
        (["map"], ["read", "map"], true),
        (["map"], ["read"], true),
        (["read", "map"], ["read", "map"], false),
        (["link"], ["create", "link"], true),
        (["link"], ["read"], true),
        // The directory may be linked from, since names in it may be removed.
        (["link", "create"], ["create", "remove", "link"], true),
        (["execute", "map"], ["execute"], true),
        (["link", "create"], ["create", "link"], false),
        (["link", "write"], ["create", "link"], false),
        (["device"], ["device"], false),
        (["execute"], ["read", "execute", "map"], false),
        (["read", "write"], ["read", "write", "create", "remove", "metadata", "map"], false),
    ]

    @Test(arguments: blindDenies)
    func `a rule that lists what Landlock does not see is refused`(
        _ row: (deny: [String], allow: [String], isRefused: Bool)
    ) {
        let lowered = Policy(files: [
            Policy.TestRule(verdict: .allow, accesses: row.allow, objects: ["/p/**"]),
            Policy.TestRule(verdict: .deny, accesses: row.deny, objects: ["/p/secret"]),
        ]).lowered(abi: 7)
        #expect(lowered.kinds("files.1").contains(.excess) == row.isRefused)
        #expect(
            lowered.coverage.findings.first { $0.kind == .excess }?.location?.line
                == (row.isRefused ? 11 : nil))
    }

    @Test
    func `what a rule lists is refused wherever the allows are, and under an allowing default`() {
        let elsewhere = Policy(files: [
            Policy.allow("read", "metadata", on: ["/p/**"]), Policy.deny("metadata", on: ["/q/**"]),
        ]).lowered(abi: 7)
        #expect(elsewhere.kinds("files.1") == [.excess])
        #expect(elsewhere.extent("files.1") == Coverage.Extent.none)
        let byDefault = Policy(files: [Policy.deny("metadata", on: ["/q/**"])], filesDefault: .allow)
            .lowered(abi: 7)
        #expect(byDefault.kinds("files.0") == [.excess])
    }

    @Test
    func `denying all is refused where an allow grants what Landlock does not see, and never called full`() {
        let granted = Policy(files: [
            Policy.allow("read", "metadata", on: ["/p/**"]), Policy.deny("all", on: ["/p/q/**"]),
        ]).lowered(abi: 7)
        #expect(granted.kinds("files.1") == [.excess])
        let byDefault = Policy(files: [
            Policy.allow("read", on: ["/p/**"]), Policy.deny("all", on: ["/p/q/**"]),
        ]).lowered(abi: 7)
        #expect(byDefault.kinds("files.1") == [])
        #expect(byDefault.extent("files.1") == .partial)
    }

    @Test
    func `denying execute is a gap, since what can be read can be mapped`() {
        let lowered = Policy(files: [
            Policy.allow("read", "execute", "map", on: ["/p/**"]), Policy.deny("execute", on: ["/p/x"]),
        ]).lowered(abi: 7)
        #expect(lowered.kinds("files.1") == [.gap])
        let unreadable = Policy(files: [
            Policy.allow("read", "execute", "map", on: ["/p/**"]),
            Policy.deny("read", "execute", on: ["/p/x"]),
        ]).lowered(abi: 7)
        #expect(unreadable.kinds("files.1") == [])
    }

    @Test
    func `execute without read is narrowed`() {
        let alone = Policy(files: [Policy.allow("execute", on: ["/p/**"])]).lowered(abi: 7)
        #expect(alone.kinds("files.0") == [.narrowed])
        let apart = Policy(files: [
            Policy.allow("execute", on: ["/p/bin/**"]), Policy.allow("read", on: ["/p/**"]),
        ]).lowered(abi: 7)
        #expect(apart.kinds("files.0") == [])
    }

    // MARK: Literals and globs

    @Test
    func `a literal is granted as itself, and its creation is not`() {
        let lowered = Policy(files: [Policy.allow("read", "write", "create", on: ["/run/a.pid"])])
            .lowered(abi: 7)
        #expect(lowered.grants == ["/run/a.pid": [.readFile, .writeFile, .truncate, .deviceControl]])
        #expect(lowered.kinds("files.0") == [.narrowed])
        #expect(
            lowered.findings.first { $0.hasPrefix("narrowed files.0") }?.contains("create of single names")
                == true)
        #expect(lowered.extent("files.0") == .partial)
    }

    @Test
    func `a glob is expanded from its literal beginning`() {
        let lowered = Policy(files: [Policy.allow("read", on: ["/var/log/n*/*.log", "/var/log/x"])])
            .lowered(abi: 7)
        #expect(lowered.grants == ["/var/log/x": [.readFile, .deviceControl]])
        #expect(lowered.recipe.carvings.map { String(decoding: $0.root, as: UTF8.self) } == ["/var/log"])
        #expect(lowered.kinds("files.0") == [])
    }

    @Test
    func `what a tree covers needs no rule of its own`() {
        let lowered = Policy(files: [
            Policy.allow("read", "create", on: ["/p/x", "/p/y*", "/p/q/**"]),
            Policy.allow("read", "create", on: ["/p/**"]),
        ]).lowered(abi: 7)
        #expect(lowered.grants.keys.sorted() == ["/p/**"])
        #expect(lowered.recipe.carvings.isEmpty)
        #expect(lowered.kinds("files.0") == [])
    }

    @Test
    func `a process's own directory is granted by the process itself`() {
        let lowered = Policy(files: [
            Policy.allow("read", on: ["/proc/self/**", "/proc/self/maps", "/proc/selfish"])
        ]).lowered(abi: 7)
        #expect(lowered.recipe.processGrants.map { String(decoding: $0.path, as: UTF8.self) } == ["."])
        #expect(lowered.grants.keys.sorted() == ["/proc/selfish"])
    }

    // MARK: Denies

    @Test
    func `a deny carves its own rights and leaves the others whole`() {
        let lowered = Policy(files: [
            Policy.allow("read", "write", "create", "execute", on: ["/p/**"]),
            Policy.deny("write", on: ["/p/s/*"]),
        ]).lowered(abi: 7)
        #expect(lowered.grants == ["/p/**": [.readFile, .readDirectory, .execute, .deviceControl]])
        let carved = lowered.recipe.carvings.flatMap(\.allows).map(\.rights)
        #expect(carved == [FileRights([.write, .create])])
        #expect(lowered.extent("files.1") == .full)
    }

    @Test
    func `a deny that covers an allow leaves nothing of it`() {
        let lowered = Policy(files: [
            Policy.allow("read", on: ["/p/q/**", "/p/x"]), Policy.deny("read", on: ["/p/**"]),
        ]).lowered(abi: 7)
        #expect(lowered.grants.isEmpty)
        #expect(lowered.recipe.carvings.isEmpty)
    }

    /// A deny pattern, an allow pattern, whether the deny can match at any depth of it.
    static let depths: [(deny: String, allow: String, isRefused: Bool)] = [
        ("/home/**/.ssh/**", "/home/**", true),
        ("/home/**/*.key", "/home/u/**", true),
        ("/**/x", "/p/*/**", true),
        ("/home/**/.ssh/**", "/usr/**", false),
        ("/home/**/.ssh/**", "/home/u/file", false),
        ("/home/**/.ssh/**", "/home/u/*.c", false),
        ("/home/u/**", "/home/**", false),
        ("/home/*/.ssh/**", "/home/**", false),
        ("/home/u/x**", "/home/**", false),
        ("/home/**/u/**", "/home/a/u/**", false),
    ]

    @Test(arguments: depths)
    func `a deny that can match at any depth is refused`(
        _ row: (deny: String, allow: String, isRefused: Bool)
    ) {
        let lowered = Policy(files: [
            Policy.allow("read", on: [row.allow]), Policy.deny("read", on: [row.deny]),
        ]).lowered(abi: 7)
        #expect(lowered.kinds("files.1") == (row.isRefused ? [.excess] : []))
    }

    // MARK: Whole sections

    @Test
    func `default allow is an allow of everything`() {
        let lowered = Policy(files: [Policy.deny("read", on: ["/p/**"])], filesDefault: .allow).lowered(
            abi: 7)
        #expect(lowered.recipe.carvings.map(\.root) == [[0x2f]])
        let read: FileRights = [.readFile, .readDirectory]
        #expect(lowered.recipe.carvings.flatMap(\.allows).map(\.rights) == [read])
        #expect(lowered.grants["//**"]?.isDisjoint(with: read) == true)
        #expect(lowered.grants["//**"]?.contains(.makeCharacterDevice) == true)
        #expect(lowered.findings.isEmpty)
    }

    @Test
    func `without Landlock a files section is refused`() {
        let lowered = Policy(files: [Policy.allow("read", on: ["/p/**"])]).lowered(abi: 0)
        #expect(lowered.kinds("files.default").contains(.excess))
        #expect(!lowered.recipe.isNeeded)
        #expect(lowered.extent("files.0") == Coverage.Extent.none)
        #expect(Policy(files: [], filesDefault: .allow).lowered(abi: 0).kinds("files.default") == [])
    }

    @Test
    func `complain makes no ruleset`() {
        var policy = Policy(files: [Policy.deny("all", on: ["/**"])], network: [])
        policy.mode = .complain
        #expect(policy.lowered(abi: 9) == LandlockLowering.lower(policy, features: nil, isPrivileged: true))
        #expect(!policy.lowered(abi: 9).recipe.isNeeded)
        #expect(policy.lowered(abi: 9).coverage.findings.isEmpty)
    }

    @Test
    func `more rules than the limit are impossible`() {
        let paths = (0...LandlockRecipe.maximumRules).map { "/p/\($0)" }
        let lowered = Policy(files: [Policy.allow("read", on: paths)]).lowered(abi: 7)
        let found = lowered.coverage.findings.filter { $0.kind == .impossible }
        #expect(found.count == 1)
        #expect(found.first?.section == "files")
        #expect(found.first?.text.contains("for this rule, most of them for /p/") == true)
    }

    @Test
    func `more patterns than can be compared are impossible, and take no time`() {
        let paths = (0...LandlockRecipe.maximumPatterns).map { "/p/\($0)" }
        let lowered = Policy(files: [Policy.allow("read", on: paths), Policy.deny("all", on: paths)])
            .lowered(abi: 7)
        #expect(lowered.coverage.findings.map(\.kind) == [.impossible])
        #expect(!lowered.recipe.isNeeded)
    }

    // MARK: Unix sockets without a network section

    @Test(arguments: abis)
    func `connecting to a unix socket asks files for write`(_ abi: Int) {
        let lowered = Policy(files: [Policy.allow("read", "write", on: ["/p/**"])]).lowered(abi: abi)
        #expect((lowered.sockets.refusesUnix?.id == "files.default") == (abi < 9))
        #expect(lowered.grants["/p/**"]?.contains(.resolveUnix) == (abi >= 9))
        let everywhere = Policy(files: [Policy.allow("write", on: ["/**"])]).lowered(abi: abi)
        #expect(everywhere.sockets.refusesUnix == nil)
    }
}
