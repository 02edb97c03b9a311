#pragma once
#include <sys/types.h>

/// A close-on-exec descriptor of `process`, as pidfd_open(2); -errno where there is none. Linux 5.3.
int swguard_pidfd_open(pid_t process);
