// How the child of `swguard run` comes under a policy that was brought for it: by itself, and only itself.
//
// The word of a layer is no secret: who presents it takes something away from himself and from nobody else.
#pragma once

#include "changes.bpf.h"
#include "entry.bpf.h"

// PFA_NO_NEW_PRIVS (include/linux/sched.h), a bit of `atomic_flags`.
#define NO_NEW_PRIVS (1ul << 0)

// Whether a process is altogether the owner's of a policy: else a user could put a set-id program under it.
static __always_inline bool is_of(struct cred *cred, __u32 owner)
{
	return BPF_CORE_READ(cred, uid.val) == owner && BPF_CORE_READ(cred, euid.val) == owner &&
	       BPF_CORE_READ(cred, suid.val) == owner && BPF_CORE_READ(cred, fsuid.val) == owner;
}

// Whether the layers have room for one more. Of users other than root, who put them there themselves, fewer: the host's policies
// must find room behind them.
static __always_inline bool has_room(const struct swguard_layers *own, __u32 owner)
{
	__u32 brought = 0;

	for (__u32 layer = 0; layer < SWGUARD_LAYERS_MAX; layer++)
		if (layer < own->count && own->policies[layer] & SWGUARD_RUN_LAYER)
			brought++;
	return own->count < SWGUARD_LAYERS_MAX && (owner == 0 || brought < SWGUARD_RUN_LAYERS_MAX);
}

static __always_inline bool has_layer(const struct swguard_layers *own, __u32 sought)
{
	bool is_there = false;

	for (__u32 layer = 0; layer < SWGUARD_LAYERS_MAX; layer++)
		if (layer < own->count && own->policies[layer] == sought)
			is_there = true;
	return is_there;
}

// Puts the calling process under a layer, as one of a session. Returns -SWGUARD_ENTERED, or another negative errno.
static __noinline int join(__u32 layer, __u32 session)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const __u32 *words = tables_begin();
	struct swguard_layers *own;
	__u32 policy, owner;

	if (!words)
		return -EAGAIN;
	policy = layer & SWGUARD_RUN_LAYER ? run_policy_at(generation_now(words), layer) : 0;
	if (!policy ||
	    !(field(words, policy, struct swguard_policy, flags) & SWGUARD_POLICY_RUN))
		return -ENOENT;
	owner = field(words, policy, struct swguard_policy, owner);
	// No other thread stays outside; and a program that an exec makes somebody else's is never under a user's policy: it
	// could be denied its lock file and go on.
	if (!is_of((struct cred *)BPF_CORE_READ(task, cred), owner) ||
	    !(BPF_CORE_READ(task, atomic_flags) & NO_NEW_PRIVS) || BPF_CORE_READ(task, signal, nr_threads) != 1)
		return -EPERM;
	own = layers_of(task);
	if (!own && find_hidden(bpf_get_current_task()))
		return -EAGAIN;
	if (!own)
		own = bpf_task_storage_get(&layers, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!own)
		return -EAGAIN;
	// What a failed exec left is none of this.
	own->entering = 0;
	// Nor is it what it executed while it was under nothing: the agent.
	own->is_fresh = 0;
	own->session = session;
	if (has_layer(own, layer))
		return -SWGUARD_ENTERED;
	if (!has_room(own, owner))
		return -E2BIG;
	own->policies[within_layers(own->count)] = layer;
	// Behind the layer: whoever sees this finds it.
	barrier();
	own->count++;
	return -SWGUARD_ENTERED;
}

#define PR_SET_MM 35
#define PR_SET_MM_EXE_FILE 13
#define PR_SET_MM_MAP 14

// The file that a process executes is what it executed: where the agent is sealed, it is known by it.
static __always_inline int guard_program_file(unsigned long what)
{
	if ((what != PR_SET_MM_EXE_FILE && what != PR_SET_MM_MAP) || !is_sealed())
		return 0;
	return judge_self(SWGUARD_OBJECT_PROCESS, OPERATION_PTRACE, bpf_get_current_pid_tgid() >> 32, 0);
}

// Every other prctl(2) is the kernel's: 0 has the trampoline go on to its own answer, which is that nobody has one.
SEC("lsm/task_prctl")
int BPF_PROG(swguard_task_prctl, int option, unsigned long what, unsigned long session)
{
	int result;

	if (option == PR_SET_MM) {
		if (guard_program_file(what))
			REFUSE(EPERM);
		return 0;
	}
	if (option != SWGUARD_PRCTL_ENTER)
		return 0;
	// Of a layer all is in the lower half.
	result = what >> 32 ? -ENOENT : decide(ENTER_BY_ITSELF, what, session, 0, 0);
	if (result == -SWGUARD_ENTERED)
		REFUSE(SWGUARD_ENTERED);
	if (result == -E2BIG)
		REFUSE(E2BIG);
	if (result == -EPERM)
		REFUSE(EPERM);
	if (result == -EAGAIN)
		REFUSE(EAGAIN);
	REFUSE(ENOENT);
}
