// Calls that the filter decides on: other ABIs, namespaces, mounts, rings, terminals.
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Other ABIs.

#ifdef __x86_64__
static int at_int80_mkdir(char **a)
{
	// mkdir is 39 on i386; the path must lie below 4 GiB.
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long returned;

	strncpy(low, a[0], 4095);
	__asm__ volatile("int $0x80" : "=a"(returned) : "a"(39L), "b"(low), "c"(0755L) : "memory", "r8", "r9", "r10", "r11");
	return returned < 0 ? -returned : 0;
}
// socketcall is 102: every socket call of i386 by one number, its arguments in memory. Socket is the first.
static int at_int80_socketcall(char **a)
{
	unsigned *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long returned;

	(void)a;
	low[0] = AF_INET;
	low[1] = SOCK_DGRAM;
	low[2] = 0;
	__asm__ volatile("int $0x80" : "=a"(returned) : "a"(102L), "b"(1L), "c"(low) : "memory", "r8", "r9", "r10", "r11");
	return returned < 0 ? -returned : 0;
}
// A call that asks for nothing: the ABI alone must not be had.
static int at_int80_getpid(char **a)
{
	long returned;

	(void)a;
	__asm__ volatile("int $0x80" : "=a"(returned) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
	return returned < 0 ? -returned : 0;
}
static int at_x32_getppid(char **a)
{
	(void)a;
	return result(syscall(SYS_getppid | 0x40000000));
}
#endif

// Namespaces and mounts.

static int at_unshare(char **a) { (void)a; return result(unshare(CLONE_NEWUSER)); }
static int at_unshare_mounts(char **a) { (void)a; return result(unshare(CLONE_NEWNS)); }
static int at_setns(char **a)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	(void)a;
	return fd < 0 ? errno : result(setns(fd, 0));
}
// A namespace that was open before confinement began.
static int at_setns_descriptor(char **a) { return result(setns(atoi(a[0]), 0)); }
static int at_clone(char **a)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	(void)a;
	if (pid == 0)
		_exit(0);
	return result(pid);
}
static int at_clone3(char **a)
{
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	(void)a;
	if (pid == 0)
		_exit(0);
	return result(pid);
}
static int at_mount(char **a) { return result(mount("none", a[0], "tmpfs", 0, NULL)); }
static int at_umount(char **a) { return result(umount2(a[0], MNT_DETACH)); }
static int at_fsopen(char **a) { (void)a; return result(syscall(SYS_fsopen, "tmpfs", 0)); }
static int at_open_tree(char **a) { return result(syscall(SYS_open_tree, AT_FDCWD, a[0], 1)); }
static int at_pivot_root(char **a) { return result(syscall(SYS_pivot_root, a[0], a[0])); }
static int at_chroot(char **a) { return result(chroot(a[0])); }

// Terminals.

static int at_tiocsti(char **a) { (void)a; return result(syscall(SYS_ioctl, 0, (long)TIOCSTI, "x")); }
static int at_tiocsti_wide(char **a)
{
	(void)a;
	return result(syscall(SYS_ioctl, 0, (long)TIOCSTI | 1L << 32, "x"));
}
static int at_tioclinux(char **a)
{
	char paste = 3;

	(void)a;
	return result(syscall(SYS_ioctl, 0, (long)TIOCLINUX, &paste));
}

// No privilege is gained by executing.
static int at_new_privileges(char **a)
{
	(void)a;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0;
}

// Any call, by its number.
static int at_call(char **a)
{
	long args[6] = {0};

	for (int i = 0; i < 6 && a[1 + i]; i++)
		args[i] = strtol(a[1 + i], NULL, 0);
	return result(syscall(atoi(a[0]), args[0], args[1], args[2], args[3], args[4], args[5]));
}

const struct attack call_attacks[] = {

#ifdef __x86_64__
	{"int80-mkdir", at_int80_mkdir, 1}, {"int80-socketcall", at_int80_socketcall, 0}, {"int80-getpid", at_int80_getpid, 0},
	{"x32-getppid", at_x32_getppid, 0},
#endif
	{"unshare", at_unshare, 0}, {"setns", at_setns, 0}, {"clone", at_clone, 0}, {"clone3", at_clone3, 0},
	{"mount", at_mount, 1}, {"umount", at_umount, 1}, {"fsopen", at_fsopen, 0}, {"open-tree", at_open_tree, 1},
	{"pivot-root", at_pivot_root, 1}, {"chroot", at_chroot, 1},
	{"unshare-mounts", at_unshare_mounts, 0}, {"setns-descriptor", at_setns_descriptor, 1}, {"tiocsti", at_tiocsti, 0}, {"tiocsti-wide", at_tiocsti_wide, 0},
	{"tioclinux", at_tioclinux, 0}, {"new-privileges", at_new_privileges, 0}, {"call", at_call, 1},
	{NULL, NULL, 0},
};
