import Policy
import Testing

struct EndpointCase: Sendable, CustomTestStringConvertible {
    var text: String
    var covers: [SocketAddress]
    var others: [SocketAddress]
    var testDescription: String { text }

    init(_ text: String, _ covers: [SocketAddress], not others: [SocketAddress]) {
        self.text = text
        self.covers = covers
        self.others = others
    }
}

private func v4(_ text: String, _ port: UInt16, _ transport: TransportProtocol = .tcp) -> SocketAddress {
    .inet(transport, IPAddress(text) ?? .v4(0), port)
}

private func path(_ text: String) -> SocketAddress { .unixPath(Array(text.utf8)) }
private func name(_ text: String) -> SocketAddress { .unixAbstract(Array(text.utf8)) }

private let cases: [EndpointCase] = [
    EndpointCase(
        "tcp:*:443", [v4("1.2.3.4", 443), v4("::1", 443)], not: [v4("1.2.3.4", 443, .udp), v4("1.2.3.4", 80)]),
    EndpointCase("udp:127.0.0.53:53", [v4("127.0.0.53", 53, .udp)], not: [v4("127.0.0.54", 53, .udp)]),
    EndpointCase(
        "ip:10.0.0.0/8:*", [v4("10.255.0.1", 0), v4("10.0.0.0", 9, .udp)], not: [v4("11.0.0.0", 1)]),
    EndpointCase("tcp:[fd00::]/8:1-65535", [v4("fdff::1", 1)], not: [v4("fdff::1", 0), v4("fe00::1", 1)]),
    EndpointCase("tcp:[::1]:0", [v4("::1", 0)], not: [v4("::1", 1), v4("::2", 0)]),
    EndpointCase(
        "tcp:[::ffff:10.0.0.0]/104:80", [v4("10.1.2.3", 80), v4("::ffff:10.1.2.3", 80)],
        not: [v4("11.0.0.1", 80)]),
    EndpointCase("tcp:0.0.0.0/0:80", [v4("1.2.3.4", 80), v4("::ffff:1.2.3.4", 80)], not: [v4("::1", 80)]),
    EndpointCase("tcp:[::]/0:80", [v4("::1", 80)], not: [v4("1.2.3.4", 80)]),
    EndpointCase(
        "unix:/run/app/*.sock", [path("/run/app/x.sock")], not: [path("/run/app/x"), name("/run/app/x.sock")]),
    EndpointCase(
        "unix:@/tmp/.X11-unix/X*", [name("/tmp/.X11-unix/X0")], not: [path("/tmp/.X11-unix/X0"), name("x")]),
    EndpointCase("unix:@**", [name("anything/at all")], not: [path("/a")]),
    EndpointCase("unix:${HOME}/s", [path("/home/ann/s")], not: []),
    EndpointCase("unix:{/a,/b}", [path("/a"), path("/b")], not: [path("/c")]),
]

private let bad: [BadPattern] = [
    BadPattern(
        "", 0, "'' is no endpoint",
        "write tcp:HOST:PORT, udp:HOST:PORT, ip:HOST:PORT, unix:/PATH or unix:@NAME"),
    BadPattern("tpc:*:80", 0, "unknown protocol 'tpc'", "did you mean 'tcp'?"),
    BadPattern(
        "http:*:80", 0, "unknown protocol 'http'",
        "write tcp:HOST:PORT, udp:HOST:PORT, ip:HOST:PORT, unix:/PATH or unix:@NAME"),
    BadPattern(
        "tcp:example.com:80", 4, "'example.com' is a host name, and the kernel sees addresses only",
        "write its addresses, or '*'"),
    BadPattern(
        "tcp:localhost:80", 4, "'localhost' is a host name, and the kernel sees addresses only",
        "write its addresses, or '*'"),
    BadPattern("tcp:10.0.0.1/8:80", 4, "'10.0.0.1/8' has bits behind its prefix", "write 10.0.0.0/8"),
    BadPattern("tcp:[fd00::1]/8:80", 4, "'[fd00::1]/8' has bits behind its prefix", "write [fd00::]/8"),
    BadPattern("tcp:[fd00::/8]:80", 4, "'[fd00::/8]' is no address", "write [fd00::]/8"),
    BadPattern("tcp:fd00::1:80", 4, "an IPv6 address needs brackets", "write [fd00::1]:80"),
    BadPattern("tcp:[10.0.0.1]:80", 4, "brackets around an IPv4 address", "write 10.0.0.1"),
    BadPattern("tcp:10.0.0.0/33:80", 13, "'33' is no prefix length", "write 0 to 32"),
    BadPattern("tcp:10.0.0:80", 4, "'10.0.0' is no address", "write 10.0.0.1 or 10.0.0.0/8"),
    BadPattern("tcp:10.0.0.010:80", 4, "'10.0.0.010' is no address", "write 10.0.0.1 or 10.0.0.0/8"),
    BadPattern("tcp:[fe80::1%eth0]:80", 4, "'[fe80::1%eth0]' is no address", "write [fd00::1] or [fd00::]/8"),
    BadPattern("tcp:[::1:80", 4, "'[' without ']'", "write [IPv6]:PORT"),
    BadPattern("tcp:*", 4, "the endpoint has no port", "add ':443', ':1024-65535' or ':*'"),
    BadPattern("tcp::80", 4, "the endpoint has no host", "'*' is every host"),
    BadPattern(
        "tcp:*:https", 6, "'https' is no port",
        "write a number from 0 to 65535, a range such as 1024-65535, or '*'"),
    BadPattern(
        "tcp:*:65536", 6, "'65536' is no port",
        "write a number from 0 to 65535, a range such as 1024-65535, or '*'"),
    BadPattern(
        "tcp:*:080", 6, "'080' is no port",
        "write a number from 0 to 65535, a range such as 1024-65535, or '*'"),
    BadPattern("tcp:*:90-80", 6, "a range that ends before it begins", "write 80-90"),
    BadPattern("tcp:*:0-80", 6, "no range includes port 0", "write 1-80, and '0' in an endpoint of its own"),
    BadPattern(
        "unix:*", 5, "a unix name is a path or begins with '@'",
        "write unix:/** for every path, unix:@** for every other name"),
    BadPattern(
        "unix:", 4, "a unix name is a path or begins with '@'",
        "write unix:/** for every path, unix:@** for every other name"),
    BadPattern("unix:/a[]", 7, "an empty set", "a ']' in a set is '\\]'"),
    BadPattern("unix:@", 6, "the pattern is empty", nil),
]

@Suite struct EndpointTests {
    @Test(arguments: cases) func `an endpoint covers what the table says`(_ item: EndpointCase) throws {
        let endpoints = try Endpoint.parse(item.text, variables: testVariables)
        for address in item.covers { #expect(endpoints.contains { $0.contains(address) }, "\(address)") }
        for address in item.others { #expect(!endpoints.contains { $0.contains(address) }, "\(address)") }
        for endpoint in endpoints { #expect(try Endpoint.parse(endpoint.description) == [endpoint]) }
    }

    @Test(arguments: bad) func `a bad endpoint is refused at its byte`(_ bad: BadPattern) {
        let error = #expect(throws: PolicyTextError.self) {
            try Endpoint.parse(bad.pattern, variables: testVariables)
        }
        #expect(error?.offset == bad.offset)
        #expect(error?.text == bad.text)
        #expect(error?.hint == bad.hint)
    }

    @Test(arguments: [
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("::ffff:1.2.3.4", "::ffff:102:304"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("0.0.0.0", "0.0.0.0"),
        ("255.255.255.255", "255.255.255.255"),
    ])
    func `an address is read and written`(_ text: String, _ written: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == written)
        #expect(IPAddress(written) == address)
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256", "01.2.3.4", "+1.2.3.4", "::+1", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1.2.3.4::",
        "::1.2.3.4:1", "1:", ":1", " ::1",
    ])
    func `what is no address is none`(_ text: String) { #expect(IPAddress(text) == nil) }
}
