// Hooks on names: made, removed, moved, linked; and on what a name's inode says of itself.
#pragma once

#include "decide.bpf.h"
#include "network.bpf.h"
#include "rebind.bpf.h"

#define S_IFMT 0170000
#define S_IFBLK 0060000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define RENAME_EXCHANGE 2

// Decides a request for a name in a directory.
static __always_inline int ask_name(struct swguard_layers *own, const struct path *directory, struct dentry *name,
				    __u32 accesses)
{
	return ask_in(own, mount_of(directory), directory->dentry, UNTYPED(struct dentry, name), accesses);
}

#define NAME_HOOK(hook, accesses)                                                        \
	SEC("lsm/" #hook)                                                                \
	int BPF_PROG(swguard_##hook, const struct path *directory, struct dentry *name)  \
	{                                                                                \
		PASS_UNCONFINED(own);                                                    \
		VERDICT(ask_name(own, directory, name, accesses));                       \
	}

NAME_HOOK(path_unlink, SWGUARD_REMOVE)
NAME_HOOK(path_rmdir, SWGUARD_REMOVE)

SEC("lsm/path_mkdir")
int BPF_PROG(swguard_path_mkdir, const struct path *directory, struct dentry *name, __u16 mode)
{
	PASS_UNCONFINED(own);
	VERDICT(ask_name(own, directory, name, SWGUARD_CREATE));
}

SEC("lsm/path_symlink")
int BPF_PROG(swguard_path_symlink, const struct path *directory, struct dentry *name, const char *target)
{
	PASS_UNCONFINED(own);
	VERDICT(ask_name(own, directory, name, SWGUARD_CREATE));
}

SEC("lsm/path_mknod")
int BPF_PROG(swguard_path_mknod, const struct path *directory, struct dentry *name, __u16 mode, unsigned int device)
{
	__u32 accesses = SWGUARD_CREATE, sought;
	int error;

	PASS_UNCONFINED(own);
	if ((mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK)
		accesses |= SWGUARD_DEVICE;
	if ((mode & S_IFMT) != S_IFSOCK) {
		struct inode *inode = directory->dentry->d_inode;

		// What is reported by no layer need not wait.
		if (is_granted_by_tag(own, mount_of(directory), directory->dentry, inode, UNTYPED(struct dentry, name),
				      accesses))
			return 0;
		sought = is_sought(name);
		if (sought)
			decide(BEGIN_SEEKING, AS_NUMBER(name), AS_NUMBER(mount_of(directory)), 0, 0);
		error = ask_by_walk(own, mount_of(directory), inode, UNTYPED(struct dentry, name), accesses);
		if (sought)
			decide(BEGIN_SEEKING, 0, 0, 0, 0);
		VERDICT(error);
	}
	// The name that a unix socket is being bound to.
	VERDICT(decide(ASK_SOCKET_NAME, AS_NUMBER(mount_of(directory)), AS_NUMBER(name), accesses, 0));
}

// Decides about the name that a unix socket is being bound to.
static __noinline int ask_socket_name(struct vfsmount *mount, struct dentry *name, __u32 accesses)
{
	int result = find(mount, name);
	int error = judge(result, accesses);

	return error ? error : judge_name(result, SWGUARD_BIND, 0);
}

// Whether a file may have another name in place of one, or besides, by what is kept of the directories: every layer grants the
// accesses to all that is in the one, and in the other, and the same to both, so that nothing is gained.
static __always_inline bool is_moved_alike(const struct swguard_layers *own, struct vfsmount *mount,
					   struct dentry *old_directory, struct dentry *old_name, __u32 old_accesses,
					   struct dentry *new_directory, struct dentry *new_name, __u32 new_accesses)
{
	struct scratch *scratch = scratch_of_current();

	if (!scratch ||
	    !is_granted_in_states(own, mount, old_directory, old_directory->d_inode, UNTYPED(struct dentry, old_name),
				  old_accesses, &scratch->old_directory) ||
	    !is_granted_in_states(own, mount, new_directory, new_directory->d_inode, UNTYPED(struct dentry, new_name),
				  new_accesses, &scratch->new_directory) ||
	    scratch->old_directory.generation != scratch->new_directory.generation)
		return false;
	for (__u32 layer = 0; layer < SWGUARD_LAYERS_MAX; layer++)
		if (scratch->old_directory.of[layer] != scratch->new_directory.of[layer])
			return false;
	return true;
}

// Keeps what `resolve` found aside: the old name's.
__noinline int keep_states(void)
{
	struct scratch *scratch = scratch_of_current();

	if (!scratch)
		return -EACCES;
	scratch->earlier_generation = scratch->generation;
	for (__u32 layer = 0; layer < SWGUARD_LAYERS_MAX; layer++)
		scratch->earlier_states[layer] = scratch->states[layer];
	return 0;
}

enum { GAIN_DIRECTORY = 1, GAIN_BOTH_WAYS = 2 };

// What may not be gained by another name.
#define GAINS (SWGUARD_READ | SWGUARD_WRITE | SWGUARD_EXECUTE | SWGUARD_MAP | SWGUARD_METADATA | SWGUARD_LINK)

static long judge_one_gain(__u32 layer, struct question *question)
{
	struct denial denial = { .error = EXDEV, .cause = SWGUARD_CAUSE_NO_GAIN, .rule = SWGUARD_NO_RULE };
	const __u32 *words = question->words;
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot);
	__u32 old, new, before, after, gained;

	if (!policy || layer >= SWGUARD_LAYERS_MAX)
		return 0;
	old = question->scratch->earlier_states[within_layers(layer)];
	new = question->scratch->states[within_layers(layer)];
	if (old == new)
		return 0;
	before = field(words, verdict_of(words, files_of(policy), old), struct swguard_verdict, granted) & GAINS;
	after = field(words, verdict_of(words, files_of(policy), new), struct swguard_verdict, granted) & GAINS;
	gained = after & ~before;
	if (question->detail & GAIN_BOTH_WAYS)
		gained |= before & ~after;
	if (!gained && !(question->detail & GAIN_DIRECTORY))
		return 0;
	denial.access = lowest_bit(gained | SWGUARD_DEVICE);
	return refuse(question, slot, policy, &denial);
}

// Whether the name that `resolve` found last grants more than the one kept before, in any layer; or, for a directory,
// whether anything beneath is granted otherwise: both must lead to one state of the minimal automaton.
__noinline int judge_gain(__u32 detail)
{
	struct question question = {
		.scratch = scratch_of_current(),
		.words = tables_begin(),
		.object = SWGUARD_OBJECT_FILE,
		.detail = detail,
	};
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());

	if (!question.scratch || !own || !question.words)
		return -EACCES;
	question.own = own;
	question.generation = question.scratch->generation;
	// Policies were swapped between the two names: their states do not compare. Programs copy then, or try again.
	if (question.scratch->earlier_generation != question.generation)
		return -EXDEV;
	bpf_loop(own->count, judge_one_gain, &question, 0);
	return question.error;
}

static __always_inline bool is_positive(struct dentry *name)
{
	return BPF_CORE_READ(name, d_inode) != NULL;
}

static __always_inline bool is_directory_name(struct dentry *name)
{
	return is_positive(name) && (BPF_CORE_READ(name, d_inode, i_mode) & S_IFMT) == S_IFDIR;
}

static __noinline int ask_rename(struct vfsmount *old_mount, struct dentry *old_name, struct vfsmount *new_mount,
				      struct dentry *new_name, bool exchanges)
{
	__u32 replaces = is_positive(new_name);
	__u32 is_directory = is_directory_name(old_name) || (exchanges && is_directory_name(new_name));
	int result = find(old_mount, old_name);
	int error = judge(result, SWGUARD_REMOVE | (exchanges ? SWGUARD_CREATE : 0));

	if (error)
		return error;
	error = keep_states();
	if (error)
		return error;
	result = old_mount == new_mount ? find_beside(result, new_name) : find(new_mount, new_name);
	error = judge(result, SWGUARD_CREATE | (replaces ? SWGUARD_REMOVE : 0));
	if (error || result != WALK_DONE)
		return error;
	return judge_gain((is_directory ? GAIN_DIRECTORY : 0) | (exchanges ? GAIN_BOTH_WAYS : 0));
}

// Apart from the hook, which has less to keep on its stack then.
static __noinline int is_renamed_alike(const struct swguard_layers *own, const struct path *old_directory,
				       struct dentry *old_name, const struct path *new_directory,
				       struct dentry *new_name)
{
	return is_moved_alike(own, mount_of(new_directory), old_directory->dentry, old_name, SWGUARD_REMOVE,
			      new_directory->dentry, new_name,
			      SWGUARD_CREATE | (is_positive(new_name) ? SWGUARD_REMOVE : 0));
}

static __always_inline int decide_rename(const struct path *old_directory, struct dentry *old_name,
					 const struct path *new_directory, struct dentry *new_name, __u32 exchanges)
{
	PASS_UNCONFINED(own);
	if (!exchanges && !is_directory_name(old_name) &&
	    is_renamed_alike(own, old_directory, old_name, new_directory, new_name))
		return 0;
	return decide(exchanges ? ASK_EXCHANGE : ASK_RENAME, AS_NUMBER(mount_of(old_directory)), AS_NUMBER(old_name),
		      AS_NUMBER(mount_of(new_directory)), AS_NUMBER(new_name));
}

SEC("lsm/path_rename")
int BPF_PROG(swguard_path_rename, const struct path *old_directory, struct dentry *old_name,
	     const struct path *new_directory, struct dentry *new_name, unsigned int flags)
{
	__u32 exchanges = flags & RENAME_EXCHANGE;
	int error = decide_rename(old_directory, old_name, new_directory, new_name, exchanges);

	// Whoever renames: what comes under a guarded name is guarded.
	if (!error)
		error = bind(old_name, dentry_of(new_directory), new_name);
	if (!error && exchanges)
		error = bind(new_name, dentry_of(old_directory), old_name);
	VERDICT(error);
}

// link(2) stays on one mount: the existing name is on it too.
static __noinline int ask_link(struct vfsmount *mount, struct dentry *old_name, struct dentry *new_name)
{
	int result = find(mount, old_name);
	int error = judge(result, SWGUARD_LINK);

	if (error)
		return error;
	error = keep_states();
	if (error)
		return error;
	result = find_beside(result, new_name);
	error = judge(result, SWGUARD_CREATE);
	if (error || result != WALK_DONE)
		return error;
	return judge_gain(0);
}

static __noinline int is_linked_alike(const struct swguard_layers *own, struct dentry *old_name,
				      const struct path *new_directory, struct dentry *new_name)
{
	return is_moved_alike(own, mount_of(new_directory), old_name->d_parent, old_name, SWGUARD_LINK,
			      new_directory->dentry, new_name, SWGUARD_CREATE);
}

static __always_inline int decide_link(struct dentry *old_name, const struct path *new_directory,
				       struct dentry *new_name)
{
	PASS_UNCONFINED(own);
	if (is_linked_alike(own, old_name, new_directory, new_name))
		return 0;
	return decide(ASK_LINK, AS_NUMBER(mount_of(new_directory)), AS_NUMBER(old_name), AS_NUMBER(new_name), 0);
}

SEC("lsm/path_link")
int BPF_PROG(swguard_path_link, struct dentry *old_name, const struct path *new_directory, struct dentry *new_name)
{
	int error = decide_link(old_name, new_directory, new_name);

	if (!error)
		error = bind(old_name, dentry_of(new_directory), new_name);
	VERDICT(error);
}
