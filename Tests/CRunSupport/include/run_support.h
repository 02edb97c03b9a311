#ifndef RUN_SUPPORT_H
#define RUN_SUPPORT_H

#include <stdint.h>
#include <sys/types.h>

/* How a test starts a process. */
struct run_start {
	const char *const *arguments; /* the first is executed */
	const char *const *environment;
	const char *directory; /* NULL: the test's */
	int32_t standard[3]; /* -1: closed */
	int32_t extra; /* a descriptor to be had under the number `extra_number`; -1: none */
	int32_t extra_number;
	uint64_t ignored; /* signals; bit N-1 is signal N */
	uint64_t blocked;
	int32_t new_session; /* and standard[0] becomes the controlling terminal if it is one */
	int32_t new_group;
};

/* The process id, or -1 with errno. */
pid_t run_start_process(const struct run_start *start);

/* A terminal of this size: the master; its slave's descriptor goes to `slave`. */
int run_open_terminal(int rows, int columns, int *slave);
int run_resize_terminal(int master, int rows, int columns);

/* A Landlock ruleset that allows executing beneath `directory` only, or -1. */
int probe_ruleset(const char *directory);

#endif
