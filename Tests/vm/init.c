// The first process of the test VM: builds a root directory from what the host shares, runs one command, reports how it
// ended, and switches the machine off.
//
// Read from the share: `places` (what to mount and link where), `command` and `environment` (NUL-terminated strings).
// The command's output leaves through virtio ports of its own, so that the console's log never mixes with it.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARE "/share"
#define ROOT "/system"

// Without a status the host reports a failure of the machine, and shows the console.
static void end(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void fail(const char *format, ...)
{
	va_list arguments;
	int error = errno;

	va_start(arguments, format);
	fprintf(stderr, "vm: cannot ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, ": %s\n", strerror(error));
	va_end(arguments);
	end();
}

// mkdir -p of the directory that `path` is in, and of `path` itself where it ends in a slash.
static void make_parents(const char *path)
{
	char part[4096];

	snprintf(part, sizeof part, "%s", path);
	for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		if (mkdir(part, 0755) && errno != EEXIST)
			fail("make %s", part);
		*slash = '/';
	}
}

static void mount_at(const char *type, const char *source, const char *target, unsigned long flags,
		     const char *options)
{
	char directory[4096];

	snprintf(directory, sizeof directory, "%s/", target);
	make_parents(directory);
	if (mount(source, target, type, flags, options))
		fail("mount %s at %s", type ? type : source, target);
}

// In the order of their names, which is that of their dependence.
static void load_modules(void)
{
	struct dirent **names;
	int count = scandir("/modules", &names, NULL, alphasort);

	for (int index = 0; index < count; index++) {
		char path[512];
		int file;

		if (names[index]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/modules/%s", names[index]->d_name);
		file = open(path, O_RDONLY | O_CLOEXEC);
		if (file < 0 || syscall(SYS_finit_module, file, "", 0))
			fail("load the module %s", path);
		close(file);
	}
}

static void copy_file(const char *from, const char *to, const struct stat *status)
{
	int source = open(from, O_RDONLY | O_CLOEXEC);
	int target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	static char buffer[1 << 18];
	ssize_t count;

	if (source < 0 || target < 0)
		fail("copy %s", from);
	while ((count = read(source, buffer, sizeof buffer)) > 0)
		if (write(target, buffer, count) != count)
			fail("write %s", to);
	if (count < 0 || fchown(target, status->st_uid, status->st_gid) ||
	    fchmod(target, status->st_mode & 07777))
		fail("copy %s", from);
	close(source);
	close(target);
}

static void copy_tree(const char *from, const char *to)
{
	struct stat status;

	if (lstat(from, &status))
		fail("look at %s", from);
	if (S_ISDIR(status.st_mode)) {
		DIR *directory = opendir(from);
		struct dirent *entry;

		if (!directory || (mkdir(to, 0755) && errno != EEXIST))
			fail("copy %s", from);
		while ((entry = readdir(directory))) {
			char source[4096], target[4096];

			if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
				continue;
			snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
			snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
			copy_tree(source, target);
		}
		closedir(directory);
		if (chown(to, status.st_uid, status.st_gid) || chmod(to, status.st_mode & 07777))
			fail("copy %s", from);
	} else if (S_ISLNK(status.st_mode)) {
		char target[4096] = "";

		if (readlink(from, target, sizeof target - 1) < 0 || symlink(target, to))
			fail("copy %s", from);
	} else if (S_ISREG(status.st_mode)) {
		copy_file(from, to, &status);
	}
}

// `bind SOURCE TARGET` shows a directory of the share read-only, `copy` copies it, `link` makes a symbolic link; fields
// are separated by tabs.
static void build_root(void)
{
	FILE *places = fopen(SHARE "/places", "re");
	char *line = NULL;
	size_t size = 0;

	if (!places)
		fail("read the list of places");
	while (getline(&line, &size, places) > 0) {
		char *verb = strtok(line, "\t\n"), *source = strtok(NULL, "\t\n"),
		     *target = strtok(NULL, "\t\n");
		char from[4096], to[4096];

		if (!verb || !source || !target) {
			errno = EINVAL;
			fail("understand the list of places");
		}
		snprintf(from, sizeof from, SHARE "/%s", source);
		snprintf(to, sizeof to, ROOT "%s", target);
		make_parents(to);
		if (!strcmp(verb, "bind"))
			mount_at(NULL, from, to, MS_BIND, NULL);
		else if (!strcmp(verb, "copy"))
			copy_tree(from, to);
		else if (symlink(source, to))
			fail("link %s", target);
	}
	free(line);
	fclose(places);
}

static void mount_kernel_filesystems(const char *root)
{
	static const struct {
		const char *type, *target, *options;
		unsigned long flags;
	} table[] = {
		{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID },
		{ "devpts", "/dev/pts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC },
		{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
		{ "mqueue", "/dev/mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "securityfs", "/sys/kernel/security", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "debugfs", "/sys/kernel/debug", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "tracefs", "/sys/kernel/tracing", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "bpf", "/sys/fs/bpf", "mode=0700", MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
		{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV },
	};

	for (size_t index = 0; index < sizeof table / sizeof *table; index++) {
		char target[256];

		snprintf(target, sizeof target, "%s%s", root, table[index].target);
		// Those of sysfs are there already, and cannot be made.
		if (access(target, F_OK) && mkdir(target, 0755))
			fail("make %s", target);
		if (mount(table[index].type, target, table[index].type, table[index].flags,
			  table[index].options))
			fail("mount %s", target);
	}
}

static void make_links_and_directories(void)
{
	static const char *const directories[] = {
		"/root",    "/home",	"/srv",	      "/mnt",	   "/media",	"/var",	     "/var/tmp",
		"/var/log", "/var/lib", "/var/cache", "/run/lock", "/run/user", "/boot",
	};

	for (size_t index = 0; index < sizeof directories / sizeof *directories; index++)
		if (mkdir(directories[index], 0755) && errno != EEXIST)
			fail("make %s", directories[index]);
	chmod("/var/tmp", 01777);
	chmod("/root", 0700);
	symlink("/run", "/var/run");
	symlink("/run/lock", "/var/lock");
	symlink("/proc/self/mounts", "/etc/mtab");
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

static void bring_up_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &request))
		fail("bring up the loopback interface");
	close(sock);
	if (sethostname("swguard-vm", 10))
		fail("set the host name");
}

// What replaces `/` is a mount of its own, as on a machine that boots from a disk: pivot_root(2) works there.
static void enter_root(void)
{
	if (chdir(ROOT) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fail("enter the root directory");
}

// Strings of a file, each ended by NUL, as an array ended by NULL.
static char **read_strings(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	size_t count = 0, index = 0;
	char *text, **strings;

	if (file < 0 || fstat(file, &status))
		fail("read %s", path);
	text = calloc(1, status.st_size + 1);
	for (ssize_t offset = 0, got; (got = read(file, text + offset, status.st_size - offset)) > 0;)
		offset += got;
	close(file);
	for (ssize_t offset = 0; offset < status.st_size; offset++)
		count += !text[offset];
	strings = calloc(count + 1, sizeof *strings);
	for (char *string = text; index < count; string += strlen(string) + 1)
		strings[index++] = string;
	return strings;
}

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

// Runs the command to its end and returns its status as a shell would. Whoever outlives it does not hold it up.
static int run(char **command, char **environment)
{
	int output[2], errors[2], ports[2] = { open_port("output"), open_port("errors") };
	bool open_ends[2] = { true, true };
	sigset_t child_ends;
	int ends, status = -1;
	pid_t child;

	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ends, NULL);
	ends = signalfd(-1, &child_ends, SFD_CLOEXEC | SFD_NONBLOCK);
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

		if (poll(events, 3, -1) < 0 && errno != EINTR)
			fail("poll");
		if (events[1].revents)
			open_ends[0] = pump(output[0], ports[0]) > 0;
		if (events[2].revents)
			open_ends[1] = pump(errors[0], ports[1]) > 0;
		if (!events[0].revents)
			continue;
		while (read(ends, &information, sizeof information) > 0)
			;
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

int main(void)
{
	char **command, **environment, text[16];
	int status, port;

	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	load_modules();
	mount_at("virtiofs", "share", SHARE, MS_RDONLY, NULL);
	mount_at("tmpfs", "tmpfs", ROOT, 0, "mode=0755");
	// First, since the checkout may be shown beneath /tmp.
	mount_kernel_filesystems(ROOT);
	copy_tree("/etc", ROOT "/etc");
	copy_tree("/var", ROOT "/var");
	build_root();
	command = read_strings(SHARE "/command");
	environment = read_strings(SHARE "/environment");
	enter_root();
	make_links_and_directories();
	bring_up_loopback();

	umask(022);
	status = run(command, environment);
	snprintf(text, sizeof text, "%d\n", status);
	port = open_port("status");
	write_all(port, text, strlen(text));
	close(port);
	end();
}
