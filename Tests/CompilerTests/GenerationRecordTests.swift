import Policy
import Testing

@testable import Compiler

@Suite struct GenerationRecordTests {
    private static func record() throws -> GenerationRecord {
        var policy = Policy(name: "web", file: "policies/web.yaml")
        policy.mode = .complain
        policy.files = FilesSection(location: SourceLocation(file: "policies/web.yaml", line: 3))
        let tables = try KernelTables.compile([
            KernelTables.Entry(slot: 0, policy: policy),
            KernelTables.Entry(slot: 2, policy: Policy(name: "mail", file: "-")),
        ])
        return GenerationRecord(
            number: 7, place: .init(boot: "0f3c", map: 19), words: 4096..<5000, counters: 3..<90,
            policies: tables.legends,
            guardedNames: [
                .init(
                    path: Array("/etc/shadow".utf8),
                    name: KernelName(
                        directory: KernelObject(inode: 12, device: 8 << 20 | 1), name: Array("shadow".utf8)),
                    word: 4711)
            ], loaded: [.init(policy: "mail", file: "/root/mail.yaml")])
    }

    @Test func `what is kept is read again`() throws {
        let record = try Self.record()
        #expect(GenerationRecord(decoding: record.encoded) == record)
        #expect(record.policies.count == 3 && record.policies[1] == nil)
        #expect(record.policies[0]?.digest?.hasPrefix("sha256:") == true)
    }

    @Test func `what is cut short anywhere is no record`() throws {
        let bytes = try Self.record().encoded
        for count in 0..<bytes.count { #expect(GenerationRecord(decoding: Array(bytes[..<count])) == nil) }
        #expect(GenerationRecord(decoding: bytes + [0]) == nil)
    }

    @Test func `what has changed anywhere is no record`() throws {
        let bytes = try Self.record().encoded
        for index in bytes.indices where !(10..<12).contains(index) {
            var other = bytes
            other[index] ^= 0x40
            #expect(GenerationRecord(decoding: other) == nil, "byte \(index)")
        }
    }
}
