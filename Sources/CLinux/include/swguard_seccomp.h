// The few raw calls that seccomp needs. None of them allocates, locks or
// touches anything but its arguments: they may be made between vfork and exec.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/types.h>

// Loads a filter for the calling thread, which must have no_new_privs.
// Returns the listener's descriptor (with SECCOMP_FILTER_FLAG_NEW_LISTENER),
// 0, or -errno.
int swguard_seccomp_install(const struct sock_fprog *program, unsigned flags);

// Whether the kernel has an action (SECCOMP_RET_*): 0, or -errno.
int swguard_seccomp_action_available(__u32 action);

// Whether the kernel takes these flags with SECCOMP_SET_MODE_FILTER: 0, or
// -errno. Nothing is loaded.
int swguard_seccomp_flags_available(unsigned flags);

// The sizes that the kernel's notification structures have: 0, or -errno.
int swguard_seccomp_notification_sizes(struct seccomp_notif_sizes *sizes);

// Waits for a notification; the buffer is zeroed first. 0, or -errno.
int swguard_seccomp_receive(int listener, void *notification, __u64 size);

// Answers a notification. The buffer has the kernel's size. 0, or -errno.
int swguard_seccomp_answer(int listener, void *response, __u64 size, __u64 id,
			   __s32 error, __u32 flags);

// Whether the caller of a notification still waits: 0, or -errno.
int swguard_seccomp_is_waiting(int listener, __u64 id);

// Whether poll(2) will tell that no process has the filter any more (Linux 5.9).
int swguard_seccomp_tells_end(int listener);

// Sets no_new_privs for the calling thread, for good: 0, or -errno.
int swguard_seccomp_set_no_new_privs(void);

/* Whether the calling thread is filtered already: 0, or what prctl(PR_GET_SECCOMP) answers, an error included. */
int swguard_seccomp_mode(void);
