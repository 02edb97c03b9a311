/*
 * What making a Landlock ruleset (Linux 5.13) takes of the kernel. Each function returns -errno where it fails.
 */
#ifndef SWGUARD_LANDLOCK_H
#define SWGUARD_LANDLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/statfs.h>

/* The ABI version, from 1, or -errno: -ENOSYS without Landlock, -EOPNOTSUPP where it is not enabled at boot. */
int swguard_landlock_version(void);

/* A new close-on-exec ruleset descriptor, or -errno. An unknown right is -EINVAL or -E2BIG. */
int swguard_landlock_create(uint64_t files, uint64_t network, uint64_t scopes);

/* Grants `rights` on what `fd` (O_PATH will do) stands for and everything beneath; 0 or -errno. */
int swguard_landlock_add_path(int ruleset_fd, int fd, uint64_t rights);

/* Grants `rights` on a TCP port, in host byte order; 0 or -errno. */
int swguard_landlock_add_port(int ruleset_fd, uint16_t port, uint64_t rights);

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
