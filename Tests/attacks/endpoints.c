// One request for an endpoint at a time: any access, transport and address.
#define _GNU_SOURCE
#include "attack.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct {
	const char *name;
	int type;
	int protocol;
} transports[] = {
	{"tcp", SOCK_STREAM, 0},
	{"multipath", SOCK_STREAM, 262},
	{"udp", SOCK_DGRAM, 0},
	{"udplite", SOCK_DGRAM, 136},
	{"stream", SOCK_STREAM, 0},
	{"datagram", SOCK_DGRAM, 0},
	{"packet", SOCK_SEQPACKET, 0},
};

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
		struct sockaddr_un unix;
	} address;
	socklen_t size;
	int type;
	int protocol;
};

// TRANSPORT HOST PORT, or TRANSPORT NAME: a path, or what is abstract behind `@`. 0, or an errno.
static int parse(char **a, struct endpoint *endpoint)
{
	size_t which = 0, count = sizeof(transports) / sizeof(transports[0]);

	memset(endpoint, 0, sizeof(*endpoint));
	while (which < count && strcmp(transports[which].name, a[0]))
		which++;
	if (which == count)
		return EPROTOTYPE;
	endpoint->type = transports[which].type;
	endpoint->protocol = transports[which].protocol;
	if (a[1][0] == '/' || a[1][0] == '@') {
		struct sockaddr_un *name = &endpoint->address.unix;

		name->sun_family = AF_UNIX;
		strncpy(name->sun_path, a[1], sizeof(name->sun_path) - 1);
		endpoint->size = offsetof(struct sockaddr_un, sun_path) + strlen(a[1]) + (a[1][0] == '/');
		if (a[1][0] == '@')
			name->sun_path[0] = 0;
		return 0;
	}
	if (!a[2])
		return EDESTADDRREQ;
	if (inet_pton(AF_INET, a[1], &endpoint->address.four.sin_addr) == 1) {
		endpoint->address.four.sin_family = AF_INET;
		endpoint->address.four.sin_port = htons(atoi(a[2]));
		endpoint->size = sizeof(struct sockaddr_in);
		return 0;
	}
	if (inet_pton(AF_INET6, a[1], &endpoint->address.six.sin6_addr) != 1)
		return EADDRNOTAVAIL;
	endpoint->address.six.sin6_family = AF_INET6;
	endpoint->address.six.sin6_port = htons(atoi(a[2]));
	endpoint->size = sizeof(struct sockaddr_in6);
	return 0;
}

// A socket for an endpoint; less than 0: see errno.
static int open_for(char **a, struct endpoint *endpoint)
{
	int failure = parse(a, endpoint);

	if (failure) {
		errno = failure;
		return -1;
	}
	return socket(endpoint->address.any.sa_family, endpoint->type, endpoint->protocol);
}

// The same for a server: its address may have been used just before.
static int bind_to(char **a)
{
	struct endpoint endpoint;
	int fd = open_for(a, &endpoint), on = 1;

	if (fd < 0)
		return -1;
	if (a[1][0] == '/')
		unlink(a[1]);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, &endpoint.address.any, endpoint.size) < 0 ? -1 : fd;
}

static int at_endpoint_connect(char **a)
{
	struct endpoint endpoint;
	int fd = open_for(a, &endpoint);

	return fd < 0 ? errno : result(connect(fd, &endpoint.address.any, endpoint.size));
}

static int at_endpoint_bind(char **a) { return result(bind_to(a)); }

static int at_endpoint_listen(char **a)
{
	int fd = bind_to(a);

	return fd < 0 ? errno : result(listen(fd, 1));
}

// Without an address of its own: TRANSPORT HOST, of which the family counts.
static int at_endpoint_listen_unbound(char **a)
{
	struct endpoint endpoint;
	int fd = open_for(a, &endpoint);

	return fd < 0 ? errno : result(listen(fd, 1));
}

static int at_endpoint_send(char **a)
{
	struct endpoint endpoint;
	int fd = open_for(a, &endpoint);

	return fd < 0 ? errno : result(sendto(fd, "x", 1, 0, &endpoint.address.any, endpoint.size));
}

static struct msghdr message_to(struct endpoint *endpoint, struct iovec *data)
{
	return (struct msghdr){
		.msg_name = &endpoint->address, .msg_namelen = endpoint->size, .msg_iov = data, .msg_iovlen = 1};
}

static int at_endpoint_message(char **a)
{
	struct endpoint endpoint;
	struct iovec data = {"x", 1};
	struct msghdr message;
	int fd = open_for(a, &endpoint);

	message = message_to(&endpoint, &data);
	return fd < 0 ? errno : result(sendmsg(fd, &message, 0));
}

static int at_endpoint_messages(char **a)
{
	struct endpoint endpoint;
	struct iovec data = {"x", 1};
	struct mmsghdr messages[1];
	int fd = open_for(a, &endpoint);

	messages[0].msg_hdr = message_to(&endpoint, &data);
	return fd < 0 ? errno : result(sendmmsg(fd, messages, 1, 0));
}

static int at_endpoint_fast_open(char **a)
{
	struct endpoint endpoint;
	int fd = open_for(a, &endpoint);

	return fd < 0 ? errno : result(sendto(fd, "x", 1, MSG_FASTOPEN, &endpoint.address.any, endpoint.size));
}

// A loose source route by 127.0.0.9, as ip(7) has it.
static const unsigned char route[] = {131, 7, 4, 127, 0, 0, 9, 0};

// TRANSPORT HOST PORT, over a route that the socket has.
static int at_route_of_socket(char **a)
{
	struct endpoint endpoint;
	int fd = open_for(a, &endpoint);

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)) < 0)
		return errno;
	return result(connect(fd, &endpoint.address.any, endpoint.size));
}

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

// TRANSPORT HOST PORT, over a route that comes with the message.
static int at_route_of_message(char **a)
{
	struct endpoint endpoint;
	struct iovec data = {"x", 1};
	union control control = {.head = {
		.cmsg_len = CMSG_LEN(sizeof(route)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_RETOPTS}};
	struct msghdr message;
	int fd = open_for(a, &endpoint);

	memcpy(CMSG_DATA(&control.head), route, sizeof(route));
	message = message_to(&endpoint, &data);
	message.msg_control = &control;
	message.msg_controllen = CMSG_SPACE(sizeof(route));
	return fd < 0 ? errno : result(sendmsg(fd, &message, 0));
}

// TRANSPORT HOST PORT SOURCE: where the message comes from, which an unspecified destination stands for.
static int at_source_of_message(char **a)
{
	struct endpoint endpoint;
	struct iovec data = {"x", 1};
	union control control = {.head = {
		.cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO}};
	struct in_pktinfo source = {0};
	struct msghdr message;
	int fd = open_for(a, &endpoint);

	inet_pton(AF_INET, a[3], &source.ipi_spec_dst);
	memcpy(CMSG_DATA(&control.head), &source, sizeof(source));
	message = message_to(&endpoint, &data);
	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	return fd < 0 ? errno : result(sendmsg(fd, &message, 0));
}

// TRANSPORT HOST PORT INTERFACE: an unspecified destination is the interface's own address.
static int at_connect_by_interface(char **a)
{
	struct endpoint endpoint;
	int fd = open_for(a, &endpoint);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, a[3], strlen(a[3])) < 0)
		return errno;
	return result(connect(fd, &endpoint.address.any, endpoint.size));
}

// Serves endpoints of the kind until it is ended: KIND NAME, KIND NAME and so on. Takes whoever connects and whatever is
// sent, so that no queue is ever full.
static int at_endpoints_serve(char **a)
{
	struct pollfd sockets[8];
	nfds_t count = 0;

	for (; a[0] && a[1] && count < 8; a += 2) {
		int fd = bind_to(a);

		if (fd < 0 || (strcmp(a[0], "datagram") && listen(fd, 16) < 0))
			return errno;
		sockets[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	for (;;) {
		if (poll(sockets, count, -1) < 0)
			return errno;
		for (nfds_t index = 0; index < count; index++) {
			char bytes[64];
			int client;

			if (!sockets[index].revents)
				continue;
			client = accept(sockets[index].fd, NULL, NULL);
			if (client >= 0)
				close(client);
			else
				recv(sockets[index].fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		}
	}
}

const struct attack endpoint_attacks[] = {
	{"endpoint-connect", at_endpoint_connect, 2},
	{"endpoint-bind", at_endpoint_bind, 2},
	{"endpoint-listen", at_endpoint_listen, 2},
	{"endpoint-listen-unbound", at_endpoint_listen_unbound, 2},
	{"endpoint-send", at_endpoint_send, 2},
	{"endpoint-message", at_endpoint_message, 2},
	{"endpoint-messages", at_endpoint_messages, 2},
	{"endpoint-fast-open", at_endpoint_fast_open, 3},
	{"route-of-socket", at_route_of_socket, 3},
	{"route-of-message", at_route_of_message, 3},
	{"source-of-message", at_source_of_message, 4},
	{"connect-by-interface", at_connect_by_interface, 4},
	{"endpoints-serve", at_endpoints_serve, 2},
	{NULL, NULL, 0},
};
