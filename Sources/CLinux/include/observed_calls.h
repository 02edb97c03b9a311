#ifndef SWGUARD_OBSERVED_CALLS_H
#define SWGUARD_OBSERVED_CALLS_H

#include <stddef.h>
#include <stdint.h>

/* The calls whose files and addresses can be observed, with their numbers on this architecture. */
struct swguard_observed_call {
	const char *name;
	int32_t number;
	uint32_t reserved;
};

size_t swguard_observed_call_count(void);
struct swguard_observed_call swguard_observed_call_at(size_t index);

#endif
