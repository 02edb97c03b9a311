// Other processes: their memory, descriptors and signals.
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int at_ptrace(char **a) { return result(ptrace(PTRACE_ATTACH, process_named(a[0]), 0, 0)); }
static int at_read_memory(char **a)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {(void *)strtoull(a[1], NULL, 16), 1};

	return result(process_vm_readv(process_named(a[0]), &local, 1, &remote, 1, 0));
}
static int at_proc_memory(char **a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", process_named(a[0]));
	return result(open(path, O_RDWR));
}
static int at_environment(char **a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/environ", process_named(a[0]));
	return at_read((char *[]){path, NULL});
}
static int at_pidfd_getfd(char **a)
{
	int pidfd = syscall(SYS_pidfd_open, process_named(a[0]), 0);

	return pidfd < 0 ? errno : result(syscall(SYS_pidfd_getfd, pidfd, 0, 0));
}
static int at_signal(char **a) { return result(kill(process_named(a[0]), SIGCONT)); }

static int at_write_memory(char **a)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {(void *)strtoull(a[1], NULL, 16), 1};
	pid_t process = process_named(a[0]);

	// What is there is put back.
	if (process_vm_readv(process, &local, 1, &remote, 1, 0) < 0)
		return errno;
	return result(process_vm_writev(process, &local, 1, &remote, 1, 0));
}
// Advice on memory that is another's: what is paged out, or shared with what was guessed, can be measured.
static int at_advise_memory(char **a)
{
	struct iovec remote = {(void *)strtoull(a[1], NULL, 16), 4096};
	int pidfd = syscall(SYS_pidfd_open, process_named(a[0]), 0);

	return pidfd < 0 ? errno : result(syscall(SYS_process_madvise, pidfd, &remote, 1L, (long)MADV_PAGEOUT, 0L));
}
// Whether two processes share a descriptor table: an oracle for where things are in the kernel.
static int at_compare(char **a) { return result(syscall(SYS_kcmp, getpid(), process_named(a[0]), 2, 0, 0)); }
static int at_memory_map(char **a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", process_named(a[0]));
	return at_read((char *[]){path, NULL});
}
// By the other's root and descriptors, what is denied has another name.
static int at_read_by_root(char **a)
{
	char path[4096];

	snprintf(path, sizeof(path), "/proc/%d/root%s", process_named(a[0]), a[1]);
	return at_read((char *[]){path, NULL});
}
static int at_read_by_descriptor(char **a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/0", process_named(a[0]));
	return result(open(path, O_RDONLY));
}

// Becomes a user by one of its ids, and reads a file: KIND USER PATH.
static int at_read_as(char **a)
{
	uid_t user = atoi(a[1]);

	if (strcmp(a[0], "filesystem") == 0) {
		syscall(SYS_setfsuid, user);
		// Says what it was before, and nothing of a failure.
		if (syscall(SYS_setfsuid, -1) != user)
			return EPERM;
	} else if (syscall(SYS_setresuid, strcmp(a[0], "real") ? -1 : user, strcmp(a[0], "effective") ? -1 : user, -1)) {
		return errno;
	}
	return at_read(a + 2);
}

static void *read_later(void *arguments)
{
	char **a = arguments;

	while (access(a[0], F_OK))
		usleep(10 * 1000);
	return (void *)(intptr_t)at_read(a + 1);
}
// A thread that is there before a policy: SIGN PATH. It reads the file when there is the sign.
static int at_thread_reads_later(char **a)
{
	pthread_t thread;
	void *found;
	int failure = pthread_create(&thread, NULL, read_later, a);

	if (failure)
		return failure;
	pthread_join(thread, &found);
	return (intptr_t)found;
}

// Makes children without end, each of which takes long since there is much memory: SIGN PATH. For two seconds each waits
// for the sign, and then reads the file; one that can ends it all.
static int at_children_read_later(char **a)
{
	const size_t size = 256 << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int is_over, status, result = EACCES;

	if (memory == MAP_FAILED)
		return errno;
	madvise(memory, size, MADV_NOHUGEPAGE);
	for (size_t place = 0; place < size; place += 4096)
		memory[place] = 1;
	for (;;) {
		pid_t child;

		is_over = access(a[0], F_OK) == 0;
		child = fork();
		if (child == 0) {
			for (int left = 20; left && access(a[0], F_OK); left--)
				usleep(100 * 1000);
			_exit(access(a[0], F_OK) == 0 && at_read(a + 1) == 0);
		}
		if (is_over)
			break;
		while (waitpid(-1, &status, WNOHANG) > 0)
			;
	}
	while (waitpid(-1, &status, 0) > 0)
		if (status)
			result = 0;
	return result;
}

const struct attack process_attacks[] = {
	{"read-as", at_read_as, 3}, {"thread-reads-later", at_thread_reads_later, 2},
	{"children-read-later", at_children_read_later, 2},
	{"ptrace", at_ptrace, 1}, {"read-memory", at_read_memory, 2}, {"proc-memory", at_proc_memory, 1},
	{"environment", at_environment, 1}, {"pidfd-getfd", at_pidfd_getfd, 1}, {"signal", at_signal, 1},
	{"write-memory", at_write_memory, 2}, {"advise-memory", at_advise_memory, 2}, {"compare", at_compare, 1},
	{"memory-map", at_memory_map, 1}, {"read-by-root", at_read_by_root, 2},
	{"read-by-descriptor", at_read_by_descriptor, 1},
	{NULL, NULL, 0},
};
