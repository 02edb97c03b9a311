// What an object is called: its path through the mount by which it was reached, up to the root mount of a live namespace.
//
// The caller's own root is never looked at: who may make a user namespace may change it. Everything is read by
// bpf_probe_read_kernel, since a mount's parent cannot be reached by typed pointers; the programs run under RCU, and
// dentries, names and mounts are freed by RCU.
#pragma once

#include "guards.bpf.h"
#include "layers.bpf.h"
#include "locks.bpf.h"

#define PROC_SUPER_MAGIC 0x9fa0
#define NSFS_MAGIC 0x6e736673
// fs/mount.h: the kernel's own mounts (pipes, memfds, overlay's layers) are in no namespace.
#define MNT_NS_INTERNAL ((struct mnt_namespace *)-22)
// How often a walk begins again because something moved meanwhile.
#define WALK_ATTEMPTS 16

enum walk_result {
	WALK_DONE = 0,
	WALK_NAMELESS, // on a mount of the kernel's own: no file
	WALK_UNRESOLVED,
	WALK_AGAIN,
};

// What a loop's function gets.
struct walk_context {
	struct scratch *scratch;
	const __u32 *words;
	struct swguard_layers *own; // where automata of layers are run
};

static __always_inline __u32 dentry_sequence(struct dentry *dentry)
{
	return PEEK(struct dentry, dentry, d_seq.seqcount.sequence);
}

static __always_inline long end_walk(struct scratch *scratch, __u32 result)
{
	scratch->walk.result = result;
	scratch->walk.is_over = 1;
	return 1;
}

// Whether a mount is the kernel's own.
static __always_inline bool is_internal(struct vfsmount *vfsmount)
{
	struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);

	return PEEK(struct mount, mount, mnt_ns) == MNT_NS_INTERNAL;
}

// What is above a mount's root in its file system: a guarded directory may be there, under another name.
static long climb_beyond(__u32 index, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;
	struct dentry *dentry = (struct dentry *)scratch->walk.beyond, *parent;

	if (!note_guards(scratch, dentry))
		return end_walk(scratch, WALK_UNRESOLVED);
	parent = PEEK(struct dentry, dentry, d_parent);
	if (parent == dentry) {
		scratch->walk.beyond = 0;
		return 1;
	}
	scratch->walk.beyond = (__u64)parent;
	return 0;
}

// Leaves a mount, at its root and nowhere else.
static __always_inline long leave_mount(struct scratch *scratch, struct dentry *root, struct vfsmount *vfsmount)
{
	struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
	struct mount *parent = PEEK(struct mount, mount, mnt_parent);
	__u32 last = scratch->walk.depth - 1;

	if (last < SWGUARD_DEPTH_MAX && PEEK(struct dentry, root, d_parent) == root &&
	    PEEK(struct super_block, PEEK(struct dentry, root, d_sb), s_magic) == PROC_SUPER_MAGIC)
		scratch->chain[last].is_process = 1;
	if (parent == mount) {
		struct mnt_namespace *namespace = PEEK(struct mount, mount, mnt_ns);

		if (namespace == MNT_NS_INTERNAL)
			return end_walk(scratch, WALK_NAMELESS);
		// Taken out of its namespace (lazily unmounted), or never put into one (open_tree): seq is 0 there.
		if (!namespace || !PEEK(struct mnt_namespace, namespace, seq))
			return end_walk(scratch, WALK_UNRESOLVED);
		return end_walk(scratch, WALK_DONE);
	}
	scratch->walk.dentry = (__u64)PEEK(struct mount, mount, mnt_mountpoint);
	scratch->walk.mount = (__u64)parent + bpf_core_field_offset(struct mount, mnt);
	return 0;
}

static long climb(__u32 index, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;
	struct dentry *dentry = (struct dentry *)scratch->walk.dentry, *parent;
	struct vfsmount *mount = (struct vfsmount *)scratch->walk.mount;
	struct chain_link *link;
	__u32 sequence, depth = scratch->walk.depth;

	if (dentry == PEEK(struct vfsmount, mount, mnt_root)) {
		if (scratch->guard_generation) {
			scratch->walk.beyond = (__u64)dentry;
			bpf_loop(SWGUARD_DEPTH_MAX, climb_beyond, context, 0);
			if (scratch->walk.beyond)
				return end_walk(scratch, WALK_UNRESOLVED);
		}
		return leave_mount(scratch, dentry, mount);
	}
	sequence = dentry_sequence(dentry);
	parent = PEEK(struct dentry, dentry, d_parent);
	// A root that is not its mount's: of what the kernel made without a directory (a pipe, a memfd); or moved out of a bind
	// mount, or opened by a handle that leads nowhere.
	if (parent == dentry)
		return end_walk(scratch, depth == 0 && is_internal(mount) ? WALK_NAMELESS : WALK_UNRESOLVED);
	if (depth >= SWGUARD_DEPTH_MAX)
		return end_walk(scratch, WALK_UNRESOLVED);
	if (sequence & 1)
		return end_walk(scratch, WALK_AGAIN);
	if (!note_guards(scratch, dentry))
		return end_walk(scratch, WALK_UNRESOLVED);
	link = &scratch->chain[BOUNDED(depth, SWGUARD_DEPTH_MAX - 1)];
	link->dentry = (__u64)dentry;
	link->sequence = sequence;
	link->is_process = 0;
	if (depth == 0)
		scratch->walk.directory = (__u64)parent;
	scratch->walk.depth = depth + 1;
	scratch->walk.dentry = (__u64)parent;
	return 0;
}

static __always_inline bool is_own_process(struct dentry *dentry)
{
	struct inode *inode = PEEK(struct dentry, dentry, d_inode);
	struct proc_inode *entry;

	if (!inode)
		return false;
	entry = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	return BPF_CORE_READ(entry, pid) == BPF_CORE_READ(bpf_get_current_task_btf(), group_leader, thread_pid);
}

static __always_inline bool is_linkless(struct dentry *dentry)
{
	struct inode *inode = PEEK(struct dentry, dentry, d_inode);

	return inode && PEEK(struct inode, inode, i_nlink) == 0;
}

// Writes the next name, from the top.
static long write_name(__u32 index, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;
	__u32 place = scratch->walk.depth - 1 - index, size = scratch->walk.size, length;
	const unsigned char *name;
	struct dentry *dentry;
	char *out;

	if (place >= SWGUARD_DEPTH_MAX || size >= SWGUARD_PATH_SIZE)
		return end_walk(scratch, WALK_UNRESOLVED);
	dentry = (struct dentry *)scratch->chain[place].dentry;
	out = &scratch->path[size];
	out[0] = '/';
	name = PEEK(struct dentry, dentry, d_name.name);
	length = PEEK(struct dentry, dentry, d_name.len);
	if (length == 0 || length > 255 || bpf_probe_read_kernel(out + 1, length, name))
		return end_walk(scratch, WALK_UNRESOLVED);
	if (scratch->chain[place].is_process && out[1] >= '0' && out[1] <= '9') {
		scratch->walk.is_beneath_process = 1;
		if (is_own_process(dentry)) {
			__builtin_memcpy(out + 1, "self", 4);
			length = 4;
		}
	}
	// O_TMPFILE: named by its number, which nobody chose. The policy calls it `#`.
	if (place == 0 && out[1] == '#' && is_linkless(dentry))
		length = 1;
	scratch->walk.directory_size = size;
	scratch->walk.size = size + 1 + length;
	return 0;
}

// Whether a component is where it was.
static long compare(__u32 index, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;

	if (index >= SWGUARD_DEPTH_MAX)
		return 1;
	if (dentry_sequence((struct dentry *)scratch->chain[index].dentry) == scratch->chain[index].sequence)
		return 0;
	return end_walk(scratch, WALK_AGAIN);
}

// One walk up and down. The chain of sequences from below shows that all of it stood at one moment, whatever else was
// renamed meanwhile.
static long walk_once(__u32 index, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;
	__u32 mounts = mount_sequence();

	scratch->walk.mount = scratch->mount;
	scratch->walk.dentry = scratch->dentry;
	scratch->walk.depth = 0;
	scratch->walk.size = 0;
	scratch->walk.is_over = 0;
	scratch->walk.result = WALK_AGAIN;
	scratch->walk.renames = rename_sequence();
	scratch->walk.mounts = mounts;
	scratch->walk.directory_size = 0;
	scratch->walk.is_beneath_process = 0;
	scratch->guard_count = 0;
	scratch->own_guard_count = 0;
	scratch->is_above = 0;
	if (mounts & 1)
		return 0;
	// A mount's root and its mount point are two steps of one component.
	bpf_loop(2 * SWGUARD_DEPTH_MAX, climb, context, 0);
	if (!scratch->walk.is_over)
		scratch->walk.result = WALK_UNRESOLVED;
	if (scratch->walk.result == WALK_DONE)
		bpf_loop(scratch->walk.depth, write_name, context, 0);
	if (scratch->walk.result != WALK_AGAIN)
		bpf_loop(scratch->walk.depth, compare, context, 0);
	if (mount_sequence() != mounts)
		scratch->walk.result = WALK_AGAIN;
	return scratch->walk.result != WALK_AGAIN;
}

static long run_step(__u32 index, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;
	__u32 state, place = scratch->run.first + index;

	if (place >= SWGUARD_PATH_SIZE)
		return 1;
	state = step(context->words, scratch->run.classes, scratch->run.cells, scratch->run.state, scratch->path[place]);
	scratch->run.state = state;
	// Nothing is granted behind the dead state.
	return state == 0;
}

static __always_inline void begin_run(struct scratch *scratch, const __u32 *words, __u32 automaton)
{
	scratch->run.classes = field(words, automaton, struct swguard_automaton, classes);
	scratch->run.cells = field(words, automaton, struct swguard_automaton, cells);
	scratch->run.state = field(words, automaton, struct swguard_automaton, start);
	scratch->run.first = 0;
}

// Runs an automaton over the whole path; gives the word of its verdict. Neither is ever NULL, which the verifier does not
// know; no word is as large.
__noinline __u32 run_over_path(struct scratch *scratch, __u32 automaton)
{
	struct walk_context context = { .scratch = scratch, .words = tables_begin() };

	if (!scratch || !context.words)
		return 0xffffffff;
	begin_run(scratch, context.words, automaton);
	bpf_loop(scratch->size, run_step, &context, 0);
	return verdict_of(context.words, automaton, scratch->run.state);
}

// Runs one layer's automaton over the path.
static long run_layer(__u32 layer, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;
	struct swguard_layers *own = context->own;
	__u32 policy;

	if (!own || layer >= SWGUARD_LAYERS_MAX)
		return 1;
	policy = policy_at(context->words, scratch->generation, own->policies[within_layers(layer)]);
	if (!policy)
		return 0;
	begin_run(scratch, context->words, files_of(policy));
	// In two pieces: what the directory is called leads to a state of its own.
	bpf_loop(scratch->walk.directory_size, run_step, context, 0);
	scratch->directory_states[within_layers(layer)] = scratch->run.state;
	scratch->granted_beneath &= granted_beneath(context->words, files_of(policy), scratch->run.state);
	scratch->run.first = scratch->walk.directory_size;
	bpf_loop(scratch->size - scratch->walk.directory_size, run_step, context, 0);
	scratch->states[within_layers(layer)] = scratch->run.state;
	return 0;
}

// Finds what the object that stands in the task's scratch is called, into `path` and `size`. Returns an enum walk_result.
__noinline int find_path(void)
{
	struct walk_context context = { .scratch = scratch_of_current() };
	struct scratch *scratch = context.scratch;

	if (!scratch)
		return WALK_UNRESOLVED;
	bpf_loop(WALK_ATTEMPTS, walk_once, &context, 0);
	scratch->size = 0;
	if (scratch->walk.result == WALK_AGAIN)
		return WALK_UNRESOLVED;
	if (scratch->walk.result != WALK_DONE)
		return scratch->walk.result;
	// The last name may have gone beyond.
	if (scratch->walk.size >= SWGUARD_PATH_SIZE)
		return WALK_UNRESOLVED;
	scratch->size = scratch->walk.size;
	if (scratch->size == 0) {
		scratch->path[0] = '/';
		scratch->size = 1;
	}
	return WALK_DONE;
}

// Finds what the object is called, and where that leads each layer's automaton. Returns an enum walk_result.
__noinline int resolve(void)
{
	struct walk_context context = { .scratch = scratch_of_current(), .words = tables_begin() };
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());
	__u32 generation;
	int result;

	if (!context.scratch)
		return WALK_UNRESOLVED;
	context.scratch->is_keepable = 0;
	if (!context.words || !own)
		return WALK_UNRESOLVED;
	generation = generation_now(context.words);
	context.scratch->generation = generation;
	context.scratch->guard_generation = 0;
	if (field(context.words, generation, struct swguard_generation, guard_count))
		context.scratch->guard_generation =
			field(context.words, generation, struct swguard_generation, number);
	result = find_path();
	// Nobody else's walk goes by it.
	context.scratch->guard_generation = 0;
	if (result != WALK_DONE)
		return result;
	context.own = own;
	context.scratch->granted_beneath = SWGUARD_ALL_ACCESSES;
	bpf_loop(own->count, run_layer, &context, 0);
	// An odd counter: a rename is under way. What is beneath a guarded directory is walked for, and what can be too long.
	context.scratch->is_keepable = !context.scratch->walk.is_beneath_process &&
				       !(context.scratch->walk.renames & 1) && context.scratch->guard_count == context.scratch->own_guard_count &&
				       context.scratch->walk.directory_size < SWGUARD_PATH_SIZE - 256;
	return WALK_DONE;
}

// Runs one layer's automaton over the last name alone, from where the directory led it.
static long run_layer_over_name(__u32 layer, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;
	struct swguard_layers *own = context->own;
	__u32 policy;

	if (!own || layer >= SWGUARD_LAYERS_MAX)
		return 1;
	policy = policy_at(context->words, scratch->generation, own->policies[within_layers(layer)]);
	if (!policy)
		return 0;
	begin_run(scratch, context->words, files_of(policy));
	scratch->run.state = scratch->directory_states[within_layers(layer)];
	scratch->run.first = scratch->walk.directory_size;
	bpf_loop(scratch->size - scratch->walk.directory_size, run_step, context, 0);
	scratch->states[within_layers(layer)] = scratch->run.state;
	return 0;
}

// The same as `resolve` for a name in the directory of the object that it found last, on the same mount: the chain above stands
// as long as its sequences do. Anything out of the ordinary, and guards, are left to `resolve`: WALK_AGAIN then.
__noinline int resolve_beside(void)
{
	struct walk_context context = { .scratch = scratch_of_current(), .words = tables_begin() };
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());
	struct scratch *scratch = context.scratch;
	struct dentry *name;
	__u32 generation;

	if (!scratch || !context.words || !own)
		return WALK_AGAIN;
	name = (struct dentry *)scratch->dentry;
	generation = scratch->generation;
	if (generation != generation_now(context.words) || scratch->guard_count || scratch->walk.is_beneath_process ||
	    scratch->chain[0].is_process)
		return WALK_AGAIN;
	if (field(context.words, generation, struct swguard_generation, guard_count) &&
	    guards_of(name, field(context.words, generation, struct swguard_generation, number)))
		return WALK_AGAIN;
	scratch->chain[0].sequence = dentry_sequence(name);
	scratch->chain[0].dentry = (__u64)name;
	if (scratch->chain[0].sequence & 1 || (__u64)PEEK(struct dentry, name, d_parent) != scratch->walk.directory)
		return WALK_AGAIN;
	scratch->walk.size = scratch->walk.directory_size;
	scratch->walk.result = WALK_DONE;
	write_name(scratch->walk.depth - 1, &context);
	if (scratch->walk.result == WALK_DONE)
		bpf_loop(scratch->walk.depth, compare, &context, 0);
	if (scratch->walk.result != WALK_DONE || mount_sequence() != scratch->walk.mounts ||
	    scratch->walk.size >= SWGUARD_PATH_SIZE)
		return WALK_AGAIN;
	scratch->size = scratch->walk.size;
	context.own = own;
	bpf_loop(own->count, run_layer_over_name, &context, 0);
	return WALK_DONE;
}
