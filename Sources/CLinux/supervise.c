#define _GNU_SOURCE
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel's size of a signal set. */
enum { SIGNAL_SET_SIZE = sizeof(uint64_t) };

/* Signals that the processor raises for a bug of ours: blocked, they would kill without a trace or loop. */
static const int FAULTS[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT };

static uint64_t bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

static uint64_t relayed_signals(void)
{
	uint64_t set = ~UINT64_C(0) & ~bit(SIGKILL) & ~bit(SIGSTOP);

	for (size_t index = 0; index < sizeof(FAULTS) / sizeof(FAULTS[0]); index++)
		set &= ~bit(FAULTS[index]);
	return set;
}

int swguard_take_signals(uint64_t *mask, uint64_t *ignored)
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	struct sigaction before;
	uint64_t blocked = relayed_signals();

	*ignored = 0;
	if (syscall(__NR_rt_sigprocmask, SIG_BLOCK, &blocked, mask, SIGNAL_SET_SIZE) < 0 ||
	    sigaction(SIGCHLD, NULL, &before) < 0)
		return -1;
	if (before.sa_handler == SIG_DFL && !(before.sa_flags & SA_NOCLDWAIT))
		return 0;
	/* While SIGCHLD is ignored, the kernel reaps children itself, and their status is lost. */
	if (before.sa_handler == SIG_IGN)
		*ignored = bit(SIGCHLD);
	return sigaction(SIGCHLD, &normal, NULL);
}

int swguard_give_back_signals(uint64_t mask, uint64_t ignored)
{
	if (ignored & bit(SIGCHLD))
		signal(SIGCHLD, SIG_IGN);
	return (int)syscall(__NR_rt_sigprocmask, SIG_SETMASK, &mask, NULL, SIGNAL_SET_SIZE);
}

int swguard_signal_descriptor(void)
{
	uint64_t set = relayed_signals() & ~bit(SIGPIPE); /* a closed pipe of ours: the write says so itself */

	return (int)syscall(__NR_signalfd4, -1, &set, SIGNAL_SET_SIZE, SFD_CLOEXEC | SFD_NONBLOCK);
}

int swguard_next_signal(int descriptor, struct swguard_signal *signal)
{
	struct signalfd_siginfo information;
	ssize_t size;

	do
		size = read(descriptor, &information, sizeof(information));
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN ? 0 : -1;
	signal->number = information.ssi_signo;
	signal->sender = (int32_t)information.ssi_pid;
	signal->value = information.ssi_ptr;
	signal->reserved = 0;
	switch (information.ssi_code) {
	case SI_USER:
	case SI_TKILL:
		signal->origin = SWGUARD_SIGNAL_FROM_PROCESS;
		break;
	case SI_QUEUE:
		signal->origin = SWGUARD_SIGNAL_QUEUED;
		break;
	default:
		signal->origin = SWGUARD_SIGNAL_FROM_KERNEL;
	}
	return 1;
}

int swguard_relay_signal(pid_t process, const struct swguard_signal *signal)
{
	if (signal->origin == SWGUARD_SIGNAL_QUEUED) {
		const union sigval value = { .sival_ptr = (void *)(uintptr_t)signal->value };

		return sigqueue(process, (int)signal->number, value);
	}
	return kill(process, (int)signal->number);
}

/* PTRACE_TRACEME makes the parent the tracer, unasked: every signal to the tracee then stops it until the tracer lets
 * it go, and would look like a stop of the command's own. It goes on as if nobody traced it. SIGTRAP is what an execve
 * raises for the tracer alone (ptrace(2)). */
static void stop_tracing(const siginfo_t *stopped)
{
	int signal = stopped->si_status & 0x7f;

	ptrace(PTRACE_DETACH, stopped->si_pid, NULL, (void *)(uintptr_t)(signal == SIGTRAP ? 0 : signal));
}

int swguard_next_change(struct swguard_change *change)
{
	siginfo_t information;

	change->kind = SWGUARD_CHANGE_NONE;
	for (;;) {
		information.si_pid = 0;
		if (waitid(P_ALL, 0, &information, WEXITED | WSTOPPED | WCONTINUED | WNOHANG) < 0)
			return errno == ECHILD ? 0 : -1;
		if (information.si_pid == 0)
			return 0;
		if (information.si_code != CLD_TRAPPED)
			break;
		stop_tracing(&information);
	}
	change->process = information.si_pid;
	change->status = information.si_status;
	switch (information.si_code) {
	case CLD_EXITED:
		change->kind = SWGUARD_CHANGE_EXITED;
		break;
	case CLD_KILLED:
	case CLD_DUMPED:
		change->kind = SWGUARD_CHANGE_KILLED;
		break;
	case CLD_CONTINUED:
		change->kind = SWGUARD_CHANGE_CONTINUED;
		break;
	default: /* CLD_STOPPED */
		change->kind = SWGUARD_CHANGE_STOPPED;
	}
	return 0;
}

int swguard_stop(int signal)
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	struct sigaction before;
	uint64_t set = bit(signal);
	int result;

	if (signal == SIGSTOP)
		return kill(getpid(), SIGSTOP);
	if (sigaction(signal, &normal, &before) < 0)
		return -1;
	result = kill(getpid(), signal);
	/* Delivered here. */
	syscall(__NR_rt_sigprocmask, SIG_UNBLOCK, &set, NULL, SIGNAL_SET_SIZE);
	syscall(__NR_rt_sigprocmask, SIG_BLOCK, &set, NULL, SIGNAL_SET_SIZE);
	sigaction(signal, &before, NULL);
	return result;
}

int swguard_wait_readable(int first, int second, int third, int milliseconds)
{
	struct pollfd descriptors[3] = {
		{ .fd = first, .events = POLLIN },
		{ .fd = second, .events = POLLIN },
		{ .fd = third, .events = POLLIN },
	};
	int ready = 0;

	if (poll(descriptors, 3, milliseconds) < 0)
		return errno == EINTR ? 0 : -1;
	if (descriptors[0].revents & POLLIN)
		ready |= 1;
	if (descriptors[1].revents & POLLIN)
		ready |= 2;
	else if (descriptors[1].revents & (POLLHUP | POLLERR | POLLNVAL))
		ready |= 4;
	if (descriptors[2].revents)
		ready |= 8;
	return ready;
}

/* Before close_range knew the flag (Linux 5.11) or the call (5.9): one by one, up to the hard limit. */
static int each_descriptor(uint32_t first, uint32_t last, bool closes)
{
	struct rlimit limit;
	rlim_t end;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	end = limit.rlim_max > 1048576 ? 1048576 : limit.rlim_max; /* sysctl_nr_open, fs/file.c */
	for (rlim_t descriptor = first; descriptor < end && descriptor <= last; descriptor++) {
		if (closes)
			close((int)descriptor);
		else
			fcntl((int)descriptor, F_SETFD, FD_CLOEXEC);
	}
	return 0;
}

int swguard_close_on_exec(uint32_t first, uint32_t last)
{
	if (syscall(__NR_close_range, first, last, CLOSE_RANGE_CLOEXEC) == 0)
		return 0;
	return errno == ENOSYS || errno == EINVAL ? each_descriptor(first, last, false) : -1;
}

int swguard_close(uint32_t first, uint32_t last)
{
	if (syscall(__NR_close_range, first, last, 0) == 0)
		return 0;
	return errno == ENOSYS ? each_descriptor(first, last, true) : -1;
}

pid_t swguard_stay_behind(int listener)
{
	const uint64_t none = 0;
	pid_t process = fork();

	if (process != 0)
		return process;
	if (listener > 0)
		swguard_close(0, (uint32_t)listener - 1);
	swguard_close((uint32_t)listener + 1, ~UINT32_C(0));
	setsid();
	/* Stays where it is where that fails: then a file system is busy for as long. */
	if (chdir("/") < 0)
		errno = 0;
	prctl(PR_SET_NAME, "swguard-answers");
	syscall(__NR_rt_sigprocmask, SIG_SETMASK, &none, NULL, SIGNAL_SET_SIZE);
	return 0;
}

int swguard_silence(int descriptor)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Without a /dev/null the place stays empty, and nothing of ours uses it. */
	if (null < 0)
		return close(descriptor);
	if (null == descriptor)
		return 0;
	if (dup3(null, descriptor, O_CLOEXEC) < 0) {
		close(null);
		return -1;
	}
	return close(null);
}

int swguard_borrow_descriptor(pid_t process, int descriptor)
{
	int handle = (int)syscall(__NR_pidfd_open, process, 0);
	int copy, error;

	if (handle < 0)
		return -1;
	copy = (int)syscall(__NR_pidfd_getfd, handle, descriptor, 0);
	error = errno;
	close(handle);
	errno = error;
	return copy;
}

int64_t swguard_read_link(const void *path, void *buffer, uint64_t size)
{
	return readlink(path, buffer, size);
}

int64_t swguard_read_memory(pid_t process, uint64_t address, void *buffer, uint64_t size)
{
	const struct iovec local = { .iov_base = buffer, .iov_len = size };
	const struct iovec remote = { .iov_base = (void *)(uintptr_t)address, .iov_len = size };

	return process_vm_readv(process, &local, 1, &remote, 1, 0);
}
