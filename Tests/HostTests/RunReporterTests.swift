import AuditLog
import Foundation
import Policy
import Testing

@testable import Confinement

/// What is written, what is counted, and that nothing is lost between the two.
@Suite struct RunReporterTests {
    private static let place = SourceLocation(file: "web.yaml", line: 12)
    private static let process = ProcessIdentity(pid: 812, comm: Array("make".utf8))

    static func report(
        _ request: Request, rule: String = "files.default", reason: String? = nil,
        accesses: [String] = ["write"],
        verdict: Verdict = .deny, mode: AuditEvent.Mode = .enforce
    ) -> DenialReport {
        let rule = DecidingRule(id: rule, location: place, reason: reason)
        let parts = accesses.map { Decision.Part(access: $0, verdict: verdict, rule: rule, log: true) }
        return DenialReport(
            judgement: Judgement(
                policy: PolicyReference(name: "web", mode: mode), request: request,
                decision: Decision(parts: parts),
                layer: .observed), code: 13)
    }

    private static func file(_ path: String, _ accesses: FileAccessSet = .write) -> Request {
        .file(path: Array(path.utf8), accesses)
    }

    static let lines: [(DenialReport, String)] = [
        (
            report(file("/etc/hosts")),
            "denied make[812]: write /etc/hosts by files.default (web.yaml:12); "
                + "to allow: allow: [write], paths: [/etc/hosts]"
        ),
        (
            report(file("/tmp/a b{*}\u{1b}"), accesses: ["write", "create"]),
            "denied make[812]: write, create /tmp/a b{*}\\x1b by files.default (web.yaml:12); "
                + #"to allow: allow: [write, create], paths: ["/tmp/a b\\{\\*\\}\x1b"]"#
        ),
        (
            report(file("/k"), rule: "no-keys", reason: "keys stay", accesses: ["read"]),
            "denied make[812]: read /k by no-keys (web.yaml:12): keys stay; to allow: change no-keys, a deny rule"
        ),
        (
            report(file("/k"), mode: .complain),
            "would deny make[812]: write /k by files.default (web.yaml:12); to allow: allow: [write], paths: [/k]"
        ),
        (
            report(
                .network(.connect, .inet(.tcp, .v4(0x0102_0304), 25)), rule: "network.default",
                accesses: ["connect"]),
            "denied make[812]: connect tcp:1.2.3.4:25 by network.default (web.yaml:12); "
                + #"to allow: allow: [connect], endpoints: ["tcp:1.2.3.4:25"], coarse: true"#
        ),
        (
            report(
                .network(.bind, .inet(.udp, .v6(0x2001_0db8_0000_0000, 1), 53)), rule: "network.default",
                accesses: ["bind"]),
            "denied make[812]: bind udp:[2001:db8::1]:53 by network.default (web.yaml:12); "
                + #"to allow: allow: [bind], endpoints: ["udp:[2001:db8::1]:53"], coarse: true"#
        ),
        (
            report(.socket(family: 16, protocolNumber: 0), rule: "network.families", accesses: ["create"]),
            "denied make[812]: socket netlink by network.families (web.yaml:12); "
                + #"to allow: families: ["netlink:route"]"#
        ),
        (
            report(.operation(.ioUring), rule: "operations.default", accesses: ["io-uring"]),
            "denied make[812]: operation io-uring by operations.default (web.yaml:12); "
                + "to allow: operations: {allow: [io-uring]}"
        ),
        (
            report(file("/k"), rule: "r", accesses: ["read"], verdict: .allow),
            "granted make[812]: read /k by r (web.yaml:12)"
        ),
    ]

    @Test(arguments: lines) func `a denial names what, which rule, where, and the smallest allow`(
        _ row: (DenialReport, String)
    ) {
        #expect(ReadableLine.text(row.0, process: Self.process) == row.1)
    }

    static let addresses: [(IPAddress, String)] = [
        (.v4(0x7f00_0001), "127.0.0.1"), (.v6(0, 0), "::"), (.v6(0, 1), "::1"), (.v6(1 << 48, 0), "1::"),
        (.v6(0x0001_0000_0000_0002, 0x0003_0000_0000_0000), "1:0:0:2:3::"),
        (.v6(0x0001_0000_0002_0003, 0x0004_0005_0006_0007), "1:0:2:3:4:5:6:7"),
    ]

    @Test(arguments: addresses) func `an address is written by RFC 5952`(_ row: (IPAddress, String)) {
        #expect(row.0.description == row.1)
    }

    /// Random denials at random times: however they are aggregated, and whatever is evicted, each is counted once.
    @Test(arguments: [1, 2, 3, 4]) func `written and counted make up what was given`(_ seed: UInt64) throws {
        let directory = try RunHarness.scratch()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let log = directory + "/audit.jsonl"
        var state = seed
        func random(_ limit: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % limit
        }
        var given: [String: Int] = [:]
        do {
            var reporter = Reporter(
                AuditWriter(
                    try AuditFile(appendingTo: Array(log.utf8)), encoder: AuditEncoder(boot: [], host: [])),
                options: .init())
            var time = AuditTime(seconds: 1000, nanoseconds: 0)
            for _ in 0..<6000 {
                // Some often, some once, more than are remembered.
                let path = random(3) == 0 ? "/rare/\(random(4000))" : "/often/\(random(3))"
                let report = Self.report(Self.file(path))
                let key = report.key(executable: nil)
                time.nanoseconds += Int32(random(40_000_000))
                if time.nanoseconds >= 1_000_000_000 {
                    time.seconds += random(50) == 0 ? -3 : 1
                    time.nanoseconds -= 1_000_000_000
                }
                reporter.report(
                    report, key: key, process: reporter.wantsProcess(of: key) ? Self.process : nil, at: time)
                if random(10) == 0 { reporter.tick(at: time) }
                given[path, default: 0] += 1
            }
            reporter.finish(nil, outcome: .exited(status: 0))
            let isCounting = reporter.isCounting
            #expect(!isCounting)
        }
        var written: [String: Int] = [:]
        for event in try RunLauncherTests.events(log) {
            let object = try #require(event["object"] as? [String: Any])
            let count = try #require(event["count"] as? Int)
            #expect((event["first"] != nil) == (count > 1))
            written[try #require(object["path"] as? String), default: 0] += count
        }
        #expect(written == given, "seed \(seed)")
    }
}
