// Who: the policies that a task is under, in its task storage.
#pragma once

#include "parts.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct swguard_layers);
} layers SEC(".maps");

#define within_layers(layer) BOUNDED(layer, SWGUARD_LAYERS_MAX - 1)
#define within_refused(place) BOUNDED(place, SWGUARD_REFUSED_WORDS - 1)

// Whether the task that is running may be under a policy: one load, which is what the rest of the host pays. Storage
// that other programs keep there counts too; `layers_of` tells.
static __always_inline bool is_suspect(void)
{
	return UNTYPED(struct task_struct, bpf_get_current_task_btf())->bpf_storage != NULL;
}

// The same where one instruction matters more than the time to load the program (hook.h, UNTYPED): a cast pointer is followed
// with a check of the address.
static __always_inline bool is_suspect_at_once(void)
{
	return bpf_get_current_task_btf()->bpf_storage != NULL;
}

// The layers of a task; NULL where it has none.
static __always_inline struct swguard_layers *layers_of(struct task_struct *task)
{
	return bpf_task_storage_get(&layers, task, NULL, 0);
}

// Whether a task that has storage of some kind has layers, though looking them up gave none.
static __always_inline bool are_layers_hidden_of(struct task_struct *task)
{
	return decide(FIND_HIDDEN, AS_NUMBER(task), 0, 0, 0);
}

// Of the task that is running.
static __always_inline bool are_layers_hidden(void)
{
	return is_suspect() && decide(FIND_HIDDEN, bpf_get_current_task(), 0, 0, 0);
}

// Notes that a policy has no room on a task: what it mediates is denied from here on. True: that was not so before.
static __always_inline bool note_refused(struct swguard_layers *own, __u32 slot)
{
	__u32 bit = 1u << (slot % 32);

	if (__sync_fetch_and_or(&own->refused[within_refused(slot / 32)], bit) & bit)
		return false;
	// Behind the bit: whoever sees this finds it.
	barrier();
	own->has_refused = 1;
	return true;
}

struct refusals {
	struct swguard_layers *own;
	struct swguard_layers *copy;
};

static long copy_refused(__u32 place, struct refusals *refusals)
{
	place = within_refused(place);
	__sync_fetch_and_or(&refusals->copy->refused[place], refusals->own->refused[place]);
	return 0;
}

// What has no room on a parent has none on its child.
static __always_inline void inherit_refused(struct swguard_layers *copy, struct swguard_layers *own)
{
	struct refusals refusals = { .own = own, .copy = copy };

	if (!own->has_refused)
		return;
	bpf_loop(SWGUARD_REFUSED_WORDS, copy_refused, &refusals, 0);
	barrier();
	copy->has_refused = 1;
}

// Puts a child under what its parent is under.
static __always_inline void inherit(struct swguard_layers *copy, struct swguard_layers *own)
{
	copy->count = own->count;
	copy->entering = 0;
	copy->session = own->session;
	__builtin_memcpy(copy->policies, own->policies, sizeof(copy->policies));
	inherit_refused(copy, own);
}

// A child is under what its parent is under: a process, a thread, a worker of io_uring. Where that cannot be noted
// there is no child.
SEC("lsm/task_alloc")
int BPF_PROG(swguard_task_alloc, struct task_struct *child, unsigned long flags)
{
	struct swguard_layers *own, *copy;

	if (!is_suspect())
		return 0;
	own = layers_of(bpf_get_current_task_btf());
	if (!own && are_layers_hidden())
		return -EAGAIN;
	if (!own || own->count == 0)
		return 0;
	copy = bpf_task_storage_get(&layers, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!copy)
		return -ENOMEM;
	inherit(copy, own);
	return 0;
}
