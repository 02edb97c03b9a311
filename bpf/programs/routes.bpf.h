// What leads a packet elsewhere than its address says: source routes, which anybody may ask for (net/ipv4/ip_options.c,
// net/ipv6/ipv6_sockglue.c), once for a socket or with each message.
#pragma once

#include "hook.h"

#define SOL_IP 0
#define IP_OPTIONS 4
#define IP_RETOPTS 7
#define IP_PKTINFO 8
#define SOL_IPV6 41
#define IPV6_2292RTHDR 5
#define IPV6_2292PKTOPTIONS 6
#define IPV6_PKTINFO 50
#define IPV6_RTHDR 57

// Whether a socket's option can be a route. What it is set to is in the caller's memory.
static __always_inline bool sets_route(int level, int option)
{
	if (level == SOL_IP)
		return option == IP_OPTIONS;
	return level == SOL_IPV6 &&
	       (option == IPV6_RTHDR || option == IPV6_2292RTHDR || option == IPV6_2292PKTOPTIONS);
}

// include/uapi/linux/socket.h: struct cmsghdr.
struct control {
	__u64 size;
	int level;
	int type;
};

// More than a message needs, which is a handful.
#define CONTROLS_MAX 64

// What the control messages of a message say of its way.
struct controls {
	__u64 place;
	__u64 end;
	__u32 sets_route;
	__u32 chooses_source;
};

static long read_control(__u32 index, struct controls *controls)
{
	struct control control = {};

	if (controls->place + sizeof(control) > controls->end) {
		controls->place = controls->end;
		return 1;
	}
	// Left where it is, as one too many: not looked at to the end.
	if (bpf_probe_read_kernel(&control, sizeof(control), (const void *)controls->place))
		return 1;
	// The kernel refuses the message (CMSG_OK).
	if (control.size < sizeof(control) || control.size > controls->end - controls->place) {
		controls->place = controls->end;
		return 1;
	}
	if ((control.level == SOL_IP && control.type == IP_RETOPTS) ||
	    (control.level == SOL_IPV6 && (control.type == IPV6_RTHDR || control.type == IPV6_2292RTHDR)))
		controls->sets_route = 1;
	if ((control.level == SOL_IP && control.type == IP_PKTINFO) ||
	    (control.level == SOL_IPV6 && control.type == IPV6_PKTINFO))
		controls->chooses_source = 1;
	controls->place += (control.size + 7) & ~7ull;
	return 0;
}

// Looks the control messages of a message through. What cannot be looked at may be a route.
static __always_inline void read_controls(struct controls *controls, struct msghdr *message)
{
	controls->place = (__u64)BPF_CORE_READ(message, msg_control);
	controls->end = controls->place + BPF_CORE_READ(message, msg_controllen);
	if (controls->end == controls->place)
		return;
	bpf_loop(CONTROLS_MAX, read_control, controls, 0);
	if (controls->place < controls->end)
		controls->sets_route = 1;
}
