#define _GNU_SOURCE

#include "swguard_seccomp.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int swguard_seccomp(unsigned operation, unsigned flags, const void *arguments)
{
	long result = syscall(SYS_seccomp, operation, flags, arguments);

	return result < 0 ? -errno : (int)result;
}

int swguard_seccomp_install(const struct sock_fprog *program, unsigned flags)
{
	return swguard_seccomp(SECCOMP_SET_MODE_FILTER, flags, program);
}

int swguard_seccomp_action_available(__u32 action)
{
	return swguard_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

int swguard_seccomp_flags_available(unsigned flags)
{
	// The kernel looks at the flags before the program (kernel/seccomp.c,
	// seccomp_set_mode_filter): EFAULT means that it knows them.
	int result = swguard_seccomp(SECCOMP_SET_MODE_FILTER, flags, NULL);

	return result == -EFAULT ? 0 : result;
}

int swguard_seccomp_notification_sizes(struct seccomp_notif_sizes *sizes)
{
	return swguard_seccomp(SECCOMP_GET_NOTIF_SIZES, 0, sizes);
}

int swguard_seccomp_receive(int listener, void *notification, __u64 size)
{
	// The kernel refuses a buffer that is not zero (EINVAL).
	memset(notification, 0, size);
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, notification) < 0 ? -errno : 0;
}

int swguard_seccomp_answer(int listener, void *response, __u64 size, __u64 id,
			   __s32 error, __u32 flags)
{
	struct seccomp_notif_resp answer = { .id = id, .error = error, .flags = flags };

	memset(response, 0, size);
	memcpy(response, &answer, sizeof(answer));
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response) < 0 ? -errno : 0;
}

int swguard_seccomp_is_waiting(int listener, __u64 id)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0 ? -errno : 0;
}

int swguard_seccomp_tells_end(int listener)
{
	// The same release brought SECCOMP_IOCTL_NOTIF_ADDFD: EFAULT where it is known, EINVAL where it is not.
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, NULL) < 0 && errno == EFAULT;
}

int swguard_seccomp_set_no_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int swguard_seccomp_mode(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
}
