// The command: its output leaves through virtio ports of its own, so that the console's log never mixes with it.
#define _GNU_SOURCE
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void read_line(const char *path, char *line, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count = file < 0 ? -1 : read(file, line, size - 1);

	if (count < 0)
		fail("read %s", path);
	line[count] = 0;
	line[strcspn(line, "\n")] = 0;
	close(file);
}

// The virtio port that the host calls `name`. There is no udev to make its link.
static int open_port(const char *name)
{
	DIR *ports = opendir("/sys/class/virtio-ports");
	struct dirent *entry;
	int port = -1;

	while (ports && port < 0 && (entry = readdir(ports))) {
		char path[512], found[64];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", entry->d_name);
		read_line(path, found, sizeof found);
		if (strcmp(found, name))
			continue;
		snprintf(path, sizeof path, "/dev/%s", entry->d_name);
		port = open(path, O_WRONLY | O_CLOEXEC);
	}
	if (ports)
		closedir(ports);
	if (port < 0)
		fail("open the port %s", name);
	return port;
}

static void write_all(int file, const char *bytes, size_t size)
{
	while (size) {
		ssize_t count = write(file, bytes, size);

		if (count < 0 && errno != EINTR)
			fail("write the command's output");
		if (count > 0) {
			bytes += count;
			size -= count;
		}
	}
}

// Passes on some of what is in the pipe, and returns how much; 0 at its end.
static ssize_t pump(int from, int to)
{
	static char buffer[1 << 16];
	ssize_t count;

	do
		count = read(from, buffer, sizeof buffer);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		fail("read the command's output");
	write_all(to, buffer, count);
	return count;
}

// Passes on what is in the pipe now. Others may go on writing to it, and are not waited for.
static void drain(int from, int to)
{
	int waiting = 0;

	if (ioctl(from, FIONREAD, &waiting))
		fail("look at the command's output");
	while (waiting > 0)
		waiting -= pump(from, to);
}

static void start(char **command, char **environment, int output, int errors)
{
	int input = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (input < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0)
		_exit(125);
	if (input > 2)
		close(input);
	environ = environment;
	if (chdir("/root"))
		_exit(125);
	execvp(command[0], command);
	dprintf(2, "vm: cannot run '%s': %s\n", command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

// Where every task of a program stands in the kernel, on the console, which the host shows: so that a command that never
// ended can be understood.
static void tell_what_runs(void)
{
	static const char *const files[] = { "cmdline", "stat", "syscall", "stack" };
	glob_t tasks;

	if (glob("/proc/[0-9]*/task/[0-9]*", 0, NULL, &tasks))
		return;
	for (size_t task = 0; task < tasks.gl_pathc; task++) {
		for (size_t index = 0; index < sizeof files / sizeof *files; index++) {
			char path[128], text[4096];
			int file;
			ssize_t count;

			snprintf(path, sizeof path, "%s/%s", tasks.gl_pathv[task], files[index]);
			file = open(path, O_RDONLY | O_CLOEXEC);
			count = file < 0 ? -1 : read(file, text, sizeof text - 1);
			if (file >= 0)
				close(file);
			// The kernel's own threads have no command.
			if (count <= 0)
				break;
			for (ssize_t byte = 0; byte < count; byte++)
				if (!text[byte])
					text[byte] = ' ';
			fprintf(stderr, "vm: %s: %.*s\n", path, (int)count, text);
		}
	}
	globfree(&tasks);
}

// Runs the command to its end and returns its status as a shell would. Whoever outlives it does not hold it up. When
// `patience` seconds have passed it says what runs.
int run(char **command, char **environment, int patience)
{
	int output[2], errors[2], ports[2] = { open_port("output"), open_port("errors") };
	bool open_ends[2] = { true, true };
	sigset_t signals;
	int ends, status = -1;
	time_t start_time = time(NULL);
	pid_t child;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	// A test asks for what only the first process can do.
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	ends = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ends < 0 || pipe2(output, O_CLOEXEC) || pipe2(errors, O_CLOEXEC))
		fail("make pipes");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child)
		start(command, environment, output[1], errors[1]);
	close(output[1]);
	close(errors[1]);

	while (status < 0) {
		struct pollfd events[] = {
			{ .fd = ends, .events = POLLIN },
			{ .fd = open_ends[0] ? output[0] : -1, .events = POLLIN },
			{ .fd = open_ends[1] ? errors[0] : -1, .events = POLLIN },
		};
		struct signalfd_siginfo information;
		int ended;
		pid_t who;

		if (poll(events, 3, 1000) < 0 && errno != EINTR)
			fail("poll");
		if (patience && time(NULL) - start_time >= patience) {
			tell_what_runs();
			patience = 0;
		}
		if (events[1].revents)
			open_ends[0] = pump(output[0], ports[0]) > 0;
		if (events[2].revents)
			open_ends[1] = pump(errors[0], ports[1]) > 0;
		if (!events[0].revents)
			continue;
		while (read(ends, &information, sizeof information) > 0)
			if (information.ssi_signo == SIGUSR1 && !fork())
				launch();
		// Orphans come to the first process, too.
		while ((who = waitpid(-1, &ended, WNOHANG)) > 0)
			if (who == child)
				status = WIFEXITED(ended) ? WEXITSTATUS(ended) :
							    128 + WTERMSIG(ended);
	}
	// What it wrote before it ended is in the pipes.
	drain(output[0], ports[0]);
	drain(errors[0], ports[1]);
	close(ports[0]);
	close(ports[1]);
	return status;
}

// Tells the host how the command ended.
void report(int status)
{
	char text[16];
	int port = open_port("status");

	snprintf(text, sizeof text, "%d\n", status);
	write_all(port, text, strlen(text));
	close(port);
}
