#ifndef SWGUARD_CONTROL_H
#define SWGUARD_CONTROL_H

#include <stdint.h>
#include <sys/types.h>

/* Local stream sockets and their peers. Functions return -errno where they fail. */

/* Who is at the other end, as it was when it connected. */
struct swguard_peer {
	int32_t process;
	uint32_t user;
	uint32_t group;
};

/* A listening socket at `path`, that everybody may connect to when it listens, not inheritable, not blocking;
 * -ENAMETOOLONG where the path has no room in an address. */
int swguard_control_listen(const char *path, int waiting);

/* The next connection, not inheritable, not blocking. */
int swguard_control_accept(int descriptor);

/* A connection to `path`, not inheritable, not blocking, or -errno. */
int swguard_control_connect(const char *path);

int swguard_control_peer(int descriptor, struct swguard_peer *peer);

/* Bytes read or written, or -errno; writing to nobody is -EPIPE and no signal. */
int64_t swguard_control_read(int descriptor, void *buffer, uint64_t size);
int64_t swguard_control_write(int descriptor, const void *buffer, uint64_t size);

/* Says that nothing more is written. */
int swguard_control_end(int descriptor);

/* Waits until it can be read (or written); 1, 0 after the milliseconds, or -errno. */
int swguard_control_wait(int descriptor, int for_writing, int milliseconds);

/* A descriptor of the file `path`, locked for as long as it is open; it is made where it is missing. -EWOULDBLOCK:
 * another process has it. */
int swguard_control_lock(const char *path);

enum swguard_interest : uint32_t {
	SWGUARD_INTEREST_NONE = 0, /* only that the other end is gone */
	SWGUARD_INTEREST_READ = 1,
	SWGUARD_INTEREST_WRITE = 2,
};

/* What a descriptor of an epoll set became ready for. */
struct swguard_ready {
	int32_t descriptor;
	enum swguard_interest interest;
	uint32_t is_gone; /* both directions are closed */
};

int swguard_epoll_watch(int epoll, int descriptor, enum swguard_interest interest);
int swguard_epoll_change(int epoll, int descriptor, enum swguard_interest interest);

/* Up to `count` (at most 64) that are ready now; their number, or -errno. */
int swguard_epoll_poll(int epoll, struct swguard_ready *ready, int count);

/* Milliseconds of a clock that nobody sets. */
uint64_t swguard_monotonic_milliseconds(void);

#endif
