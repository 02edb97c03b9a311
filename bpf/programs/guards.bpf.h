// Objects that are denied by what they are, whatever they are called: a hard link or a bind mount is another name.
#pragma once

#include "scratch.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct swguard_object);
	__type(value, struct swguard_binding);
} guarded SEC(".maps");

// The number of an inode is one of its file system's alone, but on an overlay of several without xino: there files of two
// layers can have one, or a file and a directory, and what is denied to one is denied to both.
static __always_inline struct swguard_object object_of(struct inode *inode, __u32 generation)
{
	struct swguard_object object = {
		.inode = PEEK(struct inode, inode, i_ino),
		.device = PEEK(struct super_block, PEEK(struct inode, inode, i_sb), s_dev),
		.generation = generation,
	};

	return object;
}

// The same of a typed pointer, by loads.
static __always_inline struct swguard_object object_at(struct inode *typed, __u32 generation)
{
	struct inode *inode = UNTYPED(struct inode, typed);
	struct swguard_object object = {
		.inode = inode->i_ino,
		.device = inode->i_sb->s_dev,
		.generation = generation,
	};

	return object;
}

// What the programs call an object that the agent keeps open: not what stat(2) does on btrfs, which gives each subvolume a
// device, nor on overlayfs, which gives a layer's. Returns 0, or a negative errno.
SEC("syscall")
int swguard_identify(struct swguard_identity *identity)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file *file = NULL;
	struct inode *inode;

	if (identity->descriptor >= BPF_CORE_READ(table, max_fds) ||
	    bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + identity->descriptor) || !file)
		return -EBADF;
	inode = BPF_CORE_READ(file, f_path.dentry, d_inode);
	if (!inode)
		return -ENOENT;
	identity->inode = PEEK(struct inode, inode, i_ino);
	identity->device = BPF_CORE_READ(inode, i_sb, s_dev);
	return 0;
}

// The guards of what a dentry stands for, by a generation's number; NULL: none.
static __always_inline const struct swguard_binding *guards_of(struct dentry *dentry, __u32 generation)
{
	struct inode *inode = PEEK(struct dentry, dentry, d_inode);
	struct swguard_object object;

	if (!inode)
		return NULL;
	object = object_of(inode, generation);
	return bpf_map_lookup_elem(&guarded, &object);
}

// Notes that a walk has passed a guarded object. False where there are too many to be noted.
static __always_inline bool note_guards(struct scratch *scratch, struct dentry *dentry)
{
	const struct swguard_binding *binding;
	__u32 count = scratch->guard_count, list;

	if (!scratch->guard_generation)
		return true;
	binding = guards_of(dentry, scratch->guard_generation);
	for (__u32 number = 0; binding && number < SWGUARD_BINDINGS_MAX; number++) {
		list = binding->lists[number];
		if (!list)
			break;
		if (count >= SWGUARD_GUARDS_MAX)
			return false;
		scratch->guards[BOUNDED(count, SWGUARD_GUARDS_MAX - 1)] = list;
		count++;
	}
	scratch->guard_count = count;
	// The first that a walk passes is the object itself.
	if (!scratch->is_above) {
		scratch->is_above = 1;
		scratch->own_guard_count = count;
	}
	return true;
}
