// One way around a policy at a time, tried for real.
//
// usage: attacks NAME [ARG...]    exit status: 0 the attack worked, otherwise the errno that stopped it
//        attacks --list           the names
//
// Static and without libc's helpers where these would hide the call that is meant: what is tried is the system call.
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#error "these tests need kernel headers of Linux 5.13 or newer"
#endif
enum { nr_fsopen = 430, nr_open_tree = 428, nr_pidfd_open = 434, nr_pidfd_getfd = 438, nr_openat2 = 437 };

// What a function returns: 0, or the errno that stopped it.
static int result(long returned) { return returned < 0 ? errno : 0; }

// Names and directories.

static int at_mkdir(char **a) { return result(syscall(SYS_mkdir, a[0], 0755)); }
static int at_mkdirat(char **a) { return result(syscall(SYS_mkdirat, AT_FDCWD, a[0], 0755)); }
static int at_read(char **a)
{
	char byte;
	int fd = open(a[0], O_RDONLY);

	return fd < 0 ? errno : result(read(fd, &byte, 1));
}
static int at_openat2(char **a)
{
	struct { uint64_t flags, mode, resolve; } how = {.flags = O_RDONLY};

	return result(syscall(nr_openat2, AT_FDCWD, a[0], &how, sizeof(how)));
}
static int at_list(char **a) { return result(open(a[0], O_RDONLY | O_DIRECTORY)); }
static int at_write(char **a) { return result(open(a[0], O_WRONLY)); }
static int at_append(char **a) { return result(open(a[0], O_WRONLY | O_APPEND)); }
static int at_truncate(char **a) { return result(truncate(a[0], 0)); }
static int at_open_truncate(char **a) { return result(open(a[0], O_RDONLY | O_TRUNC)); }
static int at_create(char **a) { return result(open(a[0], O_WRONLY | O_CREAT | O_EXCL, 0644)); }
static int at_unlink(char **a) { return result(unlink(a[0])); }
static int at_rename(char **a) { return result(rename(a[0], a[1])); }
static int at_exchange(char **a) { return result(syscall(SYS_renameat2, AT_FDCWD, a[0], AT_FDCWD, a[1], 2)); }
static int at_link(char **a) { return result(link(a[0], a[1])); }
static int at_symlink(char **a) { return result(symlink(a[0], a[1])); }
static int at_mknod(char **a) { return result(mknod(a[0], S_IFCHR | 0666, 0x103)); }
static int at_execute(char **a) { return result(execv(a[0], a)); }
static int at_chroot(char **a) { return result(chroot(a[0])); }

// Opens a path once with O_PATH, which asks for nothing, and again through procfs, which must ask.
static int at_reopen(char **a)
{
	char path[64], byte;
	int fd = open(a[0], O_PATH);

	if (fd < 0)
		return errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY);
	return fd < 0 ? errno : result(read(fd, &byte, 1));
}

static int at_handle(char **a)
{
	struct { struct file_handle head; unsigned char bytes[128]; } handle = {.head.handle_bytes = 128};
	int mount, root = open("/", O_RDONLY | O_DIRECTORY);

	if (name_to_handle_at(AT_FDCWD, a[0], &handle.head, &mount, 0) < 0)
		return errno;
	return result(open_by_handle_at(root < 0 ? AT_FDCWD : root, &handle.head, O_RDONLY));
}

// A file with no name, given one afterwards.
static int at_tmpfile_link(char **a)
{
	char path[64];
	int fd = open(a[0], O_TMPFILE | O_WRONLY, 0644);

	if (fd < 0)
		return errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return result(linkat(AT_FDCWD, path, AT_FDCWD, a[1], AT_SYMLINK_FOLLOW));
}

static int at_memfd_execute(char **a)
{
	char buffer[65536], path[64];
	int in = open(a[0], O_RDONLY), out = syscall(SYS_memfd_create, "x", 0);
	ssize_t size;

	if (in < 0 || out < 0)
		return errno;
	while ((size = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, size) != size)
			return errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", out);
	return result(execv(path, a));
}

// A descriptor that was open before confinement began.
static int at_inherited_descriptor(char **a) { return result(fcntl(atoi(a[0]), F_GETFD)); }

static int at_any_descriptor(char **a)
{
	(void)a;
	for (int number = 3; number < 4096; number++)
		if (fcntl(number, F_GETFD) >= 0)
			return 0;
	return EBADF;
}
static int at_write_descriptor(char **a) { return result(write(atoi(a[0]), "x", 1)); }
static int at_mkdir_beneath(char **a) { return result(mkdirat(atoi(a[0]), a[1], 0755)); }

// What no layer of `run` looks at.

static int at_access(char **a) { return result(access(a[0], W_OK)); }
static int at_chmod(char **a) { return result(chmod(a[0], 0700)); }
static int at_watch(char **a) { return result(inotify_add_watch(inotify_init1(0), a[0], IN_ALL_EVENTS)); }

static int at_new_privileges(char **a)
{
	(void)a;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? EPERM : 0;
}

// io_uring: what it does passes no seccomp filter.

static int at_io_uring(char **a)
{
	struct io_uring_params params = {0};

	(void)a;
	return result(syscall(SYS_io_uring_setup, 4, &params));
}

static int at_io_uring_mkdir(char **a)
{
	struct io_uring_params p = {0};
	int ring = syscall(SYS_io_uring_setup, 4, &p);
	size_t size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqe;
	char *queues;

	if (ring < 0)
		return errno;
	if (size < p.sq_off.array + p.sq_entries * sizeof(unsigned))
		size = p.sq_off.array + p.sq_entries * sizeof(unsigned);
	queues = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (queues == MAP_FAILED || sqes == MAP_FAILED)
		return errno;
	memset(sqes, 0, sizeof(*sqes));
	sqes[0].opcode = IORING_OP_MKDIRAT;
	sqes[0].fd = AT_FDCWD;
	sqes[0].addr = (uintptr_t)a[0];
	sqes[0].len = 0755;
	((unsigned *)(queues + p.sq_off.array))[0] = 0;
	*(unsigned *)(queues + p.sq_off.tail) = 1;
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return errno;
	cqe = (struct io_uring_cqe *)(queues + p.cq_off.cqes);
	return cqe->res < 0 ? -cqe->res : 0;
}

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
static int at_x32_getppid(char **a)
{
	(void)a;
	return result(syscall(SYS_getppid | 0x40000000));
}
#endif

// Namespaces and mounts.

static int at_unshare(char **a) { (void)a; return result(unshare(CLONE_NEWUSER)); }
static int at_setns(char **a)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	(void)a;
	return fd < 0 ? errno : result(setns(fd, 0));
}
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
static int at_fsopen(char **a) { (void)a; return result(syscall(nr_fsopen, "tmpfs", 0)); }
static int at_open_tree(char **a) { return result(syscall(nr_open_tree, AT_FDCWD, a[0], 1)); }
static int at_pivot_root(char **a) { return result(syscall(SYS_pivot_root, a[0], a[0])); }

// Other processes.

static int at_ptrace(char **a) { return result(ptrace(PTRACE_ATTACH, process_named(a[0]), 0, 0)); }
static int at_read_memory(char **a)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {(void *)strtoull(a[1], NULL, 16), 1};

	return result(process_vm_readv(process_named(a[0]), &local, 1, &remote, 1, 0));
}
static int at_proc_memory(char **a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", process_named(a[0]));
	return result(open(path, O_RDWR));
}
static int at_environment(char **a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/environ", process_named(a[0]));
	return at_read((char *[]){path, NULL});
}
static int at_pidfd_getfd(char **a)
{
	int pidfd = syscall(nr_pidfd_open, process_named(a[0]), 0);

	return pidfd < 0 ? errno : result(syscall(nr_pidfd_getfd, pidfd, 0, 0));
}
static int at_signal(char **a) { return result(kill(process_named(a[0]), SIGCONT)); }

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

// Sockets.

static int new_socket(int family, int type, int protocol) { return result(socket(family, type, protocol)); }
static int at_udp(char **a) { (void)a; return new_socket(AF_INET, SOCK_DGRAM, 0); }
static int at_udp6(char **a) { (void)a; return new_socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0); }
static int at_udplite(char **a) { (void)a; return new_socket(AF_INET, SOCK_DGRAM, 136); }
static int at_raw(char **a) { (void)a; return new_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static int at_ping(char **a) { (void)a; return new_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP); }
static int at_packet(char **a) { (void)a; return new_socket(AF_PACKET, SOCK_RAW, 0x0300); }
static int at_sctp(char **a) { (void)a; return new_socket(AF_INET, SOCK_STREAM, 132); }
static int at_mptcp(char **a) { (void)a; return new_socket(AF_INET, SOCK_STREAM, 262); }
static int at_netlink_audit(char **a) { (void)a; return new_socket(AF_NETLINK, SOCK_RAW, 9); }
static int at_alg(char **a) { (void)a; return new_socket(38, SOCK_SEQPACKET, 0); }
static int at_vsock(char **a) { (void)a; return new_socket(40, SOCK_STREAM, 0); }
static int at_unix(char **a) { (void)a; return new_socket(AF_UNIX, SOCK_STREAM, 0); }
// The upper half of the argument is ignored by the kernel; a filter that compares 64 bits lets it through.
static int at_unix_wide(char **a) { (void)a; return result(syscall(SYS_socket, AF_UNIX | 1L << 32, 1L << 32 | 1, 0)); }

static struct sockaddr_in loopback(char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}
static int at_connect(char **a)
{
	struct sockaddr_in address = loopback(a[0]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno : result(connect(fd, (void *)&address, sizeof(address)));
}
static int at_connect_mapped(char **a)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(a[0]))};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	memcpy(&address.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	return fd < 0 ? errno : result(connect(fd, (void *)&address, sizeof(address)));
}
static int at_connect_unspecified(char **a)
{
	struct sockaddr_in address = loopback(a[0]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = 0;
	return fd < 0 ? errno : result(connect(fd, (void *)&address, sizeof(address)));
}
static int at_fast_open(char **a)
{
	struct sockaddr_in address = loopback(a[0]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno : result(sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&address, sizeof(address)));
}
static int at_fast_open_message(char **a)
{
	struct sockaddr_in address = loopback(a[0]);
	struct iovec data = {"x", 1};
	struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &data, .msg_iovlen = 1};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno : result(sendmsg(fd, &message, MSG_FASTOPEN));
}
static int at_bind(char **a)
{
	struct sockaddr_in address = loopback(a[0]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno : result(bind(fd, (void *)&address, sizeof(address)));
}
static int named(char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	strncpy(address->sun_path, path, sizeof(address->sun_path) - 1);
	if (path[0] == '@')
		address->sun_path[0] = 0;
	return offsetof(struct sockaddr_un, sun_path) + strlen(path) + (path[0] != '@');
}
static int at_connect_unix(char **a)
{
	struct sockaddr_un address;
	int length = named(a[0], &address), fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 ? errno : result(connect(fd, (void *)&address, length));
}
// One end of a pair of datagram sockets is a unix socket like any other: it sends to whom it likes.
static int at_pair_sendto(char **a)
{
	struct sockaddr_un address;
	int length = named(a[0], &address), pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
		return errno;
	return result(sendto(pair[0], "x", 1, 0, (void *)&address, length));
}
static int at_pair_family(char **a)
{
	int pair[2];

	return result(socketpair(atoi(a[0]), SOCK_DGRAM, 0, pair));
}
// SOL_TCP, TCP_ULP: another protocol in place of TCP.
static int at_upper_layer(char **a)
{
	return result(setsockopt(socket(AF_INET, SOCK_STREAM, 0), 6, 31, a[0], strlen(a[0])));
}
static int at_pair_stream(char **a)
{
	int pair[2];

	(void)a;
	return result(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

// Code and memory.

static int at_writable_code(char **a)
{
	(void)a;
	return mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}
static int at_made_executable(char **a)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)a;
	*page = (char)0xc3;
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0)
		return errno;
	((void (*)(void))page)();
	return 0;
}
static int at_read_implies_exec(char **a)
{
	static char *page;

	(void)a;
	if (personality(READ_IMPLIES_EXEC) < 0)
		return errno;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*page = (char)0xc3;
	((void (*)(void))page)();
	return 0;
}

static void *try_in_thread(void *path) { return (void *)(intptr_t)at_read((char *[]){path, NULL}); }
// A thread is confined like the process that made it.
static int at_thread_read(char **a)
{
	pthread_t thread;
	void *found;
	int failure = pthread_create(&thread, NULL, try_in_thread, a[0]);

	if (failure)
		return failure;
	pthread_join(thread, &found);
	return (int)(intptr_t)found;
}
// Out of the session, orphaned, and still confined.
static int at_daemon_read(char **a)
{
	int pipes[2], found = ECHILD;

	if (pipe(pipes) < 0)
		return errno;
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			found = at_read(a);
			write(pipes[1], &found, sizeof(found));
		}
		_exit(0);
	}
	close(pipes[1]);
	return read(pipes[0], &found, sizeof(found)) == sizeof(found) ? found : ECHILD;
}

static int at_call(char **a)
{
	long args[6] = {0};

	for (int i = 0; i < 6 && a[1 + i]; i++)
		args[i] = strtol(a[1 + i], NULL, 0);
	return result(syscall(atoi(a[0]), args[0], args[1], args[2], args[3], args[4], args[5]));
}

static const struct {
	const char *name;
	int (*attempt)(char **arguments);
	int arguments;
} attacks[] = {
	{"read", at_read, 1}, {"openat2", at_openat2, 1}, {"list", at_list, 1}, {"write", at_write, 1},
	{"append", at_append, 1}, {"truncate", at_truncate, 1}, {"open-truncate", at_open_truncate, 1},
	{"create", at_create, 1}, {"mkdir", at_mkdir, 1}, {"mkdirat", at_mkdirat, 1}, {"unlink", at_unlink, 1},
	{"rename", at_rename, 2}, {"exchange", at_exchange, 2}, {"link", at_link, 2}, {"symlink", at_symlink, 2},
	{"mknod", at_mknod, 1}, {"execute", at_execute, 1}, {"chroot", at_chroot, 1}, {"reopen", at_reopen, 1},
	{"handle", at_handle, 1}, {"tmpfile-link", at_tmpfile_link, 2}, {"memfd-execute", at_memfd_execute, 1},
	{"inherited-descriptor", at_inherited_descriptor, 1}, {"io-uring", at_io_uring, 0},
	{"io-uring-mkdir", at_io_uring_mkdir, 1},
#ifdef __x86_64__
	{"int80-mkdir", at_int80_mkdir, 1}, {"x32-getppid", at_x32_getppid, 0},
#endif
	{"unshare", at_unshare, 0}, {"setns", at_setns, 0}, {"clone", at_clone, 0}, {"clone3", at_clone3, 0},
	{"mount", at_mount, 1}, {"umount", at_umount, 1}, {"fsopen", at_fsopen, 0}, {"open-tree", at_open_tree, 1},
	{"pivot-root", at_pivot_root, 1}, {"ptrace", at_ptrace, 1}, {"read-memory", at_read_memory, 2},
	{"proc-memory", at_proc_memory, 1}, {"environment", at_environment, 1}, {"pidfd-getfd", at_pidfd_getfd, 1},
	{"signal", at_signal, 1}, {"tiocsti", at_tiocsti, 0}, {"tiocsti-wide", at_tiocsti_wide, 0},
	{"tioclinux", at_tioclinux, 0}, {"udp", at_udp, 0}, {"udp6", at_udp6, 0}, {"udplite", at_udplite, 0},
	{"raw", at_raw, 0}, {"ping", at_ping, 0}, {"packet", at_packet, 0}, {"sctp", at_sctp, 0}, {"mptcp", at_mptcp, 0},
	{"netlink-audit", at_netlink_audit, 0}, {"alg", at_alg, 0}, {"vsock", at_vsock, 0}, {"unix", at_unix, 0},
	{"unix-wide", at_unix_wide, 0}, {"connect", at_connect, 1}, {"connect-mapped", at_connect_mapped, 1},
	{"connect-unspecified", at_connect_unspecified, 1}, {"fast-open", at_fast_open, 1},
	{"fast-open-message", at_fast_open_message, 1}, {"bind", at_bind, 1}, {"connect-unix", at_connect_unix, 1},
	{"pair-sendto", at_pair_sendto, 1}, {"pair-stream", at_pair_stream, 0}, {"writable-code", at_writable_code, 0},
	{"made-executable", at_made_executable, 0}, {"read-implies-exec", at_read_implies_exec, 0},
	{"thread-read", at_thread_read, 1}, {"daemon-read", at_daemon_read, 1}, {"call", at_call, 1},
	{"any-descriptor", at_any_descriptor, 0}, {"write-descriptor", at_write_descriptor, 1},
	{"mkdir-beneath", at_mkdir_beneath, 2}, {"access", at_access, 1}, {"chmod", at_chmod, 1},
	{"watch", at_watch, 1}, {"new-privileges", at_new_privileges, 0}, {"pair-family", at_pair_family, 1},
	{"upper-layer", at_upper_layer, 1}, {"trace-me", at_trace_me, 1}, {"limit", at_limit, 1},
	{"call-storm", at_call_storm, 1}, {"open-storm", at_open_storm, 1}, {"threads", at_threads, 1},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (strcmp(argv[1], "--list") == 0) {
			puts(attacks[i].name);
		} else if (strcmp(argv[1], attacks[i].name) == 0) {
			if (argc - 2 < attacks[i].arguments)
				break;
			int stopped = attacks[i].attempt(argv + 2);

			if (stopped)
				fprintf(stderr, "%s: %s\n", argv[1], strerror(stopped));
			return stopped;
		}
	}
	if (argc > 1 && strcmp(argv[1], "--list") == 0)
		return 0;
	fprintf(stderr, "usage: attacks NAME [ARG...], attacks --list\n");
	return 254;
}
