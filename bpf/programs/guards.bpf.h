// Objects that are denied by what they are, whatever they are called: a hard link or a bind mount is another name.
#pragma once

#include "scratch.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct swguard_object);
	__type(value, __u32);
} guarded SEC(".maps");

// The word of the guards of what a dentry stands for, by a generation's number; 0: none.
static __always_inline __u32 guards_of(struct dentry *dentry, __u32 generation)
{
	struct swguard_object object = { .generation = generation };
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	__u32 *list;

	if (!inode)
		return 0;
	object.inode = BPF_CORE_READ(inode, i_ino);
	object.device = BPF_CORE_READ(dentry, d_sb, s_dev);
	list = bpf_map_lookup_elem(&guarded, &object);
	return list ? *list : 0;
}

// Notes that a walk has passed a guarded object. False where there are too many to be noted.
static __always_inline bool note_guards(struct scratch *scratch, struct dentry *dentry)
{
	__u32 list, count = scratch->guard_count;

	if (!scratch->guard_generation)
		return true;
	list = guards_of(dentry, scratch->guard_generation);
	// The object's own stand first, or nothing does.
	if (!list && count)
		return true;
	if (count >= SWGUARD_GUARDS_MAX)
		return false;
	scratch->guards[BOUNDED(count, SWGUARD_GUARDS_MAX - 1)] = list;
	scratch->guard_count = count + 1;
	return true;
}
