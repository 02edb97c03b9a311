/*
 * Landlock's three system calls (Linux 5.13), and what a child does with a ruleset between clone and execve.
 *
 * Nothing here allocates, locks or touches errno on the way out: each returns -errno, and the functions for the
 * child are async-signal-safe.
 */
#ifndef SWGUARD_LANDLOCK_H
#define SWGUARD_LANDLOCK_H

#include <stddef.h>
#include <stdint.h>

/* A grant beneath the calling process's own directory in procfs, whose number is known to the child alone. */
struct swguard_landlock_process_grant {
	/* Relative to /proc/self; "." is that directory itself. Never through a symbolic link. */
	const char *path;
	/* LANDLOCK_ACCESS_FS_* where the object is a directory; 0: a directory is not granted. */
	uint64_t directory_rights;
	/* LANDLOCK_ACCESS_FS_* where it is anything else; 0: nothing else is granted. */
	uint64_t file_rights;
};

/* The ABI version, from 1, or -errno: -ENOSYS without Landlock, -EOPNOTSUPP where it is not enabled at boot. */
int swguard_landlock_version(void);

/* A new close-on-exec ruleset descriptor, or -errno. An unknown right is -EINVAL or -E2BIG. */
int swguard_landlock_create(uint64_t files, uint64_t network, uint64_t scopes);

/* Grants `rights` on what `fd` (O_PATH will do) stands for and everything beneath; 0 or -errno. */
int swguard_landlock_add_path(int ruleset_fd, int fd, uint64_t rights);

/* Grants `rights` on a TCP port, in host byte order; 0 or -errno. */
int swguard_landlock_add_port(int ruleset_fd, uint16_t port, uint64_t rights);

/*
 * In the child: adds what can be opened of `count` grants. What is missing or refused is left out, which grants
 * less. Returns how many were added, or -errno where procfs itself cannot be reached.
 */
int swguard_landlock_add_process(int ruleset_fd, const struct swguard_landlock_process_grant *grants, size_t count);

/* In the child, with no_new_privs set: enters the ruleset's domain, for good. 0 or -errno. */
int swguard_landlock_restrict(int ruleset_fd, unsigned flags);

/*
 * Opens `path` beneath `directory_fd` (-1: the root directory) as O_PATH and close-on-exec, through no symbolic
 * link at all: where the path has one, -ELOOP. Linux 5.6 does it in one call; below it, or where a filter
 * answers ENOSYS, name by name.
 */
int swguard_landlock_open(int directory_fd, const char *path);

/* Opens one name in a directory as O_PATH and close-on-exec, a symbolic link itself; or -errno. */
int swguard_landlock_open_child(int directory_fd, const char *name);

/* getdents64(2): fills `buffer` with records; their size in bytes, 0 at the end, or -errno. */
long swguard_landlock_entries(int directory_fd, void *buffer, size_t size);

#endif
