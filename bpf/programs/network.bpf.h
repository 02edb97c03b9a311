// Hooks on sockets: made, bound, connected, listened on, sent from without a connection.
#pragma once

#include <bpf/bpf_endian.h>

#include "decide.bpf.h"

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define SOCK_TYPE_MASK 0xf
#define SOCK_RAW 3
#define SOCK_PACKET 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262
#define MSG_FASTOPEN 0x20000000
#define S_IFSOCK 0140000

// What of an IPv4 address makes an IPv6 one, in host order.
#define MAPPED_PREFIX 0x0000ffffu
#define LOOPBACK_4 0x7f000001u

static __always_inline __u32 transport_of(__u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
		return SWGUARD_TCP;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return SWGUARD_UDP;
	}
	return 0;
}

// MARK: Addresses

struct sockaddr_4 {
	__u16 family;
	__be16 port;
	__be32 address;
};

struct sockaddr_6 {
	__u16 family;
	__be16 port;
	__be32 flow;
	__be32 address[4];
};

static __always_inline bool is_unspecified(const struct swguard_address *address)
{
	return !address->address[0] && !address->address[1] && !address->address[3] &&
	       (!address->address[2] || address->address[2] == MAPPED_PREFIX);
}

// Takes an address of the kernel's memory as the kernel will use it. False where it has none that counts.
//
// `is_send`: a datagram's destination, where IPv4 takes AF_UNSPEC as its own family (net/ipv4/udp.c).
static __always_inline bool take_address(struct swguard_address *address, const void *raw, int size, __u16 family,
					 bool is_send)
{
	struct sockaddr_6 in = {};

	if (size < (int)sizeof(struct sockaddr_4))
		return false;
	if (bpf_probe_read_kernel(&in, sizeof(struct sockaddr_4), raw))
		return false;
	if (in.family == AF_UNSPEC && (!is_send || family != AF_INET))
		return false;
	address->port = bpf_ntohs(in.port);
	if (in.family == AF_INET6) {
		// Shorter than it must be: the kernel refuses it (EINVAL).
		if (size < 24 || bpf_probe_read_kernel(&in, 24, raw))
			return false;
		for (int index = 0; index < 4; index++)
			address->address[index] = bpf_ntohl(in.address[index]);
		return true;
	}
	address->address[0] = 0;
	address->address[1] = 0;
	address->address[2] = MAPPED_PREFIX;
	address->address[3] = bpf_ntohl(((struct sockaddr_4 *)&in)->address);
	return true;
}

// An unspecified destination is this machine: by IPv4 the address that the socket is bound to, if it is
// (net/ipv4/route.c, ip_route_output_key_hash_rcu); by IPv6 the loopback, that of IPv4 where the socket is bound to a mapped
// address (net/ipv6/tcp_ipv6.c, tcp_v6_connect).
static __always_inline void resolve_destination(struct swguard_address *address, struct sock *socket)
{
	__u32 own;

	if (!is_unspecified(address))
		return;
	if (address->address[2]) {
		own = bpf_ntohl(BPF_CORE_READ(socket, __sk_common.skc_rcv_saddr));
		address->address[3] = own ? own : LOOPBACK_4;
	} else {
		struct in6_addr bound = BPF_CORE_READ(socket, __sk_common.skc_v6_rcv_saddr);

		if (bpf_ntohl(bound.words[2]) == MAPPED_PREFIX && !bound.words[0] && !bound.words[1]) {
			address->address[2] = MAPPED_PREFIX;
			address->address[3] = LOOPBACK_4;
		} else {
			address->address[3] = 1;
		}
	}
}

struct matching {
	const __u32 *words;
	struct scratch *scratch;
	__u32 endpoints;
	__u32 accesses;
	__u32 is_found;
	__u32 is_allowed;
	__u32 rule;
};

static __always_inline bool matches_word(const __u32 *words, __u32 endpoint, __u32 index, __u32 value, __u32 prefix)
{
	__u32 bits = prefix > 32 * index ? prefix - 32 * index : 0;
	__u32 mask = bits >= 32 ? 0xffffffffu : bits ? ~0u << (32 - bits) : 0;

	return !((word(words, endpoint + index) ^ value) & mask);
}

static long match_endpoint(__u32 index, struct matching *matching)
{
	const struct swguard_address *address = (const struct swguard_address *)matching->scratch->path;
	const __u32 *words = matching->words;
	__u32 endpoint = matching->endpoints + index * (sizeof(struct swguard_endpoint) / sizeof(__u32));
	__u32 prefix = field(words, endpoint, struct swguard_endpoint, prefix);
	__u32 ports = field(words, endpoint, struct swguard_endpoint, first_port);

	if (!(field(words, endpoint, struct swguard_endpoint, accesses) & matching->accesses) ||
	    !(field(words, endpoint, struct swguard_endpoint, transports) & address->transport) ||
	    address->port < (ports & 0xffff) || address->port > ports >> 16 ||
	    !matches_word(words, endpoint, 0, address->address[0], prefix) ||
	    !matches_word(words, endpoint, 1, address->address[1], prefix) ||
	    !matches_word(words, endpoint, 2, address->address[2], prefix) ||
	    !matches_word(words, endpoint, 3, address->address[3], prefix))
		return 0;
	matching->is_found = 1;
	matching->is_allowed = field(words, endpoint, struct swguard_endpoint, is_allowed);
	matching->rule = field(words, endpoint, struct swguard_endpoint, rule);
	return 1;
}

static long judge_one_address(__u32 layer, struct question *question)
{
	struct denial denial = { .error = EACCES, .rule = SWGUARD_NO_RULE };
	const __u32 *words = question->words;
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot), flags;
	struct matching matching = { .words = words, .scratch = question->scratch, .accesses = question->asked };

	if (!policy)
		return 0;
	flags = field(words, policy, struct swguard_policy, flags);
	if (!(flags & SWGUARD_POLICY_NETWORK))
		return 0;
	matching.endpoints = field(words, policy, struct swguard_policy, endpoints);
	bpf_loop(field(words, policy, struct swguard_policy, endpoint_count), match_endpoint, &matching, 0);
	if (matching.is_found ? matching.is_allowed : flags & SWGUARD_POLICY_NETWORK_DEFAULT_ALLOW)
		return 0;
	if (matching.is_found)
		denial.rule = matching.rule;
	denial.access = lowest_bit(question->asked);
	return refuse(question, slot, policy, &denial);
}

// Decides a request for the address that stands in the scratch, where the path does else.
__noinline int judge_address(__u32 access)
{
	struct question question = {
		.scratch = scratch_of_current(),
		.words = tables_begin(),
		.object = SWGUARD_OBJECT_SOCKET,
		.asked = access,
		.noted = sizeof(struct swguard_address),
		.path_size = sizeof(struct swguard_address),
	};
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());

	if (!question.scratch || !own || !question.words)
		return -EACCES;
	question.own = own;
	question.generation = generation_now(question.words);
	bpf_loop(own->count, judge_one_address, &question, 0);
	return question.error;
}

static __always_inline int ask_address(const void *raw, int size, struct sock *socket, __u32 access, bool is_send)
{
	__u32 transport = transport_of(BPF_CORE_READ(socket, sk_protocol));
	struct scratch *scratch = scratch_of_current();
	struct swguard_address *address;

	if (!transport)
		return 0;
	if (!scratch)
		return -EACCES;
	address = (struct swguard_address *)scratch->path;
	if (!take_address(address, raw, size, BPF_CORE_READ(socket, __sk_common.skc_family), is_send))
		return 0;
	if (access == SWGUARD_CONNECT)
		resolve_destination(address, socket);
	address->transport = transport;
	return judge_address(access);
}

// MARK: Unix names

static long judge_one_name(__u32 layer, struct question *question)
{
	struct denial denial = { .error = EACCES };
	const __u32 *words = question->words;
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot), verdict, flags;

	if (!policy || layer >= SWGUARD_LAYERS_MAX)
		return 0;
	flags = field(words, policy, struct swguard_policy, flags);
	denial.access = lowest_bit(question->asked);
	if (!(flags & SWGUARD_POLICY_NETWORK)) {
		// Where no policy speaks of the network but of files, connecting to a named socket is writing a file.
		if (!(flags & SWGUARD_POLICY_FILES) || !question->detail || question->result != WALK_DONE)
			return 0;
		verdict = verdict_of(words, files_of(policy), question->scratch->states[within_layers(layer)]);
		if (field(words, verdict, struct swguard_verdict, granted) & SWGUARD_WRITE)
			return 0;
		denial.rule = word(words, verdict + offsetof(struct swguard_verdict, rules) / sizeof(__u32) + 1);
		return refuse(question, slot, policy, &denial);
	}
	if (question->result != WALK_DONE) {
		denial.cause = SWGUARD_CAUSE_UNRESOLVED;
		denial.rule = SWGUARD_NO_RULE;
		return refuse(question, slot, policy, &denial);
	}
	verdict = run_over_path(question->scratch, policy + offsetof(struct swguard_policy, sockets) / sizeof(__u32));
	if (question->asked & field(words, verdict, struct swguard_verdict, granted))
		return 0;
	denial.rule = word(words, verdict + offsetof(struct swguard_verdict, rules) / sizeof(__u32) + denial.access);
	return refuse(question, slot, policy, &denial);
}

// Decides a request for the unix name that stands in the scratch; `result` says how it was found, `is_file` whether it is
// one that connecting writes to.
__noinline int judge_name(__u32 result, __u32 access, __u32 is_file)
{
	struct question question = {
		.scratch = scratch_of_current(),
		.words = tables_begin(),
		.object = SWGUARD_OBJECT_SOCKET,
		.asked = access,
		.result = result,
		.detail = is_file,
	};
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());

	if (!question.scratch || !own || !question.words)
		return -EACCES;
	if (result == WALK_DONE && question.scratch->size <= SWGUARD_PATH_SIZE)
		question.path_size = question.scratch->size;
	question.own = own;
	question.generation = generation_now(question.words);
	bpf_loop(own->count, judge_one_name, &question, 0);
	return question.error;
}

// Writes the name that an abstract socket was bound to; false: it has none.
static __always_inline bool take_abstract(struct scratch *scratch, struct unix_sock *socket)
{
	struct unix_address *address = BPF_CORE_READ(socket, addr);
	int size;

	if (!address)
		return false;
	// Of the whole: the family's two bytes and the name's NUL.
	size = BPF_CORE_READ(address, len) - 3;
	if (size < 0 || size > 107)
		return false;
	scratch->path[0] = '@';
	if (bpf_probe_read_kernel(&scratch->path[1], size & 127, (const void *)&address->name[0].sun_path[1]))
		return false;
	scratch->size = size + 1;
	return true;
}

// Decides a request for the name that another unix socket was bound to.
static __always_inline int ask_unix(struct sock *socket, __u32 access)
{
	struct unix_sock *other = (struct unix_sock *)socket;
	struct dentry *dentry = BPF_CORE_READ(other, path.dentry);
	struct scratch *scratch = scratch_of_current();

	if (!scratch)
		return -EACCES;
	if (!dentry) {
		// Bound to nothing: the end of a pair, or one that only sends.
		if (!take_abstract(scratch, other))
			return 0;
		return judge_name(WALK_DONE, access, 0);
	}
	scratch->mount = (__u64)BPF_CORE_READ(other, path.mnt);
	scratch->dentry = (__u64)dentry;
	return judge_name(resolve(), access, access == SWGUARD_CONNECT);
}

// MARK: Hooks

static long judge_one_family(__u32 layer, struct question *question)
{
	struct denial denial = { .error = EACCES, .access = SWGUARD_SOCKET_FAMILY };
	const __u32 *words = question->words;
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot), family = question->asked;

	if (!policy || !(field(words, policy, struct swguard_policy, flags) & SWGUARD_POLICY_NETWORK))
		return 0;
	if (family < 64 && wide_field(words, policy, struct swguard_policy, families) >> family & 1)
		return 0;
	if (family == AF_NETLINK && question->detail < 32 &&
	    field(words, policy, struct swguard_policy, netlinks) >> question->detail & 1)
		return 0;
	denial.rule = field(words, policy, struct swguard_policy, family_rule);
	return refuse(question, slot, policy, &denial);
}

__noinline int judge_family(__u32 family, __u32 protocol)
{
	struct question question = {
		.scratch = scratch_of_current(),
		.words = tables_begin(),
		.object = SWGUARD_OBJECT_SOCKET,
		.asked = family,
		.noted = family,
		.detail = protocol,
	};
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());

	if (!question.scratch || !own || !question.words)
		return -EACCES;
	question.own = own;
	question.generation = generation_now(question.words);
	bpf_loop(own->count, judge_one_family, &question, 0);
	return question.error;
}

static __always_inline bool is_raw(int family, int type, int protocol)
{
	type &= SOCK_TYPE_MASK;
	if (family == AF_PACKET)
		return true;
	if (family != AF_INET && family != AF_INET6)
		return false;
	return type == SOCK_RAW || type == SOCK_PACKET || (protocol && !transport_of(protocol));
}

SEC("lsm/socket_create")
int BPF_PROG(swguard_socket_create, int family, int type, int protocol, int is_kernel)
{
	int error;

	if (is_kernel)
		return 0;
	PASS_UNCONFINED(own);
	error = judge_family(family, protocol);
	if (!error && is_raw(family, type, protocol))
		error = judge_operation(OPERATION_RAW_SOCKET, 0);
	VERDICT(error);
}

SEC("lsm/socket_bind")
int BPF_PROG(swguard_socket_bind, struct socket *socket, struct sockaddr *address, int size)
{
	struct sock *sock;
	struct scratch *scratch;
	char head[3] = {};

	PASS_UNCONFINED(own);
	sock = BPF_CORE_READ(socket, sk);
	if (BPF_CORE_READ(sock, __sk_common.skc_family) != AF_UNIX)
		VERDICT(ask_address(address, size, sock, SWGUARD_BIND, true));
	// A path is asked for when its name is made; an empty one is made up by the kernel.
	if (size <= 3 || size > 110 || bpf_probe_read_kernel(head, sizeof(head), address) || head[2])
		return 0;
	scratch = scratch_of_current();
	if (!scratch)
		REFUSE(EACCES);
	scratch->path[0] = '@';
	if (bpf_probe_read_kernel(&scratch->path[1], (size - 3) & 127, (void *)address + 3))
		REFUSE(EACCES);
	scratch->size = size - 2;
	VERDICT(judge_name(WALK_DONE, SWGUARD_BIND, 0));
}

SEC("lsm/socket_connect")
int BPF_PROG(swguard_socket_connect, struct socket *socket, struct sockaddr *address, int size)
{
	struct sock *sock;

	PASS_UNCONFINED(own);
	sock = BPF_CORE_READ(socket, sk);
	// Unix names are known when the other end is found.
	if (BPF_CORE_READ(sock, __sk_common.skc_family) == AF_UNIX)
		return 0;
	VERDICT(ask_address(address, size, sock, SWGUARD_CONNECT, false));
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(swguard_socket_sendmsg, struct socket *socket, struct msghdr *message, int size)
{
	struct sock *sock;
	void *name;

	PASS_UNCONFINED(own);
	sock = BPF_CORE_READ(socket, sk);
	name = BPF_CORE_READ(message, msg_name);
	if (!name || BPF_CORE_READ(sock, __sk_common.skc_family) == AF_UNIX)
		return 0;
	// A connected TCP socket takes no address, but for the one that MSG_FASTOPEN connects to.
	if (transport_of(BPF_CORE_READ(sock, sk_protocol)) == SWGUARD_TCP &&
	    !(BPF_CORE_READ(message, msg_flags) & MSG_FASTOPEN))
		return 0;
	VERDICT(ask_address(name, BPF_CORE_READ(message, msg_namelen), sock, SWGUARD_CONNECT, true));
}

SEC("lsm/socket_listen")
int BPF_PROG(swguard_socket_listen, struct socket *socket, int backlog)
{
	struct swguard_address *address;
	struct scratch *scratch;
	struct sock *sock;
	__u32 transport;

	PASS_UNCONFINED(own);
	sock = BPF_CORE_READ(socket, sk);
	if (BPF_CORE_READ(sock, __sk_common.skc_family) == AF_UNIX)
		VERDICT(ask_unix(sock, SWGUARD_LISTEN));
	transport = transport_of(BPF_CORE_READ(sock, sk_protocol));
	if (!transport)
		return 0;
	scratch = scratch_of_current();
	if (!scratch)
		REFUSE(EACCES);
	address = (struct swguard_address *)scratch->path;
	address->transport = transport;
	address->port = BPF_CORE_READ(sock, __sk_common.skc_num);
	if (BPF_CORE_READ(sock, __sk_common.skc_family) == AF_INET6) {
		struct in6_addr own = BPF_CORE_READ(sock, __sk_common.skc_v6_rcv_saddr);

		for (int index = 0; index < 4; index++)
			address->address[index] = bpf_ntohl(own.words[index]);
	} else {
		address->address[0] = 0;
		address->address[1] = 0;
		address->address[2] = MAPPED_PREFIX;
		address->address[3] = bpf_ntohl(BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr));
	}
	VERDICT(judge_address(SWGUARD_LISTEN));
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(swguard_unix_stream_connect, struct sock *sock, struct sock *other, struct sock *new)
{
	PASS_UNCONFINED(own);
	VERDICT(ask_unix(other, SWGUARD_CONNECT));
}

SEC("lsm/unix_may_send")
int BPF_PROG(swguard_unix_may_send, struct socket *socket, struct socket *other)
{
	PASS_UNCONFINED(own);
	VERDICT(ask_unix(BPF_CORE_READ(other, sk), SWGUARD_CONNECT));
}
