// Asks the kernel what standard input says, a line each, and answers 1 or 0: whether it was granted.
//
// usage: asks [PROFILE]    under a profile of AppArmor, else as whoever starts it
// A line is a letter, a blank, and a path; of S (a socket) family and type, of K (a capability) its name.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int is_denied(int result)
{
	return result < 0 && (errno == EACCES || errno == EPERM);
}

static int opens(const char *path, int flags)
{
	int file = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	int denied = is_denied(file);

	if (file >= 0)
		close(file);
	return !denied;
}

static int maps(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	void *memory;

	if (file < 0)
		return 0;
	memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
	close(file);
	return memory != MAP_FAILED || (errno != EACCES && errno != EPERM);
}

// What it executes has nothing to read or write, and does nothing.
static int executes(const char *path)
{
	int ends[2], error = 0;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		abort();
	child = fork();
	if (!child) {
		char *arguments[] = {(char *)path, NULL}, *environment[] = {NULL};

		for (int file = 0; file < 3; file++)
			close(file);
		execve(path, arguments, environment);
		error = errno;
		if (write(ends[1], &error, sizeof error) < 0)
			_exit(1);
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], &error, sizeof error) != sizeof error)
		error = 0;
	close(ends[0]);
	waitpid(child, NULL, 0);
	return error != EACCES && error != EPERM;
}

static int makes_socket(const char *words)
{
	int family, type, made;

	if (sscanf(words, "%d %d", &family, &type) != 2)
		abort();
	made = socket(family, type, 0);
	if (made >= 0)
		close(made);
	// A kernel without the family has asked nobody.
	return made >= 0 || (errno != EACCES && errno != EPERM);
}

static int is_capable(const char *name)
{
	char host[65] = {};
	int ends[2], answer = 0;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		abort();
	child = fork();
	if (!child) {
		int result = -1, size = 4096;

		errno = EINVAL;
		if (!strcmp(name, "sys_admin"))
			result = gethostname(host, 64) ?: sethostname(host, strlen(host));
		else if (!strcmp(name, "sys_nice"))
			result = setpriority(PRIO_PROCESS, 0, -5);
		else if (!strcmp(name, "sys_resource")) {
			struct rlimit limit;

			getrlimit(RLIMIT_MSGQUEUE, &limit);
			limit.rlim_max += 4096;
			result = setrlimit(RLIMIT_MSGQUEUE, &limit);
		} else if (!strcmp(name, "setuid"))
			result = setuid(65534);
		else if (!strcmp(name, "setgid"))
			result = setgid(65534);
		else if (!strcmp(name, "net_admin"))
			// The pipe of the answers is a socket.
			result = setsockopt(1, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
		answer = !is_denied(result);
		if (write(ends[1], &answer, sizeof answer) < 0)
			_exit(1);
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], &answer, sizeof answer) != sizeof answer)
		abort();
	close(ends[0]);
	waitpid(child, NULL, 0);
	return answer;
}

static int asks(char kind, const char *object)
{
	struct stat status;

	switch (kind) {
	case 'R': return opens(object, O_RDONLY);
	case 'W': return opens(object, O_WRONLY);
	case 'C': return opens(object, O_WRONLY | O_CREAT | O_EXCL);
	case 'U': return !is_denied(unlink(object));
	case 'H': return !stat(object, &status) && !is_denied(chmod(object, status.st_mode & 07777));
	case 'M': return maps(object);
	case 'X': return executes(object);
	case 'S': return makes_socket(object);
	case 'K': return is_capable(object);
	default: abort();
	}
}

int main(int argc, char **argv)
{
	char line[4200];

	if (argc > 1) {
		int file = open("/proc/self/attr/current", O_WRONLY | O_CLOEXEC);

		if (file < 0 || dprintf(file, "changeprofile %s", argv[1]) < 0) {
			perror("asks: cannot change to the profile");
			return 1;
		}
		close(file);
	}
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		printf("%d\n", asks(line[0], line + 2));
	}
	return 0;
}
