#ifndef SWGUARD_AUDIT_LOG_H
#define SWGUARD_AUDIT_LOG_H

#include <stdint.h>

/* What the audit log asks of the kernel. Functions return -errno on failure. */

/* Renames a file, and replaces none (-EEXIST). */
int swguard_rename_new(const char *from, const char *to);

/* Runs `body` with `context` in a thread of its own that takes no signals and that nobody waits for. */
int swguard_thread_start(void (*body)(void *), void *context);

/* A descriptor that one thread waits at until another has something for it. */
int swguard_bell_create(void);
void swguard_bell_ring(int bell);
/* Returns when it was rung, or after the milliseconds (-1: never). */
void swguard_bell_wait(int bell, int milliseconds);

/* A socket that sends datagrams to the unix socket at `path`; a stream where that is what listens there, and *is_stream says it. */
int swguard_log_connect_unix(const char *path, int *is_stream);
/* A socket that sends datagrams to a numeric IPv4 or IPv6 address. */
int swguard_log_connect_udp(const char *address, uint16_t port);
/* Sends one message, and waits until it is taken, for 1 s at most (-EAGAIN). */
int64_t swguard_log_send(int socket, const void *bytes, uint64_t size);
/* Sends a message that is too long for a datagram: sealed in a file in memory, of which the descriptor is sent. */
int swguard_log_send_sealed(int socket, const void *bytes, uint64_t size);

#endif
