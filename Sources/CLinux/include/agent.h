#ifndef SWGUARD_AGENT_H
#define SWGUARD_AGENT_H

#include <stdint.h>

/* What the agent's loop asks of the kernel. Functions return -1 with errno set on failure. */

/* Blocks TERM, INT, HUP and USR1, ignores PIPE, and gives a descriptor that tells of the blocked ones. */
int swguard_agent_signals(void);

/* The number of a signal that came; 0: there is none. */
int swguard_agent_next_signal(int descriptor);

int swguard_epoll_create(void);
int swguard_epoll_add(int epoll, int descriptor);

/* A descriptor that can be read; -1 after the milliseconds, or when interrupted. */
int swguard_epoll_wait(int epoll, int milliseconds);

/* Returns when every program that ran when it was called has ended (an RCU grace period). */
int swguard_grace_period(void);

/* Gives back to the kernel what was freed. */
void swguard_release_memory(void);

/* What is to be added now to a time since boot (CLOCK_BOOTTIME) for one since 1970, in nanoseconds. */
int64_t swguard_boot_time(void);

/* When what is at `path` was changed last, in nanoseconds since 1970; -1: it cannot be looked at. */
int64_t swguard_modification_time(const char *path);

/* A descriptor that can be read when files named `*.yaml` in a directory come, go, or have been written; -1. */
int swguard_watch_directory(const char *path);

/* Whether they have, since the last time. */
int swguard_watch_changed(int descriptor);

/* The tree of cgroups, version 2, that is mounted at `path`; -errno, -ENODEV where something else is there. */
int swguard_open_cgroup_root(const char *path);

/* The directory of a cgroup by its number (Linux 5.5: the number is the file handle); -errno. Takes CAP_DAC_READ_SEARCH. */
int swguard_open_cgroup(int root, uint64_t number);

#endif
