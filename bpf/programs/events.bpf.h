// What user space is told: a record in the ring buffer, and counters that add up.
#pragma once

#include "scratch.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024); // the loader sets what is asked for
} events SEC(".maps");

// For each policy and rule: decisions to report, and what became of their records. The first of a policy is its
// defaults', then its rules in order.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); // the loader sets what is needed
	__type(key, __u32);
	__type(value, struct swguard_count);
} counters SEC(".maps");

// A record is sent when this much waits already, or this long after the last one that was: a wake-up for each costs
// ten times the record.
#define WAKE_BYTES (64 * 1024)

static __always_inline __u32 number_of_count(const __u32 *words, __u32 policy, __u32 rule)
{
	return field(words, policy, struct swguard_policy, first_rule) + (rule == SWGUARD_NO_RULE ? 0 : rule + 1);
}

// Sends an event with its path behind it, as one of a decision that is counted in `counters[number]`; or only counts.
static __always_inline void hand_over(const struct swguard_event *event, __u32 number, bool is_quiet)
{
	struct swguard_count *count = bpf_map_lookup_elem(&counters, &number);
	__u32 size = event->path_size;

	if (size > SWGUARD_PATH_SIZE)
		size = SWGUARD_PATH_SIZE;
	if (is_quiet) {
		if (count)
			__sync_fetch_and_add(&count->quiet, 1);
	} else if (bpf_ringbuf_output(&events, (void *)event, sizeof(*event) + size, 0) == 0) {
		if (count)
			__sync_fetch_and_add(&count->submitted, 1);
	} else if (count) {
		__sync_fetch_and_add(&count->lost, 1);
	}
	if (count)
		__sync_fetch_and_add(&count->decided, 1);
}

// Fills in when an event is, and who does it: the task that is running.
static __always_inline void describe(struct swguard_event *event)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct cred *own = (struct cred *)BPF_CORE_READ(task, cred);
	__u64 id = bpf_get_current_pid_tgid();
	struct inode *executable;

	event->time_ns = bpf_ktime_get_boot_ns();
	// Not by typed pointers: for each that is followed 6.12 looks through all of the kernel's types (kernel/bpf/verifier.c,
	// type_is_trusted), which takes longer than all else in a program.
	event->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	event->process = id >> 32;
	event->thread = id;
	event->parent = BPF_CORE_READ(task, real_parent, tgid);
	event->user = BPF_CORE_READ(own, euid.val);
	event->group = BPF_CORE_READ(own, egid.val);
	event->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	executable = BPF_CORE_READ(task, mm, exe_file, f_inode);
	event->executable = BPF_CORE_READ(executable, i_ino);
	event->executable_device = BPF_CORE_READ(executable, i_sb, s_dev);
	bpf_get_current_comm(event->command, sizeof(event->command));
}
