import BPF
import Foundation
import Testing

/// What the kernel's verifier has to walk through decides how long the agent takes to start, and how near a program is to
/// being refused (a million instructions).
@Suite(.needsBPFLSM, .serialized)
struct VerifierCostTests {
    /// One line of the record: the cost on 6.1 and on 6.12; 0 where the kernel lacks the hook.
    struct Record {
        var program: String
        var costs: [String: Int]
    }

    static func record() throws -> [Record] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "verifier-cost.txt")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard !line.hasPrefix("#"), words.count == 3, let old = Int(words[1]), let new = Int(words[2])
            else { return nil }
            return Record(program: String(words[0]), costs: ["6.1": old, "6.12": new])
        }
    }

    /// `6.12` of `6.12.117+deb12-cloud-amd64`.
    static func series() -> String {
        var names = utsname()
        uname(&names)
        let release = withUnsafeBytes(of: &names.release) { String(decoding: $0, as: UTF8.self) }
        return release.split(separator: ".").prefix(2).joined(separator: ".")
    }

    @Test func `no program costs the verifier a fifth more than the record says`() throws {
        let series = Self.series()
        let record = try Self.record()
        var open = try OpenObject.swguard()
        let programs = open.programs
        #expect(Set(programs) == Set(record.map(\.program)), "each program has a line in verifier-cost.txt")
        for entry in record where entry.costs[series] == 0 {
            try open.setLoaded(false, program: entry.program)
        }
        let object = try open.load()
        for entry in record {
            guard let cost = entry.costs[series], cost > 0 else { continue }
            let found = try object.verifiedInstructions(of: entry.program)
            #expect(
                Int(found) <= cost + cost / 5,
                "\(entry.program) on \(series): \(found), the record says \(cost)")
        }
    }
}
