import AuditLog
import CSwguardBPF
import Compiler
import Testing

@testable import Agent

@Suite struct EventReportTests {
    /// A record of the ring, of which everything but the time is 0.
    private static func event(at time: UInt64) -> KernelEvent? {
        var record = EventRecord()
        record.time_ns = time
        return withUnsafeBytes(of: &record) { KernelEvent($0.bytes) }
    }

    @Test(
        arguments: [
            (5, -6, "1969-12-31T23:59:59.999999999Z"), (.max, .max, "2262-04-11T23:47:16.854775807Z"),
            (0, .min, "1677-09-21T00:12:43.145224192Z"),
        ] as [(UInt64, Int64, String)])
    func `a record has a time by any clock`(_ time: UInt64, _ bootTime: Int64, _ text: String) throws {
        var names = ProcessNames()
        let event = try #require(Self.event(at: time))
        let report = EventReport(policy: PolicyLegend(unknown: "p"), bootTime: bootTime)
        #expect(report.event(of: event, &names)?.1.text == text)
    }

    @Test func `a record that is shorter than it says is none`() {
        var record = EventRecord()
        record.path_size = .max
        withUnsafeBytes(of: &record) { bytes in
            #expect(KernelEvent(bytes.bytes) == nil)
            #expect(KernelEvent(UnsafeRawBufferPointer(rebasing: bytes.dropLast()).bytes) == nil)
        }
    }
}
