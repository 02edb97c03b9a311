import Foundation
import Testing

@testable import AuditLog

/// Lines as syslog and the journal want them.
@Suite struct MessageTests {
    private static func line(_ event: AuditEvent) -> [UInt8] {
        var encoder = AuditEncoder(boot: Array("0f3c".utf8), host: Array("web-3".utf8))
        return encoder.line(event, at: Samples.time)
    }

    @Test func `a syslog message has the event's fields as structured data, and the line`() {
        let line = Self.line(Samples.denial)
        #expect(
            String(decoding: SyslogMessage.bytes(line, pid: 77), as: UTF8.self)
                == #"<108>1 2026-11-22T10:15:30.123456Z web-3 swguard 77 denial [swguard@32473 seq="1" action="file.write" verdict="deny" policy="web-server" rule="files.default" pid="812" exe="/usr/sbin/nginx" path="/etc/passwd" count="1"] "#
                + String(decoding: line.dropLast(), as: UTF8.self))
    }

    @Test func `what would end a value of structured data is escaped`() {
        let line = Self.line(.denial(Samples.access(.file(path: Array("/a\"]b\\".utf8)))))
        let text = String(decoding: SyslogMessage.bytes(line, pid: 1), as: UTF8.self)
        #expect(text.contains(#" path="/a\"\]b\\\\" "#))
    }

    @Test(arguments: 1...100) func `whatever an event holds, a message is one line of text`(_ seed: UInt64) {
        var random = Seeded(state: seed)
        let line = Self.line(Samples.random(using: &random))
        for message in [SyslogMessage.bytes(line, pid: 1), JournalMessage.bytes(line).filter { $0 != 0x0a }] {
            #expect(String(validating: message, as: UTF8.self) != nil)
            #expect(!message.contains { $0 < 0x20 || $0 == 0x7f })
        }
        // In the journal's form each field is a line, for no value has one within it.
        let fields = JournalMessage.bytes(line).split(separator: 0x0a)
        #expect(
            fields.allSatisfy {
                $0.contains(UInt8(ascii: "="))
                    && ("A"..."Z").contains(Character(Unicode.Scalar($0[$0.startIndex])))
            })
    }

    @Test func `the journal's socket gets fields, and a message that is too long as a sealed file`() throws {
        let directory = try LogDirectory()
        let path = directory.path + "/journal"
        let script = """
            import array, fcntl, os, socket, sys
            server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            server.bind(sys.argv[1])
            for _ in range(2):
                data, ancillary, _, _ = server.recvmsg(1 << 20, 64)
                if ancillary:
                    file = array.array("i", ancillary[0][2])[0]
                    assert fcntl.fcntl(file, 1034) == 15, "F_GET_SEALS"
                    data = os.pread(file, 1 << 20, 0)
                    print("file", end=" ")
                print(len(data), [line for line in data.split(b"\\n") if line.startswith((b"SWGUARD_KIND", b"PRIORITY", b"SWGUARD_SEQ"))])
            """
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, path]
        process.standardOutput = output
        try process.run()
        defer { if process.isRunning { process.terminate() } }
        let line = Self.line(Samples.denial)
        var journal = JournalOutput(path)
        for _ in 0..<6000 {
            if (try? journal.perform(.line(line))) != nil { break }
            usleep(10_000)
        }
        // Longer than any socket takes in one.
        try journal.perform(
            .line(
                Array("{\"kind\":\"x\",\"y\":\"".utf8) + [UInt8](repeating: 0x61, count: 600_000)
                    + Array("\"}\n".utf8)))
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let lines = said.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].hasSuffix("[b'PRIORITY=4', b'SWGUARD_KIND=denial', b'SWGUARD_SEQ=1']"), "\(said)")
        #expect(lines[1].hasPrefix("file 600"), "\(said)")
    }

    @Test(arguments: ["dgram", "stream", "udp"]) func `a syslog daemon gets each line as one message`(
        _ kind: String
    ) throws {
        let directory = try LogDirectory()
        let path = directory.path + "/log"
        let script = """
            import socket, sys
            kind, path = sys.argv[1:]
            if kind == "udp":
                server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                server.bind(("127.0.0.1", 0))
                open(path + ".port.new", "w").write(str(server.getsockname()[1]))
                import os; os.rename(path + ".port.new", path + ".port")
            else:
                server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_DGRAM)
                server.bind(path)
            if kind == "stream":
                server.listen()
                with server.accept()[0].makefile("rb") as file:
                    messages = [file.readline().rstrip(b"\\n") for _ in range(3)]
            else:
                messages = [server.recv(65536) for _ in range(3)]
            for message in messages:
                assert message.startswith(b"<108>1 2026-") and message.endswith(b"}"), message
            print(len(messages))
            """
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, kind, path]
        process.standardOutput = output
        try process.run()
        defer { if process.isRunning { process.terminate() } }
        var address = SyslogAddress.unix(path)
        if kind == "udp" {
            var port: UInt16?
            for _ in 0..<6000 where port == nil {
                port = (try? String(contentsOfFile: path + ".port", encoding: .utf8)).flatMap { UInt16($0) }
                usleep(10_000)
            }
            address = .udp("127.0.0.1", try #require(port))
        }
        var syslog = SyslogOutput(address)
        var sent = 0
        for _ in 0..<6000 where sent < 3 {
            if (try? syslog.perform(.line(Self.line(Samples.denial)))) != nil {
                sent += 1
            } else {
                usleep(10_000)
            }
        }
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && said == "3\n")
    }
}
