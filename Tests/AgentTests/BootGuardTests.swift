import Testing

@testable import Agent

@Suite struct BootGuardTests {
    private static func decide(
        _ record: BootGuard.Record?, boot: String = "b4", policies: String = "p"
    ) -> BootGuard.Decision {
        BootGuard.decide(record: record, boot: boot, policies: policies)
    }

    @Test(arguments: [
        ("swguard=off", true), ("quiet swguard=off ro\n", true), ("swguard=on swguard=off", true),
        ("swguard=off swguard=on", false), ("xswguard=off", false), ("swguard=offline", false), ("", false),
    ])
    func `the kernel's command line turns it off`(line: String, isOff: Bool) {
        #expect(BootGuard.isOff(commandLine: line) == isOff)
    }

    @Test func `three boots that do not last are enough`() {
        var record: BootGuard.Record?
        for boot in 1...3 {
            guard case .enforce(let next) = Self.decide(record, boot: "b\(boot)") else {
                Issue.record("boot \(boot) does not enforce")
                return
            }
            #expect(next.count == boot)
            // Written down and read, as between boots.
            record = BootGuard.Record(next.text)
            #expect(record == next)
        }
        guard case .stop(let reason) = Self.decide(record, boot: "b4") else {
            Issue.record("the fourth enforces")
            return
        }
        #expect(reason.contains("/var/lib/swguard/boots"))
        // Policies that changed are tried.
        #expect(
            Self.decide(record, boot: "b4", policies: "q")
                == .enforce(BootGuard.Record(boot: "b4", policies: "q", count: 1)))
    }

    @Test func `a boot that lasted makes good for those before`() {
        let third = BootGuard.Record(boot: "b3", policies: "p", count: 3)
        #expect(
            Self.decide(BootGuard.passed(third), boot: "b4")
                == .enforce(BootGuard.Record(boot: "b4", policies: "p", count: 1)))
    }

    @Test func `an agent that is started again in the same boot goes on`() {
        let third = BootGuard.Record(boot: "b3", policies: "p", count: 3)
        #expect(Self.decide(third, boot: "b3") == .enforce(third))
    }

    @Test(arguments: ["", "1 b p", "2 b p 1", "1 b p -1", "1 b p one", "1 b p 1 2"])
    func `what is no record is none`(text: String) { #expect(BootGuard.Record(text) == nil) }
}
