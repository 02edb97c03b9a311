// Starts a program as container runtimes do: the process enters its cgroup first, and then sets up its namespaces, its
// root directory and its ids, all before the program is executed.
//
// usage: container-launcher [--again] CGROUP IMAGE SPACE [--bind SOURCE TARGET]... -- PROGRAM [ARG...]
//
// The program sees an overlay of the directory IMAGE, whose writable layer is SPACE/upper, with the host's /usr, a procfs
// and a /tmp of its own, and each SOURCE at TARGET. With --again the launcher executes itself once it is in the cgroup, as
// runc does. Exit status: the program's; 254 where the launcher could not do its part.
//
// Static: it has no libraries left to load when it is in the cgroup.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Users of the container are the host's from here on.
#define FIRST_ID 100000
#define PROGRAM_ID 1000

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "container-launcher: cannot %s: %s\n", what, strerror(errno));
	_exit(254);
}

static void write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		fail(path);
	close(file);
}

static void make_directory(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		fail(path);
}

static int status_of(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			fail("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// A child that stays outside writes the maps: they take a privilege that is lost inside.
static void enter_user_namespace(void)
{
	int ready[2];
	pid_t child;
	char signal = 0;

	if (pipe2(ready, O_CLOEXEC))
		fail("make a pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		char path[64], map[64];

		if (read(ready[0], &signal, 1) != 1)
			_exit(254);
		snprintf(map, sizeof map, "0 %d 65536\n", FIRST_ID);
		snprintf(path, sizeof path, "/proc/%d/uid_map", getppid());
		write_file(path, map);
		snprintf(path, sizeof path, "/proc/%d/gid_map", getppid());
		write_file(path, map);
		_exit(0);
	}
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC))
		fail("unshare");
	if (write(ready[1], &signal, 1) != 1 || status_of(child))
		fail("have the ids mapped");
	if (setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0))
		fail("become the container's root");
}

static void bind(const char *source, const char *target)
{
	if (mount(source, target, NULL, MS_BIND | MS_REC, NULL))
		fail(target);
}

static void build_root(const char *image, const char *space, char **binds)
{
	static const char *const devices[] = { "null", "zero", "urandom" };
	char options[4096], root[1024], path[2048], source[64];

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("make the mounts private");
	snprintf(root, sizeof root, "%s/root", space);
	snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work,userxattr", image, space,
		 space);
	if (mount("overlay", root, "overlay", 0, options))
		fail("mount the overlay");
	if (chdir(root))
		fail(root);
	bind("/usr", "usr");
	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		fail("mount proc");
	if (mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"))
		fail("mount tmp");
	if (mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755"))
		fail("mount dev");
	for (size_t index = 0; index < sizeof devices / sizeof *devices; index++) {
		snprintf(path, sizeof path, "dev/%s", devices[index]);
		snprintf(source, sizeof source, "/dev/%s", devices[index]);
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
		bind(source, path);
	}
	for (; !strcmp(*binds, "--bind"); binds += 3) {
		snprintf(path, sizeof path, ".%s", binds[2]);
		make_directory(path);
		bind(binds[1], path);
	}
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		fail("enter the root directory");
}

static void give_up_privileges(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_keyctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

	for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (prctl(PR_CAPBSET_DROP, capability) && errno != EINVAL)
			fail("drop a capability");
	if (setgroups(0, NULL) || setresgid(PROGRAM_ID, PROGRAM_ID, PROGRAM_ID) ||
	    setresuid(PROGRAM_ID, PROGRAM_ID, PROGRAM_ID))
		fail("become the program's user");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		fail("filter system calls");
}

// Where `--` is, from the list of binds on.
static char **program_in(char **arguments)
{
	while (*arguments && !strcmp(*arguments, "--bind") && arguments[1] && arguments[2])
		arguments += 3;
	if (!*arguments || strcmp(*arguments, "--") || !arguments[1]) {
		errno = EINVAL;
		fail("understand the arguments");
	}
	return arguments + 1;
}

// In the cgroup: IMAGE SPACE [--bind SOURCE TARGET]... -- PROGRAM [ARG...].
static int run(char **arguments)
{
	char **program = program_in(arguments + 2);
	pid_t child;

	enter_user_namespace();
	child = fork();
	if (child < 0)
		fail("fork");
	if (child)
		return status_of(child);
	build_root(arguments[0], arguments[1], arguments + 2);
	if (sethostname("container", 9))
		fail("set the host name");
	give_up_privileges();
	execv(program[0], program);
	fail(program[0]);
}

int main(int count, char **arguments)
{
	int is_again = count > 1 && !strcmp(arguments[1], "--again");
	char path[1024];
	pid_t child;

	if (count > 1 && !strcmp(arguments[1], "--entered"))
		return run(arguments + 2);
	arguments += 1 + is_again;
	if (count - is_again < 6) {
		errno = EINVAL;
		fail("understand the arguments");
	}
	child = fork();
	if (child < 0)
		fail("fork");
	if (child)
		return status_of(child);
	snprintf(path, sizeof path, "%s/cgroup.procs", arguments[0]);
	write_file(path, "0");
	if (!is_again)
		return run(arguments + 1);
	// Two places before IMAGE: that of CGROUP, and that of --again.
	arguments[-1] = "container-launcher";
	arguments[0] = "--entered";
	execv("/proc/self/exe", arguments - 1);
	fail("execute itself");
}
