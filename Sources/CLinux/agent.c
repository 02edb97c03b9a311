#define _GNU_SOURCE
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

int swguard_agent_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int swguard_agent_next_signal(int descriptor)
{
	struct signalfd_siginfo information;

	return read(descriptor, &information, sizeof information) == sizeof information ? (int)information.ssi_signo : 0;
}

int swguard_epoll_create(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

int swguard_epoll_add(int epoll, int descriptor)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = descriptor };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int swguard_epoll_wait(int epoll, int milliseconds)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, milliseconds) == 1 ? event.data.fd : -1;
}

int swguard_grace_period(void)
{
	return (int)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

void swguard_release_memory(void)
{
	malloc_trim(0);
}

static int64_t nanoseconds(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t swguard_boot_time(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	return nanoseconds(real) - nanoseconds(boot);
}

int64_t swguard_modification_time(const char *path)
{
	struct stat status;

	return lstat(path, &status) ? -1 : nanoseconds(status.st_mtim);
}

int swguard_watch_directory(const char *path)
{
	int descriptor = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (descriptor < 0)
		return -1;
	if (inotify_add_watch(descriptor, path,
			      IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_ONLYDIR) < 0) {
		close(descriptor);
		return -1;
	}
	return descriptor;
}

static int is_policy(const char *name, size_t size)
{
	size_t length = strnlen(name, size);

	return length > 5 && name[0] != '.' && !strcmp(name + length - 5, ".yaml");
}

int swguard_watch_changed(int descriptor)
{
	union {
		struct inotify_event event;
		char bytes[4096];
	} buffer;
	ssize_t count;
	int changed = 0;

	while ((count = read(descriptor, &buffer, sizeof buffer)) > 0) {
		for (char *next = buffer.bytes; next < buffer.bytes + count;) {
			const struct inotify_event *event = (const void *)next;

			/* What was missed may be any. */
			if (event->mask & (IN_Q_OVERFLOW | IN_IGNORED) || is_policy(event->name, event->len))
				changed = 1;
			next += sizeof *event + event->len;
		}
	}
	return changed;
}

int swguard_open_cgroup_root(const char *path)
{
	struct statfs status;
	int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (descriptor < 0)
		return -errno;
	if (fstatfs(descriptor, &status) || status.f_type != CGROUP2_SUPER_MAGIC) {
		close(descriptor);
		return -ENODEV;
	}
	return descriptor;
}

int swguard_open_cgroup(int root, uint64_t number)
{
	/* FILEID_KERNFS (include/linux/exportfs.h): a handle of kernfs is the number. */
	union {
		struct file_handle handle;
		unsigned char bytes[sizeof(struct file_handle) + sizeof(uint64_t)];
	} name = { .handle = { .handle_bytes = sizeof number, .handle_type = 0xfe } };
	int descriptor;

	memcpy(name.bytes + sizeof(struct file_handle), &number, sizeof number);
	descriptor = open_by_handle_at(root, &name.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return descriptor < 0 ? -errno : descriptor;
}
