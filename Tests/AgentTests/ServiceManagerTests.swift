import Foundation
import Testing

@testable import Agent

@Suite struct ServiceManagerTests {
    /// A socket as the service manager has it.
    private final class Manager {
        let descriptor: Int32
        let address: String

        init(abstract: Bool) throws {
            let name = "\(NSTemporaryDirectory())/swguard-notify-\(UUID().uuidString.prefix(8))"
            address = abstract ? "@" + name : name
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            var place = sockaddr_un()
            place.sun_family = sa_family_t(AF_UNIX)
            let path = Array(address.utf8).enumerated().map { abstract && $0.offset == 0 ? 0 : $0.element }
            withUnsafeMutableBytes(of: &place.sun_path) { $0.copyBytes(from: path) }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
            let bound = withUnsafePointer(to: &place) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
            }
            try #require(bound == 0)
        }

        deinit {
            close(descriptor)
            unlink(address)
        }

        func messages() -> [String] {
            var all: [String] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
                all.append(String(decoding: buffer[..<count], as: UTF8.self))
            }
            return all
        }
    }

    @Test(arguments: [false, true])
    func `readiness is told, in one line`(abstract: Bool) throws {
        let manager = try Manager(abstract: abstract)
        let agent = ServiceManager(address: manager.address, watchdog: nil, process: nil)
        agent.tell(.ready, "enforcing 1 policy: a\nWATCHDOG=trigger")
        #expect(manager.messages() == ["READY=1\nSTATUS=enforcing 1 policy: a WATCHDOG=trigger\n"])
    }

    @Test func `the watchdog hears twice in its time`() throws {
        let manager = try Manager(abstract: false)
        var agent = ServiceManager(address: manager.address, watchdog: "60000000", process: String(getpid()))
        #expect(agent.interval == 30_000)
        for now in stride(from: UInt64(0), through: 60_000, by: 1000) { agent.turn(now: now) }
        #expect(manager.messages() == Array(repeating: "WATCHDOG=1\n", count: 3))
    }

    @Test(arguments: [
        (nil, "60000000", nil), ("/run/none", "0", nil), ("/run/none", "soon", nil),
        ("/run/none", "60000000", "1"), ("vsock:2:3", "60000000", nil),
    ])
    func `nobody is told where nobody listens`(address: String?, watchdog: String, process: String?) {
        var agent = ServiceManager(address: address, watchdog: watchdog, process: process)
        #expect(agent.interval == nil)
        agent.tell(.stopping, "")
        agent.turn(now: 1)
    }
}
