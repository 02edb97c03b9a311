#pragma once

#include <errno.h>

/* One way around a policy. */
struct attack {
	const char *name;
	/* Tries it; 0, or the errno that stopped it. */
	int (*attempt)(char **arguments);
	/* How many arguments it needs. */
	int arguments;
};

/* The families, each ended by an attack without a name. */
extern const struct attack file_attacks[], call_attacks[], process_attacks[], socket_attacks[], memory_attacks[],
	supervisor_attacks[], ring_attacks[], code_attacks[], address_attacks[], setting_attacks[],
	endpoint_attacks[], operation_attacks[];

/* What a function returns: 0, or the errno that stopped it. */
static inline int result(long returned) { return returned < 0 ? errno : 0; }

/* The process that an argument names: a number, or `parent`. */
int process_named(const char *argument);

/* Reads a byte of the file at a path. */
int at_read(char **path);
