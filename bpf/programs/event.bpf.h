// What user space is told: a record in the ring buffer, or a count of those that found no room.
#pragma once

#include "hook.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

// Room for one record, its common fields filled in; NULL where there is none, and then it is counted.
static __always_inline struct swguard_event *event_begin(enum swguard_event_kind kind, __u32 policy,
							 __u32 rule)
{
	struct swguard_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	__u64 id = bpf_get_current_pid_tgid();

	if (!event) {
		__u64 *count = bpf_map_lookup_elem(&lost, &(__u32){ 0 });

		// The program may be preempted by another one on this CPU.
		if (count)
			__sync_fetch_and_add(count, 1);
		return NULL;
	}
	event->time_ns = bpf_ktime_get_boot_ns();
	event->inode = 0;
	event->process = id >> 32;
	event->thread = id;
	event->kind = kind;
	event->policy = policy;
	event->rule = rule;
	event->reserved = 0;
	return event;
}
