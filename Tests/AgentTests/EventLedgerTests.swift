import AuditLog
import Control
import Foundation
import Synchronization
import Testing

@testable import Agent
@testable import BPF

@Suite struct EventLedgerTests {
    private static let request =
        #""policy":{"name":"p","generation":7},"process":{"uid":0},"count":3,"first":"a","last":"b"}"#

    @Test(
        arguments: [
            (#"{"kind":"denial","# + request, [.written: 1, .aggregated: 2]),
            (#"{"kind":"grant","# + request, [.written: 1, .aggregated: 2]),
            (#"{"kind":"tamper","# + request, [.written: 1, .aggregated: 2]),
            (#"{"kind":"denial","policy":{"name":"p"}}"#, [.written: 1, .aggregated: 0]),
            (#"{"kind":"gap","reason":"ring","count":4,"policy":{"name":"p"}}"#, [.toldRing: 4]),
            (#"{"kind":"gap","reason":"rate","count":4,"policy":{"name":"p"}}"#, [.toldRate: 4]),
            (#"{"kind":"gap","reason":"disk","count":4,"policy":{"name":"p"}}"#, [.toldDisk: 4]),
            (#"{"kind":"gap","reason":"restart","count":4,"policy":{"name":"p"}}"#, [.restart: 4]),
            (#"{"kind":"policy","policy":{"name":"p"}}"#, nil), (#"{"kind":"agent","state":"started"}"#, nil),
        ] as [(String, [Accounts.Field: Int]?)])
    func `a line that a killed agent left in the log is accounted as that agent would have`(
        _ line: String, _ amounts: [Accounts.Field: Int]?
    ) throws {
        let record = try #require(LogRecord(Array(line.utf8)))
        #expect(EventLedger.amounts(of: record) == amounts)
    }

    @Test func `lines of a log that somebody else wrote can say any number`() throws {
        let accounts = Accounts(try MappedMap(ofNoMap: Accounts.size * Accounts.capacity))
        let ledger = EventLedger(accounts, UnsettledLines(accounts))
        for kind in [#""denial""#, #""gap","reason":"restart""#] {
            let line = #"{"kind":\#(kind),"policy":{"name":"p"},"count":\#(Int.max)}"#
            let record = try #require(LogRecord(Array(line.utf8)))
            let amounts = try #require(EventLedger.amounts(of: record))
            for _ in 0..<3 { accounts.add(amounts, to: 3) }
        }
        let counts = ledger.counts(of: 3, EventCounts())
        #expect(counts.aggregated == Accounts.most && counts.restart == Accounts.most)
        #expect(counts.handled == 3 + 2 * Accounts.most)
        accounts.move(from: 3, to: 4)
        accounts.move(from: 4, to: 5)
        #expect(accounts[5, .restart] == Accounts.most && accounts[4, .restart] == 0)
    }

    @Test func `lines of several slots are settled in their order, each under its own`() throws {
        let accounts = Accounts(try MappedMap(ofNoMap: Accounts.size * Accounts.capacity))
        accounts.begin(7, after: 0)
        let unsettled = UnsettledLines(accounts)
        for (line, slot) in [3, 3, 4, 3, 4, 4].enumerated() {
            let line = UInt64(line + 1)
            unsettled.add(
                slot, [.written: 1, .aggregated: Int(line)], EventLedger.Place(line: line, step: line * 2))
        }
        unsettled.settle(upTo: 7)
        #expect(accounts[3, .written] == 2 && accounts[3, .aggregated] == 3 && accounts[4, .aggregated] == 3)
        #expect(accounts.lastLine(of: 7) == 3)
        #expect(unsettled.total(3, .aggregated) == 7 && unsettled.total(4, .aggregated) == 14)
        unsettled.settle(upTo: 12)
        #expect(accounts[3, .aggregated] == 7 && accounts[4, .aggregated] == 14)
        #expect(accounts[3, .written] == 3 && accounts[4, .written] == 3 && accounts.lastLine(of: 7) == 6)
    }

    @Test func `a line counts while the log's thread settles it, too`() async throws {
        let accounts = Accounts(try MappedMap(ofNoMap: Accounts.size * Accounts.capacity))
        let unsettled = UnsettledLines(accounts)
        let last = Atomic<UInt64>(0)
        let lines: UInt64 = 100_000
        let thread = Task.detached {
            while last.load(ordering: .acquiring) < lines {
                unsettled.settle(upTo: last.load(ordering: .acquiring))
            }
        }
        for line in 1...lines {
            unsettled.add(3, [.written: 1, .aggregated: 2], EventLedger.Place(line: line, step: line))
            last.store(line, ordering: .releasing)
            let total = unsettled.total(3, .aggregated)
            guard total == 2 * Int(line) else {
                last.store(lines, ordering: .releasing)
                Issue.record("\(total) of \(2 * line)")
                break
            }
        }
        await thread.value
        unsettled.settle(upTo: lines)
        #expect(accounts[3, .aggregated] == unsettled.total(3, .aggregated))
    }
}
