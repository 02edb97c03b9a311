// The least that confining a command can cost: a static C program that sets ten Landlock rules and a precompiled
// seccomp filter, and executes the command in place. What `swguard run` is compared with.
//
// usage: floor FILTER COMMAND [ARG...]     FILTER: a file of struct sock_filter
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const paths[] = {"/usr", "/etc", "/dev", "/proc", "/sys", "/tmp", "/var", "/opt", "/home", "/root"};

int main(int argc, char **argv)
{
	static struct sock_filter instructions[4096];
	struct landlock_ruleset_attr handled = {.handled_access_fs = (1 << 13) - 1};
	struct sock_fprog program = {.filter = instructions};
	int filter, ruleset;
	ssize_t size;

	if (argc < 3)
		return 125;
	filter = open(argv[1], O_RDONLY | O_CLOEXEC);
	size = read(filter, instructions, sizeof(instructions));
	if (size <= 0)
		return 125;
	program.len = size / sizeof(instructions[0]);
	ruleset = syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct landlock_path_beneath_attr rule = {
			.allowed_access = handled.handled_access_fs,
			.parent_fd = open(paths[i], O_PATH | O_CLOEXEC),
		};

		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
			return 125;
		close(rule.parent_fd);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, ruleset, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return 125;
	execv(argv[2], argv + 2);
	return 127;
}
