// What others do before or beside an attack: trees that are nowhere, servers, busy directories. Unconfined themselves.
#define _GNU_SOURCE
#include "attack.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLONE_TREE 1

// Runs the rest with a copy of a tree that is mounted nowhere, on descriptor 9.
static int at_with_tree(char **a)
{
	int tree = syscall(SYS_open_tree, AT_FDCWD, a[0], CLONE_TREE);

	if (tree < 0 || dup2(tree, 9) < 0)
		return errno;
	return result(execv(a[1], a + 1));
}

// Runs the rest in a directory that is so many directories of one name deep, where `key` is: no path leads there.
static int at_with_deep_directory(char **a)
{
	int fd;

	if (chdir(a[0]) < 0)
		return errno;
	for (int left = atoi(a[2]); left > 0; left--)
		if (mkdir(a[1], 0755) < 0 || chdir(a[1]) < 0)
			return errno;
	fd = open("key", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "x", 1) != 1)
		return errno;
	return result(execv(a[3], a + 3));
}

// Runs the rest in another root.
static int at_with_root(char **a)
{
	if (chroot(a[0]) < 0 || chdir("/") < 0)
		return errno;
	return result(execv(a[1], a + 1));
}

// Listens on ports, by TCP over both IPs, and at a unix path, the first argument; answers nobody.
static int at_serve(char **a)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(path.sun_path, a[0], sizeof(path.sun_path) - 1);
	unlink(a[0]);
	if (fd < 0 || bind(fd, (void *)&path, sizeof(path)) < 0 || listen(fd, 4096) < 0)
		return errno;
	for (char **port = a + 1; *port; port++) {
		struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(*port))};

		fd = socket(AF_INET6, SOCK_STREAM, 0);
		if (fd < 0 || bind(fd, (void *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0)
			return errno;
	}
	puts("serving");
	fclose(stdout);
	for (;;)
		pause();
}

static void *rename_on_and_on(void *directory)
{
	char one[4096], other[4096];

	snprintf(one, sizeof(one), "%s/one-%d", (char *)directory, gettid());
	snprintf(other, sizeof(other), "%s/other-%d", (char *)directory, gettid());
	if (mkdir(one, 0755) < 0)
		return NULL;
	for (;;)
		if (rename(one, other) < 0 || rename(other, one) < 0)
			return NULL;
}

// Renames in a directory, by as many threads as asked for, until it is ended.
static int at_rename_storm(char **a)
{
	pthread_t thread;

	for (int left = atoi(a[1]); left > 0; left--) {
		int failure = pthread_create(&thread, NULL, rename_on_and_on, a[0]);

		if (failure)
			return failure;
	}
	for (;;)
		pause();
}

// Opens a file so many times; what stopped it.
static int at_open_often(char **a)
{
	for (int left = atoi(a[1]); left > 0; left--) {
		int fd = open(a[0], O_RDONLY);

		if (fd < 0)
			return errno;
		close(fd);
	}
	return 0;
}

// Opens a file so many times, each time in a new process if it is told to; prints how often it could be opened.
static int count_opens(char **a, int forks)
{
	int count = 0;

	for (int left = atoi(a[1]); left > 0; left--) {
		pid_t child = forks ? fork() : 0;
		int fd, status = -1;

		// Where none can be made, nothing is opened.
		if (child < 0)
			continue;
		if (child > 0) {
			waitpid(child, &status, 0);
			count += status == 0;
			continue;
		}
		fd = open(a[0], O_RDONLY);
		if (forks)
			_exit(fd < 0);
		count += fd >= 0;
		close(fd);
	}
	printf("%d\n", count);
	return 0;
}
static int at_count_opens(char **a) { return count_opens(a, 0); }
static int at_count_opens_of_children(char **a) { return count_opens(a, 1); }

// Reads a file without end.
static int at_read_for_ever(char **a)
{
	int fd = open(a[0], O_RDONLY);
	char byte;

	while (fd >= 0 && pread(fd, &byte, 1, 0) >= 0)
		;
	return errno;
}

const struct attack setting_attacks[] = {
	{"with-tree", at_with_tree, 2}, {"with-root", at_with_root, 2},
	{"with-deep-directory", at_with_deep_directory, 4}, {"serve", at_serve, 1},
	{"rename-storm", at_rename_storm, 2}, {"open-often", at_open_often, 2},
	{"count-opens", at_count_opens, 2}, {"count-opens-of-children", at_count_opens_of_children, 2},
	{"read-for-ever", at_read_for_ever, 1},
	{NULL, NULL, 0},
};
