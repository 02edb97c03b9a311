#define _GNU_SOURCE
#include "audit_log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int swguard_rename_new(const char *from, const char *to)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	/* File systems that know no flags (NFS, some FUSE): the directory is ours alone, so that looking first is enough. */
	if (errno != EINVAL)
		return -errno;
	if (!faccessat(AT_FDCWD, to, F_OK, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	return rename(from, to) ? -errno : 0;
}

struct start {
	void (*body)(void *);
	void *context;
};

static void *begin(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	start.body(start.context);
	return NULL;
}

/* Enough for zlib and Swift; the default of 8 MiB would count as much against limits of locked memory. */
#define STACK_SIZE (512 * 1024)

int swguard_thread_start(void (*body)(void *), void *context)
{
	struct start *start = malloc(sizeof *start);
	pthread_attr_t attributes;
	sigset_t all, previous;
	pthread_t thread;
	int error;

	if (!start)
		return -ENOMEM;
	*start = (struct start){ body, context };
	if (pthread_attr_init(&attributes)) {
		free(start);
		return -ENOMEM;
	}
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &previous);
	error = pthread_create(&thread, &attributes, begin, start);
	pthread_sigmask(SIG_SETMASK, &previous, NULL);
	pthread_attr_destroy(&attributes);
	if (error)
		free(start);
	return -error;
}

int swguard_bell_create(void)
{
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return bell < 0 ? -errno : bell;
}

void swguard_bell_ring(int bell)
{
	/* EAGAIN: it was rung as often as it can be, and still wakes. */
	(void)!write(bell, &(uint64_t){ 1 }, sizeof(uint64_t));
}

void swguard_bell_wait(int bell, int milliseconds)
{
	struct pollfd waiting = { .fd = bell, .events = POLLIN };
	uint64_t count;

	if (poll(&waiting, 1, milliseconds) > 0)
		(void)!read(bell, &count, sizeof count);
}

int swguard_log_connect_unix(const char *path, int *is_stream)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	int types[] = { SOCK_DGRAM, SOCK_STREAM }, error = EPROTOTYPE;

	if (length >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);
	for (int i = 0; i < 2; i++) {
		int descriptor = socket(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (descriptor < 0)
			return -errno;
		if (!connect(descriptor, (struct sockaddr *)&address, sizeof address)) {
			*is_stream = types[i] == SOCK_STREAM;
			return descriptor;
		}
		error = errno;
		close(descriptor);
		if (error != EPROTOTYPE)
			break;
	}
	return -error;
}

int swguard_log_connect_udp(const char *address, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	int descriptor, result;

	if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
		return -EINVAL;
	descriptor = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor < 0)
		return -errno;
	result = is_v4 ? connect(descriptor, (struct sockaddr *)&v4, sizeof v4)
		       : connect(descriptor, (struct sockaddr *)&v6, sizeof v6);
	if (result) {
		result = -errno;
		close(descriptor);
		return result;
	}
	return descriptor;
}

int64_t swguard_log_send(int socket, const void *bytes, uint64_t size)
{
	for (int attempt = 0;; attempt++) {
		ssize_t sent = send(socket, bytes, size, MSG_NOSIGNAL);
		struct pollfd waiting = { .fd = socket, .events = POLLOUT };

		if (sent >= 0)
			return sent;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN || attempt > 0)
			return -errno;
		poll(&waiting, 1, 1000);
	}
}

int swguard_log_send_sealed(int socket, const void *bytes, uint64_t size)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int file = memfd_create("swguard-event", MFD_CLOEXEC | MFD_ALLOW_SEALING), result = 0;

	if (file < 0)
		return -errno;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &file, sizeof file);
	if (write(file, bytes, size) != (ssize_t)size
	    || fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
	    || sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
		result = -errno;
	close(file);
	return result;
}
