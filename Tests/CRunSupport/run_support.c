#define _GNU_SOURCE
#include "run_support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

/* Between fork and execve only calls that are safe in a copy of a process with threads. */
static void become(const struct run_start *start)
{
	int standard[3], extra = start->extra;
	uint64_t mask = start->blocked;

	if (start->new_session)
		setsid();
	if (start->new_group)
		setpgid(0, 0);
	for (int index = 0; index < 3; index++) {
		standard[index] = start->standard[index];
		if (standard[index] >= 0)
			standard[index] = fcntl(standard[index], F_DUPFD, 100);
	}
	if (extra >= 0)
		extra = fcntl(extra, F_DUPFD, 100);
	for (int index = 0; index < 3; index++) {
		if (standard[index] >= 0)
			dup2(standard[index], index);
		else
			close(index);
	}
	if (start->new_session && isatty(0))
		ioctl(0, TIOCSCTTY, 0);
	syscall(__NR_close_range, 3, extra >= 0 ? 99 : ~0U, 0);
	if (extra >= 0) {
		dup2(extra, start->extra_number);
		syscall(__NR_close_range, 100, ~0U, 0);
	}
	if (start->directory && chdir(start->directory) < 0)
		_exit(124);
	for (int signal = 1; signal < 32; signal++) {
		struct sigaction action = { .sa_handler = SIG_DFL };

		if (signal == SIGKILL || signal == SIGSTOP)
			continue;
		if (start->ignored & (UINT64_C(1) << (signal - 1)))
			action.sa_handler = SIG_IGN;
		sigaction(signal, &action, NULL);
	}
	syscall(__NR_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
	execve(start->arguments[0], (char *const *)start->arguments, (char *const *)start->environment);
	_exit(124);
}

pid_t run_start_process(const struct run_start *start)
{
	pid_t process = fork();

	if (process == 0)
		become(start);
	return process;
}

int run_open_terminal(int rows, int columns, int *slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 || run_resize_terminal(master, rows, columns) < 0)
		return -1;
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	return *slave < 0 ? -1 : master;
}

int run_resize_terminal(int master, int rows, int columns)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	return ioctl(master, TIOCSWINSZ, &size);
}

int probe_ruleset(const char *directory)
{
	struct landlock_ruleset_attr handled = { .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE };
	struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_EXECUTE };
	int ruleset = (int)syscall(__NR_landlock_create_ruleset, &handled, sizeof(handled), 0);

	if (ruleset < 0)
		return -1;
	rule.parent_fd = open(directory, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0 || syscall(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return -1;
	close(rule.parent_fd);
	return ruleset;
}
