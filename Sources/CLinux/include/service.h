#ifndef SWGUARD_SERVICE_H
#define SWGUARD_SERVICE_H

#include <stdint.h>

/* Sends a datagram to the unix socket at `address`, abstract where it begins with '@', without waiting; -errno. */
int swguard_service_tell(const char *address, const char *text, uint64_t size);

#endif
