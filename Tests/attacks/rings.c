// io_uring: what it does passes no seccomp filter, and may be done by another thread.
#define _GNU_SOURCE
#include "attack.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int at_io_uring(char **a)
{
	struct io_uring_params params = {0};

	(void)a;
	return result(syscall(SYS_io_uring_setup, 4, &params));
}

// Does one request by a ring that was set up with `flags`, and waits for it: 0, or the errno that stopped it.
static int submit(const struct io_uring_sqe *request, unsigned flags)
{
	struct io_uring_params p = {.flags = flags, .sq_thread_idle = 1000};
	int ring = syscall(SYS_io_uring_setup, 4, &p);
	size_t size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	unsigned enter = IORING_ENTER_GETEVENTS | (flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0);
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
	sqes[0] = *request;
	((unsigned *)(queues + p.sq_off.array))[0] = 0;
	__atomic_store_n((unsigned *)(queues + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, enter, NULL, 0) < 0)
		return errno;
	cqe = (struct io_uring_cqe *)(queues + p.cq_off.cqes);
	return cqe->res < 0 ? -cqe->res : 0;
}

static struct io_uring_sqe opening(const char *path)
{
	return (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t)path, .open_flags = O_RDONLY};
}

static int at_open(char **a)
{
	struct io_uring_sqe request = opening(a[0]);

	return submit(&request, 0);
}
// By a worker of the kernel that acts for the process.
static int at_open_by_worker(char **a)
{
	struct io_uring_sqe request = opening(a[0]);

	request.flags = IOSQE_ASYNC;
	return submit(&request, 0);
}
// By a thread of the kernel that looks for requests itself.
static int at_open_by_poller(char **a)
{
	struct io_uring_sqe request = opening(a[0]);

	return submit(&request, IORING_SETUP_SQPOLL);
}
static int at_mkdir(char **a)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, .addr = (uintptr_t)a[0], .len = 0755};

	return submit(&request, 0);
}
static int at_rename(char **a)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_RENAMEAT, .fd = AT_FDCWD, .addr = (uintptr_t)a[0], .len = AT_FDCWD,
		.addr2 = (uintptr_t)a[1]};

	return submit(&request, 0);
}
static int at_unlink(char **a)
{
	struct io_uring_sqe request = {.opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = (uintptr_t)a[0]};

	return submit(&request, 0);
}

const struct attack ring_attacks[] = {
	{"io-uring", at_io_uring, 0}, {"io-uring-open", at_open, 1}, {"io-uring-worker", at_open_by_worker, 1},
	{"io-uring-poller", at_open_by_poller, 1}, {"io-uring-mkdir", at_mkdir, 1},
	{"io-uring-rename", at_rename, 2}, {"io-uring-unlink", at_unlink, 1},
	{NULL, NULL, 0},
};
