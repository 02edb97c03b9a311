import Compiler
import Policy
import Seccomp
import Testing

/// What the filter refuses of sockets.
@Suite struct SocketFilterTests {
    private static let cause = DecidingRule(id: "network.default", location: syscallPlace())

    private func filter(_ change: (inout SocketRestrictions) -> Void) throws -> TestFilter {
        var inputs = SyscallLayerInputs(policy: Policy(name: "p", file: "p.yaml"))
        change(&inputs.sockets)
        return try TestFilter([inputs])
    }

    private func socket(_ family: UInt64, _ type: UInt64, _ number: UInt64 = 0) -> FilterInput {
        nativeCall("socket", family, type, number)
    }

    @Test func `only listed families may be created, netlink by its protocol`() throws {
        let filter = try filter {
            $0.families = [
                SocketFamily(name: "unix", number: 1), SocketFamily(name: "inet", number: 2),
                SocketFamily(name: "netlink:route", number: 16, protocolNumber: 0),
            ]
            $0.familiesCause = Self.cause
        }
        #expect(filter.answer(socket(1, 1)) == .allow)
        #expect(filter.answer(socket(2, 2)) == .allow)
        #expect(filter.answer(socket(2 | 1 << 32, 2)) == .allow)
        #expect(filter.answer(socket(16, 3, 0)) == .allow)
        #expect(filter.answer(socket(16, 3, 15)) == .accessDenied)
        #expect(filter.answer(socket(16, 3, 15 | 1 << 32)) == .accessDenied)
        for family: UInt64 in [0, 3, 10, 17, 38, 40, 43, 0xffff_ffff, 10 | 1 << 32] {
            #expect(filter.answer(socket(family, 1)) == .accessDenied)
        }
        // AF_INET with SOCK_PACKET is a packet socket.
        #expect(filter.answer(socket(2, 10)) == .accessDenied)
        #expect(filter.answer(nativeCall("socketpair", 1, 2)) == .allow)
    }

    @Test func `an empty list of families leaves none`() throws {
        let filter = try filter {
            $0.families = []
            $0.familiesCause = Self.cause
        }
        for family: UInt64 in [0, 1, 2, 10, 16] { #expect(filter.answer(socket(family, 1)) == .accessDenied) }
        #expect(filter.answer(nativeCall("socketpair", 1, 1)) == .allow)
    }

    @Test func `two protocols of one family are both listed`() throws {
        let filter = try filter {
            $0.families = [
                SocketFamily(name: "netlink:route", number: 16, protocolNumber: 0),
                SocketFamily(name: "netlink:audit", number: 16, protocolNumber: 9),
            ]
            $0.familiesCause = Self.cause
        }
        #expect(filter.answer(socket(16, 3, 0)) == .allow)
        #expect(filter.answer(socket(16, 3, 9)) == .allow)
        #expect(filter.answer(socket(16, 3, 1)) == .accessDenied)
    }

    @Test(arguments: [2, 10] as [UInt64])
    func `raw sockets and other protocols need the operation`(family: UInt64) throws {
        let filter = try TestFilter(.denyingOperations(.rawSocket))
        let closeOnExec: UInt64 = 0x8_0000
        #expect(filter.answer(socket(family, 3, 1)) == .permissionDenied)
        #expect(filter.answer(socket(family, 3 | closeOnExec, 255)) == .permissionDenied)
        #expect(filter.answer(socket(family, 3 | 1 << 32, 255)) == .permissionDenied)
        #expect(filter.answer(socket(family, 1, 132)) == .permissionDenied)  // SCTP
        #expect(filter.answer(socket(family, 5, 132)) == .permissionDenied)
        #expect(filter.answer(socket(family, 2, 1)) == .permissionDenied)  // ping
        #expect(filter.answer(socket(family, 1, 256)) == .permissionDenied)  // SMC
        #expect(filter.answer(socket(family, 6, 33)) == .permissionDenied)  // DCCP
        for number: UInt64 in [0, 6, 262] {
            #expect(filter.answer(socket(family, 1 | closeOnExec, number)) == .allow)
        }
        for number: UInt64 in [0, 17, 136] {
            #expect(filter.answer(socket(family, 2 | closeOnExec, number)) == .allow)
        }
        #expect(filter.answer(socket(1, 3)) == .allow)
        #expect(filter.answer(socket(16, 3)) == .allow)
        #expect(filter.answer(socket(17, 2)) == .permissionDenied)
        #expect(filter.answer(socket(43, 1)) == .permissionDenied)
    }

    @Test(arguments: [2, 10] as [UInt64])
    func `what Landlock does not see of TCP and UDP is refused`(family: UInt64) throws {
        let datagram = try filter { $0.refusesDatagram = Self.cause }
        for number: UInt64 in [0, 17, 136] {
            #expect(datagram.answer(socket(family, 2 | 0x800, number)) == .accessDenied)
        }
        #expect(datagram.answer(socket(family, 1)) == .allow)
        let multipath = try filter { $0.refusesMultipathTCP = Self.cause }
        #expect(multipath.answer(socket(family, 1, 262)) == .accessDenied)
        #expect(multipath.answer(socket(family, 1, 262 | 1 << 40)) == .accessDenied)
        #expect(multipath.answer(socket(family, 1, 256)) == .accessDenied)
        #expect(multipath.answer(socket(43, 1)) == .accessDenied)
        #expect(multipath.answer(socket(family, 1, 6)) == .allow)
        let stream = try filter { $0.refusesStream = Self.cause }
        for number: UInt64 in [0, 6, 262, 256] {
            #expect(stream.answer(socket(family, 1, number)) == .accessDenied)
        }
        #expect(stream.answer(socket(family, 2)) == .allow)
    }

    @Test func `a send that connects is refused`() throws {
        let filter = try filter { $0.refusesFastOpen = Self.cause }
        let flag: UInt64 = 0x2000_0000
        #expect(filter.answer(nativeCall("sendto", 3, 0, 0, flag | 0x4000)) == .accessDenied)
        #expect(filter.answer(nativeCall("sendto", 3, 0, 0, 0x4000)) == .allow)
        #expect(filter.answer(nativeCall("sendmsg", 3, 0, flag)) == .accessDenied)
        #expect(filter.answer(nativeCall("sendmmsg", 3, 0, 0, flag)) == .accessDenied)
        #expect(filter.answer(nativeCall("sendmsg", 3, 0, 0)) == .allow)
    }

    @Test func `listening is refused to every socket`() throws {
        let filter = try filter { $0.refusesListen = Self.cause }
        for descriptor: UInt64 in [0, 3, .max] {
            #expect(filter.answer(nativeCall("listen", descriptor, 1)) == .accessDenied)
        }
        #expect(filter.answer(nativeCall("accept4", 3)) == .allow)
        #expect(filter.answer(nativeCall("io_uring_setup", 8)) == .permissionDenied)
    }

    @Test func `unix sockets are refused with the pairs that reach others`() throws {
        let filter = try filter { $0.refusesUnix = Self.cause }
        #expect(filter.answer(socket(1, 1)) == .accessDenied)
        #expect(filter.answer(nativeCall("socketpair", 1, 1)) == .allow)
        #expect(filter.answer(nativeCall("socketpair", 1, 5)) == .allow)
        #expect(filter.answer(nativeCall("socketpair", 1, 2 | 0x8_0000)) == .accessDenied)
        #expect(filter.answer(nativeCall("socketpair", 1, 3)) == .accessDenied)
    }

    @Test func `i386's socketcall is refused wherever a socket is`() throws {
        var inputs = SyscallLayerInputs(
            policy: .syscalls([], default: .allow, architectures: ["x86_64", "i386"]))
        let open = try TestFilter([inputs])
        #expect(open.answer(syscall("socketcall", .i386, [1])) == .allow)
        inputs.sockets.refusesDatagram = Self.cause
        let closed = try TestFilter([inputs])
        #expect(closed.answer(syscall("socketcall", .i386, [1])) == .accessDenied)
        #expect(closed.answer(syscall("socket", .i386, [2, 2, 0])) == .accessDenied)
    }
}
