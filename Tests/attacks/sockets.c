// Sockets: families, addresses, and what comes over them.
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int new_socket(int family, int type, int protocol) { return result(socket(family, type, protocol)); }
static int at_udp(char **a) { (void)a; return new_socket(AF_INET, SOCK_DGRAM, 0); }
static int at_udp6(char **a) { (void)a; return new_socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0); }
static int at_udplite(char **a) { (void)a; return new_socket(AF_INET, SOCK_DGRAM, 136); }
static int at_raw(char **a) { (void)a; return new_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static int at_ping(char **a) { (void)a; return new_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP); }
static int at_packet(char **a) { (void)a; return new_socket(AF_PACKET, SOCK_RAW, 0x0300); }
static int at_sctp(char **a) { (void)a; return new_socket(AF_INET, SOCK_STREAM, 132); }
static int at_mptcp(char **a) { (void)a; return new_socket(AF_INET, SOCK_STREAM, 262); }
static int at_netlink_audit(char **a) { (void)a; return new_socket(AF_NETLINK, SOCK_RAW, 9); }
static int at_alg(char **a) { (void)a; return new_socket(38, SOCK_SEQPACKET, 0); }
static int at_vsock(char **a) { (void)a; return new_socket(40, SOCK_STREAM, 0); }
static int at_unix(char **a) { (void)a; return new_socket(AF_UNIX, SOCK_STREAM, 0); }
// The upper half of the argument is ignored by the kernel; a filter that compares 64 bits lets it through.
static int at_unix_wide(char **a) { (void)a; return result(syscall(SYS_socket, AF_UNIX | 1L << 32, 1L << 32 | 1, 0)); }

static struct sockaddr_in loopback(char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}
static int at_connect(char **a)
{
	struct sockaddr_in address = loopback(a[0]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno : result(connect(fd, (void *)&address, sizeof(address)));
}
static int at_connect_mapped(char **a)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(a[0]))};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	memcpy(&address.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	return fd < 0 ? errno : result(connect(fd, (void *)&address, sizeof(address)));
}
static int at_connect_unspecified(char **a)
{
	struct sockaddr_in address = loopback(a[0]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = 0;
	return fd < 0 ? errno : result(connect(fd, (void *)&address, sizeof(address)));
}
static int at_fast_open(char **a)
{
	struct sockaddr_in address = loopback(a[0]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno : result(sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&address, sizeof(address)));
}
static int at_fast_open_message(char **a)
{
	struct sockaddr_in address = loopback(a[0]);
	struct iovec data = {"x", 1};
	struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &data, .msg_iovlen = 1};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno : result(sendmsg(fd, &message, MSG_FASTOPEN));
}
static int at_bind(char **a)
{
	struct sockaddr_in address = loopback(a[0]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno : result(bind(fd, (void *)&address, sizeof(address)));
}
static int named(char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	strncpy(address->sun_path, path, sizeof(address->sun_path) - 1);
	if (path[0] == '@')
		address->sun_path[0] = 0;
	return offsetof(struct sockaddr_un, sun_path) + strlen(path) + (path[0] != '@');
}
static int at_connect_unix(char **a)
{
	struct sockaddr_un address;
	int length = named(a[0], &address), fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 ? errno : result(connect(fd, (void *)&address, length));
}
// One end of a pair of datagram sockets is a unix socket like any other: it sends to whom it likes.
static int at_pair_sendto(char **a)
{
	struct sockaddr_un address;
	int length = named(a[0], &address), pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		return errno;
	return result(sendto(pair[0], "x", 1, 0, (void *)&address, length));
}
static int at_pair_family(char **a)
{
	int pair[2];

	return result(socketpair(atoi(a[0]), SOCK_DGRAM, 0, pair));
}
// SOL_TCP, TCP_ULP: another protocol in place of TCP.
static int at_upper_layer(char **a)
{
	return result(setsockopt(socket(AF_INET, SOCK_STREAM, 0), 6, 31, a[0], strlen(a[0])));
}
static int at_pair_stream(char **a)
{
	int pair[2];

	(void)a;
	return result(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};
// Takes a descriptor from whoever serves at a path, and reads what it is open on.
static int at_receive_descriptor(char **a)
{
	struct sockaddr_un address;
	int length = named(a[0], &address), fd = socket(AF_UNIX, SOCK_STREAM, 0), received;
	char byte;
	struct iovec data = {&byte, 1};
	union control control;
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	if (fd < 0)
		return errno;
	// The name is there before somebody listens.
	for (int left = 100; connect(fd, (void *)&address, length) < 0; left--) {
		if (errno != ECONNREFUSED || !left)
			return errno;
		usleep(10 * 1000);
	}
	if (recvmsg(fd, &message, 0) < 0)
		return errno;
	if (!CMSG_FIRSTHDR(&message))
		return ENOMSG;
	memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(received));
	return result(read(received, &byte, 1));
}
// The other side: serves one descriptor of a file to the first who comes.
static int at_send_descriptor(char **a)
{
	struct sockaddr_un address;
	int length = named(a[0], &address), fd = socket(AF_UNIX, SOCK_STREAM, 0), file = open(a[1], O_RDONLY), client;
	struct iovec data = {"x", 1};
	union control control = {.head = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	if (fd < 0 || file < 0 || bind(fd, (void *)&address, length) < 0 || listen(fd, 1) < 0)
		return errno;
	client = accept(fd, NULL, NULL);
	memcpy(CMSG_DATA(&control.head), &file, sizeof(file));
	return client < 0 ? errno : result(sendmsg(client, &message, 0));
}

const struct attack socket_attacks[] = {
	{"udp", at_udp, 0}, {"udp6", at_udp6, 0}, {"udplite", at_udplite, 0}, {"raw", at_raw, 0},
	{"ping", at_ping, 0}, {"packet", at_packet, 0}, {"sctp", at_sctp, 0}, {"mptcp", at_mptcp, 0},
	{"netlink-audit", at_netlink_audit, 0}, {"alg", at_alg, 0}, {"vsock", at_vsock, 0}, {"unix", at_unix, 0},
	{"unix-wide", at_unix_wide, 0}, {"connect", at_connect, 1}, {"connect-mapped", at_connect_mapped, 1},
	{"connect-unspecified", at_connect_unspecified, 1}, {"fast-open", at_fast_open, 1},
	{"fast-open-message", at_fast_open_message, 1}, {"bind", at_bind, 1}, {"connect-unix", at_connect_unix, 1},
	{"pair-sendto", at_pair_sendto, 1}, {"pair-family", at_pair_family, 1}, {"upper-layer", at_upper_layer, 1},
	{"pair-stream", at_pair_stream, 0},
	{"receive-descriptor", at_receive_descriptor, 1}, {"send-descriptor", at_send_descriptor, 2},
	{NULL, NULL, 0},
};
