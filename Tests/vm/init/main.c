// The first process of the test VM: builds a root directory from what the host shares, runs one command, reports how it
// ended, and switches the machine off.
//
// Read from the share: `places` (what to mount and link where), `command`, `environment` and `patience` (NUL-terminated
// strings).
#define _GNU_SOURCE
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Without a status the host reports a failure of the machine, and shows the console.
void end(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

void fail(const char *format, ...)
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

// Becomes systemd, and leaves the command to a child: it begins when the system does.
static void leave_to_systemd(void)
{
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (!child)
		return;
	execl("/lib/systemd/systemd", "systemd", NULL);
	fail("execute systemd");
}

int main(void)
{
	char **command, **environment, **patience;
	bool is_system = false;

	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	load_modules();
	mkdir(SHARE, 0755);
	if (mount("share", SHARE, "virtiofs", MS_RDONLY, NULL))
		fail("mount what the host shares");
	build_root();
	command = read_strings(SHARE "/command");
	environment = read_strings(SHARE "/environment");
	patience = read_strings(SHARE "/patience");
	is_system = !access(SHARE "/systemd", F_OK);
	enter_root();
	bring_up_loopback();

	umask(022);
	if (is_system)
		leave_to_systemd();
	report(run(command, environment, atoi(patience[0])));
	end();
}
