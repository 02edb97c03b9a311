import AuditLog
import Compiler
import Policy
import Testing

@testable import Agent

/// Which layers commands have brought, and who uses them.
@Suite struct RunLayersTests {
    private let part: KernelPart
    private let digest = "d"

    init() throws {
        part = try KernelPart(Policy(name: "p", file: "p"))
    }

    @Test func `the same of the same user is the same layer, and of another user another`() throws {
        var runs = RunLayers()
        let firstAdded = runs.add([part, part], digest, of: 1, besides: [], now: 0)
        let first = try #require(firstAdded)
        #expect(first.count == 2 && runs.known(digest, of: 1) == first && runs.known(digest, of: 2) == nil)
        let otherAdded = runs.add([part], digest, of: 2, besides: [], now: 0)
        let other = try #require(otherAdded)
        #expect(Set(first + other).count == 3 && Set((first + other).map(KernelRun.slot)).count == 3)
        #expect((first + other).allSatisfy(KernelRun.isRun))
        runs.remove(first)
        #expect(runs.known(digest, of: 1) == nil && runs.known(digest, of: 2) == other)
    }

    @Test func `a slot that is free again is under another word`() throws {
        var runs = RunLayers()
        var words: Set<UInt32> = []
        var slots: [Int: Int] = [:]
        for round in 0..<5000 {
            let wordAdded = runs.add([part], "\(round)", of: 1, besides: [], now: 0)?.first
            let word = try #require(wordAdded)
            #expect(words.insert(word).inserted)
            slots[KernelRun.slot(of: word), default: 0] += 1
            runs.remove([word])
        }
        #expect(slots.values.max() == 3 && slots[RunLayers.goneSlot] == nil)
    }

    @Test func `neither the host's slots nor words that tasks carry are given`() throws {
        var runs = RunLayers()
        let taken = Set(3000...4095)
        runs.avoid([KernelRun(slot: 5, serial: 900, owner: 1, part: part).layer, 77])
        let wordAdded = runs.add([part], digest, of: 1, besides: taken, now: 0)?.first
        let word = try #require(wordAdded)
        #expect(KernelRun.slot(of: word) < 3000 && KernelRun.serial(of: word) == 901)
        let none = runs.add([part], "e", of: 1, besides: Set(0...4095), now: 0)
        #expect(none == nil)
        #expect(runs.known("e", of: 1) == nil)
    }

    @Test func `what is accounted for one that is gone stays with its slot, until that is another's`() throws
    {
        var runs = RunLayers()
        let added = runs.add([part], digest, of: 1, besides: [], now: 0)?.first
        let word = try #require(added)
        let slot = KernelRun.slot(of: word)
        #expect(runs.account(of: word) == slot && runs.account(of: word ^ 0x1000) == RunLayers.goneSlot)
        runs.remove([word])
        #expect(runs.account(of: word) == slot && runs.slots.isEmpty)
        #expect(runs.accounts.contains { $0.slot == slot && $0.name == "p@1" })
        #expect(runs.accounts.last?.slot == RunLayers.goneSlot)
        let other = KernelRun(slot: slot, serial: 9, owner: 2, part: part)
        runs.add(other, RunLayers.Key(owner: 2, digest: "e", place: 0), now: 0)
        #expect(runs.account(of: word) == RunLayers.goneSlot && runs.account(of: other.layer) == slot)
        var slots = Slots()
        runs.remove([other.layer])
        #expect(runs.yield(to: slots).isEmpty)
        while slots.name(of: slot) == nil { _ = slots.slot(of: "host-\(slots.all.count)") }
        #expect(runs.yield(to: slots) == [slot] && runs.accounts.map(\.slot) == [RunLayers.goneSlot])
    }

    @Test func `a line of the log is accounted by generation, digest and user, a gap by its name`() throws {
        func legend(_ slot: Int, _ owner: UInt32) -> PolicyLegend {
            KernelRun(slot: slot, serial: 1, owner: owner, part: part).legend
        }
        func line(_ generation: Int, _ user: Int, digest: String? = nil) throws -> LogRecord {
            let digest = digest ?? part.policy.digest
            let text =
                #"{"kind":"denial","policy":{"name":"p","digest":"\#(digest)","generation":\#(generation)},"#
                + #""process":{"uid":\#(user)}}"#
            return try #require(LogRecord(Array(text.utf8)))
        }
        var slots = Slots()
        let host = slots.slot(of: "p")
        let lines = LineAccounts(
            slots, [(7, [nil, legend(1, 1000), legend(2, 0)]), (8, [nil, legend(1, 1000)])])
        #expect(try lines.slot(of: line(7, 1000)) == 1 && lines.slot(of: line(7, 5)) == 2)
        #expect(try lines.slot(of: line(8, 5)) == 1 && lines.slot(of: line(9, 1000)) == host)
        #expect(try lines.slot(of: line(7, 1000, digest: "sha256:0")) == host)
        for (name, slot) in [
            ("p", host), ("p@1000", 1), ("p@0", 2), (RunLayers.goneName, RunLayers.goneSlot),
        ] {
            let gap = try #require(LogRecord(Array(#"{"kind":"gap","policy":{"name":"\#(name)"}}"#.utf8)))
            #expect(lines.slot(of: gap) == slot, "\(name)")
        }
        let unknown = try #require(LogRecord(Array(#"{"kind":"agent","state":"started"}"#.utf8)))
        #expect(lines.slot(of: unknown) == nil)
    }

    private func refused(_ runs: inout RunLayers, _ user: UInt32, _ now: UInt64) -> Bool {
        runs.refusal(of: user, 1, now: now) != nil
    }

    @Test func `a user who brings much waits, root and others do not`() throws {
        var runs = RunLayers()
        for _ in 0..<RunLayers.burst {
            let isRefused = refused(&runs, 1, 1000)
            #expect(!isRefused)
        }
        do {
            let isRefused = refused(&runs, 1, 1000)
            #expect(isRefused == true)
        }
        do {
            let isRefused = refused(&runs, 2, 1000)
            #expect(isRefused == false)
        }
        do {
            let isRefused = refused(&runs, 0, 1000)
            #expect(isRefused == false)
        }
        do {
            let isRefused = refused(&runs, 1, 1000 + RunLayers.interval)
            #expect(isRefused == false)
        }
        do {
            let isRefused = refused(&runs, 1, 1000 + RunLayers.interval)
            #expect(isRefused == true)
        }
        for number in 0..<RunLayers.limit.ofUser {
            _ = runs.add([part], "\(number)", of: 3, besides: [], now: 0)
        }
        do {
            let isRefused = refused(&runs, 3, 1000)
            #expect(isRefused == true)
        }
        do {
            let isRefused = refused(&runs, 4, 1000)
            #expect(isRefused == false)
        }
    }

    @Test func `one that nobody uses goes after a while`() throws {
        var runs = RunLayers()
        let usedAdded = runs.add([part], "used", of: 1, besides: [], now: 0)
        let used = try #require(usedAdded)
        let idleAdded = runs.add([part], "idle", of: 1, besides: [], now: 0)
        let idle = try #require(idleAdded)
        let session = runs.begin(9, of: 1, used)
        #expect(runs.idle(now: RunLayers.idleTime - 1).isEmpty)
        #expect(runs.idle(now: RunLayers.idleTime) == idle)
        runs.end(session, now: RunLayers.idleTime)
        #expect(runs.idle(now: RunLayers.idleTime) == idle)
        #expect(Set(runs.idle(now: 2 * RunLayers.idleTime)) == Set(used + idle))
    }

    @Test
    func `an event is told to the command's own client, else to one around it, never to another user's`()
        throws
    {
        var runs = RunLayers()
        let outerAdded = runs.add([part], "outer", of: 1, besides: [], now: 0)
        let outer = try #require(outerAdded)
        let innerAdded = runs.add([part], "inner", of: 1, besides: [], now: 0)
        let inner = try #require(innerAdded)
        let othersAdded = runs.add([part], "outer", of: 2, besides: [], now: 0)
        let others = try #require(othersAdded)
        let first = runs.begin(1, of: 1, outer)
        let second = runs.begin(2, of: 1, inner)
        let third = runs.begin(3, of: 2, others)
        #expect(runs.session(for: outer[0], first) == first && runs.session(for: inner[0], second) == second)
        // Denied to the inner command by the outer policy.
        #expect(runs.session(for: outer[0], second) == first)
        // Whoever says that he is another's is not.
        #expect(runs.session(for: outer[0], third) == first && runs.session(for: others[0], first) == third)
        runs.end(first, now: 0)
        #expect(runs.session(for: outer[0], first) == nil)
        #expect(runs.sessionRefusal(of: 1) == nil)
        for number in 0..<RunLayers.sessionLimit.ofUser { _ = runs.begin(UInt64(number), of: 1, inner) }
        #expect(runs.sessionRefusal(of: 1) != nil && runs.sessionRefusal(of: 2) == nil)
    }
}
