// Times whole commands, interleaved: round by round each variant once, so that a drifting machine moves all alike, and
// in another order each round, since what one command leaves to the kernel (freeing, waking) slows the next.
//
// usage: interleave ROUNDS BASE... < VARIANTS       one variant a line: NAME <tab> [NAME=VALUE...] [N<FILE...] COMMAND,
//                                                  run by no shell
// Prints for each: minimum, median, 90th percentile in microseconds, and the median's ratio to each BASE's.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { max_variants = 32, max_words = 64, max_rounds = 10000 };

struct variant {
	char *name;
	char *variables[max_words];
	posix_spawn_file_actions_t files;
	char *words[max_words + 1];
	double *times;
	int failures;
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int run(struct variant *variant)
{
	extern char **environ;
	pid_t pid;
	int status, failure;

	for (int i = 0; variant->variables[i]; i++)
		putenv(variant->variables[i]);
	failure = posix_spawnp(&pid, variant->words[0], &variant->files, NULL, variant->words, environ);
	for (int i = 0; variant->variables[i]; i++) {
		char name[256] = {0};

		strncpy(name, variant->variables[i], strcspn(variant->variables[i], "="));
		unsetenv(name);
	}
	if (failure)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static void quiet(posix_spawn_file_actions_t *files)
{
	posix_spawn_file_actions_init(files);
	posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(files, 2, "/dev/null", O_WRONLY, 0);
}

int main(int argc, char **argv)
{
	static struct variant variants[max_variants];
	char line[8192];
	int order[max_variants], count = 0, rounds = argc > 1 ? atoi(argv[1]) : 0;

	if (rounds < 1 || rounds > max_rounds) {
		fprintf(stderr, "usage: interleave ROUNDS BASE... < VARIANTS\n");
		return 2;
	}
	while (count < max_variants && fgets(line, sizeof(line), stdin)) {
		char *save, *tab = strchr(line, '\t');
		int words = 0, variables = 0;

		if (!tab)
			continue;
		*tab = 0;
		variants[count].name = strdup(line);
		variants[count].times = calloc(rounds, sizeof(double));
		quiet(&variants[count].files);
		for (char *w = strtok_r(tab + 1, " \n", &save); w && words < max_words; w = strtok_r(NULL, " \n", &save)) {
			if (!words && strchr(w, '='))
				variants[count].variables[variables++] = strdup(w);
			else if (!words && w[0] >= '0' && w[0] <= '9' && w[1] == '<')
				posix_spawn_file_actions_addopen(&variants[count].files, w[0] - '0', w + 2, O_RDONLY, 0);
			else
				variants[count].words[words++] = strdup(w);
		}
		count++;
	}

	for (int i = 0; i < count; i++)
		order[i] = i;
	for (int round = -2; round < rounds; round++) {
		for (int i = count - 1; i > 0; i--) {
			int k = rand() % (i + 1), other = order[i];

			order[i] = order[k];
			order[k] = other;
		}
		for (int n = 0; n < count; n++) {
			int i = order[n];
			double start = now_us();
			int status = run(&variants[i]);
			double end = now_us();

			if (round < 0)
				continue; // two rounds to warm up
			variants[i].times[round] = end - start;
			variants[i].failures += status != 0;
		}
	}
	printf("%-34s %8s %8s %8s", "variant", "min us", "median", "p90");
	for (int b = 2; b < argc; b++)
		printf("  / %-12.12s", argv[b]);
	printf("\n");
	for (int i = 0; i < count; i++)
		qsort(variants[i].times, rounds, sizeof(double), ascending);
	for (int i = 0; i < count; i++) {
		double median = variants[i].times[rounds / 2];

		printf("%-34s %8.0f %8.0f %8.0f", variants[i].name, variants[i].times[0], median,
		       variants[i].times[rounds * 9 / 10]);
		for (int b = 2; b < argc; b++)
			for (int k = 0; k < count; k++)
				if (strcmp(variants[k].name, argv[b]) == 0)
					printf("  %14.2f", median / variants[k].times[rounds / 2]);
		if (variants[i].failures)
			printf("  %d of %d FAILED", variants[i].failures, rounds);
		printf("\n");
	}
	return 0;
}
