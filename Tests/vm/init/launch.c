// A launcher in the first process, as systemd is before version 255: its child enters the cgroup of a service, sets
// things up there, and executes the service's program last.
//
// For tests: in /run/launch are the links `cgroup` and `program`, and `wanted`, which is read at set-up when there is `go`;
// what that came to is in `result`.
#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static int read_wanted(void)
{
	char byte;
	int file = open("/run/launch/wanted", O_RDONLY | O_CLOEXEC);

	return file < 0 || read(file, &byte, 1) < 0 ? errno : 0;
}

_Noreturn void launch(void)
{
	int processes = open("/run/launch/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC), result;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (processes < 0 || write(processes, "0", 1) != 1)
		_exit(125);
	while (access("/run/launch/go", F_OK))
		usleep(10 * 1000);
	result = open("/run/launch/result", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	dprintf(result, "%d\n", read_wanted());
	execl("/run/launch/program", "program", NULL);
	_exit(126);
}
