import Foundation
import Testing

@testable import AuditLog

@Suite struct AuditTextTests {
    static let texts: [(bytes: [UInt8], text: String)] = [
        (Array("/etc/passwd".utf8), "/etc/passwd"),
        (Array("é … 🙂".utf8), "é … 🙂"),
        (Array("a\\b".utf8), "a\\\\b"),
        (Array("a\nb\u{1b}[2J\u{7f}".utf8), "a\\x0ab\\x1b[2J\\x7f"),
        ([0xff, 0x41, 0xc3], "\\xffA\\xc3"),
        // A C1 control, as terminals obey it; the character after it is none.
        ([0xc2, 0x9b, 0xc2, 0xa0], "\\xc2\\x9b\u{a0}"),
        // The direction of text, and a line's end; a joiner is part of what people write.
        (Array("a\u{202e}b\u{2066}\u{2028}".utf8), "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6\\xe2\\x80\\xa8"),
        (Array("\u{61c}\u{200f}\u{200d}".utf8), "\\xd8\\x9c\\xe2\\x80\\x8f\u{200d}"),
        // Overlong, surrogate, beyond Unicode.
        ([0xc0, 0xaf], "\\xc0\\xaf"),
        ([0xed, 0xa0, 0x80], "\\xed\\xa0\\x80"),
        ([0xf4, 0x90, 0x80, 0x80], "\\xf4\\x90\\x80\\x80"),
        ([0xe2, 0x82], "\\xe2\\x82"),
        ([], ""),
    ]

    @Test(arguments: texts) func `bytes become text that can be undone`(_ row: (bytes: [UInt8], text: String))
    {
        let text = AuditText(row.bytes)
        #expect(text.string == row.text)
        #expect(!text.isTruncated)
        #expect(Self.undone(text.bytes) == row.bytes)
    }

    @Test(arguments: [1, 2, 3, 4, 5]) func `any bytes can be had back`(_ seed: UInt64) {
        var random = Seeded(state: seed)
        for _ in 0..<500 {
            let bytes = random.bytes(upTo: 60)
            #expect(Self.undone(AuditText(bytes).bytes) == bytes, "seed \(seed)")
        }
    }

    @Test func `a text that is too long ends in an ellipsis, never within a character or an escape`() {
        #expect(AuditText(Array("abcdef".utf8), limit: 6).string == "abcdef")
        #expect(AuditText(Array("abcdefg".utf8), limit: 6).string == "abc…")
        #expect(AuditText(Array("aéééé".utf8), limit: 6).string == "aé…")
        #expect(AuditText([0x61, 0xff, 0xff], limit: 10).string == "a\\xff…")
        #expect(AuditText([0xff], limit: 4).string == "…")
        #expect(AuditText(Array("abcdefg".utf8), limit: 6).isTruncated)
    }

    @Test(arguments: [11, 12, 13]) func `a cut text takes no more than its limit in JSON`(_ seed: UInt64) {
        var random = Seeded(state: seed)
        for _ in 0..<500 {
            let limit = Int.random(in: 3...80, using: &random)
            let text = AuditText(random.bytes(upTo: 100), limit: limit)
            let cost = text.bytes.reduce(0) { $0 + ($1 == 0x22 || $1 == 0x5c ? 2 : 1) }
            #expect(cost <= limit, "seed \(seed)")
        }
    }

    /// The bytes behind a text.
    private static func undone(_ text: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var index = 0
        while index < text.count {
            if text[index] != 0x5c {
                bytes.append(text[index])
                index += 1
            } else if text[index + 1] == 0x5c {
                bytes.append(0x5c)
                index += 2
            } else {
                bytes.append(
                    UInt8(String(decoding: text[index + 2..<index + 4], as: UTF8.self), radix: 16) ?? 0)
                index += 4
            }
        }
        return bytes
    }
}

@Suite struct AuditWriterTests {
    @Test func `a line is as the page shows it`() {
        var encoder = AuditEncoder(boot: Array("0f3c".utf8), host: Array("web-3".utf8))
        let line = String(decoding: encoder.line(Samples.denial, at: Samples.time), as: UTF8.self)
        let digest = String(repeating: "0f", count: 32)
        #expect(
            line
                == """
                {"v":1,"seq":1,"time":"2026-11-22T10:15:30.123456789Z","boot":"0f3c","host":"web-3",\
                "kind":"denial","layer":"lsm","action":"file.write","verdict":"deny","errno":"EACCES",\
                "access":["write"],"denied":["write"],\
                "object":{"type":"file","path":"/etc/passwd","device":"8:1","inode":131099},\
                "policy":{"name":"web-server","digest":"sha256:\(digest)","generation":7,"mode":"enforce"},\
                "rule":{"id":"files.default","source":"web-server.yaml:12"},\
                "process":{"pid":812,"tid":812,"ppid":1,"start":81200340112,"uid":33,"gid":33,"comm":"nginx",\
                "exe":"/usr/sbin/nginx","cgroup":"/system.slice/nginx.service"},"count":1}\n
                """.replacing("\n\n", with: "\n"))
    }

    @Test func `lines are numbered without holes, and a cut string is marked`() throws {
        var encoder = AuditEncoder(boot: [], host: [])
        let long = AuditEvent.denial(
            Samples.access(.file(path: [UInt8](repeating: 0x61, count: 5000))))
        for number in 1...3 {
            let line = try #require(
                try JSONSerialization.jsonObject(with: Data(encoder.line(long, at: Samples.time)))
                    as? [String: Any])
            #expect(line["seq"] as? Int == number)
            let object = try #require(line["object"] as? [String: Any])
            #expect(object["truncated"] as? Bool == true)
            #expect((object["path"] as? String)?.hasSuffix("…") == true)
        }
    }

    @Test func `what cannot be written is counted, and told when it can be again`() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        defer { ends.forEach { close($0) } }
        var fill = [UInt8](repeating: 0x20, count: 65536)
        while write(ends[1], &fill, fill.count) > 0 {}
        while write(ends[1], &fill, 1) > 0 {}
        var writer = AuditWriter(AuditFile(borrowing: ends[1]), encoder: AuditEncoder(boot: [], host: []))
        writer.write(Samples.denial, at: Samples.time)
        writer.write(Samples.denial, at: Samples.later)
        #expect(writer.lost == 2)
        #expect(writer.lastError == EAGAIN)
        var drained = 0
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        while case let count = read(ends[0], &fill, fill.count), count > 0 { drained += count }
        writer.write(Samples.denial, at: Samples.later)
        #expect(writer.lost == 0)
        let count = read(ends[0], &fill, fill.count)
        let lines = try fill[..<count].split(separator: 0x0a).map {
            try #require(try JSONSerialization.jsonObject(with: Data($0)) as? [String: Any])
        }
        #expect(lines.map { $0["kind"] as? String } == ["gap", "denial"])
        #expect(lines.map { $0["seq"] as? Int } == [1, 2])
        #expect(lines[0]["count"] as? Int == 2)
        #expect(lines[0]["reason"] as? String == "disk")
    }

    static let times: [(Int64, String)] = [
        (0, "1970-01-01T00:00:00.000000000Z"), (951_782_399, "2000-02-28T23:59:59.000000000Z"),
        (951_782_400, "2000-02-29T00:00:00.000000000Z"), (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
        (-1, "1969-12-31T23:59:59.000000000Z"), (1_767_225_599, "2025-12-31T23:59:59.000000000Z"),
    ]

    @Test(arguments: times) func `times are of the Gregorian calendar`(_ row: (Int64, String)) {
        #expect(AuditTime(seconds: row.0, nanoseconds: 0).text == row.1)
    }

    @Test func `times before 1970 have fractions that count forwards, too`() {
        #expect(AuditTime(sinceEpoch: 1_000_000_001).text == "1970-01-01T00:00:01.000000001Z")
        #expect(AuditTime(sinceEpoch: -1).text == "1969-12-31T23:59:59.999999999Z")
        for end in [Int64.min, .max] {
            let time = AuditTime(sinceEpoch: end)
            #expect(AuditTime(time.text) == time)
        }
    }
}

@Suite struct ProcessIdentityTests {
    @Test func `this process knows itself`() {
        let identity = ProcessIdentity.read(tid: getpid())
        #expect(identity.pid == getpid())
        #expect(identity.ppid == getppid())
        #expect(identity.uid == geteuid())
        #expect(identity.gid == getegid())
        #expect(identity.exe == ProcessFile.link("/proc/self/exe"))
        #expect((identity.start ?? 0) > 0)
    }

    @Test func `what is not there is not known`() {
        let identity = ProcessIdentity.read(tid: 0x3fff_ffff)
        #expect(identity == ProcessIdentity(pid: 0x3fff_ffff, tid: 0x3fff_ffff))
    }

    @Test func `a name with brackets and blanks does not shift the fields`() {
        let rest = (4...52).map(String.init).joined(separator: " ")
        #expect(ProcessIdentity.startTime(stat: Array("7 (a) b) (c) S \(rest)\n".utf8)) == 220_000_000)
        #expect(ProcessIdentity.startTime(stat: Array("7 (a) S 1".utf8)) == nil)
    }

    @Test func `the cgroup is that of the unified hierarchy`() {
        #expect(
            ProcessIdentity.unifiedCgroup(Array("4:memory:/x\n0::/a.slice\n".utf8)) == Array("/a.slice".utf8))
        #expect(ProcessIdentity.unifiedCgroup(Array("4:memory:/x\n".utf8)) == nil)
    }
}
