import Foundation
import Policy
import Testing

@testable import Control

/// Who gets the socket, and how clients find it.
@Suite struct SocketTests {
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(
            path: "s\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { directory.appending(path: name).path }

    private func refusal(_ path: String) -> ControlError? {
        do throws(ControlError) {
            _ = try ControlSocket(path: path)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a second agent hears that one runs, and which`() throws {
        let first = try ControlSocket(path: path("control"))
        #expect(refusal(path("control"))?.reason == "another agent runs, process \(getpid())")
        // The first one has it still.
        #expect(FileManager.default.fileExists(atPath: path("control")))
        _ = consume first
        #expect(refusal(path("control")) == nil)
    }

    @Test func `a socket that was left is replaced, and nothing else is`() throws {
        // As a killed agent leaves it: the name, without anyone behind it.
        let server = try ControlSocket(path: path("left"))
        #expect(link(path("left"), path("control")) == 0)
        _ = consume server
        do throws(ControlClientError) {
            _ = try ControlClient(path: path("control"))
            Issue.record("nobody is there")
        } catch {
            #expect(error.text.contains("no agent answers"), "\(error)")
        }
        #expect(refusal(path("control")) == nil)
        for prepare in [
            { (path: String) in _ = FileManager.default.createFile(atPath: path, contents: Data("mine".utf8))
            },
            { try? FileManager.default.createDirectory(atPath: $0, withIntermediateDirectories: false) },
            { try? FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: "/nowhere") },
        ] {
            prepare(path("other"))
            #expect(refusal(path("other"))?.code == EEXIST)
            #expect((try? FileManager.default.attributesOfItem(atPath: path("other"))) != nil)
            try FileManager.default.removeItem(atPath: path("other"))
        }
    }

    @Test func `a directory that others may change is refused`() throws {
        let open = directory.appending(path: "open").path
        try FileManager.default.createDirectory(atPath: open, withIntermediateDirectories: false)
        chmod(open, 0o777)
        #expect(refusal(open + "/control")?.code == EPERM)
        chmod(open, 0o1777)
        #expect(refusal(open + "/control") == nil)
        #expect(refusal("control")?.code == EINVAL)
        #expect(refusal("/")?.code == EINVAL)
        #expect(refusal(path(String(repeating: "x", count: 120)))?.code == ENAMETOOLONG)
        // One that is missing is made; what is missing above it is not.
        #expect(refusal(path("new/control")) == nil)
        #expect(refusal(path("no/new/control"))?.code == ENOENT)
    }

    @Test func `a client and a server understand each other`() throws {
        let path = path("control")
        let isDone = Flag()
        let server = Thread {
            guard let socket = try? ControlSocket(path: path),
                var server = try? ControlServer(socket, ControlService(version: "0", owner: geteuid()))
            else { return }
            while !isDone.isSet {
                let now = ControlServer.now
                server.turn(now: now)
                if let call = server.nextCall(now: now) {
                    let answer: ControlAnswer =
                        switch call.request {
                        case .status: .status(.sample(EventCounts()))
                        case .policies: .policies(generation: 7, [.sample(EventCounts())])
                        case .processes: .processes(generation: 7, (0..<20_000).map { .sample(pid: $0) })
                        }
                    server.answer(call, answer, now: now)
                }
                usleep(500)
            }
            isDone.finish()
        }
        server.start()
        for _ in 0..<2_000 where !FileManager.default.fileExists(atPath: path) { usleep(1_000) }
        var client = try ControlClient(path: path)
        #expect(try client.status() == .sample(EventCounts()))
        #expect(try client.policies().policies == [.sample(EventCounts())])
        #expect(try client.processes().processes.map(\.pid) == Array(0..<20_000))
        #expect(throws: ControlClientError.self) {
            try client.replies(to: VarlinkCall("io.swguard.Control.Load"))
        }
        // Too long for one reply.
        #expect(throws: ControlClientError.self) {
            try client.replies(to: VarlinkCall("io.swguard.Control.Ps"))
        }
        #expect(try client.status() == .sample(EventCounts()))
        isDone.set()
        isDone.wait()
    }

    @Test func `a client does not wait for ever`() throws {
        let socket = try ControlSocket(path: path("mute"))
        var client = try ControlClient(path: path("mute"), patience: 50)
        do throws(ControlClientError) {
            _ = try client.status()
            Issue.record("nobody answers")
        } catch {
            #expect(error.text.hasSuffix("does not answer"))
        }
        _ = consume socket
    }
}

/// What one thread tells another.
private final class Flag: @unchecked Sendable {
    private let condition = NSCondition()
    private var isRaised = false
    private var isFinished = false

    var isSet: Bool { condition.withLock { isRaised } }
    func set() { condition.withLock { isRaised = true } }
    func finish() {
        condition.withLock { isFinished = true }
        condition.broadcast()
    }
    func wait() {
        condition.lock()
        while !isFinished { condition.wait() }
        condition.unlock()
    }
}
