extension Evasion {
    /// Endpoints by other spellings, protocols and names.
    static let sockets = [
        Evasion(
            "TCP", "a denied endpoint", "exec $attack connect-to 127.0.0.1 7001", "socket.connect",
            "no-service"),
        Evasion(
            "Fast Open", "the same, by sendto", "exec $attack fast-open 7001", "socket.connect", "no-service"),
        Evasion(
            "Fast Open by a message", "the same, by sendmsg", "exec $attack fast-open-message 7001",
            "socket.connect", "no-service"),
        Evasion(
            "Multipath TCP", "the same, over another protocol",
            "exec $attack connect-multipath 127.0.0.1 7001",
            "socket.connect", "no-service"),
        Evasion(
            "mapped address", "an IPv4 address spelt as IPv6",
            "exec $attack connect-to ::ffff:127.0.0.1 7001",
            "socket.connect", "no-service"),
        Evasion(
            "unspecified address", "0.0.0.0, which is loopback", "exec $attack connect-to 0.0.0.0 7001",
            "socket.connect", "no-service"),
        Evasion(
            "unspecified IPv6 address", "::, which is loopback", "exec $attack connect-to :: 7001",
            "socket.connect", "no-service"),
        Evasion(
            "unspecified mapped address", "::ffff:0.0.0.0, which is loopback",
            "exec $attack connect-to ::ffff:0.0.0.0 7001", "socket.connect", "no-service"),
        Evasion(
            "unspecified address of a bound socket", "0.0.0.0, which is where the socket is bound",
            "exec $attack connect-bound 127.0.0.2 0.0.0.0 7002", "socket.connect", "no-service"),
        Evasion(
            "unspecified address of a mapped socket",
            "::, which is 127.0.0.1 where the socket is bound to IPv4",
            "exec $attack connect-bound ::ffff:127.0.0.1 :: 7003", "socket.connect", "no-service"),
        Evasion(
            "datagram", "a denied endpoint without connecting", "exec $attack send-to 127.0.0.1 7001",
            "socket.connect", "no-service"),
        Evasion(
            "no family", "AF_UNSPEC, which is IPv4", "exec $attack send-no-family 127.0.0.1 7001",
            "socket.connect", "no-service"),
        Evasion(
            "IPv4 from an IPv6 socket", "an address of the other family",
            "exec $attack send-four-from-six 127.0.0.1 7001", "socket.connect", "no-service"),
        Evasion(
            "UDP-Lite", "a denied endpoint, over another protocol",
            "exec $attack connect-lite 127.0.0.1 7001",
            "socket.connect", "no-service"),
        Evasion(
            "binding without a family", "AF_UNSPEC, which is IPv4, in bind",
            "exec $attack bind-no-family 7004",
            "socket.bind", "no-server"),
        Evasion(
            "unix socket", "a service's socket", "exec $attack connect-unix $PWD/secret/service",
            "socket.connect", "no-service"),
        Evasion(
            "unix socket by a link", "a service's socket, by a link",
            "ln -s $PWD/secret/service granted/w/s; exec $attack connect-unix $PWD/granted/w/s",
            "socket.connect", "no-service"),
        Evasion(
            "unix socket by a hard link", "a service's socket, by another name",
            "ln secret/service granted/w/s; exec $attack connect-unix $PWD/granted/w/s", "socket.connect",
            "no-service"),
        Evasion(
            "unix socket by a bind mount", "a service's socket, in a granted directory",
            "mkdir granted/w/m; mount --bind secret granted/w/m; exec $attack connect-unix $PWD/granted/w/m/service",
            "socket.connect", "no-service"),
    ]
}
