import AuditLog
import Testing

@testable import Agent

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
}
