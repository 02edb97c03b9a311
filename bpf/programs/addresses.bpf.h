// Requests for an address of inet or inet6: how the kernel will use it, and what the policies say of it.
#pragma once

#include <bpf/bpf_endian.h>

#include "decide.bpf.h"

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_SMC 43
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262

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

static __always_inline __u32 transport_of_socket(struct sock *socket)
{
	// A TCP socket becomes one by TCP_ULP (net/smc/af_smc.c, smc_ulp_init), and connects as TCP does.
	if (BPF_CORE_READ(socket, __sk_common.skc_family) == AF_SMC)
		return SWGUARD_TCP;
	return transport_of(BPF_CORE_READ(socket, sk_protocol));
}

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

enum taking {
	TAKING_DONE,
	TAKING_NOTHING, // what the kernel refuses (EINVAL), or takes for no address
	TAKING_FAILED, // it cannot be read, so it may be any
};

// Takes an address of the kernel's memory as the kernel will use it.
//
// `takes_unspec`: bind(2) and a datagram's destination, where IPv4 takes AF_UNSPEC as its own family (net/ipv4/af_inet.c,
// net/ipv4/udp.c); connect(2) with it ends a connection.
static __always_inline enum taking take_address(struct swguard_address *address, const void *raw, int size,
						__u16 family, bool takes_unspec)
{
	struct sockaddr_6 in = {};

	// IPv4 wants 16 bytes, IPv6 24; with fewer only AF_UNSPEC is none, to end a connection.
	if (size < (int)sizeof(struct sockaddr_4))
		return TAKING_NOTHING;
	if (bpf_probe_read_kernel(&in, sizeof(struct sockaddr_4), raw))
		return TAKING_FAILED;
	if (in.family == AF_UNSPEC && (!takes_unspec || family != AF_INET))
		return TAKING_NOTHING;
	address->port = bpf_ntohs(in.port);
	if (in.family == AF_INET6) {
		if (size < 24)
			return TAKING_NOTHING;
		if (bpf_probe_read_kernel(&in, 24, raw))
			return TAKING_FAILED;
		for (int index = 0; index < 4; index++)
			address->address[index] = bpf_ntohl(in.address[index]);
		return TAKING_DONE;
	}
	address->address[0] = 0;
	address->address[1] = 0;
	address->address[2] = MAPPED_PREFIX;
	address->address[3] = bpf_ntohl(((struct sockaddr_4 *)&in)->address);
	return TAKING_DONE;
}

static __always_inline bool is_unspecified(const struct swguard_address *address)
{
	return !address->address[0] && !address->address[1] && !address->address[3] &&
	       (!address->address[2] || address->address[2] == MAPPED_PREFIX);
}

// Turns an unspecified destination into what it stands for: this machine. By IPv4 that is the address that the packet comes
// from: the socket's, if it has one (net/ipv4/route.c, ip_route_output_key_hash_rcu); by IPv6 the loopback, that of IPv4
// where the socket is bound to a mapped address (net/ipv6/tcp_ipv6.c, tcp_v6_connect). False where it cannot be told.
//
// `chooses_source`: the message says itself where it comes from.
static __always_inline bool resolve_destination(struct swguard_address *address, struct sock *socket,
						bool chooses_source)
{
	struct inet_sock *inet = (struct inet_sock *)socket;
	struct in6_addr bound;
	__u32 own;

	if (!is_unspecified(address))
		return true;
	// It connects by a socket of its own, which may be bound.
	if (BPF_CORE_READ(socket, __sk_common.skc_family) == AF_SMC)
		return false;
	if (address->address[2]) {
		own = bpf_ntohl(BPF_CORE_READ(inet, inet_saddr));
		// Else the first address of the interface that it is bound to.
		if (chooses_source || (!own && (BPF_CORE_READ(socket, __sk_common.skc_bound_dev_if) ||
						BPF_CORE_READ(inet, uc_index))))
			return false;
		address->address[3] = own ? own : LOOPBACK_4;
		return true;
	}
	bound = BPF_CORE_READ(socket, __sk_common.skc_v6_rcv_saddr);
	if (bpf_ntohl(bound.words[2]) == MAPPED_PREFIX && !bound.words[0] && !bound.words[1]) {
		address->address[2] = MAPPED_PREFIX;
		address->address[3] = LOOPBACK_4;
	} else {
		address->address[3] = 1;
	}
	return true;
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
	struct denial denial = { .error = EACCES, .access = lowest_bit(question->asked), .rule = SWGUARD_NO_RULE };
	const __u32 *words = question->words;
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot), flags;
	struct matching matching = { .words = words, .scratch = question->scratch, .accesses = question->asked };

	if (!policy)
		return 0;
	flags = field(words, policy, struct swguard_policy, flags);
	if (!(flags & SWGUARD_POLICY_NETWORK))
		return 0;
	if (question->result == WALK_DONE) {
		matching.endpoints = field(words, policy, struct swguard_policy, endpoints);
		bpf_loop(field(words, policy, struct swguard_policy, endpoint_count), match_endpoint, &matching, 0);
		if (matching.is_found ? matching.is_allowed : flags & SWGUARD_POLICY_NETWORK_DEFAULT_ALLOW)
			return 0;
		if (matching.is_found)
			denial.rule = matching.rule;
	} else {
		denial.cause = SWGUARD_CAUSE_UNRESOLVED;
	}
	return refuse(question, slot, policy, &denial);
}

// Decides a request for the address that stands in the scratch, where the path does else; `result` is WALK_UNRESOLVED where
// it could not be found out.
__noinline int judge_address(__u32 result, __u32 access)
{
	struct question question = {
		.scratch = scratch_of_current(),
		.words = tables_begin(),
		.object = SWGUARD_OBJECT_SOCKET,
		.asked = access,
		.result = result,
	};
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());

	if (!question.scratch || !own || !question.words)
		return -EACCES;
	if (result == WALK_DONE) {
		question.noted = sizeof(struct swguard_address);
		question.path_size = sizeof(struct swguard_address);
	}
	question.own = own;
	question.generation = generation_now(question.words);
	bpf_loop(own->count, judge_one_address, &question, 0);
	return judge_refused(&question, lowest_bit(access));
}

// What else than the address tells how the kernel will use it.
enum use {
	USE_TAKES_UNSPEC = 1, // see take_address
	USE_CHOOSES_SOURCE = 2, // see resolve_destination
};

static __noinline int ask_address(const void *raw, int size, struct sock *socket, __u32 access, __u32 uses)
{
	struct scratch *scratch = scratch_of_current();
	__u32 transport = transport_of_socket(socket);
	struct swguard_address *address;
	enum taking taking;

	// To make it, `raw-socket` was asked for.
	if (!transport)
		return 0;
	if (!scratch)
		return -EACCES;
	address = (struct swguard_address *)scratch->path;
	taking = take_address(address, raw, size, BPF_CORE_READ(socket, __sk_common.skc_family),
			      uses & USE_TAKES_UNSPEC);
	if (taking == TAKING_NOTHING)
		return 0;
	address->transport = transport;
	// Denied where it cannot be told which address it is.
	if (taking == TAKING_FAILED ||
	    (access == SWGUARD_CONNECT && !resolve_destination(address, socket, uses & USE_CHOOSES_SOURCE)))
		return judge_address(WALK_UNRESOLVED, access);
	return judge_address(WALK_DONE, access);
}
