#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int address_of(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address->sun_path)
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

static int local_socket(void)
{
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return descriptor < 0 ? -errno : descriptor;
}

static int close_with(int descriptor, int error)
{
	close(descriptor);
	return -error;
}

int swguard_control_listen(const char *path, int waiting)
{
	struct sockaddr_un address;
	int error = address_of(path, &address), descriptor;

	if (error)
		return error;
	descriptor = local_socket();
	if (descriptor < 0)
		return descriptor;
	/* The name gets the socket's own mode when it appears (net/unix/af_unix.c, unix_bind_bsd), less what the umask takes:
	 * nobody gets in between. */
	if (fchmod(descriptor, 0600) || bind(descriptor, (const struct sockaddr *)&address, sizeof address) ||
	    listen(descriptor, waiting) || chmod(path, 0666))
		return close_with(descriptor, errno);
	return descriptor;
}

int swguard_control_accept(int descriptor)
{
	int connection = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return connection < 0 ? -errno : connection;
}

int swguard_control_connect(const char *path)
{
	struct sockaddr_un address;
	int error = address_of(path, &address), descriptor;

	if (error)
		return error;
	descriptor = local_socket();
	if (descriptor < 0)
		return descriptor;
	/* EAGAIN: more wait than it listens for. */
	if (connect(descriptor, (const struct sockaddr *)&address, sizeof address))
		return close_with(descriptor, errno);
	return descriptor;
}

int swguard_control_peer(int descriptor, struct swguard_peer *peer)
{
	struct ucred credentials;
	socklen_t size = sizeof credentials;

	if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size))
		return -errno;
	*peer = (struct swguard_peer){ credentials.pid, credentials.uid, credentials.gid };
	return 0;
}

int64_t swguard_control_read(int descriptor, void *buffer, uint64_t size)
{
	ssize_t count = recv(descriptor, buffer, size, 0);

	return count < 0 ? -errno : count;
}

int swguard_control_end(int descriptor)
{
	return shutdown(descriptor, SHUT_WR) ? -errno : 0;
}

int64_t swguard_control_write(int descriptor, const void *buffer, uint64_t size)
{
	ssize_t count = send(descriptor, buffer, size, MSG_NOSIGNAL);

	return count < 0 ? -errno : count;
}

int swguard_control_wait(int descriptor, int for_writing, int milliseconds)
{
	struct pollfd wait = { .fd = descriptor, .events = for_writing ? POLLOUT : POLLIN };
	int count = poll(&wait, 1, milliseconds);

	return count < 0 ? -errno : count;
}

int swguard_control_lock(const char *path)
{
	int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (descriptor < 0)
		return -errno;
	if (flock(descriptor, LOCK_EX | LOCK_NB))
		return close_with(descriptor, errno);
	return descriptor;
}

static uint32_t events_of(enum swguard_interest interest)
{
	return (interest & SWGUARD_INTEREST_READ ? EPOLLIN : 0) | (interest & SWGUARD_INTEREST_WRITE ? EPOLLOUT : 0);
}

static int control_epoll(int epoll, int operation, int descriptor, enum swguard_interest interest)
{
	struct epoll_event event = { .events = events_of(interest), .data.fd = descriptor };

	return epoll_ctl(epoll, operation, descriptor, &event) ? -errno : 0;
}

int swguard_epoll_watch(int epoll, int descriptor, enum swguard_interest interest)
{
	return control_epoll(epoll, EPOLL_CTL_ADD, descriptor, interest);
}

int swguard_epoll_change(int epoll, int descriptor, enum swguard_interest interest)
{
	return control_epoll(epoll, EPOLL_CTL_MOD, descriptor, interest);
}

int swguard_epoll_poll(int epoll, struct swguard_ready *ready, int count)
{
	struct epoll_event events[64];
	int found = epoll_wait(epoll, events, count > 64 ? 64 : count, 0);

	if (found < 0)
		return -errno;
	for (int index = 0; index < found; index++)
		ready[index] = (struct swguard_ready){
			.descriptor = events[index].data.fd,
			.interest = (events[index].events & EPOLLIN ? SWGUARD_INTEREST_READ : 0) |
				    (events[index].events & EPOLLOUT ? SWGUARD_INTEREST_WRITE : 0),
			.is_gone = (events[index].events & (EPOLLHUP | EPOLLERR)) != 0,
		};
	return found;
}

uint64_t swguard_monotonic_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
