// What a directory is called does not change between two opens in it, mostly: where its path leads the automata of a task's
// policies is kept with its inode. Where all of them grant the same to whatever is beneath, the usual open is decided by
// that; else it takes one step for each byte of the last name.
//
// A tag holds as long as the kernel's own counters of renames and of mounts, which d_path itself relies on, are where they
// were before the walk that made it: then nothing was renamed or mounted anywhere. Only directories are kept, never files,
// which have as many names as links; and nothing at or beneath a process's directory of procfs, whose name depends on
// who asks. A tag that does not hold, or is not there, costs a walk and nothing else.
#pragma once

#include "guards.bpf.h"
#include "walk.bpf.h"

// How many sets of layers a directory can have a tag for.
#define CACHE_WAYS 4
// After this many ticks a tag is dropped: a minute at 250 a second. A counter of 32 bits takes longer to come round.
#define CACHE_LIFE 15000
// Names as long as this are walked for where they matter: what no dentry has within it (fs/dcache.c, d_iname).
#define CACHE_NAME_SIZE 32

struct tag {
	// Odd while it is written; moved by every writer. x86 neither reorders loads nor stores, the rest is the compiler's.
	__u32 version;
	__u32 generation; // its number: its word may be another one's later
	__u64 mount; // struct vfsmount *
	__u64 dentry;
	__u64 ticks;
	__u32 renames;
	__u32 mounts;
	__u32 count; // of layers
	__u32 has_refused; // never: beside the count, since both are compared at once
	__u32 granted; // by every layer, to whatever is in the directory
	__u32 reserved;
	__u32 policies[SWGUARD_LAYERS_MAX]; // all words of the task's, whatever their count
	__u32 states[SWGUARD_LAYERS_MAX];
};

struct tagged_directory {
	struct tag tags[CACHE_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tagged_directory);
} directories SEC(".maps");

// Whether anything is kept: `cache` in the agent's configuration. Tests compare verdicts with and without. Asked where tags
// are made, and not where they are used, which calls a function (parts.bpf.h).
const volatile __u32 has_cache = 1;

static __always_inline struct tag *tag_for(struct tagged_directory *tagged, const struct swguard_layers *own)
{
	return &tagged->tags[(own->policies[0] + own->count) % CACHE_WAYS];
}

// A name that is short enough to stand in its dentry.
struct short_name {
	__u32 length;
	__u32 reserved;
	__u64 text[CACHE_NAME_SIZE / 8];
};

// Whether a layer grants `accesses` to a name in the directory of the tag, with nothing more to be asked or reported. A stub
// (parts.bpf.h): nothing is.
__weak __noinline int is_name_granted(const struct tag *tag, __u32 layer, __u32 generation,
				      const struct short_name *name, __u32 accesses)
{
	return 0;
}

// Whether every layer does.
static __noinline int is_name_granted_by_tag(const struct tag *tag, __u32 generation, struct dentry *dentry,
					     __u32 accesses)
{
	struct short_name name = { .length = dentry->d_name.len };
	const __u64 *within = (void *)dentry + bpf_core_field_offset(struct dentry, d_iname);
	__u32 count = tag->count;

	if (name.length == 0 || name.length >= CACHE_NAME_SIZE ||
	    (__u64)dentry->d_name.name != (__u64)within)
		return 0;
	// clang would have the loader fit a load of eight bytes to a field of another size.
	asm volatile("" : "+r"(within));
	for (__u32 piece = 0; piece < CACHE_NAME_SIZE / 8; piece++)
		name.text[piece] = within[piece];
	// It may be an O_TMPFILE's.
	if ((__u8)name.text[0] == '#')
		return 0;
	for (__u32 layer = 0; layer < SWGUARD_LAYERS_MAX && layer < count; layer++)
		if (!is_name_granted(tag, layer, generation, &name, accesses))
			return 0;
	return 1;
}

// Whether a tag is for the layers of a task, and no policy has no room on it: `count` and `has_refused` are one word.
static __always_inline bool is_for(const struct tag *tag, const struct swguard_layers *own)
{
	const __u64 *a = (const __u64 *)tag->policies, *b = (const __u64 *)own->policies;

	return *(const __u64 *)&tag->count == *(const __u64 *)&own->count && a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

// The same by what is granted to whatever is in the directory alone, where `states` is given: then the states are what they
// are for every name there.
static __always_inline bool is_granted_in_states(const struct swguard_layers *own, struct vfsmount *mount,
						 struct dentry *directory, struct inode *inode, struct dentry *name,
						 __u32 accesses, struct directory_states *states)
{
	const __u32 *words = tables_begin();
	struct tagged_directory *tagged;
	__u32 generation, version, granted, sequence;
	struct tag *tag;

	// What is at a mount's root is called as the mount point is.
	if (!words || name == mount->mnt_root)
		return false;
	if (!inode)
		return false;
	tagged = bpf_inode_storage_get(&directories, inode, NULL, 0);
	if (!tagged)
		return false;
	tag = tag_for(tagged, own);
	version = tag->version;
	barrier();
	generation = generation_now(words);
	granted = tag->granted;
	if (version & 1 || tag->mount != (__u64)mount || tag->dentry != (__u64)directory ||
	    tag->generation != field(words, generation, struct swguard_generation, number) ||
	    !is_for(tag, own) || bpf_jiffies64() - tag->ticks > CACHE_LIFE)
		return false;
	sequence = name->d_seq.seqcount.sequence;
	barrier();
	// The counters last: up to here nothing was renamed or mounted since the walk, and the name is in the directory.
	if (name->d_parent != directory)
		return false;
	barrier();
	if (tag->renames != rename_sequence() || tag->mounts != mount_sequence())
		return false;
	if (states) {
		if (accesses & ~granted)
			return false;
		__builtin_memcpy(states->of, tag->states, sizeof(states->of));
		states->generation = tag->generation;
	} else if (accesses & ~granted && !is_name_granted_by_tag(tag, generation, name, accesses)) {
		return false;
	}
	barrier();
	// Renamed while its name was read: it may be half of each. Or the tag was written while it was read.
	if (sequence & 1 || sequence != name->d_seq.seqcount.sequence || version != tag->version)
		return false;
	// The agent's own guards deny no reading.
	return !(accesses & field(words, generation, struct swguard_generation, guarded_accesses)) ||
	       !guards_of(name, field(words, generation, struct swguard_generation, number));
}

// Whether every layer grants `accesses` to `name`, by the tag of the directory, whose inode is `inode`. False: it must be walked for.
static __always_inline bool is_granted_by_tag(const struct swguard_layers *own, struct vfsmount *mount,
					      struct dentry *directory, struct inode *inode,
					      struct dentry *name, __u32 accesses)
{
	return is_granted_in_states(own, mount, directory, inode, name, accesses, NULL);
}

// Keeps where the directory leads that the last walk found its object in; `inode` is the directory's.
static __always_inline void keep_tag(struct inode *inode, struct scratch *scratch, const struct swguard_layers *own)
{
	const __u32 *words = tables_begin();
	struct tagged_directory *tagged;
	struct tag *tag;
	__u32 version;

	if (!has_cache || !inode || !words || !scratch->is_keepable || own->has_refused)
		return;
	tagged = bpf_inode_storage_get(&directories, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!tagged)
		return;
	tag = tag_for(tagged, own);
	version = tag->version;
	if (version & 1 || !__sync_bool_compare_and_swap(&tag->version, version, version + 1))
		return;
	tag->generation = field(words, scratch->generation, struct swguard_generation, number);
	tag->mount = scratch->mount;
	tag->dentry = scratch->walk.directory;
	tag->ticks = bpf_jiffies64();
	tag->renames = scratch->walk.renames;
	tag->mounts = scratch->walk.mounts;
	tag->granted = scratch->granted_beneath;
	tag->count = own->count;
	__builtin_memcpy(tag->policies, own->policies, sizeof(tag->policies));
	__builtin_memcpy(tag->states, scratch->directory_states, sizeof(tag->states));
	barrier();
	tag->version = version + 2;
}
