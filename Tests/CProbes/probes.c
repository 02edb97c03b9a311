#define _GNU_SOURCE
#include "probes.h"
#include "swguard_landlock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int try_tcp(uint32_t port, int binds)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed;

	if (fd < 0)
		return errno;
	failed = (binds ? bind : connect)(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
	close(fd);
	return failed;
}

static int try_unix(const char *name, int abstract, int binds)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length;
	int fd, failed;

	if (strlen(name) > sizeof(address.sun_path) - 2)
		return ENAMETOOLONG;
	strcpy(address.sun_path + abstract, name);
	length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	failed = (binds ? bind : connect)(fd, (struct sockaddr *)&address, length) ? errno : 0;
	close(fd);
	return failed;
}

static int try_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int failed;

	if (fd < 0)
		return errno;
	failed = write(fd, "x", 1) == 1 ? 0 : errno;
	close(fd);
	return failed;
}

static int result(int answer)
{
	return answer < 0 ? errno : 0;
}

static int try(const struct probe *probe)
{
	char *const arguments[] = { (char *)"probe", NULL };
	char *const environment[] = { NULL };

	switch (probe->kind) {
	case PROBE_READ: return try_open(probe->a, O_RDONLY);
	case PROBE_WRITE: return try_open(probe->a, O_WRONLY);
	case PROBE_TRUNCATE: return result(truncate(probe->a, 1));
	case PROBE_LIST: return try_open(probe->a, O_RDONLY | O_DIRECTORY);
	case PROBE_CREATE: return result(mknod(probe->a, S_IFREG | 0600, 0));
	case PROBE_MKDIR: return result(mkdir(probe->a, 0700));
	case PROBE_SYMLINK: return result(symlink("nowhere", probe->a));
	case PROBE_FIFO: return result(mkfifo(probe->a, 0600));
	case PROBE_BIND_UNIX: return try_unix(probe->a, 0, 1);
	case PROBE_CONNECT_UNIX: return try_unix(probe->a, 0, 0);
	case PROBE_CONNECT_ABSTRACT: return try_unix(probe->a, 1, 0);
	case PROBE_DEVICE: return result(mknod(probe->a, S_IFCHR | 0600, makedev(1, 3)));
	case PROBE_UNLINK: return result(unlink(probe->a));
	case PROBE_RMDIR: return result(rmdir(probe->a));
	case PROBE_RENAME: return result(rename(probe->a, probe->b));
	case PROBE_EXCHANGE: return result(renameat2(AT_FDCWD, probe->a, AT_FDCWD, probe->b, RENAME_EXCHANGE));
	case PROBE_LINK: return result(link(probe->a, probe->b));
	case PROBE_EXECUTE: return result(execve(probe->a, arguments, environment));
	case PROBE_MOUNT: return result(mount("none", probe->a, "tmpfs", 0, NULL));
	case PROBE_BIND_TCP: return try_tcp(probe->number, 1);
	case PROBE_CONNECT_TCP: return try_tcp(probe->number, 0);
	case PROBE_KILL: return result(kill((pid_t)probe->number, 0));
	case PROBE_TRACE: {
		int failed = result((int)ptrace(PTRACE_SEIZE, (pid_t)probe->number, NULL, NULL));

		if (!failed)
			ptrace(PTRACE_DETACH, (pid_t)probe->number, NULL, NULL);
		return failed;
	}
	case PROBE_WRITE_FILE: return try_write(probe->a);
	}
	return EINVAL;
}

static int add_own(int ruleset_fd, const struct own_grant *grant)
{
	int fd = open(grant->path, O_PATH | O_CLOEXEC);
	int failed;

	if (fd < 0)
		return errno;
	failed = -swguard_landlock_add_path(ruleset_fd, fd, grant->rights);
	close(fd);
	return failed;
}

int run_probes(int ruleset_fd, const struct own_grant *grants, size_t grant_count,
	       const struct probe *probes, size_t count, int32_t *results)
{
	int pipes[2];
	size_t received = 0, wanted = (count + 1) * sizeof(int32_t);
	int32_t start = EIO;
	int status;
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return errno;
	child = fork();
	if (child < 0) {
		int error = errno;

		close(pipes[0]);
		close(pipes[1]);
		return error;
	}
	if (child == 0) {
		int32_t answer = 0;

		alarm(20);
		if (ruleset_fd >= 0) {
			for (size_t i = 0; i < grant_count && answer == 0; i++)
				answer = add_own(ruleset_fd, &grants[i]);
			if (answer == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
				answer = errno;
			if (answer == 0 && syscall(SYS_landlock_restrict_self, ruleset_fd, 0) != 0)
				answer = errno;
		}
		if (write(pipes[1], &answer, sizeof(answer)) != sizeof(answer) || answer != 0)
			_exit(1);
		for (size_t i = 0; i < count; i++) {
			answer = try(&probes[i]);
			if (write(pipes[1], &answer, sizeof(answer)) != sizeof(answer))
				_exit(1);
		}
		_exit(0);
	}
	close(pipes[1]);
	for (size_t i = 0; i < count; i++)
		results[i] = EIO;
	while (received < wanted) {
		char *target = received < sizeof(start) ? (char *)&start + received
							: (char *)results + received - sizeof(start);
		size_t room = received < sizeof(start) ? sizeof(start) - received : wanted - received;
		ssize_t got = read(pipes[0], target, room);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		received += (size_t)got;
	}
	close(pipes[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return start;
}
