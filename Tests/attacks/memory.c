// Code that was not in a file, and what a crash leaves.
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int at_memfd_execute(char **a)
{
	char buffer[65536], path[64];
	int in = open(a[0], O_RDONLY), out = syscall(SYS_memfd_create, "x", 0);
	ssize_t size;

	if (in < 0 || out < 0)
		return errno;
	while ((size = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, size) != size)
			return errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", out);
	return result(execv(path, a));
}

static int at_writable_code(char **a)
{
	(void)a;
	return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}
static int at_made_executable(char **a)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)a;
	*page = (char)0xc3;
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0)
		return errno;
	((void (*)(void))page)();
	return 0;
}
static int at_read_implies_exec(char **a)
{
	static char *page;

	(void)a;
	if (personality(READ_IMPLIES_EXEC) < 0)
		return errno;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*page = (char)0xc3;
	((void (*)(void))page)();
	return 0;
}

// The kernel reads 32 bits of the persona; a filter that compares 64 lets this through.
static int at_read_implies_exec_wide(char **a)
{
	char *page;

	(void)a;
	if (syscall(SYS_personality, 1L << 32 | READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE) < 0)
		return errno;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*page = (char)0xc3;
	((void (*)(void))page)();
	return 0;
}
// What was set before: memory that may be read may be executed, and nothing was asked for.
static int at_inherited_personality(char **a)
{
	(void)a;
	return personality(0xffffffff) & READ_IMPLIES_EXEC ? 0 : EPERM;
}
// Claims to be a 32-bit program: `uname` answers otherwise, the calls must stay what they are.
static int at_linux32_socket(char **a)
{
	(void)a;
	if (personality(PER_LINUX32) < 0)
		return errno;
	return result(syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0));
}
// Ends as a program with a bug does, with as large a core file as it may have, in a directory.
static int at_crash(char **a)
{
	struct rlimit limit;

	if (chdir(a[0]) < 0 || getrlimit(RLIMIT_CORE, &limit) < 0)
		return errno;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_CORE, &limit) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return errno;
	abort();
}

const struct attack memory_attacks[] = {
	{"memfd-execute", at_memfd_execute, 1}, {"writable-code", at_writable_code, 0},
	{"made-executable", at_made_executable, 0}, {"read-implies-exec", at_read_implies_exec, 0},
	{"read-implies-exec-wide", at_read_implies_exec_wide, 0},
	{"inherited-personality", at_inherited_personality, 0}, {"linux32-socket", at_linux32_socket, 0},
	{"crash", at_crash, 1},
	{NULL, NULL, 0},
};
