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

    /// A server on a thread of its own, for as long as `body` runs.
    private func withServer(at path: String, _ body: () throws -> Void) rethrows {
        let isDone = Flag()
        let server = Thread {
            defer { isDone.finish() }
            guard let socket = try? ControlSocket(path: path),
                var server = try? ControlServer(socket, ControlService(version: "0"))
            else { return }
            while !isDone.isSet {
                let now = ControlServer.now
                server.turn(now: now)
                if let call = server.nextCall(now: now) {
                    let answer: ControlAnswer =
                        switch call.request {
                        case .confine: .unknownPolicies
                        case .status: .status(.sample(EventCounts()))
                        case .policies: .policies(generation: 7, [.sample(EventCounts())])
                        case .processes: .processes(generation: 7, (0..<20_000).map { .sample(pid: $0) })
                        case .load(let files): .rejected([.sample], reasons: files)
                        case .unload(let names):
                            .changed(
                                generation: 8, names.map { PolicyChange(policy: $0, kind: .removed) },
                                refused: 3)
                        case .reload: .failed("no room")
                        case .rollback: .changed(generation: 6, [], refused: 0)
                        }
                    server.answer(call, answer, now: ControlServer.now)
                }
                usleep(500)
            }
        }
        server.start()
        for _ in 0..<2_000 where !FileManager.default.fileExists(atPath: path) { usleep(1_000) }
        defer {
            isDone.set()
            isDone.wait()
        }
        try body()
    }

    @Test func `changes and why there are none come back whole`() throws {
        let path = path("change")
        try withServer(at: path) {
            var client = try ControlClient(path: path)
            let unloaded = try client.unload(["web", "mail"])
            #expect(unloaded.generation == 8 && unloaded.refused == 3)
            #expect(unloaded.changes.map(\.policy) == ["web", "mail"])
            #expect(unloaded.changes.allSatisfy { $0.kind == .removed })
            #expect(try client.rollBack().generation == 6)
            do throws(ControlClientError) {
                _ = try client.load(["/etc/a.yaml"])
                Issue.record("nothing was rejected")
            } catch {
                guard case .rejected(let diagnostics, let reasons) = error else { throw error }
                #expect(diagnostics == [.sample] && reasons == ["/etc/a.yaml"])
            }
            do throws(ControlClientError) {
                _ = try client.reload()
                Issue.record("nothing failed")
            } catch {
                #expect(error.text == "no room")
            }
        }
    }

    @Test func `a client and a server understand each other`() throws {
        let path = path("control")
        try withServer(at: path) {
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
        }
    }

    /// Where `.ci/install test` puts the package `varlink`.
    private static let packages = URL(filePath: #filePath)
        .deletingLastPathComponent().appending(path: "../../.build/python").standardized.path

    /// Runs a script of Python; its exit status and what it says.
    private static func python(_ arguments: [String]) throws -> (status: Int32, said: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["PYTHONPATH": packages]) { $1 }
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, said)
    }

    @Test(
        .enabled("there is no package 'varlink': .ci/install test") {
            (try? python(["-c", "import varlink"]).status) == 0
        })
    func `a client of Varlink that is not ours understands the server`() throws {
        let path = path("foreign")
        let script = """
            import sys, varlink
            client = varlink.Client.new_with_address("unix:" + sys.argv[1])
            with client:
                service = client.open("org.varlink.service")
                info = service.GetInfo()
                assert info["interfaces"] == ["org.varlink.service", "io.swguard.Control"], info
                # Reads the description, and makes the methods from it.
                control = client.open("io.swguard.Control")
                status = control.Status()
                assert status["generation"] == 7 and status["facts"][0]["name"] == "bpf-lsm", status
                assert control.Policies()["policies"][0]["name"] == "web-server"
                pids = [p["pid"] for reply in control.Ps(_more=True) for p in reply["processes"]]
                assert pids == list(range(20000)), len(pids)
                try:
                    control.Ps()
                    raise SystemExit("too much was taken")
                except varlink.VarlinkError as error:
                    assert error.error() == "io.swguard.Control.TooLarge", error
                    assert error.parameters()["limit"] == 1 << 20
                try:
                    service.GetInterfaceDescription("io.swguard.Nothing")
                    raise SystemExit("there is no such interface")
                except varlink.InterfaceNotFound:
                    pass
                control.close()
                service.close()
            """
        try withServer(at: path) {
            let (status, said) = try Self.python(["-c", script, path])
            #expect(status == 0, "\(said)")
        }
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

extension Diagnostic {
    static let sample = Diagnostic(
        "unknown access 'raed'", at: SourceLocation(file: "/etc/a.yaml", line: 14, column: 15, length: 4),
        hint: "did you mean 'read'?", sourceLine: "    - allow: [raed]")
}
