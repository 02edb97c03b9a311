// One way around a policy at a time, tried for real.
//
// usage: attacks NAME [ARG...]    exit status: 0 the attack worked, otherwise the errno that stopped it
//        attacks --list           the names
//        attacks --when FILE NAME [ARG...]    tries it when there is the file
//
// Static and without libc's helpers where these would hide the call that is meant: what is tried is the system call.
#define _GNU_SOURCE
#include "attack.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct attack *const families[] = {
	file_attacks, call_attacks, process_attacks, socket_attacks, memory_attacks, supervisor_attacks,
	ring_attacks, code_attacks, address_attacks, setting_attacks,
	endpoint_attacks, operation_attacks,
};

static const struct attack *named(const char *name)
{
	for (size_t family = 0; family < sizeof(families) / sizeof(families[0]); family++)
		for (const struct attack *attack = families[family]; attack->name; attack++)
			if (strcmp(name, attack->name) == 0)
				return attack;
	return NULL;
}

static int list(void)
{
	for (size_t family = 0; family < sizeof(families) / sizeof(families[0]); family++)
		for (const struct attack *attack = families[family]; attack->name; attack++)
			puts(attack->name);
	return 0;
}

int main(int argc, char **argv)
{
	const struct attack *attack;
	int stopped;

	if (argc > 3 && strcmp(argv[1], "--when") == 0) {
		while (access(argv[2], F_OK))
			usleep(10 * 1000);
		argv += 2;
		argc -= 2;
	}
	attack = argc > 1 ? named(argv[1]) : NULL;
	if (argc > 1 && strcmp(argv[1], "--list") == 0)
		return list();
	if (!attack || argc - 2 < attack->arguments) {
		fprintf(stderr, "usage: attacks NAME [ARG...], attacks --list\n");
		return 254;
	}
	stopped = attack->attempt(argv + 2);
	if (stopped)
		fprintf(stderr, "%s: %s\n", argv[1], strerror(stopped));
	return stopped;
}
