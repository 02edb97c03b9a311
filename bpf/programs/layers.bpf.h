// Who: the policies that a task is under, in its task storage.
#pragma once

#include "hook.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct swguard_layers);
} layers SEC(".maps");

// The layers of the task that is running; NULL where it has none.
//
// A task without any storage is told apart by one load: this is what the rest of the host pays.
//
// Known gap: on 6.1 with full preemption the helper also answers NULL while a preempted task holds the storage's lock,
// and this task then passes for one without layers.
static __always_inline const struct swguard_layers *layers_of_current(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!task->bpf_storage)
		return NULL;
	return bpf_task_storage_get(&layers, task, NULL, 0);
}
