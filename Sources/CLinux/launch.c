#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "raw_syscall.h"

/* The child's frames are small: a few hundred bytes, and what the kernel pushes for a signal. */
enum { STACK_SIZE = 64 * 1024 };
static _Alignas(16) unsigned char stack[STACK_SIZE];

/* How often a caller that waits for the child looks whether it is stopped, gone, or waits itself for an answer. */
enum { LOOK_INTERVAL_NS = 2 * 1000 * 1000 };

/* Capabilities are numbered from 0; the kernel's sets have 64 bits (include/linux/capability.h). */
enum { CAPABILITY_LIMIT = 64 };

/* What the kernel takes for struct sigaction (include/linux/signal_types.h); SIG_IGN needs no restorer. */
struct kernel_sigaction {
	uintptr_t handler;
	unsigned long flags;
	uintptr_t restorer;
	uint64_t mask;
};

static bool fail(struct swguard_launch *launch, enum swguard_step step, long error, size_t index)
{
	launch->error = (int32_t)(error < 0 ? -error : error);
	launch->failed_index = (uint32_t)index;
	launch->step = step;
	return false;
}

/* The command dies with swguard. The parent may be gone by the time that prctl runs: then nobody would send it. */
static bool die_with_parent(struct swguard_launch *launch, pid_t parent)
{
	long result = raw_syscall(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

	if (result < 0)
		return fail(launch, SWGUARD_STEP_DEATH_SIGNAL, result, 0);
	if (raw_syscall(__NR_getppid, 0, 0, 0, 0, 0) != parent)
		return fail(launch, SWGUARD_STEP_DEATH_SIGNAL, ESRCH, 0);
	return true;
}

/* Dispositions first: a signal that was ignored must not be delivered when it is unblocked. */
static bool restore_signals(struct swguard_launch *launch)
{
	const struct kernel_sigaction ignore = { .handler = (uintptr_t)SIG_IGN };
	long result;

	for (int signal = 1; signal <= 64; signal++) {
		if (!(launch->ignored_signals & (UINT64_C(1) << (signal - 1))))
			continue;
		result = raw_syscall(__NR_rt_sigaction, signal, (long)&ignore, 0, sizeof(uint64_t), 0);
		if (result < 0)
			return fail(launch, SWGUARD_STEP_SIGNALS, result, (size_t)signal);
	}
	result = raw_syscall(__NR_rt_sigprocmask, SIG_SETMASK, (long)&launch->signal_mask, 0, sizeof(uint64_t), 0);
	if (result < 0)
		return fail(launch, SWGUARD_STEP_SIGNALS, result, 0);
	return true;
}

/* Takes away every capability that is not kept.
 *
 * The bounding set limits what an execve by root gets back. Where it cannot be changed (no CAP_SETPCAP), that is no
 * hole: under no_new_privs an execve never gives more than the permitted set has (cap_bprm_creds_from_file in
 * security/commoncap.c). The ambient set follows the permitted and inheritable ones by itself (capset(2)).
 * Securebits stay as they are: with SECBIT_NOROOT, root would lose what the policy lets it keep. */
static bool drop_capabilities(struct swguard_launch *launch)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];
	long result;

	for (int capability = 0; capability < CAPABILITY_LIMIT; capability++) {
		if (launch->kept_capabilities & (UINT64_C(1) << capability))
			continue;
		result = raw_syscall(__NR_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
		if (result == -EINVAL || result == -EPERM)
			break; /* the kernel knows no more of them; or see above */
		if (result < 0)
			return fail(launch, SWGUARD_STEP_CAPABILITIES, result, (size_t)capability);
	}
	result = raw_syscall(__NR_capget, (long)&header, (long)sets, 0, 0, 0);
	if (result < 0)
		return fail(launch, SWGUARD_STEP_CAPABILITIES, result, 0);
	for (int word = 0; word < 2; word++) {
		uint32_t kept = (uint32_t)(launch->kept_capabilities >> (32 * word));

		sets[word].effective &= kept;
		sets[word].permitted &= kept;
		sets[word].inheritable &= kept;
	}
	result = raw_syscall(__NR_capset, (long)&header, (long)sets, 0, 0, 0);
	if (result < 0)
		return fail(launch, SWGUARD_STEP_CAPABILITIES, result, 0);
	return true;
}

static bool add_grants(struct swguard_launch *launch)
{
	for (size_t index = 0; index < launch->grant_count; index++) {
		const struct swguard_grant *grant = &launch->grants[index];
		struct landlock_path_beneath_attr rule = { .allowed_access = grant->access };
		long result;

		result = raw_syscall(__NR_openat, AT_FDCWD, (long)grant->path, O_PATH | O_CLOEXEC, 0, 0);
		if (result < 0)
			return fail(launch, SWGUARD_STEP_GRANT, result, index);
		rule.parent_fd = (int32_t)result;
		result = raw_syscall(__NR_landlock_add_rule, grant->ruleset, LANDLOCK_RULE_PATH_BENEATH, (long)&rule, 0,
				     0);
		raw_syscall(__NR_close, rule.parent_fd, 0, 0, 0, 0);
		if (result < 0)
			return fail(launch, SWGUARD_STEP_GRANT, result, index);
	}
	return true;
}

static bool restrict_files_and_network(struct swguard_launch *launch)
{
	for (size_t index = 0; index < launch->ruleset_count; index++) {
		long result = raw_syscall(__NR_landlock_restrict_self, launch->rulesets[index], 0, 0, 0, 0);

		if (result < 0)
			return fail(launch, SWGUARD_STEP_LANDLOCK, result, index);
	}
	return true;
}

/* CLOSE_RANGE_CLOEXEC is Linux 5.11: before it, each descriptor that could be open, by number. */
static long close_on_exec(unsigned int first, unsigned int last)
{
	struct {
		uint64_t current, maximum;
	} limit;
	long result = raw_syscall(__NR_close_range, first, last, CLOSE_RANGE_CLOEXEC, 0, 0);

	if (result != -ENOSYS && result != -EINVAL)
		return result;
	/* A descriptor above the limit can be left from before it was lowered: then the table has such numbers,
	 * and where they end is not known. 1048576 is the kernel's own limit (fs/file.c, sysctl_nr_open). */
	result = raw_syscall(__NR_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, (long)&limit, 0);
	if (result < 0)
		return result;
	if (limit.maximum > 1048576)
		limit.maximum = 1048576;
	for (uint64_t descriptor = first; descriptor < limit.maximum && descriptor <= last; descriptor++)
		raw_syscall(__NR_fcntl, (long)descriptor, F_SETFD, FD_CLOEXEC, 0, 0);
	return 0;
}

static bool hide_descriptors(struct swguard_launch *launch)
{
	unsigned int first = 3;
	long result;

	for (size_t index = 0; index < launch->kept_count; index++) {
		unsigned int kept = (unsigned int)launch->kept_descriptors[index];

		if (kept < first)
			continue;
		if (kept > first) {
			result = close_on_exec(first, kept - 1);
			if (result < 0)
				return fail(launch, SWGUARD_STEP_DESCRIPTORS, result, index);
		}
		first = kept + 1;
	}
	result = close_on_exec(first, ~0U);
	if (result < 0)
		return fail(launch, SWGUARD_STEP_DESCRIPTORS, result, 0);
	return true;
}

/* What bpf/include/swguard_abi.h says: a process comes under a layer of the agent's by itself. Programs on that hook can only
 * refuse, and this number, which is no errno, is that they have done it. */
enum { PRCTL_ENTER = 0x73776701, ENTERED = 2737 };

/* How often a call is made again that found the task's storage busy (Linux 6.1 with full preemption). */
enum { ENTER_TRIES = 1000 };

static bool enter_layers(struct swguard_launch *launch)
{
	for (size_t index = 0; index < launch->layer_count; index++) {
		long result;
		int tries = 0;

		do
			result = raw_syscall(__NR_prctl, PRCTL_ENTER, launch->layers[index], launch->session, 0, 0);
		while (result == -EAGAIN && ++tries < ENTER_TRIES);
		if (result != -ENTERED)
			return fail(launch, SWGUARD_STEP_LAYER, result < 0 ? result : EINVAL, index);
	}
	return true;
}

static long load(const struct swguard_program *program)
{
	struct sock_fprog code = {
		.len = program->count,
		.filter = (struct sock_filter *)program->instructions,
	};

	return raw_syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, program->flags, (long)&code, 0, 0);
}

/* Last: from here on the child itself is filtered, and makes no call but execve,
 * faccessat where that was forbidden, and exit. */
static bool filter_calls(struct swguard_launch *launch)
{
	bool wants_listener = launch->filter.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
	long result;

	if (!launch->filter.instructions)
		return true;
	result = load(&launch->filter);
	if (result == -EBUSY && wants_listener && launch->filter_without_listener.instructions) {
		/* One listener in a tree of processes (kernel/seccomp.c, has_duplicate_listener). */
		wants_listener = false;
		launch->listener_was_taken = 1;
		result = load(&launch->filter_without_listener);
	}
	if (result < 0)
		return fail(launch, SWGUARD_STEP_SECCOMP, result, 0);
	if (wants_listener)
		__atomic_store_n(&launch->listener, (int32_t)result, __ATOMIC_RELEASE);
	return true;
}

/* Whether an execve was forbidden because of the file, not of a directory before it. */
static bool is_found(const struct swguard_launch *launch, const char *path)
{
	return !launch->is_search || raw_syscall(__NR_faccessat, AT_FDCWD, (long)path, F_OK, 0, 0) == 0;
}

/* As execvpe: what is missing is passed over, what is forbidden is remembered, anything else ends the search. */
static void execute(struct swguard_launch *launch)
{
	long worst = -ENOENT;
	size_t worst_index = 0;

	for (size_t index = 0; launch->candidates[index]; index++) {
		long result = raw_syscall(__NR_execve, (long)launch->candidates[index], (long)launch->arguments,
					  (long)launch->environment, 0, 0);

		switch (-result) {
		case ENOENT:
		case ENOTDIR:
		case ESTALE:
		case ENODEV:
		case ETIMEDOUT:
			break;
		case EACCES:
			if (worst != -EACCES && is_found(launch, launch->candidates[index])) {
				worst = result;
				worst_index = index;
			}
			break;
		default:
			fail(launch, SWGUARD_STEP_EXECUTE, result, index);
			return;
		}
	}
	fail(launch, SWGUARD_STEP_EXECUTE, worst, worst_index);
}

static bool confine(struct swguard_launch *launch)
{
	return (!launch->drops_capabilities || drop_capabilities(launch)) &&
	       (raw_syscall(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ||
		fail(launch, SWGUARD_STEP_NO_NEW_PRIVS, EINVAL, 0)) &&
	       add_grants(launch) && restrict_files_and_network(launch) && hide_descriptors(launch) &&
	       enter_layers(launch) && filter_calls(launch);
}

static pid_t parent;

static int child(void *argument)
{
	struct swguard_launch *launch = argument;

	if (die_with_parent(launch, parent) && restore_signals(launch) && confine(launch))
		execute(launch);
	/* The caller reads `step` and takes no notice of this. */
	for (;;)
		raw_syscall(__NR_exit_group, 127, 0, 0, 0, 0);
}

static void prepare(struct swguard_launch *launch)
{
	launch->step = SWGUARD_STEP_NONE;
	launch->error = 0;
	launch->failed_index = 0;
	launch->listener = -1;
	launch->listener_was_taken = 0;
}

static bool is_stopped_or_gone(pid_t process)
{
	siginfo_t change = { .si_pid = 0 };

	return waitid(P_PID, (id_t)process, &change, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) < 0 ||
	       change.si_pid != 0;
}

int32_t swguard_start(struct swguard_launch *launch)
{
	const struct timespec interval = { .tv_nsec = LOOK_INTERVAL_NS };
	pid_t process;

	prepare(launch);
	launch->running = 1;
	parent = getpid();
	/* CLONE_CHILD_CLEARTID: the kernel clears `running` and wakes us at execve or exit (mm_release in
	 * kernel/fork.c). Not CLONE_VFORK: execve itself may wait for an answer to its notification. */
	process = clone(child, stack + STACK_SIZE, CLONE_VM | CLONE_FILES | CLONE_CHILD_CLEARTID | SIGCHLD, launch,
			NULL, NULL, &launch->running);
	if (process < 0) {
		launch->running = 0;
		fail(launch, SWGUARD_STEP_CLONE, errno, 0);
		return -1;
	}
	while (swguard_is_starting(launch)) {
		long result = raw_syscall(__NR_futex, (long)&launch->running, FUTEX_WAIT, 1, (long)&interval, 0);

		if (result == -ETIMEDOUT &&
		    (__atomic_load_n(&launch->listener, __ATOMIC_ACQUIRE) >= 0 || is_stopped_or_gone(process)))
			break;
	}
	return process;
}

void swguard_start_in_place(struct swguard_launch *launch)
{
	prepare(launch);
	launch->running = 0;
	if ((!launch->restores_signals || restore_signals(launch)) && confine(launch))
		execute(launch);
}
