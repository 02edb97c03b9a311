// Where a program works: too much for its stack of 512 bytes.
#pragma once

#include "hook.h"
#include "tables.bpf.h"

// As many lists of guards count for one object; an object that there are more for is unresolved.
#define SWGUARD_GUARDS_MAX 8

// One component of a path on the way up.
struct chain_link {
	__u64 dentry;
	__u32 sequence; // its d_seq when it was passed
	__u32 is_process; // it is an entry of the root of a procfs
};

// Where the automata of all layers stand behind a directory, by a generation's number.
struct directory_states {
	__u32 of[SWGUARD_LAYERS_MAX];
	__u32 generation;
	__u32 reserved;
};

struct scratch {
	// What is to be resolved: struct vfsmount *, struct dentry *. Passed here, since functions that are verified once
	// take numbers only.
	__u64 mount;
	__u64 dentry;
	// The mount for which the task last asked to write: what hooks that show only a dentry go by. 0: none.
	__u64 write_mount;
	// What is about to be looked up and is decided about before: see withheld.bpf.h. 0: nothing.
	struct {
		__u64 dentry;
		__u64 mount;
		__u32 only_denials;
		__u32 reserved;
	} sought;
	// How far a walk is. Here and not on the stack: the verifier follows what is on the stack step by step, and what comes
	// from a map is any number to it, at once.
	struct {
		__u64 mount;
		__u64 dentry;
		__u64 directory; // the dentry that the object's name is in
		__u64 beyond; // how far the file system has been looked through above a mount's root
		__u32 depth;
		__u32 size;
		__u32 result; // enum walk_result
		__u32 is_over;
		__u32 renames; // the kernel's counters before the walk
		__u32 mounts;
		__u32 directory_size; // of `path`, without the last component
		__u32 is_beneath_process;
	} walk;
	struct {
		__u32 classes;
		__u32 cells;
		__u32 state;
		__u32 first; // where in the path it begins
	} run;
	// A search for a guard that denies.
	struct {
		__u32 slot;
		__u32 asked;
		__u32 number; // of the lists looked into
		__u32 left; // guards of the list
		__u32 next; // the word of the next
		__u32 is_own; // guards of the object itself; else those of a directory above
		__u32 guard; // the word of the one that denies; 0: none yet
		__u32 is_over;
	} search;
	// What a walk came to: the size of `path`, and the state of each layer's automaton behind it.
	__u32 size;
	__u32 generation; // by which the states were found: the word of a swguard_generation
	__u32 states[SWGUARD_LAYERS_MAX];
	// Of each layer, the state after the directory that the object is in; what all of them grant to whatever is in it;
	// whether they may be kept.
	__u32 directory_states[SWGUARD_LAYERS_MAX];
	__u32 granted_beneath;
	__u32 is_keepable;
	// The guards of the object, then of what it is beneath: words of their lists.
	__u32 guard_generation; // by whose guards a walk goes: a generation's number, 0 for none
	__u32 guard_count;
	__u32 own_guard_count;
	__u32 is_above; // the walk has passed the object itself
	__u32 guards[SWGUARD_GUARDS_MAX];
	// The same of the name before, for a rename or a link.
	__u32 earlier_generation;
	// By what is kept of the directories alone.
	struct directory_states old_directory, new_directory;
	__u32 earlier_states[SWGUARD_LAYERS_MAX];
	// Of another task, by which something is to be judged.
	struct swguard_layers other;
	// How far a task's policies without room have been looked through.
	struct {
		__u32 rest; // of the word under way
		__u32 place; // of the next one
		__u32 count;
	} refused;
	// A request that every layer has granted, to be judged by the policies that have no room.
	struct granted_request {
		__u32 generation; // word
		__u32 object;
		__u32 asked;
		__u32 access; // the number that a report has
		__u32 marks; // of a file: enum swguard_mark
		__u32 is_file; // of a unix name: connecting to it is writing a file
		__u32 noted;
		__u32 path_size;
		__u32 is_quiet;
	} request;
	// The event with the path behind it, as it is sent.
	struct swguard_event event;
	char path[SWGUARD_PATH_SIZE + 256];
	struct chain_link chain[SWGUARD_DEPTH_MAX];
};

// One for each task: a per-CPU map is shared with whoever preempts (LSM programs are preempted on both kernels).
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct scratch);
} scratches SEC(".maps");

// NULL: no memory, or on 6.1 busy. What cannot be decided is denied.
static __always_inline struct scratch *scratch_of_current(void)
{
	return bpf_task_storage_get(&scratches, bpf_get_current_task_btf(), NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
}
