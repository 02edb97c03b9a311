// The root directory of the guest.
#define _GNU_SOURCE
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

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
static void put_places(void)
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

static void mount_kernel_filesystems(void)
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

		snprintf(target, sizeof target, "%s%s", ROOT, table[index].target);
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

void build_root(void)
{
	mount_at("tmpfs", "tmpfs", ROOT, 0, "mode=0755");
	// First, since the checkout may be shown beneath /tmp.
	mount_kernel_filesystems();
	copy_tree("/etc", ROOT "/etc");
	copy_tree("/var", ROOT "/var");
	put_places();
}

// What replaces `/` is a mount of its own, as on a machine that boots from a disk: pivot_root(2) works there.
void enter_root(void)
{
	if (chdir(ROOT) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fail("enter the root directory");
	make_links_and_directories();
}
