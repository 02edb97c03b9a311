import Foundation
import Policy
import Testing

@testable import Control

/// A server with its clients, step by step, by a clock of the test's.
private final class Exchange {
    let directory: URL
    private var server: ControlServer
    var now: UInt64 = 1_000
    /// What was asked of the agent.
    private(set) var asked: [ControlRequest] = []
    var answer: ControlAnswer = .processes(generation: 1, [.sample(pid: 7)])

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(
            path: "c\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        server = try ControlServer(
            ControlSocket(path: directory.appending(path: "control").path),
            ControlService(version: "0"))
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    var path: String { directory.appending(path: "control").path }
    var clientCount: Int { server.clientCount }

    /// Turns until nothing more happens.
    func settle(_ turns: Int = 40) {
        for _ in 0..<turns {
            server.turn(now: now)
            if let call = server.nextCall(now: now) {
                asked.append(call.request)
                server.answer(call, answer, now: now)
            }
        }
    }

    func client() throws -> Client {
        let client = try Client(path)
        settle(2)
        return client
    }
}

/// A socket of a client that may do anything.
private final class Client {
    private let descriptor: CInt

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_NONBLOCK, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL) }
    }

    deinit { close(descriptor) }

    /// How many bytes were taken.
    @discardableResult
    func write(_ bytes: some Collection<UInt8>) -> Int {
        Array(bytes).withUnsafeBytes {
            max(0, send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)))
        }
    }

    func write(_ text: String) { write(Array(text.utf8)) }

    func call(_ method: String, _ members: String = "") { write("{\"method\":\"\(method)\"\(members)}\0") }

    func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What there is to be read; nil: the connection has ended.
    func read() -> [UInt8]? {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 { all += buffer[..<count] }
            if count == 0 || count < 0 && errno != EAGAIN { return all.isEmpty ? nil : all }
            if count < 0 { return all }
        }
    }

    /// The replies that are there.
    func replies() throws -> [JSON] {
        try (read() ?? []).split(separator: 0).map {
            try JSON(parsing: Array($0), limits: JSON.Limits(values: 1 << 20))
        }
    }

    var isClosed: Bool { read() == nil }
}

@Suite struct ServerTests {
    @Test func `a call is answered, in pieces and several at once`() throws {
        let exchange = try Exchange()
        let client = try exchange.client()
        for byte in Array("{\"method\":\"io.swguard.Control.Ps\"}\0".utf8) {
            client.write([byte])
            exchange.settle(1)
        }
        exchange.settle()
        #expect(try client.replies().first?["parameters"]?["processes"]?.items?.count == 1)
        #expect(exchange.asked == [.processes])
        for _ in 0..<3 { client.call("io.swguard.Control.Ps") }
        client.call("org.varlink.service.GetInfo")
        exchange.settle()
        #expect(try client.replies().count == 4)
        #expect(exchange.asked.count == 4)
    }

    @Test func `everybody may connect to the socket, which goes with the server`() throws {
        var exchange: Exchange? = try Exchange()
        let path = try #require(exchange?.path)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o666)
        // The directory stays for the look after it.
        let kept = path + "-kept"
        try FileManager.default.linkItem(atPath: path, toPath: kept)
        exchange = nil
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `who sends what is no call is sent away`() throws {
        let exchange = try Exchange()
        for message in ["\0", "{}\0", "nonsense\0", "{\"method\":\"a.B\",\"parameters\":[]}\0"] {
            let client = try exchange.client()
            client.write(message)
            exchange.settle()
            #expect(client.isClosed, "\(message)")
        }
        let long = try exchange.client()
        var sent = 0
        while sent <= ControlService.messageLimit + 1 {
            sent += long.write([UInt8](repeating: 0x20, count: 1 << 16))
            exchange.settle(2)
            if exchange.clientCount == 0 { break }
        }
        #expect(long.isClosed && sent > ControlService.messageLimit)
        #expect(exchange.asked.isEmpty && exchange.clientCount == 0)
    }

    @Test func `who is silent, and who does not read, is sent away after ten seconds`() throws {
        let exchange = try Exchange()
        exchange.answer = .processes(generation: 1, (0..<20_000).map { .sample(pid: $0) })
        let silent = try exchange.client()
        let slow = try exchange.client()
        slow.write("{\"method\":")
        let deaf = try exchange.client()
        deaf.call("io.swguard.Control.Ps", ",\"more\":true")
        exchange.settle()
        let good = try exchange.client()
        exchange.now += 9_999
        slow.write("\"a")
        good.call("org.varlink.service.GetInfo")
        exchange.settle()
        #expect(exchange.clientCount == 4)
        #expect(try good.replies().count == 1)
        exchange.now += 1
        exchange.settle()
        #expect(silent.isClosed && slow.isClosed && exchange.clientCount == 1)
        // What was in flight is read, and then it ends.
        while let bytes = deaf.read() { if bytes.isEmpty { break } }
        #expect(deaf.isClosed)
        exchange.now += 10_000
        exchange.settle()
        #expect(good.isClosed)
    }

    @Test func `who does not read keeps nobody waiting, and is asked for no more`() throws {
        let exchange = try Exchange()
        exchange.answer = .processes(generation: 1, (0..<20_000).map { .sample(pid: $0) })
        let deaf = try exchange.client()
        for _ in 0..<50 { deaf.call("io.swguard.Control.Ps", ",\"more\":true") }
        exchange.settle()
        // Its second call waits until the first answer is read.
        #expect(exchange.asked.count == 1)
        let good = try exchange.client()
        good.call("org.varlink.service.GetInfo")
        exchange.settle()
        #expect(try good.replies().count == 1)
        var bytes = 0
        for _ in 0..<400 where exchange.asked.count < 3 {
            bytes += deaf.read()?.count ?? 0
            exchange.settle(2)
        }
        #expect(exchange.asked.count == 3 && bytes > 4 << 20)
    }

    @Test func `answers that nobody reads have a limit`() throws {
        let exchange = try Exchange()
        exchange.answer = .processes(generation: 1, (0..<40_000).map { .sample(pid: $0) })
        var clients: [Client] = []
        for _ in 0..<8 {
            let client = try exchange.client()
            client.call("io.swguard.Control.Ps", ",\"more\":true")
            exchange.settle(4)
            clients.append(client)
        }
        let last = try #require(clients.last)
        #expect(try last.replies().first?["error"]?.stringValue == "io.swguard.Control.Busy")
    }

    @Test func `one client more takes the place of the oldest`() throws {
        let exchange = try Exchange()
        var clients: [Client] = []
        for _ in 0..<ControlServer.clientLimit {
            clients.append(try exchange.client())
            exchange.now += 1
        }
        #expect(exchange.clientCount == ControlServer.clientLimit)
        let extra = try exchange.client()
        extra.call("org.varlink.service.GetInfo")
        exchange.settle()
        #expect(try extra.replies().count == 1)
        #expect(
            clients[0].isClosed && !clients[1].isClosed && exchange.clientCount == ControlServer.clientLimit)
    }

    /// What another process says may come in pieces.
    private func line(of file: FileHandle) throws -> String {
        var line = Data()
        while line.last != 0x0a, let more = try file.read(upToCount: 1), !more.isEmpty { line += more }
        return String(decoding: line, as: UTF8.self)
    }

    @Test func `who opens many connections is in nobody's way but his own`() throws {
        let exchange = try Exchange()
        let other = Process()
        let (input, output) = (Pipe(), Pipe())
        other.executableURL = URL(filePath: "/usr/bin/env")
        other.arguments = [
            "python3", "-c",
            """
            import socket, sys
            s = socket.socket(socket.AF_UNIX)
            s.connect(sys.argv[1])
            print("connected", flush=True)
            sys.stdin.readline()
            s.sendall(b'{"method":"org.varlink.service.GetInfo"}\\0')
            print(b'swguard' in s.recv(65536), flush=True)
            """, exchange.path,
        ]
        other.standardInput = input
        other.standardOutput = output
        try other.run()
        #expect(try line(of: output.fileHandleForReading) == "connected\n")
        exchange.settle(2)
        // The other's is the oldest now.
        exchange.now += 1
        var clients: [Client] = []
        for _ in 0..<(2 * ControlServer.clientLimit) { clients.append(try exchange.client()) }
        #expect(exchange.clientCount == ControlServer.clientLimit)
        input.fileHandleForWriting.write(Data("\n".utf8))
        while other.isRunning { exchange.settle(2) }
        #expect(try line(of: output.fileHandleForReading) == "True\n")
    }

    @Test func `who writes no more is answered, and who hangs up is forgotten`() throws {
        let exchange = try Exchange()
        let half = try exchange.client()
        half.call("org.varlink.service.GetInfo")
        half.call("org.varlink.service.GetInfo")
        half.endWriting()
        exchange.settle()
        #expect(try half.replies().count == 2)
        #expect(half.isClosed && exchange.clientCount == 0)
        do {
            let gone = try exchange.client()
            gone.call("io.swguard.Control.Ps")
        }
        exchange.settle()
        #expect(exchange.clientCount == 0)
    }

    @Test func `a call that wants no reply gets none`() throws {
        let exchange = try Exchange()
        let client = try exchange.client()
        client.call("io.swguard.Control.Ps", ",\"oneway\":true")
        client.call("org.varlink.service.GetInfo")
        exchange.settle()
        let replies = try client.replies()
        #expect(replies.count == 1 && replies[0]["parameters"]?["vendor"] != nil)
    }

    @Test(arguments: Seeds.all)
    func `hostile clients neither stop the server nor other clients`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let exchange = try Exchange()
        let calls = [
            "{\"method\":\"io.swguard.Control.Ps\"}\0", "{\"method\":\"org.varlink.service.GetInfo\"}\0",
            "{\"method\":\"io.swguard.Control.Ps\",\"more\":true}\0",
            "{\"method\":\"a\",\"parameters\":{\"b\":[[1e3]]}}\0",
        ]
        var clients: [Client] = []
        for round in 0..<Seeds.rounds {
            if clients.count < 40, Bool.random(using: &random) { clients.append(try exchange.client()) }
            guard let client = clients.randomElement(using: &random) else { continue }
            var bytes = Array(calls.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            client.write(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
            if Int.random(in: 0..<8, using: &random) == 0 { client.endWriting() }
            if Int.random(in: 0..<4, using: &random) == 0 { _ = client.read() }
            if Int.random(in: 0..<6, using: &random) == 0 { clients.removeAll { $0 === client } }
            exchange.now += UInt64.random(in: 0..<2_000, using: &random)
            exchange.settle(3)
            if round % 10 == 0 {
                let good = try exchange.client()
                good.call("org.varlink.service.GetInfo")
                exchange.settle(8)
                #expect(try good.replies().count == 1, "seed \(seed), round \(round)")
            }
        }
        clients = []
        exchange.now += 10_000
        exchange.settle()
        #expect(exchange.clientCount == 0, "seed \(seed)")
    }
}
