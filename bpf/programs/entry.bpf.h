// When a task comes under a policy: by the file that it executes, by its cgroup at an exec, by the user that it becomes.
//
// What an exec enters is kept as `entering` until it has succeeded. Nothing takes a layer away.
#pragma once

#include "decide.bpf.h"
#include "self.bpf.h"

struct entry_context {
	struct scratch *scratch;
	const __u32 *words;
	struct task_struct *task;
	struct swguard_layers *own;
	__u32 generation;
	__u32 list;
	__u32 users[3];
	__u32 is_running; // not at an exec: nothing can be refused any more
	__u32 is_launcher;
	__u32 is_launched; // process 1 made it, and it has executed nothing since
	__u32 is_refused;
	__u32 has_entered; // or was refused, which it had not been before
	// The policy that there is no room for, by slot and word; no word: there is none.
	__u32 slot_without_room;
	__u32 policy_without_room;
};

// There is no room for one more. What asks for it is refused, but for a policy that only complains; a task that runs
// already is denied what the policy mediates.
static __always_inline void enter_without_room(struct entry_context *context, __u32 slot)
{
	__u32 policy = policy_at(context->words, context->generation, slot);

	if (!policy)
		return;
	if (context->is_running ||
	    field(context->words, policy, struct swguard_policy, flags) & SWGUARD_POLICY_COMPLAINS) {
		if (note_refused(context->own, slot))
			context->has_entered = 1;
		return;
	}
	context->is_refused = 1;
	context->slot_without_room = slot;
	context->policy_without_room = policy;
}

// Of SWGUARD_EXECUTE, the number of the bit. (That of OPERATION_SETUID is another.)
#define EXECUTE_NUMBER 4

// Reports that an exec or a change of user is refused for want of room.
__noinline int send_without_room(__u32 generation, __u32 policy, __u32 slot, __u32 access, __u32 error)
{
	struct scratch *scratch = scratch_of_current();
	struct report report = {
		.generation = generation,
		.policy = policy,
		.slot = slot,
		// The number of an operation, or that of the access to a file.
		.object = access == EXECUTE_NUMBER ? SWGUARD_OBJECT_FILE : SWGUARD_OBJECT_OPERATION,
		.denial = {
			.access = access,
			.rule = SWGUARD_NO_RULE,
			.cause = SWGUARD_CAUSE_NO_ROOM,
			.error = error,
		},
	};

	return scratch ? send_report(scratch, &report) : -(int)error;
}

static __always_inline void report_without_room(const struct entry_context *context, __u32 access, __u32 error)
{
	if (context->policy_without_room)
		send_without_room(context->generation, context->policy_without_room, context->slot_without_room, access,
				  error);
}

// Notes one policy among those that are entering; not one that is there already.
static __always_inline void enter(struct entry_context *context, __u32 slot)
{
	struct swguard_layers *own = context->own;
	__u32 total;

	if (!own) {
		own = bpf_task_storage_get(&layers, context->task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (!own) {
			context->is_refused = 1;
			return;
		}
		context->own = own;
	}
	total = own->count + own->entering;
	for (__u32 layer = 0; layer < SWGUARD_LAYERS_MAX; layer++)
		if (layer < total && own->policies[layer] == slot)
			return;
	if (total >= SWGUARD_LAYERS_MAX)
		return enter_without_room(context, slot);
	own->policies[total] = slot;
	own->entering++;
	context->has_entered = 1;
}

// The number of the host's mount namespace, that of process 1; 0: not known, and nothing is a launcher.
const volatile __u32 host_mounts = 0;

// Whether the file in the scratch is on a mount of the host's: in an image, whoever made it chose what a launcher's path
// leads to.
static __always_inline bool is_on_host(const struct entry_context *context)
{
	struct mount *mount = (void *)context->scratch->mount - bpf_core_field_offset(struct mount, mnt);
	struct mnt_namespace *namespace = BPF_CORE_READ(mount, mnt_ns);

	return host_mounts && BPF_CORE_READ(namespace, ns.inum) == host_mounts;
}

static long enter_listed(__u32 index, struct entry_context *context)
{
	__u32 slot = word(context->words, context->list + 1 + index);

	if (slot == SWGUARD_LAUNCHER)
		context->is_launcher = is_on_host(context);
	else
		enter(context, slot);
	return context->is_refused ? 1 : 0;
}

// Notes what the path in the scratch leads to: a list, whose first word is its count.
static __always_inline void enter_by_automaton(struct entry_context *context, __u32 automaton)
{
	context->list = run_over_path(context->scratch, automaton);
	if (context->list)
		bpf_loop(word(context->words, context->list), enter_listed, context, 0);
}

static long enter_user(__u32 index, struct entry_context *context)
{
	__u32 entry = field(context->words, context->generation, struct swguard_generation, user_entries) + 2 * index;
	__u32 user = word(context->words, entry);

	if (user == context->users[0] || user == context->users[1] || user == context->users[2])
		enter(context, word(context->words, entry + 1));
	return context->is_refused ? 1 : 0;
}

static __always_inline void enter_users(struct entry_context *context, struct cred *cred)
{
	context->users[0] = BPF_CORE_READ(cred, uid.val);
	context->users[1] = BPF_CORE_READ(cred, euid.val);
	context->users[2] = BPF_CORE_READ(cred, fsuid.val);
	bpf_loop(field(context->words, context->generation, struct swguard_generation, user_entry_count), enter_user,
		 context, 0);
}

static long climb_cgroup(__u32 index, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;
	struct kernfs_node *node = (struct kernfs_node *)scratch->walk.dentry, *parent;
	__u32 depth = scratch->walk.depth;

	parent = BPF_CORE_READ(node, parent);
	if (!parent)
		return end_walk(scratch, WALK_DONE);
	if (depth >= SWGUARD_DEPTH_MAX)
		return end_walk(scratch, WALK_UNRESOLVED);
	scratch->chain[depth].dentry = (__u64)node;
	scratch->walk.depth = depth + 1;
	scratch->walk.dentry = (__u64)parent;
	return 0;
}

static long write_cgroup_name(__u32 index, struct walk_context *context)
{
	struct scratch *scratch = context->scratch;
	__u32 place = scratch->walk.depth - 1 - index, size = scratch->walk.size;
	struct kernfs_node *node;
	long length;

	if (place >= SWGUARD_DEPTH_MAX || size >= SWGUARD_PATH_SIZE)
		return end_walk(scratch, WALK_UNRESOLVED);
	node = (struct kernfs_node *)scratch->chain[place].dentry;
	scratch->path[size] = '/';
	length = bpf_probe_read_kernel_str(&scratch->path[size + 1], 256, BPF_CORE_READ(node, name));
	if (length < 2 || length > 256)
		return end_walk(scratch, WALK_UNRESOLVED);
	scratch->walk.size = size + length;
	return 0;
}

// Writes the path of a task's cgroup (version 2) into the scratch. False where it cannot be found out.
static __always_inline bool find_cgroup(struct entry_context *context)
{
	struct walk_context walk = { .scratch = context->scratch };
	struct scratch *scratch = context->scratch;
	struct task_struct *task = context->task;

	scratch->walk.dentry = (__u64)BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	scratch->walk.depth = 0;
	scratch->walk.size = 0;
	scratch->walk.result = WALK_UNRESOLVED;
	bpf_loop(SWGUARD_DEPTH_MAX, climb_cgroup, &walk, 0);
	if (scratch->walk.result != WALK_DONE)
		return false;
	bpf_loop(scratch->walk.depth, write_cgroup_name, &walk, 0);
	if (scratch->walk.result != WALK_DONE)
		return false;
	scratch->size = scratch->walk.size;
	if (!scratch->size) {
		scratch->path[0] = '/';
		scratch->size = 1;
	}
	return true;
}

#define executables_of(generation) ((generation) + offsetof(struct swguard_generation, executables) / sizeof(__u32))
#define cgroups_of(generation) ((generation) + offsetof(struct swguard_generation, cgroups) / sizeof(__u32))

// Notes what the execution of the file in the scratch enters.
static __always_inline void enter_by_file(struct entry_context *context)
{
	__u32 generation = context->generation;

	if (find_path() == WALK_DONE)
		enter_by_automaton(context, executables_of(generation));
	// Renamed again and again while it was walked for: it has a name, and nobody knows whether a policy begins there. What is
	// unresolved otherwise is beneath no live root (a detached tree, a memfd): no policy can name it.
	else if (context->scratch->walk.result == WALK_AGAIN)
		context->is_refused = 1;
	if (context->is_launcher || context->is_launched || !field(context->words, cgroups_of(generation), struct swguard_automaton, start))
		return;
	if (find_cgroup(context))
		enter_by_automaton(context, cgroups_of(generation));
	else
		// It may be any, one that a policy begins in too.
		context->is_refused = 1;
}

static __always_inline bool has_entries(const __u32 *words, __u32 generation)
{
	return field(words, executables_of(generation), struct swguard_automaton, start) ||
	       field(words, cgroups_of(generation), struct swguard_automaton, start);
}

// A task that is under nothing keeps no scratch, or every hook would look at it twice.
static __always_inline void forget_scratch(const struct entry_context *context)
{
	if (!context->own || !(context->own->count + context->own->entering))
		bpf_task_storage_delete(&scratches, context->task);
}

// The file that was asked to be executed: of a script, the script. The exec is judged by the layers before it.
SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(swguard_bprm_creds_for_exec, struct linux_binprm *bprm)
{
	struct entry_context context = { .words = tables_begin(), .task = bpf_get_current_task_btf() };

	context.own = layers_of(context.task);
	if (context.own)
		context.own->entering = 0;
	// What is entered would stand behind what an exec that failed has left.
	else if (are_layers_hidden())
		REFUSE(EACCES);
	if (!context.words)
		REFUSE(EACCES);
	context.generation = generation_now(context.words);
	if (!has_entries(context.words, context.generation))
		return 0;
	context.scratch = scratch_of_current();
	if (!context.scratch)
		REFUSE(ENOMEM);
	context.scratch->mount = (__u64)BPF_CORE_READ(bprm, file, f_path.mnt);
	context.scratch->dentry = (__u64)BPF_CORE_READ(bprm, file, f_path.dentry);
	enter_by_file(&context);
	if (context.policy_without_room) {
		// The path of the cgroup may stand where the file's did.
		find_path();
		report_without_room(&context, EXECUTE_NUMBER, EACCES);
	}
	forget_scratch(&context);
	if (context.is_refused)
		REFUSE(EACCES);
	return 0;
}

// Whether an exec changes the user or the group: the file is a set-id file, and the bits count.
static __always_inline bool changes_ids(struct cred *new)
{
	struct cred *old = (struct cred *)BPF_CORE_READ(bpf_get_current_task_btf(), real_cred);

	return BPF_CORE_READ(new, euid.val) != BPF_CORE_READ(old, euid.val) ||
	       BPF_CORE_READ(new, egid.val) != BPF_CORE_READ(old, egid.val);
}

// include/linux/security.h: somebody traces it, or shares its root directory.
#define LSM_UNSAFE_SHARE 1
#define LSM_UNSAFE_PTRACE 2

// Whether the sealed agent's program would be executed in somebody's hands.
static __always_inline bool is_handled(struct linux_binprm *bprm)
{
	const struct swguard_agent *known = agent_record();

	return known && known->is_sealed && BPF_CORE_READ(bprm, unsafe) & (LSM_UNSAFE_SHARE | LSM_UNSAFE_PTRACE) &&
	       is_program(known, BPF_CORE_READ(bprm, file, f_inode));
}

// The users that the exec makes of it: a set-id file's.
SEC("lsm/bprm_creds_from_file")
int BPF_PROG(swguard_bprm_creds_from_file, struct linux_binprm *bprm, struct file *file)
{
	struct entry_context context = { .words = tables_begin(), .task = bpf_get_current_task_btf() };

	if (is_sealable && is_handled(bprm) &&
	    judge_self(SWGUARD_OBJECT_PROCESS, OPERATION_PTRACE, bpf_get_current_pid_tgid() >> 32, 0))
		REFUSE(EPERM);
	if (!context.words)
		REFUSE(EACCES);
	context.own = is_suspect() ? layers_of(context.task) : NULL;
	if (!context.own && are_layers_hidden())
		REFUSE(EACCES);
	if (context.own && context.own->count && changes_ids(BPF_CORE_READ(bprm, cred)) && judge_operation(OPERATION_SETUID, 0))
		REFUSE(EPERM);
	context.generation = generation_now(context.words);
	if (!field(context.words, context.generation, struct swguard_generation, user_entry_count))
		return 0;
	enter_users(&context, BPF_CORE_READ(bprm, cred));
	report_without_room(&context, OPERATION_SETUID, EACCES);
	if (context.is_refused)
		REFUSE(EACCES);
	return 0;
}

static __always_inline void enter_now(struct swguard_layers *own)
{
	own->count += own->entering;
	own->entering = 0;
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(swguard_bprm_committed_creds, struct linux_binprm *bprm)
{
	struct swguard_agent *known = agent_record();
	struct swguard_layers *own;

	// It is something else from here on.
	if (known && is_agent(known))
		known->process = 0;
	if (!is_suspect())
		return 0;
	own = layers_of(bpf_get_current_task_btf());
	if (own) {
		own->is_fresh = !own->count;
		enter_now(own);
	}
	// Too late to refuse, and it would go on without the policy that it enters.
	else if (are_layers_hidden())
		bpf_send_signal(9);
	return 0;
}

// Another user by setuid(2) and the like: judged by the layers that it has, and under the user's from there on.
SEC("lsm/task_fix_setuid")
int BPF_PROG(swguard_task_fix_setuid, struct cred *new, const struct cred *old, int flags)
{
	struct entry_context context = { .words = tables_begin(), .task = bpf_get_current_task_btf() };

	context.own = is_suspect() ? layers_of(context.task) : NULL;
	// It may be under policies that deny it.
	if (!context.own && are_layers_hidden())
		REFUSE(EPERM);
	if (context.own && context.own->count && judge_operation(OPERATION_SETUID, 0))
		REFUSE(EPERM);
	if (!context.words)
		REFUSE(EPERM);
	context.generation = generation_now(context.words);
	if (!field(context.words, context.generation, struct swguard_generation, user_entry_count))
		return 0;
	// What a failed exec left is none of this.
	if (context.own)
		context.own->entering = 0;
	enter_users(&context, new);
	if (context.own)
		enter_now(context.own);
	report_without_room(&context, OPERATION_SETUID, EPERM);
	if (context.is_refused)
		REFUSE(EPERM);
	return 0;
}
