#ifndef SWGUARD_LAUNCH_H
#define SWGUARD_LAUNCH_H

#include <stddef.h>
#include <stdint.h>

/* Starting one confined command.
 *
 * The child shares the caller's memory and descriptors until execve (as after vfork, but the caller can go on):
 * nothing is copied, a failure is seen in the shared structure, and a seccomp listener that the child makes
 * simply appears in the caller's descriptor table. The child runs no code but launch.c, on a stack of its own,
 * with raw system calls: errno is in thread-local storage, which it shares with the caller too. */

/* What the child was doing when it failed. */
enum swguard_step : uint32_t {
	SWGUARD_STEP_NONE = 0,
	SWGUARD_STEP_CLONE,
	SWGUARD_STEP_DEATH_SIGNAL,
	SWGUARD_STEP_SIGNALS,
	SWGUARD_STEP_CAPABILITIES,
	SWGUARD_STEP_NO_NEW_PRIVS,
	SWGUARD_STEP_GRANT,
	SWGUARD_STEP_LANDLOCK,
	SWGUARD_STEP_DESCRIPTORS,
	SWGUARD_STEP_SECCOMP,
	SWGUARD_STEP_EXECUTE,
	SWGUARD_STEP_LAYER,
};

/* What a grant adds to a Landlock ruleset in the child: a path that means another object in each process. */
struct swguard_grant {
	const char *path;
	uint64_t access; /* LANDLOCK_ACCESS_FS_* */
	int32_t ruleset; /* descriptor */
	uint32_t reserved;
};

/* A classic BPF program as struct sock_filter[]. */
struct swguard_program {
	const void *instructions; /* NULL: none */
	uint16_t count;
	uint16_t reserved0;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
};

struct swguard_launch {
	/* In. All lists end with NULL or are counted; all must stay valid until `running` is 0. */
	const char *const *candidates; /* what to execute: the first that can be */
	char *const *arguments;
	char *const *environment;
	const int32_t *rulesets; /* Landlock layers, oldest first */
	const struct swguard_grant *grants;
	const int32_t *kept_descriptors; /* ascending, from 3 */
	size_t ruleset_count;
	size_t grant_count;
	size_t kept_count;
	const uint32_t *layers; /* the agent's, oldest first */
	size_t layer_count;
	struct swguard_program filter;
	/* Used where `filter` asks for a listener and an ancestor has one already (EBUSY). */
	struct swguard_program filter_without_listener;
	uint64_t kept_capabilities; /* bit mask */
	uint64_t signal_mask; /* to be restored, as the kernel has it: bit N-1 is signal N */
	uint64_t ignored_signals; /* dispositions to set back to SIG_IGN */
	uint32_t drops_capabilities;
	uint32_t restores_signals;
	uint32_t session; /* which the agent knows the command by */
	uint32_t is_search; /* the candidates are from PATH: a directory that cannot be searched has no command */

	/* Out. */
	uint32_t step; /* enum swguard_step that failed */
	int32_t error; /* its errno */
	uint32_t failed_index; /* which grant, layer or candidate */
	int32_t listener; /* -1: none */
	uint32_t listener_was_taken; /* `filter_without_listener` is in force */
	uint32_t running; /* 1 until the command is executed or the child is gone; the kernel writes it */
};

/* Starts the command and returns its process id, or -1 with `step` and `error` set. Returns when the command is
 * executed, or the child failed, or is stopped, or waits for somebody to answer its notifications; look at
 * `running`. Only one start may be under way. */
int32_t swguard_start(struct swguard_launch *launch);

/* Confines the calling process in the same way and executes the command in its place. Returns only on failure,
 * with `step` and `error` set; the process may be confined by then. */
void swguard_start_in_place(struct swguard_launch *launch);

/* Whether the command has not been executed yet and its process still shares our memory and descriptors. */
static inline int swguard_is_starting(const struct swguard_launch *launch)
{
	return __atomic_load_n(&launch->running, __ATOMIC_ACQUIRE) != 0;
}

#endif
