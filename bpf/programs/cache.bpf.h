// What a directory is called does not change between two opens in it, mostly: the state of a policy's automaton after it
// is kept with its inode, and the usual open takes one step for each byte of the last name.
//
// A tag holds as long as the kernel's own counters of renames and of mounts, which d_path itself relies on, are where they
// were before the walk that made it: then nothing was renamed or mounted anywhere. Only directories are kept, never files,
// which have as many names as links; and nothing at or beneath a process's directory of procfs, whose name depends on
// who asks. A tag that does not hold, or is not there, costs a walk and nothing else.
#pragma once

#include "walk.bpf.h"

// How many policies a directory can have a tag for, each at its slot's remainder.
#define CACHE_WAYS 4
// After this many ticks a tag is dropped: a minute at 250 a second. A counter of 32 bits takes longer to come round.
#define CACHE_LIFE 15000
// Names as long as this are walked. A power of two.
#define CACHE_NAME_SIZE 32

struct tag {
	__u64 mount; // struct vfsmount *
	__u64 dentry;
	__u64 ticks;
	__u32 generation; // its number: its word may be another one's later
	__u32 slot;
	__u32 renames;
	__u32 mounts;
	__u32 state;
	__u32 reserved;
	// Of all that stands before: a tag that somebody is writing while it is read does not check.
	__u64 check;
};

struct tagged_directory {
	struct tag tags[CACHE_WAYS];
};

static __always_inline __u64 check_of(const struct tag *tag)
{
	const __u64 factor = 0x9e3779b97f4a7c15ull;
	__u64 sum = tag->mount;

	sum = (sum ^ tag->dentry) * factor;
	sum = (sum ^ tag->ticks) * factor;
	sum = (sum ^ (tag->generation | (__u64)tag->slot << 32)) * factor;
	sum = (sum ^ (tag->renames | (__u64)tag->mounts << 32)) * factor;
	return (sum ^ tag->state) * factor;
}

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tagged_directory);
} directories SEC(".maps");

// Whether the cache is used at all: for tests, which compare verdicts with and without.
const volatile __u32 has_cache = 1;

// A run over a name that stands on the stack.
struct short_run {
	const __u32 *words;
	__u32 classes;
	__u32 cells;
	__u32 state;
	__u32 reserved;
	unsigned char text[CACHE_NAME_SIZE];
};

static long short_run_step(__u32 index, struct short_run *run)
{
	run->state = step(run->words, run->classes, run->cells, run->state,
			  run->text[BOUNDED(index, CACHE_NAME_SIZE - 1)]);
	return run->state == 0;
}

// The verdict that a policy has for `name` in `directory` on `mount`: its word; 0 where it must be walked for.
static __always_inline __u32 cached_verdict(const __u32 *words, __u32 generation, __u32 slot, __u32 policy,
					    struct vfsmount *mount, struct dentry *directory, struct dentry *name)
{
	struct tagged_directory *tagged;
	__u32 automaton, length, sequence, way = slot % CACHE_WAYS;
	struct short_run run;
	const unsigned char *from;
	struct inode *inode;
	struct tag tag;

	if (!has_cache || name == mount->mnt_root)
		return 0;
	inode = directory->d_inode;
	if (!inode)
		return 0;
	tagged = bpf_inode_storage_get(&directories, inode, NULL, 0);
	if (!tagged)
		return 0;
	tag = tagged->tags[way];
	if (tag.check != check_of(&tag) || tag.mount != (__u64)mount || tag.dentry != (__u64)directory || tag.generation != field(words, generation, struct swguard_generation, number) ||
	    tag.slot != slot || tag.renames != rename_sequence() || tag.mounts != mount_sequence() ||
	    bpf_jiffies64() - tag.ticks > CACHE_LIFE)
		return 0;
	sequence = name->d_seq.seqcount.sequence;
	barrier();
	length = name->d_name.len;
	from = name->d_name.name;
	if (length == 0 || length >= CACHE_NAME_SIZE)
		return 0;
	// 6.1 forgets the bound on the way.
	asm volatile("%0 &= %1" : "+r"(length) : "i"(CACHE_NAME_SIZE - 1));
	if (bpf_probe_read_kernel(run.text, length, from))
		return 0;
	// It may be an O_TMPFILE's.
	if (run.text[0] == '#')
		return 0;
	automaton = policy + offsetof(struct swguard_policy, files) / sizeof(__u32);
	run.words = words;
	run.classes = field(words, automaton, struct swguard_automaton, classes);
	run.cells = field(words, automaton, struct swguard_automaton, cells);
	run.state = step(words, run.classes, run.cells, tag.state, '/');
	bpf_loop(length, short_run_step, &run, 0);
	// Renamed while its name was read: it may be half of each.
	barrier();
	if (sequence & 1 || sequence != name->d_seq.seqcount.sequence)
		return 0;
	return verdict_of(words, automaton, run.state);
}

// Keeps the state after the directory that the last walk found its object in.
static __always_inline void keep_tag(const __u32 *words, struct dentry *directory, struct scratch *scratch,
				     const struct swguard_layers *own)
{
	struct tagged_directory *tagged;
	struct inode *inode = directory->d_inode;
	struct tag tag = {
		// As numbers.
		.mount = scratch->mount,
		.dentry = scratch->walk.directory,
		.ticks = bpf_jiffies64(),
		.generation = field(words, scratch->generation, struct swguard_generation, number),
		.slot = own->policies[0],
		.renames = scratch->walk.renames,
		.mounts = scratch->walk.mounts,
		.state = scratch->directory_state,
	};

	if (!has_cache || !inode || !scratch->is_keepable || own->count != 1)
		return;
	tagged = bpf_inode_storage_get(&directories, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!tagged)
		return;
	tag.check = check_of(&tag);
	tagged->tags[tag.slot % CACHE_WAYS] = tag;
}
