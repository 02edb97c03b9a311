// One address by all its spellings: mapped, unspecified, of no family, over another protocol.
#define _GNU_SOURCE
#include "attack.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MULTIPATH 262

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

// The address that `host` and `port` spell; its size, or 0.
static socklen_t spelt(const char *host, const char *port, union address *address)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, host, &address->four.sin_addr) == 1) {
		address->four.sin_family = AF_INET;
		address->four.sin_port = htons(atoi(port));
		return sizeof(address->four);
	}
	if (inet_pton(AF_INET6, host, &address->six.sin6_addr) != 1)
		return 0;
	address->six.sin6_family = AF_INET6;
	address->six.sin6_port = htons(atoi(port));
	return sizeof(address->six);
}

static int connect_by(int type, int protocol, const char *host, const char *port)
{
	union address address;
	socklen_t size = spelt(host, port, &address);
	int fd = socket(address.any.sa_family, type, protocol);

	return fd < 0 ? errno : result(connect(fd, &address.any, size));
}
static int at_connect_to(char **a) { return connect_by(SOCK_STREAM, 0, a[0], a[1]); }
static int at_connect_multipath(char **a) { return connect_by(SOCK_STREAM, MULTIPATH, a[0], a[1]); }
static int at_connect_datagram(char **a) { return connect_by(SOCK_DGRAM, 0, a[0], a[1]); }
static int at_connect_lite(char **a) { return connect_by(SOCK_DGRAM, 136, a[0], a[1]); }

// Where the socket is bound, an unspecified destination is the address that it is bound to.
static int at_connect_bound(char **a)
{
	union address own, other;
	socklen_t own_size = spelt(a[0], "0", &own), other_size = spelt(a[1], a[2], &other);
	int fd = socket(own.any.sa_family, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, &own.any, own_size) < 0)
		return errno;
	return result(connect(fd, &other.any, other_size));
}

static int send_from(int family, int as_family, char **a)
{
	union address address;
	socklen_t size = spelt(a[0], a[1], &address);
	int fd = socket(family < 0 ? address.any.sa_family : family, SOCK_DGRAM, 0);

	if (as_family >= 0)
		address.any.sa_family = as_family;
	return fd < 0 ? errno : result(sendto(fd, "x", 1, 0, &address.any, size));
}
static int at_send_to(char **a) { return send_from(-1, -1, a); }
static int at_send_no_family(char **a) { return send_from(AF_INET, AF_UNSPEC, a); }
// An IPv6 socket takes an IPv4 address, too.
static int at_send_four_from_six(char **a) { return send_from(AF_INET6, -1, a); }

// bind(2) takes no family for IPv4's, if the address is unspecified.
static int at_bind_no_family(char **a)
{
	union address address;
	socklen_t size = spelt("0.0.0.0", a[0], &address);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	address.any.sa_family = AF_UNSPEC;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd < 0 ? errno : result(bind(fd, &address.any, size));
}

const struct attack address_attacks[] = {
	{"connect-to", at_connect_to, 2}, {"connect-multipath", at_connect_multipath, 2},
	{"connect-datagram", at_connect_datagram, 2}, {"connect-lite", at_connect_lite, 2},
	{"connect-bound", at_connect_bound, 3}, {"send-to", at_send_to, 2},
	{"send-no-family", at_send_no_family, 2}, {"send-four-from-six", at_send_four_from_six, 2},
	{"bind-no-family", at_bind_no_family, 1},
	{NULL, NULL, 0},
};
