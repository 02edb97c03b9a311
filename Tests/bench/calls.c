// What calls cost, in nanoseconds of the clock: under `Tests/vm/run --icount` one is an instruction of the guest.
//
// usage: calls DIRECTORY      makes DIRECTORY/1/2/3/4/... and opens files there
// Prints for each call the 5th percentile of batches of 50, and the depth it was made at.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { batches = 100, batch = 50 };

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static int failures;

static void open_close(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);

	failures += file < 0;
	close(file);
}

static void create_unlink(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	failures += file < 0;
	close(file);
	unlink(path);
}

static void measure(const char *name, int depth, void (*call)(const char *), const char *path)
{
	long times[batches];

	failures = 0;
	for (int index = 0; index < batches; index++) {
		long begin = now();

		for (int round = 0; round < batch; round++)
			call(path);
		times[index] = (now() - begin) / batch;
	}
	qsort(times, batches, sizeof(times[0]), compare);
	printf("%-14s depth %-2d %6ld%s\n", name, depth, times[batches / 20], failures ? "  FAILED" : "");
}

int main(int argc, char **argv)
{
	char directory[4096], file[4200];
	int depth = 1;

	if (argc < 2)
		return 2;
	snprintf(directory, sizeof(directory), "%s", argv[1]);
	mkdir(directory, 0755);
	for (; depth <= 10; depth++) {
		if (depth == 2 || depth == 5 || depth == 10) {
			snprintf(file, sizeof(file), "%s/file", directory);
			close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
			measure("open+close", depth, open_close, file);
			snprintf(file, sizeof(file), "%s/new", directory);
			measure("create+unlink", depth, create_unlink, file);
		}
		snprintf(directory + strlen(directory), sizeof(directory) - strlen(directory), "/d%d", depth);
		mkdir(directory, 0755);
	}
	return 0;
}
