// What a confined process can do to the process that watches it, and what watching must not do to a program.
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

int process_named(const char *argument) { return strcmp(argument, "parent") == 0 ? getppid() : atoi(argument); }

static void on_signal(int signal) { (void)signal; }

// Makes the parent the tracer: what is raised then stops this process and is shown to the parent as a stop.
static int at_trace_me(char **a)
{
	int number = atoi(a[0]), parent = getppid();

	signal(number, on_signal);
	// Or it would end with its parent, and nobody would be told.
	prctl(PR_SET_PDEATHSIG, 0);
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
		return errno;
	raise(number);
	usleep(100 * 1000);
	return getppid() == parent ? EPERM : 0;
}

// A file size that ends an audit log, as RLIMIT_CPU would end the process.
static int at_limit(char **a)
{
	const struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	return prlimit(process_named(a[0]), RLIMIT_FSIZE, &limit, NULL) < 0 ? errno : 0;
}

// A timer that goes off all the time, as a runtime that preempts its threads by signals has it.
static void start_storm(void)
{
	const struct itimerval often = {.it_interval = {.tv_usec = 150}, .it_value = {.tv_usec = 150}};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

// Makes the same denied call so many times, and says what else than EPERM it ever gave.
static int at_call_storm(char **a)
{
	start_storm();
	for (int left = atoi(a[0]); left > 0; left--) {
		if (unshare(CLONE_NEWUSER) == 0)
			return 0;
		if (errno != EPERM)
			return errno;
	}
	return EPERM;
}

// Opens what is granted so many times, and says what stopped it.
static int at_open_storm(char **a)
{
	start_storm();
	for (int left = atoi(a[0]); left > 0; left--) {
		int file = open("/dev/null", O_RDONLY);

		if (file < 0)
			return errno;
		close(file);
	}
	return 0;
}

static void *try_unshare(void *nothing)
{
	(void)nothing;
	return (void *)(long)(unshare(CLONE_NEWUSER) < 0 ? errno : 0);
}

// As many threads as asked for, each of which tries what is denied: the last one's answer.
static int at_threads(char **a)
{
	pthread_t threads[64];
	void *found = NULL;
	int count = atoi(a[0]) > 64 ? 64 : atoi(a[0]);

	for (int index = 0; index < count; index++) {
		int failure = pthread_create(&threads[index], NULL, try_unshare, NULL);

		if (failure)
			return failure;
	}
	for (int index = 0; index < count; index++)
		pthread_join(threads[index], &found);
	return (int)(long)found;
}

const struct attack supervisor_attacks[] = {
	{"trace-me", at_trace_me, 1}, {"limit", at_limit, 1}, {"call-storm", at_call_storm, 1},
	{"open-storm", at_open_storm, 1}, {"threads", at_threads, 1},
	{NULL, NULL, 0},
};
