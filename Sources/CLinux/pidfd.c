#define _GNU_SOURCE
#include "pidfd.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

int swguard_pidfd_open(pid_t process)
{
	int descriptor = (int)syscall(__NR_pidfd_open, process, 0);

	return descriptor < 0 ? -errno : descriptor;
}
