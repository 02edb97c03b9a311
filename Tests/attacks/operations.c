// Requests for operations whose calls take more than numbers; the rest is `call`.
#define _GNU_SOURCE
#include "attack.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

static int at_mount_briefly(char **a)
{
	return mount("none", a[0], "tmpfs", 0, NULL) < 0 ? errno : result(umount2(a[0], MNT_DETACH));
}

// Sets nothing; may_mount() is asked all the same (fs/namespace.c, do_mount_setattr).
static int at_mount_attributes(char **a)
{
	unsigned long long attributes[4] = {0};

	return result(syscall(SYS_mount_setattr, AT_FDCWD, a[0], 0, attributes, sizeof(attributes)));
}

static int at_setns_of_process(char **a)
{
	int process = syscall(SYS_pidfd_open, process_named(a[0]), 0);

	return process < 0 ? errno : result(setns(process, CLONE_NEWUTS));
}

static int at_signal_by_descriptor(char **a)
{
	int process = syscall(SYS_pidfd_open, process_named(a[0]), 0);

	return process < 0 ? errno : result(syscall(SYS_pidfd_send_signal, process, 0, NULL, 0));
}

// The rate that it has.
static int at_adjust_time(char **a)
{
	struct timex now = {0};

	(void)a;
	if (adjtimex(&now) < 0)
		return errno;
	now.modes = ADJ_TICK;
	return result(adjtimex(&now));
}

static int at_perf(char **a)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attributes), .config = PERF_COUNT_SW_CPU_CLOCK};

	(void)a;
	return result(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

static int at_add_key(char **a)
{
	(void)a;
	// KEY_SPEC_PROCESS_KEYRING
	return result(syscall(SYS_add_key, "user", "swguard-test", "x", 1, -2));
}

// A terminal of its own, which it may read from both sides.
static int at_inject(char **a)
{
	int terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY), unlocked = 0;

	(void)a;
	if (terminal < 0 || ioctl(terminal, TIOCSPTLCK, &unlocked) < 0)
		return errno;
	terminal = ioctl(terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	return terminal < 0 ? errno : result(ioctl(terminal, TIOCSTI, "x"));
}

// PTRACE_TRACEME by a child without the policy that its parent has come under since: FILE, which begins it.
static int at_ask_to_be_traced(char **a)
{
	int ready[2], report[2], status = EIO;
	char byte;
	pid_t child;

	if (pipe(ready) < 0 || pipe(report) < 0)
		return errno;
	child = fork();
	if (child < 0)
		return errno;
	if (child == 0) {
		// Until the parent has executed FILE, which closes its end.
		close(ready[1]);
		close(report[0]);
		if (read(ready[0], &byte, 1) != 0)
			_exit(1);
		status = result(syscall(SYS_ptrace, 0L, 0L, 0L, 0L));
		_exit(write(report[1], &status, sizeof(status)) < 0);
	}
	fcntl(ready[1], F_SETFD, FD_CLOEXEC);
	// What becomes of this process reports what the child did.
	dup2(report[0], 100);
	close(report[1]);
	execl(a[0], a[0], "status-at", "100", NULL);
	return errno;
}

// An errno that somebody writes to a descriptor.
static int at_status_at(char **a)
{
	int status = EIO;

	return read(atoi(a[0]), &status, sizeof(status)) == sizeof(status) ? status : EPIPE;
}

static int at_chown(char **a) { return result(chown(a[0], 1, -1)); }

static int at_make_device(char **a)
{
	unlink(a[0]);
	return result(mknod(a[0], S_IFCHR | 0600, makedev(1, 3)));
}

const struct attack operation_attacks[] = {
	{"mount-briefly", at_mount_briefly, 1},
	{"mount-attributes", at_mount_attributes, 1},
	{"setns-of-process", at_setns_of_process, 1},
	{"signal-by-descriptor", at_signal_by_descriptor, 1},
	{"adjust-time", at_adjust_time, 0},
	{"perf", at_perf, 0},
	{"add-key", at_add_key, 0},
	{"inject", at_inject, 0},
	{"ask-to-be-traced", at_ask_to_be_traced, 1},
	{"status-at", at_status_at, 1},
	{"chown", at_chown, 1},
	{"make-device", at_make_device, 1},
	{NULL, NULL, 0},
};
