internal import AuditLog
internal import CSwguardBPF
internal import Policy

extension AuditSocket {
    /// The socket that an event is about: an address, a family, or a unix name.
    init(_ event: KernelEvent) {
        let record = event.record
        if record.access == UInt32(SWGUARD_SOCKET_FAMILY) {
            // Of a family, what one of its protocols is called is not known here.
            let text = SocketFamily.text(family: record.detail, protocolNumber: 0)
            self.init(family: String(text.prefix { $0 != ":" }))
        } else if record.detail == UInt32(MemoryLayout<AddressRecord>.size),
            event.path.count == MemoryLayout<AddressRecord>.size
        {
            self.init(address: event.path)
        } else if event.path.first == UInt8(ascii: "@") {
            self.init(family: "unix", abstractName: Array(event.path.dropFirst()))
        } else {
            // Empty: it could not be found out.
            self.init(family: "unix", path: event.path.isEmpty ? nil : event.path)
        }
    }

    /// The bytes of a `struct AddressRecord`: six numbers.
    private init(address bytes: [UInt8]) {
        var words: [UInt32] = []
        for first in stride(from: 0, to: bytes.count, by: 4) {
            var word: UInt32 = 0
            for byte in bytes[first..<(first + 4)].reversed() { word = word << 8 | UInt32(byte) }
            words.append(word)
        }
        let high = UInt64(words[0]) << 32 | UInt64(words[1])
        let low = UInt64(words[2]) << 32 | UInt64(words[3])
        let address = IPAddress.v6(high, low).unmapped
        let transport = TransportProtocol.allCases.first { UInt32(1) << UInt32($0.rawValue) == words[5] }
        self.init(
            family: address.bitCount == 32 ? "inet" : "inet6", transport: transport?.name,
            address: address.description, port: UInt16(truncatingIfNeeded: words[4]))
    }
}
