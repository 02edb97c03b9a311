// Hooks on sockets: made, bound, connected, listened on, sent from without a connection.
#pragma once

#include "addresses.bpf.h"
#include "calls.bpf.h"
#include "routes.bpf.h"
#include "socket_names.bpf.h"

#define AF_NETLINK 16
#define AF_PACKET 17
#define SOCK_TYPE_MASK 0xf
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define MSG_FASTOPEN 0x20000000
#define S_IFSOCK 0140000

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
	// The protocol is no name's.
	question.detail = 0;
	return judge_refused(&question, SWGUARD_SOCKET_FAMILY);
}

static __always_inline bool is_raw(int family, int type, int protocol)
{
	type &= SOCK_TYPE_MASK;
	if (family == AF_PACKET || family == AF_SMC)
		return true;
	if (family != AF_INET && family != AF_INET6)
		return false;
	// Protocol 0 is the type's first: of SOCK_SEQPACKET that is SCTP.
	return (type != SOCK_STREAM && type != SOCK_DGRAM) || (protocol && !transport_of(protocol));
}

// Whether it is socketpair(2) that makes a socket: a pair of unix sockets reaches nobody. (Of a ring's requests, those that
// its worker makes have a worker's task; one that runs when socketpair returns makes a socket that cannot connect unasked.)
static __always_inline bool is_pair(int family)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return family == AF_UNIX && !(task->flags & PF_IO_WORKER) && !is_compat_call(task) &&
	       number_of_call(task) == 53;
}

SEC("lsm/socket_create")
int BPF_PROG(swguard_socket_create, int family, int type, int protocol, int is_kernel)
{
	int error;

	if (is_kernel)
		return 0;
	PASS_UNCONFINED(own);
	if (is_pair(family))
		return 0;
	error = decide(ASK_FAMILY, (__u32)family, (__u32)protocol, 0, 0);
	if (!error && is_raw(family, type, protocol))
		error = decide_operation(OPERATION_RAW_SOCKET, 0);
	VERDICT(error);
}

// Decides about the name of a unix socket that is no path: what it is bound to, `size` bytes at `address`.
static __noinline int ask_abstract(const void *address, int size)
{
	struct scratch *scratch = scratch_of_current();
	char head[3] = {};

	// What cannot be read may be any name.
	if (bpf_probe_read_kernel(head, sizeof(head), address))
		return judge_name(WALK_UNRESOLVED, SWGUARD_BIND, 0);
	// A path is asked for when its name is made.
	if (head[2])
		return 0;
	if (!scratch)
		return -EACCES;
	return judge_name(take_abstract(scratch, address + 3, size - 3) ? WALK_DONE : WALK_UNRESOLVED, SWGUARD_BIND, 0);
}

static __always_inline int decide_address(struct sockaddr *address, int size, struct sock *sock, __u32 access,
					  __u32 uses)
{
	return decide(ASK_ADDRESS, AS_NUMBER(address), (__u32)size, AS_NUMBER(sock), access | (__u64)uses << 32);
}

SEC("lsm/socket_bind")
int BPF_PROG(swguard_socket_bind, struct socket *socket, struct sockaddr *address, int size)
{
	struct sock *sock;

	PASS_UNCONFINED(own);
	sock = BPF_CORE_READ(socket, sk);
	if (BPF_CORE_READ(sock, __sk_common.skc_family) != AF_UNIX)
		VERDICT(decide_address(address, size, sock, SWGUARD_BIND, USE_TAKES_UNSPEC));
	// Without a name the kernel makes one up; longer ones it refuses (EINVAL).
	if (size <= 2 || size > 110)
		return 0;
	VERDICT(decide(ASK_ABSTRACT, AS_NUMBER(address), (__u32)size, 0, 0));
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
	VERDICT(decide_address(address, size, sock, SWGUARD_CONNECT, 0));
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(swguard_socket_sendmsg, struct socket *socket, struct msghdr *message, int size)
{
	struct controls controls = {};
	__u32 transport;
	struct sock *sock;
	void *name;

	PASS_UNCONFINED(own);
	sock = BPF_CORE_READ(socket, sk);
	transport = transport_of_socket(sock);
	if (!transport)
		return 0;
	read_controls(&controls, message);
	if (controls.sets_route)
		VERDICT(decide(ASK_ANY_ADDRESS, SWGUARD_CONNECT, 0, 0, 0));
	name = BPF_CORE_READ(message, msg_name);
	if (!name)
		return 0;
	// A connected TCP socket takes no address, but for the one that MSG_FASTOPEN connects to.
	if (transport == SWGUARD_TCP && !(BPF_CORE_READ(message, msg_flags) & MSG_FASTOPEN))
		return 0;
	VERDICT(decide_address(name, BPF_CORE_READ(message, msg_namelen), sock, SWGUARD_CONNECT,
			    USE_TAKES_UNSPEC | (controls.chooses_source ? USE_CHOOSES_SOURCE : 0)));
}

// Decides whether a socket may listen, by what it is bound to.
static __noinline int ask_listening(struct sock *sock)
{
	__u32 transport = transport_of_socket(sock);
	struct scratch *scratch = scratch_of_current();
	struct swguard_address *address;

	if (!transport)
		return 0;
	if (!scratch)
		return -EACCES;
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
	return judge_address(WALK_DONE, SWGUARD_LISTEN);
}

SEC("lsm/socket_listen")
int BPF_PROG(swguard_socket_listen, struct socket *socket, int backlog)
{
	struct sock *sock;

	PASS_UNCONFINED(own);
	sock = BPF_CORE_READ(socket, sk);
	if (BPF_CORE_READ(sock, __sk_common.skc_family) == AF_UNIX)
		VERDICT(decide(ASK_UNIX, (__u64)sock, SWGUARD_LISTEN, 0, 0));
	VERDICT(decide(ASK_LISTENING, (__u64)sock, 0, 0, 0));
}

// A route that is set later than the connection is asked for, or before: what it leads to is never known.
SEC("lsm/socket_setsockopt")
int BPF_PROG(swguard_socket_setsockopt, struct socket *socket, int level, int option)
{
	if (!sets_route(level, option))
		return 0;
	PASS_UNCONFINED(own);
	VERDICT(decide(ASK_ANY_ADDRESS, SWGUARD_CONNECT, 0, 0, 0));
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(swguard_unix_stream_connect, struct sock *sock, struct sock *other, struct sock *new)
{
	PASS_UNCONFINED(own);
	VERDICT(decide(ASK_UNIX, AS_NUMBER(other), SWGUARD_CONNECT, 0, 0));
}

SEC("lsm/unix_may_send")
int BPF_PROG(swguard_unix_may_send, struct socket *socket, struct socket *other)
{
	PASS_UNCONFINED(own);
	VERDICT(decide(ASK_UNIX, (__u64)BPF_CORE_READ(other, sk), SWGUARD_CONNECT, 0, 0));
}
