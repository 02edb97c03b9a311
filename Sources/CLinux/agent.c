#define _GNU_SOURCE
#include "agent.h"

#include <linux/membarrier.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

int swguard_agent_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int swguard_agent_next_signal(int descriptor)
{
	struct signalfd_siginfo information;

	return read(descriptor, &information, sizeof information) == sizeof information ? (int)information.ssi_signo : 0;
}

int swguard_epoll_create(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

int swguard_epoll_add(int epoll, int descriptor)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = descriptor };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int swguard_epoll_wait(int epoll, int milliseconds)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, milliseconds) == 1 ? event.data.fd : -1;
}

int swguard_grace_period(void)
{
	return (int)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}
