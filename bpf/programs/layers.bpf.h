// Who: the policies that a task is under, in its task storage.
#pragma once

#include "hook.h"

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
static __always_inline bool are_layers_hidden_of(struct task_struct *task)
{
	struct storage_search search = {};
	struct bpf_local_storage *storage;
	const void *map = &layers;

	if (!has_busy_storage)
		return false;
	storage = task->bpf_storage;
	if (!storage)
		return false;
	// The address as a number.
	bpf_probe_read_kernel(&search.ours, sizeof(search.ours), &map);
	search.next = (__u64)BPF_CORE_READ(storage, list.first);
	bpf_loop(STORAGE_LIMIT, search_storage, &search, 0);
	// Not looked at to the end: what cannot be decided is denied.
	return search.is_found || search.next;
}

// Of the task that is running.
static __always_inline bool are_layers_hidden(void)
{
	return are_layers_hidden_of(bpf_get_current_task_btf());
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
