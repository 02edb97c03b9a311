// One way around a policy at a time, tried for real.
//
// usage: attacks NAME [ARG...]    exit status: 0 the attack worked, otherwise the errno that stopped it
//        attacks --list           the names
//        attacks --when FILE NAME [ARG...]    tries it when there is the file
//        attacks --batch    tries what standard input says, line by line, and prints what each came to
//
// Static and without libc's helpers where these would hide the call that is meant: what is tried is the system call.
#define _GNU_SOURCE
#include "attack.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

// Tries an attack in a child: it changes the process that tries it. 254: the child came to a bad end.
static int attempt_apart(const struct attack *attack, char **arguments)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return errno;
	if (child == 0)
		_exit(attack->attempt(arguments));
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

#define WORDS_MAX 12

// A line is NAME and its arguments with tabs between; behind `!`, in a child. Prints a number a line: 0, or an errno.
static int batch(void)
{
	static char line[4 * PATH_MAX];

	while (fgets(line, sizeof(line), stdin)) {
		char *words[WORDS_MAX + 1] = {NULL}, *rest = line;
		int count = 0, is_apart = line[0] == '!';
		const struct attack *attack;

		line[strcspn(line, "\n")] = 0;
		rest += is_apart;
		while (count < WORDS_MAX && (words[count] = strsep(&rest, "\t")))
			count++;
		attack = named(words[0]);
		if (!attack || count - 1 < attack->arguments) {
			fprintf(stderr, "attacks: what is '%s'?\n", words[0]);
			return 254;
		}
		printf("%d\n", is_apart ? attempt_apart(attack, words + 1) : attack->attempt(words + 1));
		fflush(stdout);
		// What one has opened is not there for the next.
		syscall(SYS_close_range, 3u, ~0u, 0u);
	}
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
	if (argc > 1 && strcmp(argv[1], "--batch") == 0)
		return batch();
	if (!attack || argc - 2 < attack->arguments) {
		fprintf(stderr, "usage: attacks NAME [ARG...], attacks --list\n");
		return 254;
	}
	stopped = attack->attempt(argv + 2);
	if (stopped)
		fprintf(stderr, "%s: %s\n", argv[1], strerror(stopped));
	return stopped;
}
