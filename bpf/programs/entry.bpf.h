// When a task comes under a policy: by the file that it executes, by its cgroup at an exec, by the user that it becomes.
//
// What an exec enters is kept as `entering` until it has succeeded. Nothing takes a layer away.
#pragma once

#include "decide.bpf.h"
#include "hidden.bpf.h"
#include "self.bpf.h"

// What entering has come to. Numbers only, and apart: a function that is verified once gets it, behind which they are any
// numbers to the verifier, at once.
struct entry_outcome {
	__u32 is_running; // not at an exec: nothing can be refused any more
	__u32 is_refused;
	__u32 has_entered; // or was refused, which it had not been before
	// The policy that there is no room for, by slot and word; no word: there is none.
	__u32 slot_without_room;
	__u32 policy_without_room;
	__u32 is_launcher; // so the list says
};

struct entry_context {
	struct scratch *scratch;
	const __u32 *words;
	struct task_struct *task;
	struct swguard_layers *own;
	__u32 generation;
	__u32 list;
	__u32 automaton; // of cgroups
	__u32 users[3];
	__u32 is_above; // the list is of a cgroup that the task's is beneath
	__u32 is_launched; // process 1 made it, and it has executed nothing since
	struct entry_outcome outcome;
};

// There is no room for one more. What asks for it is refused, but for a policy that only complains; a task that runs
// already is denied what the policy mediates.
static __always_inline void enter_without_room(struct swguard_layers *own, struct entry_outcome *outcome, __u32 policy,
					       __u32 slot, bool complains)
{
	if (outcome->is_running || complains) {
		if (note_refused(own, slot))
			outcome->has_entered = 1;
		return;
	}
	outcome->is_refused = 1;
	outcome->slot_without_room = slot;
	outcome->policy_without_room = policy;
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
	const struct entry_outcome *outcome = &context->outcome;

	if (outcome->policy_without_room)
		send_without_room(context->generation, outcome->policy_without_room, outcome->slot_without_room, access,
				  error);
}

// Notes one policy among those that are entering; not one that is there already.
__noinline int enter_policy(struct swguard_layers *own, struct entry_outcome *outcome, __u32 generation, __u32 slot)
{
	const __u32 *words = tables_begin();
	__u32 total, policy;

	// Never so, which the verifier does not know.
	if (!own || !outcome || !words)
		return 0;
	total = own->count + own->entering;
	for (__u32 layer = 0; layer < SWGUARD_LAYERS_MAX; layer++)
		if (layer < total && own->policies[layer] == slot)
			return 0;
	if (total < SWGUARD_LAYERS_MAX) {
		own->policies[total] = slot;
		own->entering++;
		outcome->has_entered = 1;
		return 0;
	}
	policy = policy_at(words, generation, slot);
	if (policy)
		enter_without_room(own, outcome, policy, slot,
				   field(words, policy, struct swguard_policy, flags) & SWGUARD_POLICY_COMPLAINS);
	return 0;
}

static __always_inline void enter(struct entry_context *context, __u32 slot)
{
	struct swguard_layers *own = context->own;

	if (!own) {
		own = bpf_task_storage_get(&layers, context->task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (!own) {
			context->outcome.is_refused = 1;
			return;
		}
		context->own = own;
	}
	enter_policy(own, &context->outcome, context->generation, slot);
}

// The number of the host's mount namespace, that of process 1; 0: not known, and nothing is a launcher.
const volatile __u32 host_mounts = 0;

// Whether the file in the scratch is on a mount of the host's: in an image, whoever made it chose what a launcher's path
// leads to.
__noinline int is_on_host(void)
{
	struct scratch *scratch = scratch_of_current();
	struct mount *mount;
	struct mnt_namespace *namespace;

	if (!scratch)
		return 0;
	mount = (void *)scratch->mount - bpf_core_field_offset(struct mount, mnt);
	namespace = BPF_CORE_READ(mount, mnt_ns);
	return host_mounts && BPF_CORE_READ(namespace, ns.inum) == host_mounts;
}

static long enter_listed(__u32 index, struct entry_context *context)
{
	__u32 slot = word(context->words, context->list + 1 + index);

	if (slot == SWGUARD_LAUNCHER)
		context->outcome.is_launcher = 1;
	else if (!context->is_above || !(slot & SWGUARD_NOT_BENEATH))
		enter(context, slot & ~SWGUARD_NOT_BENEATH);
	return context->outcome.is_refused ? 1 : 0;
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
	return context->outcome.is_refused ? 1 : 0;
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
	// Where the cgroup's path ends.
	scratch->chain[place].dentry = scratch->walk.size;
	return 0;
}

// Writes the path of a cgroup (version 2), the address of its struct kernfs_node, into the scratch, and where those of the
// cgroups above it end. 0: it cannot be found out.
__noinline int find_cgroup(__u64 kn)
{
	struct walk_context walk = { .scratch = scratch_of_current() };
	struct scratch *scratch = walk.scratch;

	if (!scratch)
		return 0;
	scratch->walk.dentry = kn;
	scratch->walk.depth = 0;
	scratch->walk.size = 0;
	scratch->walk.result = WALK_UNRESOLVED;
	bpf_loop(SWGUARD_DEPTH_MAX, climb_cgroup, &walk, 0);
	if (scratch->walk.result != WALK_DONE)
		return 0;
	bpf_loop(scratch->walk.depth, write_cgroup_name, &walk, 0);
	if (scratch->walk.result != WALK_DONE)
		return 0;
	scratch->size = scratch->walk.size;
	if (!scratch->size) {
		scratch->path[0] = '/';
		scratch->size = 1;
		scratch->chain[0].dentry = 1;
		scratch->walk.depth = 1;
	}
	return 1;
}

static long find_list(__u32 index, struct entry_context *context)
{
	struct scratch *scratch = context->scratch;
	__u32 list;

	if (index >= SWGUARD_DEPTH_MAX)
		return 1;
	scratch->size = scratch->chain[index].dentry;
	list = run_over_path(scratch, context->automaton);
	scratch->chain[index].dentry = list;
	scratch->walk.size += 1 + (list ? word(context->words, list) : 0);
	return 0;
}

// Goes through the lists of the cgroups: one slot, or on to the next list.
static long enter_next(__u32 index, struct entry_context *context)
{
	struct scratch *scratch = context->scratch;
	__u32 place = scratch->walk.depth - 1, position = scratch->walk.size;

	if (place >= SWGUARD_DEPTH_MAX)
		return 1;
	context->list = scratch->chain[place].dentry;
	if (!context->list || position >= word(context->words, context->list)) {
		scratch->walk.depth = place;
		scratch->walk.size = 0;
		return 0;
	}
	scratch->walk.size = position + 1;
	context->is_above = place > 0;
	return enter_listed(position, context);
}

// Notes what the cgroup in the scratch leads to, and those above it, from the root on. Each is asked for by itself: an automaton
// for a path and all that is beneath it would have states for every set of cgroups that a path can be beneath.
static __always_inline void enter_by_cgroups(struct entry_context *context, __u32 automaton)
{
	struct scratch *scratch = context->scratch;
	__u32 steps;

	context->automaton = automaton;
	scratch->walk.size = 0;
	bpf_loop(scratch->walk.depth, find_list, context, 0);
	steps = scratch->walk.size;
	scratch->walk.size = 0;
	bpf_loop(steps, enter_next, context, 0);
	context->is_above = 0;
}

#define executables_of(generation) ((generation) + offsetof(struct swguard_generation, executables) / sizeof(__u32))
#define cgroups_of(generation) ((generation) + offsetof(struct swguard_generation, cgroups) / sizeof(__u32))

// Notes what the execution of the file in the scratch enters.
static __always_inline void enter_by_file(struct entry_context *context)
{
	struct task_struct *task = context->task;
	__u32 generation = context->generation;

	if (find_path() == WALK_DONE)
		enter_by_automaton(context, executables_of(generation));
	// Renamed again and again while it was walked for: it has a name, and nobody knows whether a policy begins there. What is
	// unresolved otherwise is beneath no live root (a detached tree, a memfd): no policy can name it.
	else if (context->scratch->walk.result == WALK_AGAIN)
		context->outcome.is_refused = 1;
	if (context->is_launched || !field(context->words, cgroups_of(generation), struct swguard_automaton, start))
		return;
	if (context->outcome.is_launcher && is_on_host())
		return;
	if (find_cgroup((__u64)BPF_CORE_READ(task, cgroups, dfl_cgrp, kn)))
		enter_by_cgroups(context, cgroups_of(generation));
	else
		// It may be any, one that a policy begins in too.
		context->outcome.is_refused = 1;
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

// Notes what an exec enters by the file that was asked to be executed: of a script, the script. The exec is judged by the
// layers before it. Returns 0 or a negative errno.
__noinline int enter_by_exec(__u64 bprm_address)
{
	struct linux_binprm *bprm = (struct linux_binprm *)bprm_address;
	struct entry_context context = { .words = tables_begin(), .task = bpf_get_current_task_btf() };

	context.own = layers_of(context.task);
	if (context.own)
		context.own->entering = 0;
	// What is entered would stand behind what an exec that failed has left.
	else if (find_hidden(bpf_get_current_task()))
		return -EACCES;
	if (!context.words)
		return -EACCES;
	context.generation = generation_now(context.words);
	if (!has_entries(context.words, context.generation))
		return 0;
	context.scratch = scratch_of_current();
	if (!context.scratch)
		return -ENOMEM;
	context.scratch->mount = (__u64)BPF_CORE_READ(bprm, file, f_path.mnt);
	context.scratch->dentry = (__u64)BPF_CORE_READ(bprm, file, f_path.dentry);
	enter_by_file(&context);
	if (context.outcome.policy_without_room) {
		// The path of the cgroup may stand where the file's did.
		find_path();
		report_without_room(&context, EXECUTE_NUMBER, EACCES);
	}
	forget_scratch(&context);
	return context.outcome.is_refused ? -EACCES : 0;
}

SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(swguard_bprm_creds_for_exec, struct linux_binprm *bprm)
{
	int error = decide(ENTER_BY_EXEC, AS_NUMBER(bprm), 0, 0, 0);

	if (error == -ENOMEM)
		REFUSE(ENOMEM);
	VERDICT(error);
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

static __always_inline void enter_now(struct swguard_layers *own)
{
	own->count += own->entering;
	own->entering = 0;
}

// Comes under the policies of the users that are in `cred`: those that an exec makes of it, a set-id file's; or, where
// `is_now`, another user by setuid(2) and the like, judged by the layers that it has, and under the user's from there on.
// Returns 0 or a negative errno.
__noinline int enter_as_user(__u64 cred_address, __u32 is_now)
{
	struct cred *cred = (struct cred *)cred_address;
	struct entry_context context = { .words = tables_begin(), .task = bpf_get_current_task_btf() };

	context.own = layers_of(context.task);
	// It may be under policies that deny it.
	if (!context.own && find_hidden(bpf_get_current_task()))
		return -EPERM;
	if (context.own && context.own->count && (is_now || changes_ids(cred)) &&
	    judge_operation(OPERATION_SETUID, 0, 0))
		return -EPERM;
	if (!context.words)
		return -EPERM;
	context.generation = generation_now(context.words);
	if (!field(context.words, context.generation, struct swguard_generation, user_entry_count))
		return 0;
	// What a failed exec left is none of this.
	if (is_now && context.own)
		context.own->entering = 0;
	enter_users(&context, cred);
	if (is_now && context.own)
		enter_now(context.own);
	report_without_room(&context, OPERATION_SETUID, is_now ? EPERM : EACCES);
	if (!context.outcome.is_refused)
		return 0;
	return is_now ? -EPERM : -EACCES;
}

SEC("lsm/bprm_creds_from_file")
int BPF_PROG(swguard_bprm_creds_from_file, struct linux_binprm *bprm, struct file *file)
{
	if (is_sealable && is_handled(bprm) &&
	    judge_self(SWGUARD_OBJECT_PROCESS, OPERATION_PTRACE, bpf_get_current_pid_tgid() >> 32, 0))
		REFUSE(EPERM);
	VERDICT(decide(ENTER_AS_USER, (__u64)BPF_CORE_READ(bprm, cred), 0, 0, 0));
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

SEC("lsm/task_fix_setuid")
int BPF_PROG(swguard_task_fix_setuid, struct cred *new, const struct cred *old, int flags)
{
	VERDICT(decide(ENTER_AS_USER, AS_NUMBER(new), 1, 0, 0));
}
