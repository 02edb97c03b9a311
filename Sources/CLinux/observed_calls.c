#include "observed_calls.h"

#include <sys/syscall.h>

/* A call that an architecture never had is left out; one that is newer than these headers stands with its number, which
 * is the same on every architecture since Linux 5.1 (include/uapi/asm-generic/unistd.h). */
static const struct swguard_observed_call CALLS[] = {
#ifdef __NR_open
	{ "open", __NR_open, 0 },
#endif
#ifdef __NR_openat
	{ "openat", __NR_openat, 0 },
#endif
#ifdef __NR_openat2
	{ "openat2", __NR_openat2, 0 },
#endif
#ifdef __NR_creat
	{ "creat", __NR_creat, 0 },
#endif
#ifdef __NR_mkdir
	{ "mkdir", __NR_mkdir, 0 },
#endif
#ifdef __NR_mkdirat
	{ "mkdirat", __NR_mkdirat, 0 },
#endif
#ifdef __NR_mknod
	{ "mknod", __NR_mknod, 0 },
#endif
#ifdef __NR_mknodat
	{ "mknodat", __NR_mknodat, 0 },
#endif
#ifdef __NR_symlink
	{ "symlink", __NR_symlink, 0 },
#endif
#ifdef __NR_symlinkat
	{ "symlinkat", __NR_symlinkat, 0 },
#endif
#ifdef __NR_link
	{ "link", __NR_link, 0 },
#endif
#ifdef __NR_linkat
	{ "linkat", __NR_linkat, 0 },
#endif
#ifdef __NR_rename
	{ "rename", __NR_rename, 0 },
#endif
#ifdef __NR_renameat
	{ "renameat", __NR_renameat, 0 },
#endif
#ifdef __NR_renameat2
	{ "renameat2", __NR_renameat2, 0 },
#endif
#ifdef __NR_unlink
	{ "unlink", __NR_unlink, 0 },
#endif
#ifdef __NR_unlinkat
	{ "unlinkat", __NR_unlinkat, 0 },
#endif
#ifdef __NR_rmdir
	{ "rmdir", __NR_rmdir, 0 },
#endif
#ifdef __NR_truncate
	{ "truncate", __NR_truncate, 0 },
#endif
#ifdef __NR_execve
	{ "execve", __NR_execve, 0 },
#endif
#ifdef __NR_execveat
	{ "execveat", __NR_execveat, 0 },
#endif
#ifdef __NR_chmod
	{ "chmod", __NR_chmod, 0 },
#endif
#ifdef __NR_fchmod
	{ "fchmod", __NR_fchmod, 0 },
#endif
#ifdef __NR_fchmodat
	{ "fchmodat", __NR_fchmodat, 0 },
#endif
	{ "fchmodat2", 452, 0 },
#ifdef __NR_chown
	{ "chown", __NR_chown, 0 },
#endif
#ifdef __NR_lchown
	{ "lchown", __NR_lchown, 0 },
#endif
#ifdef __NR_fchown
	{ "fchown", __NR_fchown, 0 },
#endif
#ifdef __NR_fchownat
	{ "fchownat", __NR_fchownat, 0 },
#endif
#ifdef __NR_utime
	{ "utime", __NR_utime, 0 },
#endif
#ifdef __NR_utimes
	{ "utimes", __NR_utimes, 0 },
#endif
#ifdef __NR_futimesat
	{ "futimesat", __NR_futimesat, 0 },
#endif
#ifdef __NR_utimensat
	{ "utimensat", __NR_utimensat, 0 },
#endif
#ifdef __NR_setxattr
	{ "setxattr", __NR_setxattr, 0 },
#endif
#ifdef __NR_lsetxattr
	{ "lsetxattr", __NR_lsetxattr, 0 },
#endif
#ifdef __NR_fsetxattr
	{ "fsetxattr", __NR_fsetxattr, 0 },
#endif
#ifdef __NR_removexattr
	{ "removexattr", __NR_removexattr, 0 },
#endif
#ifdef __NR_lremovexattr
	{ "lremovexattr", __NR_lremovexattr, 0 },
#endif
#ifdef __NR_fremovexattr
	{ "fremovexattr", __NR_fremovexattr, 0 },
#endif
	{ "setxattrat", 463, 0 },
	{ "removexattrat", 466, 0 },
#ifdef __NR_inotify_add_watch
	{ "inotify_add_watch", __NR_inotify_add_watch, 0 },
#endif
#ifdef __NR_fanotify_mark
	{ "fanotify_mark", __NR_fanotify_mark, 0 },
#endif
#ifdef __NR_mmap
	{ "mmap", __NR_mmap, 0 },
#endif
#ifdef __NR_connect
	{ "connect", __NR_connect, 0 },
#endif
#ifdef __NR_bind
	{ "bind", __NR_bind, 0 },
#endif
#ifdef __NR_listen
	{ "listen", __NR_listen, 0 },
#endif
#ifdef __NR_sendto
	{ "sendto", __NR_sendto, 0 },
#endif
#ifdef __NR_sendmsg
	{ "sendmsg", __NR_sendmsg, 0 },
#endif
#ifdef __NR_sendmmsg
	{ "sendmmsg", __NR_sendmmsg, 0 },
#endif
};

size_t swguard_observed_call_count(void)
{
	return sizeof(CALLS) / sizeof(CALLS[0]);
}

struct swguard_observed_call swguard_observed_call_at(size_t index)
{
	return CALLS[index < swguard_observed_call_count() ? index : 0];
}
