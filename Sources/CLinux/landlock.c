#define _GNU_SOURCE
#include "swguard_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/landlock.h; written out, since headers older than the running kernel know less of it. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped;	     /* ABI 6 */
};

struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed)); /* as in the kernel's header */

struct net_port_attr {
	uint64_t allowed_access;
	uint64_t port;
};

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };

/* The numbers are the same on every architecture: both came after the tables were unified. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

static int result(long answer)
{
	return answer < 0 ? -errno : (int)answer;
}

int swguard_landlock_version(void)
{
	return result(syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION));
}

int swguard_landlock_create(uint64_t files, uint64_t network, uint64_t scopes)
{
	/* A kernel that knows a shorter struct accepts this one if what it does not know is zero. */
	struct ruleset_attr attr = {
		.handled_access_fs = files,
		.handled_access_net = network,
		.scoped = scopes,
	};

	return result(syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0));
}

int swguard_landlock_add_path(int ruleset_fd, int fd, uint64_t rights)
{
	struct path_beneath_attr attr = { .allowed_access = rights, .parent_fd = fd };

	return result(syscall(SYS_landlock_add_rule, ruleset_fd, RULE_PATH_BENEATH, &attr, 0));
}

int swguard_landlock_add_port(int ruleset_fd, uint16_t port, uint64_t rights)
{
	struct net_port_attr attr = { .allowed_access = rights, .port = port };

	return result(syscall(SYS_landlock_add_rule, ruleset_fd, RULE_NET_PORT, &attr, 0));
}

/* One name at a time with O_NOFOLLOW: O_PATH would open a link itself, so each is looked at. */
static int open_by_names(int directory_fd, const char *path)
{
	char name[NAME_MAX + 1];
	int fd = openat(directory_fd, ".", O_PATH | O_CLOEXEC | O_DIRECTORY);

	if (fd < 0)
		return -errno;
	while (*path) {
		size_t length = strcspn(path, "/");
		struct stat status;
		int next;

		if (length == 0) {
			path++;
			continue;
		}
		if (length > NAME_MAX) {
			close(fd);
			return -ENAMETOOLONG;
		}
		memcpy(name, path, length);
		name[length] = '\0';
		path += length;
		next = openat(fd, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
		if (next < 0) {
			int error = errno;

			close(fd);
			return -error;
		}
		close(fd);
		fd = next;
		if (fstat(fd, &status) != 0 || S_ISLNK(status.st_mode)) {
			close(fd);
			return -ELOOP;
		}
	}
	return fd;
}

int swguard_landlock_open(int directory_fd, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, directory_fd < 0 ? AT_FDCWD : directory_fd, path, &how, sizeof(how));
	int root;

	if (fd >= 0 || errno != ENOSYS)
		return result(fd);
	if (directory_fd >= 0)
		return open_by_names(directory_fd, path);
	root = open("/", O_PATH | O_CLOEXEC | O_DIRECTORY);
	if (root < 0)
		return -errno;
	fd = open_by_names(root, path);
	close(root);
	return (int)fd;
}

long swguard_landlock_entries(int directory_fd, void *buffer, size_t size)
{
	long filled = syscall(SYS_getdents64, directory_fd, buffer, size);

	return filled < 0 ? -errno : filled;
}

int swguard_landlock_open_child(int directory_fd, const char *name)
{
	return result(openat(directory_fd, name, O_PATH | O_CLOEXEC | O_NOFOLLOW));
}
