internal import Policy

extension SocketRestrictions {
    /// The branches that refuse what must be refused of sockets, by call.
    struct Branches {
        /// Calls, the tests under which they are refused, and why.
        var refusals: [(call: String, tests: [SyscallDecisions.Test], cause: Cause, isRawSocket: Bool)] = []

        fileprivate mutating func refuse(
            _ call: String, _ tests: [SyscallDecisions.Test], _ cause: Cause?, isRawSocket: Bool = false
        ) {
            guard let cause else { return }
            refusals.append((call, tests, cause, isRawSocket))
        }
    }

    /// What socket(2) is asked for, as tests of its arguments. The kernel reads all three as int, and the
    /// type without its flags (`SOCK_TYPE_MASK`, include/linux/net.h).
    private enum Is {
        typealias Test = SyscallDecisions.Test

        static func family(_ number: UInt32) -> Test { Test(0, .equal, UInt64(number)) }
        static func notFamily(_ number: UInt32) -> Test { Test(0, .notEqual, UInt64(number)) }
        /// AF_INET is 2 and AF_INET6 is 10: they differ in one bit.
        static let internet = Test(0, mask: ~0x8, .equal, 2)
        static func type(_ number: UInt64) -> Test { Test(1, mask: 0xf, .equal, number) }
        static func notType(_ number: UInt64) -> Test { Test(1, mask: 0xf, .notEqual, number) }
        static func number(_ number: UInt64) -> Test { Test(2, .equal, number) }
        static func notNumber(_ number: UInt64) -> Test { Test(2, .notEqual, number) }
    }

    private enum Number {
        // include/linux/net.h
        static let stream: UInt64 = 1
        static let datagram: UInt64 = 2
        static let raw: UInt64 = 3
        static let packetType: UInt64 = 10
        // include/linux/socket.h
        static let unix: UInt32 = 1
        static let packet: UInt32 = 17
        static let smc: UInt32 = 43
        // include/uapi/linux/in.h
        static let multipath: UInt64 = 262
        static let smcProtocol: UInt64 = 256
        // SOL_TCP and TCP_ULP, include/uapi/linux/tcp.h
        static let tcpLevel: UInt64 = 6
        static let upperLayer: UInt64 = 31
        /// 0 is the type's first protocol: TCP and UDP.
        static let streamProtocols: [UInt64] = [0, 6, multipath]
        static let datagramProtocols: [UInt64] = [0, 17, 136]
    }

    /// MSG_FASTOPEN of `include/linux/socket.h`.
    private static let fastOpen: UInt64 = 0x2000_0000

    /// What the filter refuses. An i386 program's socketcall(2), whose arguments are in memory, is refused
    /// wherever anything is.
    var branches: Branches {
        var result = Branches()
        if let families {
            let whole = families.filter { $0.protocolNumber == nil }.map(\.number).uniqued().sorted()
            let parts = families.filter { $0.protocolNumber != nil && !whole.contains($0.number) }
            let partNumbers = parts.map(\.number).uniqued().sorted()
            result.refuse("socket", (whole + partNumbers).sorted().map(Is.notFamily), familiesCause)
            for family in partNumbers {
                let numbers = parts.filter { $0.number == family }.compactMap(\.protocolNumber).uniqued()
                    .sorted()
                result.refuse(
                    "socket", [Is.family(family)] + numbers.map { Is.notNumber(UInt64($0)) }, familiesCause)
            }
            if !whole.contains(Number.packet) {
                // AF_INET with SOCK_PACKET is AF_PACKET (net/socket.c, __sock_create).
                result.refuse("socket", [Is.internet, Is.type(Number.packetType)], familiesCause)
            }
        }
        if let families {
            // Pairs of the others: socketpair(2) makes the socket before it asks whether the family has pairs, and
            // those of AF_TIPC can be sent to any address.
            let whole = families.filter { $0.protocolNumber == nil }.map(\.number) + [Number.unix]
            result.refuse("socketpair", whole.uniqued().sorted().map(Is.notFamily), familiesCause)
        }
        result.refuse("socket", [Is.family(Number.unix)], refusesUnix)
        // A pair of datagram sockets (SOCK_RAW is the same, net/unix/af_unix.c) can be sent to any name.
        result.refuse("socketpair", [Is.family(Number.unix), Is.type(Number.datagram)], refusesUnix)
        result.refuse("socketpair", [Is.family(Number.unix), Is.type(Number.raw)], refusesUnix)
        if let cause = refusesOtherProtocols {
            for tests in Self.otherProtocols { result.refuse("socket", tests, cause, isRawSocket: true) }
        }
        // Landlock sees TCP sockets only: what carries a stream beside them goes with MPTCP.
        for tests in [
            [Is.internet, Is.number(Number.multipath)],
            [Is.internet, Is.number(Number.smcProtocol)],
            [Is.family(Number.smc)],
        ] {
            result.refuse("socket", tests, refusesMultipathTCP ?? refusesStream)
        }
        for number in Number.streamProtocols {
            result.refuse("socket", [Is.internet, Is.type(Number.stream), Is.number(number)], refusesStream)
        }
        for number in Number.datagramProtocols {
            result.refuse(
                "socket", [Is.internet, Is.type(Number.datagram), Is.number(number)], refusesDatagram)
        }
        for (call, argument): (String, UInt8) in [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)] {
            result.refuse(
                call, [.init(argument, mask: Self.fastOpen, .notEqual, 0)], refusesFastOpen)
        }
        result.refuse("listen", [], refusesListen)
        // TCP_ULP makes another protocol of a TCP socket, "smc" one whose connect Landlock does not see
        // (smc_ulp_init in net/smc/af_smc.c). The name is in memory; without "tls", TLS is done by the program.
        result.refuse(
            "setsockopt", [.init(1, .equal, Number.tcpLevel), .init(2, .equal, Number.upperLayer)],
            refusesMultipathTCP)
        if let first = result.refusals.first {
            result.refuse("socketcall", [], first.cause, isRawSocket: first.isRawSocket)
        }
        return result
    }

    /// Everything of inet and inet6 but TCP and UDP, packet sockets and SMC: the operation `raw-socket`.
    private static let otherProtocols: [[SyscallDecisions.Test]] = [
        [Is.internet, Is.notType(Number.stream), Is.notType(Number.datagram)],
        [Is.internet, Is.type(Number.stream)] + Number.streamProtocols.map(Is.notNumber),
        [Is.internet, Is.type(Number.datagram)] + Number.datagramProtocols.map(Is.notNumber),
        [Is.family(Number.packet)],
        [Is.family(Number.smc)],
    ]
}
