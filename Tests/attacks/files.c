// Names, directories and files: what Landlock decides, and what nobody looks at.
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

static int at_mkdir(char **a) { return result(syscall(SYS_mkdir, a[0], 0755)); }
static int at_mkdirat(char **a) { return result(syscall(SYS_mkdirat, AT_FDCWD, a[0], 0755)); }
int at_read(char **a)
{
	char byte;
	int fd = open(a[0], O_RDONLY);

	return fd < 0 ? errno : result(read(fd, &byte, 1));
}
static int at_openat2(char **a)
{
	struct { uint64_t flags, mode, resolve; } how = {.flags = O_RDONLY};

	return result(syscall(SYS_openat2, AT_FDCWD, a[0], &how, sizeof(how)));
}
static int at_list(char **a) { return result(open(a[0], O_RDONLY | O_DIRECTORY)); }
static int at_write(char **a) { return result(open(a[0], O_WRONLY)); }
static int at_append(char **a) { return result(open(a[0], O_WRONLY | O_APPEND)); }
static int at_truncate(char **a) { return result(truncate(a[0], 0)); }
static int at_open_truncate(char **a) { return result(open(a[0], O_RDONLY | O_TRUNC)); }
static int at_create(char **a) { return result(open(a[0], O_WRONLY | O_CREAT | O_EXCL, 0644)); }
static int at_unlink(char **a) { return result(unlink(a[0])); }
static int at_rmdir(char **a) { return result(rmdir(a[0])); }
static int at_touch(char **a) { return result(utimensat(AT_FDCWD, a[0], NULL, 0)); }
static int at_set_attribute(char **a) { return result(setxattr(a[0], "trusted.x", "x", 1, 0)); }
static int at_rename(char **a) { return result(rename(a[0], a[1])); }
static int at_exchange(char **a) { return result(syscall(SYS_renameat2, AT_FDCWD, a[0], AT_FDCWD, a[1], 2)); }
static int at_link(char **a) { return result(link(a[0], a[1])); }
static int at_symlink(char **a) { return result(symlink(a[0], a[1])); }
// Access mode 3: for ioctl only, and both read and write to whoever checks.
static int at_open_both(char **a) { return result(open(a[0], O_ACCMODE)); }
// The same by a call whose flags are in memory, and every use of the descriptor that reads or writes.
static int at_openat2_both(char **a)
{
	struct { uint64_t flags, mode, resolve; } how = {.flags = O_ACCMODE};
	int fd = syscall(SYS_openat2, AT_FDCWD, a[0], &how, sizeof(how)), other = memfd_create("copy", 0);
	char path[64], byte = 0;

	if (fd < 0 || other < 0)
		return errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (pread(fd, &byte, 1, 0) >= 0 || pwrite(fd, &byte, 1, 0) >= 0 || ftruncate(fd, 0) == 0 ||
		mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED ||
		mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED ||
		copy_file_range(fd, NULL, other, NULL, 1, 0) > 0 || sendfile(other, fd, NULL, 1) > 0 ||
		open(path, O_RDONLY) >= 0 || open(path, O_WRONLY) >= 0)
		return 0;
	return EBADF;
}
static int at_read_beneath(char **a)
{
	char byte;
	int fd = openat(atoi(a[0]), a[1], O_RDONLY);

	return fd < 0 ? errno : result(read(fd, &byte, 1));
}
static int at_mknod(char **a) { return result(mknod(a[0], S_IFCHR | 0666, 0x103)); }
static int at_execute(char **a) { return result(execv(a[0], a)); }

// Opens a path once with O_PATH, which asks for nothing, and again through procfs, which must ask.
static int at_reopen(char **a)
{
	char path[64], byte;
	int fd = open(a[0], O_PATH);

	if (fd < 0)
		return errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY);
	return fd < 0 ? errno : result(read(fd, &byte, 1));
}

// By what a file is in its file system, beneath any directory of that: the root, or as named.
static int at_handle(char **a)
{
	struct { struct file_handle head; unsigned char bytes[128]; } handle = {.head.handle_bytes = 128};
	int mount, root = open(a[1] ? a[1] : "/", O_RDONLY | O_DIRECTORY);

	if (name_to_handle_at(AT_FDCWD, a[0], &handle.head, &mount, 0) < 0)
		return errno;
	return result(open_by_handle_at(root < 0 ? AT_FDCWD : root, &handle.head, O_RDONLY));
}

// A file with no name, given one afterwards.
static int at_tmpfile_link(char **a)
{
	char path[64];
	int fd = open(a[0], O_TMPFILE | O_WRONLY, 0644);

	if (fd < 0)
		return errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return result(linkat(AT_FDCWD, path, AT_FDCWD, a[1], AT_SYMLINK_FOLLOW));
}

static int at_tmpfile_link_empty(char **a)
{
	int fd = open(a[0], O_TMPFILE | O_WRONLY, 0644);

	return fd < 0 ? errno : result(linkat(fd, "", AT_FDCWD, a[1], AT_EMPTY_PATH));
}

// A descriptor that was open before confinement began.
static int at_inherited_descriptor(char **a) { return result(fcntl(atoi(a[0]), F_GETFD)); }

static int at_any_descriptor(char **a)
{
	(void)a;
	for (int number = 3; number < 4096; number++)
		if (fcntl(number, F_GETFD) >= 0)
			return 0;
	return EBADF;
}
static int at_write_descriptor(char **a) { return result(write(atoi(a[0]), "x", 1)); }
static int at_mkdir_beneath(char **a) { return result(mkdirat(atoi(a[0]), a[1], 0755)); }

// What no layer of `run` looks at.
static int at_access(char **a) { return result(access(a[0], W_OK)); }
static int at_chmod(char **a) { return result(chmod(a[0], 0700)); }
static int at_watch(char **a) { return result(inotify_add_watch(inotify_init1(0), a[0], IN_ALL_EVENTS)); }

static void *try_in_thread(void *path) { return (void *)(intptr_t)at_read((char *[]){path, NULL}); }
// A thread is confined like the process that made it.
static int at_thread_read(char **a)
{
	pthread_t thread;
	void *found;
	int failure = pthread_create(&thread, NULL, try_in_thread, a[0]);

	if (failure)
		return failure;
	pthread_join(thread, &found);
	return (int)(intptr_t)found;
}
// Out of the session, orphaned, and still confined.
static int at_daemon_read(char **a)
{
	int pipes[2], found = ECHILD;

	if (pipe(pipes) < 0)
		return errno;
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			found = at_read(a);
			write(pipes[1], &found, sizeof(found));
		}
		_exit(0);
	}
	close(pipes[1]);
	return read(pipes[0], &found, sizeof(found)) == sizeof(found) ? found : ECHILD;
}

const struct attack file_attacks[] = {
	{"mkdir", at_mkdir, 1}, {"mkdirat", at_mkdirat, 1}, {"read", at_read, 1}, {"openat2", at_openat2, 1},
	{"list", at_list, 1}, {"write", at_write, 1}, {"append", at_append, 1}, {"truncate", at_truncate, 1},
	{"open-truncate", at_open_truncate, 1}, {"create", at_create, 1}, {"unlink", at_unlink, 1}, {"rmdir", at_rmdir, 1},
	{"touch", at_touch, 1}, {"set-attribute", at_set_attribute, 1},
	{"rename", at_rename, 2}, {"exchange", at_exchange, 2}, {"link", at_link, 2}, {"symlink", at_symlink, 2},
	{"mknod", at_mknod, 1}, {"execute", at_execute, 1}, {"reopen", at_reopen, 1}, {"handle", at_handle, 1},
	{"tmpfile-link", at_tmpfile_link, 2},
	{"tmpfile-link-empty", at_tmpfile_link_empty, 2}, {"open-both", at_open_both, 1}, {"openat2-both", at_openat2_both, 1},
	{"read-beneath", at_read_beneath, 2}, {"inherited-descriptor", at_inherited_descriptor, 1},
	{"any-descriptor", at_any_descriptor, 0}, {"write-descriptor", at_write_descriptor, 1},
	{"mkdir-beneath", at_mkdir_beneath, 2}, {"access", at_access, 1}, {"chmod", at_chmod, 1},
	{"watch", at_watch, 1}, {"thread-read", at_thread_read, 1}, {"daemon-read", at_daemon_read, 1},
	{NULL, NULL, 0},
};
