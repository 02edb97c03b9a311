// What comes under a guarded name is guarded from then on, whoever puts it there and through whichever path: its names are
// denied by what it is.
//
// Names are known by the directory that they are in and not by its path: a bind mount is the same directory.
#pragma once

#include "guards.bpf.h"
#include "withheld.bpf.h"

// Directories with guarded names in them; the value says nothing.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct swguard_object);
	__type(value, __u32);
} watched SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct swguard_guarded_name);
	__type(value, __u32);
} guarded_names SEC(".maps");

// How many objects came under a guarded name where nothing could be refused, and could not be bound: the agent says so.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} unbound SEC(".maps");

// Objects that hooks have bound since the programs were loaded; as long as it is 0, no inode that goes needs looking at.
__u64 bound_objects = 0;

// How often memory is asked for: the kernel fills its reserve behind the first.
#define BIND_ATTEMPTS 3

// Adds a list to the guards of an object. False: it has as many as there is room for.
static __always_inline bool add_list(struct swguard_binding *binding, __u32 list)
{
	for (__u32 number = 0; number < SWGUARD_BINDINGS_MAX; number++) {
		__u32 known = binding->lists[number];

		if (!known)
			known = __sync_val_compare_and_swap(&binding->lists[number], 0, list);
		if (!known || known == list)
			return true;
	}
	return false;
}

// Binds an object to a list. Returns 0, or -EACCES where there is no room.
static __always_inline int bind_object(struct inode *inode, __u32 generation, __u32 list)
{
	struct swguard_object object = object_of(inode, generation);
	struct swguard_binding *binding;
	struct swguard_binding made = {
		.lists = { list },
		.version = BPF_CORE_READ(inode, i_generation),
	};

	for (__u32 attempt = 0; attempt < BIND_ATTEMPTS; attempt++) {
		binding = bpf_map_lookup_elem(&guarded, &object);
		if (binding)
			return add_list(binding, list) ? 0 : -EACCES;
		// Before the entry: what goes meanwhile is looked at.
		__sync_fetch_and_add(&bound_objects, 1);
		if (!bpf_map_update_elem(&guarded, &object, &made, BPF_NOEXIST))
			return 0;
	}
	return -EACCES;
}

// Whether any name in a directory is guarded, by the generation in force. For every name that is made or looked up on the host.
static __always_inline bool is_watched(struct inode *directory)
{
	const __u32 *words = tables_begin();
	struct swguard_object object;
	__u32 generation;

	if (!words)
		return true;
	generation = generation_now(words);
	if (!field(words, generation, struct swguard_generation, guard_count))
		return false;
	object = object_at(directory, field(words, generation, struct swguard_generation, number));
	return bpf_map_lookup_elem(&watched, &object);
}

// Binds what comes under a name, if the name is guarded: addresses of a struct inode, of the directory's inode, and of the
// name's struct dentry. Returns 0, or -EACCES where it cannot be bound.
__noinline int bind_named(__u64 inode, __u64 directory, __u64 name)
{
	const __u32 *words = tables_begin(), *list;
	struct swguard_guarded_name key = {};
	__u32 generation, length;

	if (!words)
		return -EACCES;
	generation = field(words, generation_now(words), struct swguard_generation, number);
	key.directory = object_of((struct inode *)directory, generation);
	if (!bpf_map_lookup_elem(&watched, &key.directory))
		return 0;
	length = BPF_CORE_READ((struct dentry *)name, d_name.len);
	// A name that cannot be read may be any.
	if (length >= sizeof(key.name) ||
	    bpf_probe_read_kernel(key.name, BOUNDED(length, sizeof(key.name) - 1),
				  BPF_CORE_READ((struct dentry *)name, d_name.name)))
		return -EACCES;
	list = bpf_map_lookup_elem(&guarded_names, &key);
	return list ? bind_object((struct inode *)inode, generation, *list) : 0;
}

// Binds what one dentry stands for to the guards of another's name in a directory. Returns 0 or -EACCES.
static __always_inline int bind(struct dentry *object, struct dentry *directory, struct dentry *name)
{
	struct inode *inode = directory->d_inode;

	if (!is_watched(inode))
		return 0;
	return bind_named((__u64)BPF_CORE_READ(object, d_inode), AS_NUMBER(inode), AS_NUMBER(name));
}

// A name gets its object in the kernel's cache of names: what is made, and what a look into the directory finds, before
// anybody else can see it (fs/dcache.c: d_instantiate, d_splice_alias). Of link(2), the second look.
SEC("lsm/d_instantiate")
int BPF_PROG(swguard_d_instantiate, struct dentry *name, struct inode *inode)
{
	struct inode *directory = UNTYPED(struct dentry, name)->d_parent->d_inode;
	__u64 *count;

	settle(name);
	// Not in a directory: a socket, a pipe, what a handle leads to.
	if (!directory || !is_watched(directory) || !bind_named(AS_NUMBER(inode), AS_NUMBER(directory), AS_NUMBER(name)))
		return 0;
	count = bpf_map_lookup_elem(&unbound, &(__u32){ 0 });
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

// An inode goes: with its last name, its number may become another's. Without, it only leaves memory.
SEC("lsm/inode_free_security")
int BPF_PROG(swguard_inode_free_security, struct inode *inode)
{
	const struct swguard_binding *binding;
	struct swguard_object object;
	const __u32 *words;

	if (!bound_objects || inode->i_nlink)
		return 0;
	words = tables_begin();
	if (!words)
		return 0;
	object = object_at(inode, field(words, generation_now(words), struct swguard_generation, number));
	binding = bpf_map_lookup_elem(&guarded, &object);
	// Its number is another's already where the version differs.
	if (binding && !binding->is_held && binding->version == BPF_CORE_READ(inode, i_generation))
		bpf_map_delete_elem(&guarded, &object);
	return 0;
}
