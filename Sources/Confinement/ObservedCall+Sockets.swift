internal import CLinux
private import Glibc
internal import Policy

extension ObservedCall {
    /// What is asked of a socket by handing the kernel an address.
    func sockets(_ access: NetworkAccess, address: UInt64, length: UInt64) -> [Request] {
        // sockaddr_storage is the longest (include/uapi/linux/socket.h); sendto(2) may give none.
        let size = Int(truncatingIfNeeded: CInt(truncatingIfNeeded: length))
        guard address != 0, (2...128).contains(size), let bytes = target.bytes(at: address, count: size)
        else {
            return []
        }
        guard let socket = SocketKind(of: int(0), in: target.process) else { return [] }
        return requests(access, socket: socket, address: bytes)
    }

    func listen() -> [Request] {
        guard let socket = SocketKind(of: int(0), in: target.process) else { return [] }
        return requests(.listen, socket: socket, address: socket.localAddress)
    }

    /// sendmsg(2): the address is in the header.
    func message(at header: UInt64) -> [Request] {
        guard let address = target.number(at: header, as: UInt64.self),
            let length = target.number(at: header &+ 8, as: UInt32.self)
        else { return [] }
        return sockets(.connect, address: address, length: UInt64(length))
    }

    /// sendmmsg(2): a list of headers, each with its result behind it.
    func messages() -> [Request] {
        let stride: UInt64 = 64  // sizeof(struct mmsghdr), 64-bit
        let limit: UInt64 = 1024  // UIO_MAXIOV: the kernel sends no more at once
        let count = min(UInt64(UInt32(truncatingIfNeeded: call.arguments[2])), limit)
        return (0..<count).flatMap { message(at: call.arguments[1] &+ $0 * stride) }
    }

    private func requests(_ access: NetworkAccess, socket: SocketKind, address: [UInt8]) -> [Request] {
        switch socket.domain {
        case AF_UNIX: return unixRequests(access, name: Array(address.dropFirst(2)))
        case AF_INET, AF_INET6:
            guard let transport = socket.transport, let (host, port) = inetAddress(address, socket: socket)
            else {
                return []
            }
            // What is reported is what the kernel will use, and what a rule would have to name.
            return [.network(access, SocketAddress.inet(transport, host, port).used(for: access))]
        default: return []
        }
    }

    private func unixRequests(_ access: NetworkAccess, name: [UInt8]) -> [Request] {
        guard let first = name.first else { return [] }  // autobind, or a connected socket
        if first == 0 { return [.network(access, .unixAbstract(Array(name.dropFirst())))] }
        let path = Array(name.prefix { $0 != 0 })
        guard let base = target.workingDirectory else { return [] }
        let follows = access != .bind
        switch (target.resolver.resolve(path, from: base, followsLast: follows), access) {
        case (.missing(let path), .bind):
            return [file(path, .create), .network(.bind, .unixPath(path))]
        case (.existing(let path), .connect), (.existing(let path), .listen):
            return [.network(access, .unixPath(path))]
        default: return []
        }
    }

    /// Host and port of a socket address. AF_UNSPEC is taken as the socket's own family.
    private func inetAddress(_ bytes: [UInt8], socket: SocketKind) -> (IPAddress, UInt16)? {
        guard bytes.count >= 4 else { return socket.isUnbound(bytes) ? (socket.anyAddress, 0) : nil }
        let family = CInt(UInt16(bytes[0]) | UInt16(bytes[1]) << 8)
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        func number<Number: FixedWidthInteger>(_ range: Range<Int>) -> Number {
            bytes[range].reduce(0) { $0 << 8 | Number($1) }
        }
        switch family == AF_UNSPEC ? socket.domain : family {
        case AF_INET where bytes.count >= 8: return (.v4(number(4..<8)), port)
        case AF_INET6 where bytes.count >= 24:
            return (IPAddress.v6(number(8..<16), number(16..<24)).unmapped, port)
        default: return nil
        }
    }
}

/// What kind of socket a descriptor of another process is. Asked of a copy of it, which is closed again.
private struct SocketKind {
    let domain: CInt
    let transport: TransportProtocol?
    /// The local address, as the kernel gives it.
    let localAddress: [UInt8]

    /// - Note: Minimum kernel version: 5.6 (`pidfd_getfd`).
    init?(of descriptor: CInt, in process: Int32) {
        let copy = swguard_borrow_descriptor(process, descriptor)
        if copy < 0 { return nil }
        defer { close(copy) }
        func option(_ name: CInt) -> CInt? {
            var value: CInt = 0
            var size = socklen_t(MemoryLayout<CInt>.size)
            return unsafe getsockopt(copy, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
        }
        guard let domain = option(SO_DOMAIN), let type = option(SO_TYPE), let number = option(SO_PROTOCOL)
        else {
            return nil
        }
        self.domain = domain
        let tcp: [CInt] = [0, 6, 262]  // TCP, MPTCP
        let udp: [CInt] = [0, 17, 136]  // UDP, UDP-Lite
        let stream: CInt = 1
        let datagram: CInt = 2
        transport =
            type == stream && tcp.contains(number)
            ? .tcp : type == datagram && udp.contains(number) ? .udp : nil
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe getsockname(copy, address, &size)
            }
        }
        localAddress =
            result < 0
            ? [] : unsafe withUnsafeBytes(of: &storage) { unsafe Array($0.prefix(Int(min(size, 128)))) }
    }

    /// Whether a local address is none yet: listen(2) binds then, to a port of the kernel's choice.
    func isUnbound(_ address: [UInt8]) -> Bool { address.count < 4 }

    var anyAddress: IPAddress { domain == AF_INET ? .v4(0) : .v6(0, 0) }
}
