// Other processes: their memory, descriptors and signals.
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
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

const struct attack process_attacks[] = {
	{"ptrace", at_ptrace, 1}, {"read-memory", at_read_memory, 2}, {"proc-memory", at_proc_memory, 1},
	{"environment", at_environment, 1}, {"pidfd-getfd", at_pidfd_getfd, 1}, {"signal", at_signal, 1},
	{"write-memory", at_write_memory, 2}, {"advise-memory", at_advise_memory, 2}, {"compare", at_compare, 1},
	{"memory-map", at_memory_map, 1}, {"read-by-root", at_read_by_root, 2},
	{"read-by-descriptor", at_read_by_descriptor, 1},
	{NULL, NULL, 0},
};
