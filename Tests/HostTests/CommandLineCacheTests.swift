import Foundation
import Testing

/// A plan is kept between runs, and never used once anything it was made from is another.
@Suite struct CommandLineCacheTests {
    /// A policy that lets `cat` run and reads what `sections` say; with a cache of its own.
    private struct Setting {
        let scratch: Scratch
        let policy: String
        let secret: String

        init() throws {
            scratch = try Scratch()
            secret = try scratch.write("data/secret")
            policy = scratch.path + "/policy.yaml"
            try write(reads: true)
        }

        var cache: String { scratch.path + "/cache" }

        func write(reads: Bool, include: String = "base/runtime") throws {
            _ = try scratch.policy(
                """
                include: [\(include)]
                files:
                  rules:
                    - { allow: [read, execute, map], paths: [/usr/**, /bin/**] }
                \(reads ? "    - { allow: [read], paths: [\"\(scratch.path)/data/**\"] }" : "")
                """)
        }

        func run(_ options: [String] = [], environment: [String: String] = [:]) throws -> Swguard.Outcome {
            try Swguard.run(
                ["run", "--policy", policy] + options + ["--", "/bin/cat", secret], in: scratch.path,
                environment: ["XDG_CACHE_HOME": cache, "HOME": scratch.path].merging(environment) { $1 })
        }

        /// The plans that are kept.
        func plans() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: cache + "/swguard/1")
                .filter { $0.hasSuffix(".plan") }.map { "\(cache)/swguard/1/\($0)" }
        }

        func expect(reads: Bool, _ outcome: Swguard.Outcome) {
            #expect((outcome.output == "x\n") == reads, "\(outcome)")
            #expect((outcome.status == 0) == reads, "\(outcome)")
        }
    }

    @Test func `the second run uses the plan that the first one kept`() throws {
        let setting = try Setting()
        setting.expect(reads: true, try setting.run())
        let plan = try #require(try setting.plans().first)
        let made = try FileManager.default.attributesOfItem(atPath: plan)[.modificationDate] as? Date
        setting.expect(reads: true, try setting.run())
        #expect(try setting.plans() == [plan])
        #expect(try FileManager.default.attributesOfItem(atPath: plan)[.modificationDate] as? Date == made)
        let modes = try [plan, setting.cache + "/swguard/1"].map {
            try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int
        }
        #expect(modes == [0o600, 0o700])
    }

    @Test func `another policy under the same name counts at once`() throws {
        let setting = try Setting()
        setting.expect(reads: true, try setting.run())
        try setting.write(reads: false)
        setting.expect(reads: false, try setting.run())
        setting.expect(reads: false, try setting.run())
        try setting.write(reads: true)
        setting.expect(reads: true, try setting.run())
        #expect(try setting.plans().count == 1, "the plan of the old text is gone")
    }

    @Test func `another include counts at once, and so does one that was missing earlier on the path`() throws
    {
        let setting = try Setting()
        let (first, second) = (setting.scratch.path + "/first", setting.scratch.path + "/second")
        try setting.scratch.makeDirectory("first")
        let grant = "files: { rules: [{ allow: [read], paths: [\"\(setting.scratch.path)/data/**\"] }] }"
        _ = try setting.scratch.policy(grant, name: "second/extra.yaml")
        try setting.write(reads: false, include: "base/runtime, extra")
        let path = ["SWGUARD_POLICY_PATH": "\(first):\(second)"]
        setting.expect(reads: true, try setting.run(environment: path))
        setting.expect(reads: true, try setting.run(environment: path))
        _ = try setting.scratch.policy("files: {}", name: "first/extra.yaml")
        setting.expect(reads: false, try setting.run(environment: path))
        _ = try setting.scratch.policy(grant, name: "first/extra.yaml")
        setting.expect(reads: true, try setting.run(environment: path))
        let other = ["SWGUARD_POLICY_PATH": "\(second)"]
        _ = try setting.scratch.policy("files: {}", name: "second/extra.yaml")
        setting.expect(reads: false, try setting.run(environment: other))
    }

    @Test func `another value of a variable counts at once`() throws {
        let setting = try Setting()
        _ = try setting.scratch.policy(
            """
            include: [base/runtime]
            files:
              rules:
                - { allow: [read, execute, map], paths: [/usr/**, /bin/**] }
                - { allow: [read], paths: ["${TMPDIR}/**"] }
            """)
        let (own, other) = (setting.scratch.path + "/data", try setting.scratch.makeDirectory("else"))
        setting.expect(reads: true, try setting.run(environment: ["TMPDIR": own]))
        setting.expect(reads: false, try setting.run(environment: ["TMPDIR": other]))
        setting.expect(reads: true, try setting.run(environment: ["TMPDIR": own]))
    }

    @Test func `a link in a literal path that leads elsewhere counts at once`() throws {
        let setting = try Setting()
        try setting.scratch.makeDirectory("else")
        let link = setting.scratch.path + "/link"
        let manager = FileManager.default
        try manager.createSymbolicLink(
            atPath: link, withDestinationPath: setting.scratch.path + "/data")
        _ = try setting.scratch.policy(
            """
            include: [base/runtime]
            files:
              rules:
                - { allow: [read, execute, map], paths: [/usr/**, /bin/**] }
                - { allow: [read], paths: ["\(link)/**"] }
            """)
        setting.expect(reads: true, try setting.run())
        setting.expect(reads: true, try setting.run())
        try manager.removeItem(atPath: link)
        try manager.createSymbolicLink(
            atPath: link, withDestinationPath: setting.scratch.path + "/else")
        setting.expect(reads: false, try setting.run())
    }

    @Test func `a plan that is damaged, of another format or writable by others is not used`() throws {
        let setting = try Setting()
        setting.expect(reads: true, try setting.run())
        let plan = try #require(try setting.plans().first)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: plan))
        // The plan of a policy that grants nothing, put in its place: believed only if it may be.
        let foreign = setting.scratch.path + "/foreign.plan"
        #expect(
            try Swguard.run([
                "compile", try setting.scratch.policy("files: {}", name: "none.yaml"), "-o", foreign,
            ]).status == 0)
        let stranger = try Data(contentsOf: URL(fileURLWithPath: foreign))
        var damaged = bytes
        damaged[bytes.count / 2] ^= 0xff
        var otherFormat = stranger
        otherFormat[8] ^= 0x40
        for (data, mode) in [
            (damaged, 0o600), (otherFormat, 0o600), (stranger, 0o660), (stranger, 0o602), (Data(), 0o600),
        ] as [(Data, Int)] {
            try data.write(to: URL(fileURLWithPath: plan))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: plan)
            setting.expect(reads: true, try setting.run())
            // Made anew.
            #expect(try Data(contentsOf: URL(fileURLWithPath: plan)) == bytes)
        }
    }

    @Test func `a cache that others may enter is no cache`() throws {
        let setting = try Setting()
        try setting.scratch.makeDirectory("cache/swguard/1")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: setting.cache + "/swguard/1")
        setting.expect(reads: true, try setting.run())
        #expect(try setting.plans() == [])
    }

    @Test(arguments: ["cache", ".config/swguard/policies", "named"])
    func `a policy that grants write on the cache or the policy path is refused`(_ place: String) throws {
        let setting = try Setting()
        let directory = try setting.scratch.makeDirectory(place)
        _ = try setting.scratch.policy(
            """
            include: [base/runtime]
            files:
              rules:
                - { allow: [read, execute, map], paths: [/usr/**, /bin/**] }
                - { id: place, allow: [write, create, read], paths: ["\(directory)/**", "\(setting.secret)"] }
            """)
        let environment = ["SWGUARD_POLICY_PATH": setting.scratch.path + "/named"]
        let outcome = try setting.run(environment: environment)
        #expect(outcome.status == 125 && outcome.output == "", "\(outcome)")
        #expect(
            outcome.errors.contains(
                "cannot confine '/bin/cat': place (\(setting.policy):8): grants write on "))
        setting.expect(reads: true, try setting.run(["--allow-partial"], environment: environment))
    }
}
