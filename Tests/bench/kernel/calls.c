// What calls cost, in nanoseconds of the clock: under `Tests/vm/run --icount` one is an instruction of the guest.
//
// usage: calls [--landlock RULES] DIRECTORY    confined by as many rules of Landlock, one of which grants DIRECTORY
//        calls --prepare DIRECTORY             makes what is there to be opened; nothing is measured
// Prints for each kind of call its name, a tab, and the 5th percentile of batches of 50; FAILED behind it where calls
// failed. DIRECTORY/true is what is executed.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { batches = 40, batch = 50, many = 400, path_size = 4096 };

static char top[256];
static char true_path[path_size];
static int failures, data, udp, receiver;
static struct sockaddr_in address = {.sin_family = AF_INET};

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static void check(int is_good)
{
	failures += !is_good;
}

static void open_close(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);

	check(file >= 0 && close(file) == 0);
}

static void create_unlink(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	check(file >= 0 && close(file) == 0);
	check(unlink(path) == 0);
}

static void make_remove(const char *path)
{
	check(mkdir(path, 0700) == 0);
	check(rmdir(path) == 0);
}

static void rename_twice(const char *path)
{
	char other[path_size + 8];

	snprintf(other, sizeof(other), "%s.old", path);
	check(rename(path, other) == 0);
	check(rename(other, path) == 0);
}

static void stat_path(const char *path)
{
	struct stat status;

	check(stat(path, &status) == 0);
}

static void read_byte(const char *)
{
	char byte;

	check(pread(data, &byte, 1, 0) == 1);
}

static void map(const char *)
{
	void *place = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, data, 0);

	check(place != MAP_FAILED && munmap(place, 4096) == 0);
}

static void wait_for(pid_t child)
{
	int status;

	check(waitpid(child, &status, 0) == child && status == 0);
}

static void execute(const char *)
{
	char *arguments[] = {true_path, NULL}, *environment[] = {NULL};
	pid_t child;

	check(posix_spawn(&child, true_path, NULL, NULL, arguments, environment) == 0);
	wait_for(child);
}

static void fork_child(const char *)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	wait_for(child);
}

static void connect_udp(const char *)
{
	check(connect(udp, (struct sockaddr *)&address, sizeof(address)) == 0);
}

static void send_receive(const char *)
{
	char byte = 0;

	check(sendto(udp, &byte, 1, 0, (struct sockaddr *)&address, sizeof(address)) == 1);
	check(recv(receiver, &byte, 1, 0) == 1);
}

static void print(const char *name, long cost)
{
	printf("%s\t%ld%s\n", name, cost, failures ? "\tFAILED" : "");
	failures = 0;
}

static void measure(const char *name, void (*call)(const char *), const char *path)
{
	long times[batches];

	for (int index = 0; index < batches; index++) {
		long begin = now();

		for (int round = 0; round < batch; round++)
			call(path);
		times[index] = (now() - begin) / batch;
	}
	qsort(times, batches, sizeof(times[0]), compare);
	print(name, times[batches / 20]);
}

// `top`/d1/d2/.../NAME, with as many directories.
static const char *at_depth(int depth, const char *name)
{
	static char path[path_size];
	int length = snprintf(path, sizeof(path), "%s", top);

	for (int level = 1; level <= depth; level++)
		length += snprintf(path + length, sizeof(path) - length, "/d%d", level);
	snprintf(path + length, sizeof(path) - length, "/%s", name);
	return path;
}

// A file in one of `many` directories.
static const char *one_of_many(int number)
{
	static char path[path_size];

	snprintf(path, sizeof(path), "%s/many/%d/file", top, number);
	return path;
}

static void make_file(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	check(file >= 0 && write(file, "x", 1) == 1 && close(file) == 0);
}

static void prepare(void)
{
	char directory[path_size + 32];

	for (int depth = 1; depth <= 10; depth++) {
		check(mkdir(at_depth(depth, ""), 0755) == 0);
		make_file(at_depth(depth, "file"));
	}
	snprintf(directory, sizeof(directory), "%s/many", top);
	check(mkdir(directory, 0755) == 0);
	for (int number = 0; number < many; number++) {
		snprintf(directory, sizeof(directory), "%s/many/%d", top, number);
		check(mkdir(directory, 0755) == 0);
		make_file(one_of_many(number));
	}
}

// The mean of one open in each of many directories.
static long open_many(void)
{
	long begin = now();

	for (int number = 0; number < many; number++)
		open_close(one_of_many(number));
	return (now() - begin) / many;
}

// What is known of a directory since the first open in it saves the others: the least of five, and what the first took more.
static void measure_many(void)
{
	long first = open_many(), again = open_many();

	for (int round = 0; round < 4; round++) {
		long other = open_many();

		again = other < again ? other : again;
	}
	print("open+close, in 400 directories", again);
	print("  the first in each, besides", first - again);
}

static int add_rule(int rules, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	int result = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);

	close(rule.parent_fd);
	return result;
}

// `top` is granted, and a directory beside it for each further rule.
static void confine(int count)
{
	struct landlock_ruleset_attr all = {.handled_access_fs = (LANDLOCK_ACCESS_FS_REFER << 1) - 1};
	int rules;
	char path[path_size + 32];

	rules = syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	check(rules >= 0 && add_rule(rules, top, all.handled_access_fs) == 0);
	snprintf(path, sizeof(path), "%s.beside", top);
	mkdir(path, 0755);
	for (int number = 1; number < count; number++) {
		snprintf(path, sizeof(path), "%s.beside/%d", top, number);
		mkdir(path, 0755);
		check(add_rule(rules, path, all.handled_access_fs) == 0);
	}
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(syscall(SYS_landlock_restrict_self, rules, 0) == 0);
}

static void open_sockets(void)
{
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check(bind(receiver, (struct sockaddr *)&address, sizeof(address)) == 0);
	check(getsockname(receiver, (struct sockaddr *)&address, &size) == 0);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	snprintf(top, sizeof(top), "%s", argv[argc - 1]);
	snprintf(true_path, sizeof(true_path), "%s/true", argv[argc - 1]);
	if (strcmp(argv[1], "--prepare") == 0) {
		prepare();
		return failures != 0;
	}
	if (argc == 4 && strcmp(argv[1], "--landlock") == 0)
		confine(atoi(argv[2]));
	data = open(at_depth(5, "file"), O_RDONLY | O_CLOEXEC);
	open_sockets();
	if (failures > 0 || data < 0) {
		fprintf(stderr, "calls: cannot prepare\n");
		return 1;
	}

	measure_many();
	measure("open+close, depth 2", open_close, at_depth(2, "file"));
	measure("open+close, depth 5", open_close, at_depth(5, "file"));
	measure("open+close, depth 10", open_close, at_depth(10, "file"));
	measure("stat, depth 5", stat_path, at_depth(5, "file"));
	measure("read", read_byte, "");
	measure("mmap+munmap", map, "");
	measure("create+unlink, depth 5", create_unlink, at_depth(5, "new"));
	measure("mkdir+rmdir, depth 5", make_remove, at_depth(5, "new"));
	measure("rename twice, depth 5", rename_twice, at_depth(5, "file"));
	measure("fork+exit+wait", fork_child, "");
	measure("exec+exit+wait", execute, "");
	measure("connect, udp", connect_udp, "");
	measure("sendto+recv, udp", send_receive, "");
	return 0;
}
