// Who: the policies that a task is under, in its task storage.
#pragma once

#include "hook.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct swguard_layers);
} layers SEC(".maps");

// An index of layers, bounded where it is used: 6.1 forgets bounds of what it keeps on the stack.
static __always_inline __u64 within_layers(__u64 layer)
{
	asm volatile("%0 &= %1" : "+r"(layer) : "i"(SWGUARD_LAYERS_MAX - 1));
	return layer;
}

// Whether the task that is running may be under a policy: one load, which is what the rest of the host pays. Storage
// that other programs keep there counts too; `layers_of` tells.
static __always_inline bool is_suspect(void)
{
	return bpf_get_current_task_btf()->bpf_storage != NULL;
}

// The layers of a task; NULL where it has none.
static __always_inline struct swguard_layers *layers_of(struct task_struct *task)
{
	return bpf_task_storage_get(&layers, task, NULL, 0);
}

// A child is under what its parent is under: a process, a thread, a worker of io_uring. Where that cannot be noted
// there is no child.
SEC("lsm/task_alloc")
int BPF_PROG(swguard_task_alloc, struct task_struct *child, unsigned long flags)
{
	const struct swguard_layers *own;
	struct swguard_layers *copy;

	if (!is_suspect())
		return 0;
	own = layers_of(bpf_get_current_task_btf());
	if (!own || own->count == 0)
		return 0;
	copy = bpf_task_storage_get(&layers, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!copy)
		return -ENOMEM;
	*copy = *own;
	copy->entering = 0;
	return 0;
}
