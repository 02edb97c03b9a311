/*
 * What a confined process can do, tried: a forked child enters a Landlock domain and makes one system call after
 * another; the results come back through a pipe. Nothing of Swift's runs between fork and exit.
 */
#ifndef PROBES_H
#define PROBES_H

#include <stddef.h>
#include <stdint.h>

enum probe_kind : uint32_t {
	PROBE_READ,	  /* open for reading */
	PROBE_WRITE,	  /* open for writing */
	PROBE_TRUNCATE,	  /* truncate(2) to its size */
	PROBE_LIST,	  /* open as a directory, for reading */
	PROBE_CREATE,	  /* mknod of a regular file */
	PROBE_MKDIR,
	PROBE_SYMLINK,
	PROBE_FIFO,
	PROBE_BIND_UNIX,  /* the name of a bound socket */
	PROBE_CONNECT_UNIX,
	PROBE_DEVICE,	  /* mknod of a character device 1:3 */
	PROBE_UNLINK,
	PROBE_RMDIR,
	PROBE_RENAME,	  /* a to b */
	PROBE_EXCHANGE,	  /* a with b */
	PROBE_LINK,	  /* a as b */
	PROBE_EXECUTE,	  /* execve; ENOEXEC where it may be executed and is no program */
	PROBE_MOUNT,	  /* a tmpfs on a */
	PROBE_BIND_TCP,	  /* number is the port, on loopback */
	PROBE_CONNECT_TCP,
	PROBE_CONNECT_ABSTRACT, /* a is the name */
	PROBE_KILL,	  /* signal 0 to the process `number` */
	PROBE_TRACE,	  /* ptrace attach to the process `number` */
	PROBE_WRITE_FILE, /* open for writing with creation, and write a byte */
};

struct probe {
	enum probe_kind kind;
	uint32_t number;
	const char *a;
	const char *b;
};

/* A grant that the child adds to the ruleset itself. */
struct own_grant {
	const char *path;
	uint64_t rights;
};

/*
 * Runs `count` probes in a child that has entered the ruleset's domain; -1 as ruleset: unconfined. Each result
 * is 0 or an errno. Returns 0, or the errno that kept the child from starting.
 */
int run_probes(int ruleset_fd, const struct own_grant *grants, size_t grant_count,
	       const struct probe *probes, size_t count, int32_t *results);

#endif
