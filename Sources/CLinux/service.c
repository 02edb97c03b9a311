#define _GNU_SOURCE
#include "service.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int swguard_service_tell(const char *address, const char *text, uint64_t size)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t length = strlen(address);
	int descriptor, error;

	if (length >= sizeof name.sun_path)
		return -ENAMETOOLONG;
	memcpy(name.sun_path, address, length);
	if (address[0] == '@')
		name.sun_path[0] = 0;
	descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor < 0)
		return -errno;
	error = sendto(descriptor, text, size, MSG_NOSIGNAL, (const struct sockaddr *)&name,
		       offsetof(struct sockaddr_un, sun_path) + length) < 0 ? errno : 0;
	close(descriptor);
	return -error;
}
