// Layers that a task has, though looking them up gives none.
#pragma once

#include "layers.bpf.h"

// Set where a task's storage can be busy: Linux 6.1 with full preemption. A task that was preempted while it held the
// storage's lock of this processor makes every lookup on it give NULL (kernel/bpf/bpf_task_storage.c, bpf_task_storage_trylock):
// 3 % of the opens that had to be denied got through in a prototype.
const volatile __u32 has_busy_storage = 0;

// How many pieces of storage a task is searched for ours in. Each BPF program on the host can add one.
#define STORAGE_LIMIT 32

struct storage_search {
	__u64 ours;
	__u64 next; // struct hlist_node *
	__u32 is_found;
	__u32 reserved;
};

static long search_storage(__u32 index, struct storage_search *search)
{
	struct hlist_node *node = (struct hlist_node *)search->next;
	struct bpf_local_storage_elem *element;

	if (!node)
		return 1;
	element = (void *)node - bpf_core_field_offset(struct bpf_local_storage_elem, snode);
	if ((__u64)BPF_CORE_READ(element, sdata.smap) == search->ours) {
		search->is_found = 1;
		return 1;
	}
	search->next = (__u64)BPF_CORE_READ(node, next);
	return 0;
}

// Whether a task has layers, though looking them up gave none.
// Apart, for its stack: what calls it is at the beginning of the deepest calls.
__noinline int find_hidden(__u64 address)
{
	struct task_struct *task = (struct task_struct *)address;
	struct storage_search search = {};
	struct bpf_local_storage *storage;
	const void *map = &layers;

	if (!has_busy_storage)
		return 0;
	storage = BPF_CORE_READ(task, bpf_storage);
	if (!storage)
		return 0;
	// The address as a number.
	bpf_probe_read_kernel(&search.ours, sizeof(search.ours), &map);
	search.next = (__u64)BPF_CORE_READ(storage, list.first);
	bpf_loop(STORAGE_LIMIT, search_storage, &search, 0);
	// Not looked at to the end: what cannot be decided is denied.
	return search.is_found || search.next;
}
