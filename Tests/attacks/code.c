// Code by another way than execve of its name: what was opened, mapped, unlinked or rewritten before.
#define _GNU_SOURCE
#include "attack.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

// A program that does nothing: what runs it has worked.
static int at_nothing(char **a)
{
	(void)a;
	return 0;
}

static int map_executable(int fd)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? errno : 0;
}

static int at_map_after_open(char **a)
{
	int fd = open(a[0], O_RDONLY);

	return fd < 0 ? errno : map_executable(fd);
}
static int at_protect_after_map(char **a)
{
	int fd = open(a[0], O_RDONLY);
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	if (fd < 0 || page == MAP_FAILED)
		return errno;
	return result(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
// pkey_mprotect(2) with no key is mprotect(2) by another number.
static int at_protect_by_key(char **a)
{
	int fd = open(a[0], O_RDONLY);
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	if (fd < 0 || page == MAP_FAILED)
		return errno;
	return result(syscall(SYS_pkey_mprotect, page, 4096L, (long)(PROT_READ | PROT_EXEC), -1L));
}

static int at_memfd_map(char **a)
{
	int fd = syscall(SYS_memfd_create, "x", 0);

	(void)a;
	if (fd < 0 || write(fd, "\xc3", 1) != 1)
		return errno;
	return map_executable(fd);
}
static int at_shared_segment(char **a)
{
	int segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700);
	void *page;

	(void)a;
	if (segment < 0)
		return errno;
	page = shmat(segment, NULL, SHM_EXEC | SHM_RDONLY);
	if (page == (void *)-1) {
		int stopped = errno;

		shmctl(segment, IPC_RMID, NULL);
		return stopped;
	}
	return result(shmctl(segment, IPC_RMID, NULL));
}
// A program whose name is gone when it is used.
static int at_deleted_execute(char **a)
{
	int fd = open(a[0], O_RDONLY);

	if (fd < 0 || unlink(a[0]) < 0)
		return errno;
	return result(syscall(SYS_execveat, fd, "", a, environ, (long)AT_EMPTY_PATH));
}
static int at_deleted_map(char **a)
{
	int fd = open(a[0], O_RDONLY);

	if (fd < 0 || unlink(a[0]) < 0)
		return errno;
	return map_executable(fd);
}
// By a descriptor that asked for nothing.
static int at_execute_descriptor(char **a)
{
	int fd = open(a[0], O_PATH);

	return fd < 0 ? errno : result(syscall(SYS_execveat, fd, "", a, environ, (long)AT_EMPTY_PATH));
}

// Writes over code that may only be read and executed: /proc/self/mem does not ask the pages.
static int at_self_memory(char **a)
{
	int fd = open("/proc/self/mem", O_WRONLY);
	char byte = *(const char *)(uintptr_t)at_nothing;

	(void)a;
	if (fd < 0)
		return errno;
	return result(pwrite(fd, &byte, 1, (off_t)(uintptr_t)at_nothing));
}

const struct attack code_attacks[] = {
	{"nothing", at_nothing, 0}, {"map-after-open", at_map_after_open, 1},
	{"protect-after-map", at_protect_after_map, 1}, {"protect-by-key", at_protect_by_key, 1},
	{"memfd-map", at_memfd_map, 0}, {"shared-segment", at_shared_segment, 0},
	{"deleted-execute", at_deleted_execute, 1}, {"deleted-map", at_deleted_map, 1},
	{"execute-descriptor", at_execute_descriptor, 1}, {"self-memory", at_self_memory, 0},
	{NULL, NULL, 0},
};
