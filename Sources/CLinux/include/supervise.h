#ifndef SWGUARD_SUPERVISE_H
#define SWGUARD_SUPERVISE_H

#include <stdint.h>
#include <sys/types.h>

/* What the supervisor of a command asks of the kernel. Functions return -1 with errno set on failure. */

/* How a signal came to us. */
enum swguard_signal_origin : uint32_t {
	SWGUARD_SIGNAL_FROM_KERNEL = 0, /* the terminal, a timer: SI_KERNEL and the like */
	SWGUARD_SIGNAL_FROM_PROCESS, /* kill, tkill */
	SWGUARD_SIGNAL_QUEUED, /* sigqueue, with a value */
};

struct swguard_signal {
	uint64_t value;
	uint32_t number;
	enum swguard_signal_origin origin;
	int32_t sender;
	uint32_t reserved;
};

/* What became of a child. */
enum swguard_change_kind : uint32_t {
	SWGUARD_CHANGE_NONE = 0,
	SWGUARD_CHANGE_EXITED,
	SWGUARD_CHANGE_KILLED,
	SWGUARD_CHANGE_STOPPED,
	SWGUARD_CHANGE_CONTINUED,
};

struct swguard_change {
	enum swguard_change_kind kind;
	int32_t process;
	int32_t status; /* exit status or signal */
};

/* Blocks every signal that can be blocked, but those that tell of a bug of ours, and makes SIGCHLD work if the caller
 * ignored it. Gives back what was before: the mask as the kernel has it, and the ignored signals that were changed. */
int swguard_take_signals(uint64_t *mask, uint64_t *ignored);

/* Undoes swguard_take_signals. */
int swguard_give_back_signals(uint64_t mask, uint64_t ignored);

/* A descriptor that tells of the blocked signals; non-blocking, close-on-exec. */
int swguard_signal_descriptor(void);

/* 1: a signal was read; 0: there is none. */
int swguard_next_signal(int descriptor, struct swguard_signal *signal);

/* Sends a signal on, with its value if it was queued. */
int swguard_relay_signal(pid_t process, const struct swguard_signal *signal);

/* The next change of state of any child; SWGUARD_CHANGE_NONE if there is none. Ended children are reaped. */
int swguard_next_change(struct swguard_change *change);

/* Stops this process as if `signal` had its default action; returns when it is continued, or at once where the kernel
 * stops nobody (terminal stops in an orphaned process group). */
int swguard_stop(int signal);

/* Waits until one of three descriptors (-1: none) can be read, or for the milliseconds (-1: forever).
 * Gives bit 0 and bit 1 for which is ready, bit 2 where the second will never be again, and bit 3 where the third is ready or
 * at its end. */
int swguard_wait_readable(int first, int second, int third, int milliseconds);

/* Leaves a process behind that has nothing but `listener` open: no terminal, no session of the caller's, no directory, no
 * blocked signals. 0 in that process; in the caller its id. */
pid_t swguard_stay_behind(int listener);

/* Marks every descriptor from `first` to `last` close-on-exec, or closes it. */
int swguard_close_on_exec(uint32_t first, uint32_t last);
int swguard_close(uint32_t first, uint32_t last);

/* Puts /dev/null in the place of a descriptor. */
int swguard_silence(int descriptor);

/* A copy of a descriptor of another process, for its socket options. */
int swguard_borrow_descriptor(pid_t process, int descriptor);

/* readlink(2) for names that may hold any byte. */
int64_t swguard_read_link(const void *path, void *buffer, uint64_t size);

/* Reads memory of another process; gives the number of bytes, which can be fewer than asked. */
int64_t swguard_read_memory(pid_t process, uint64_t address, void *buffer, uint64_t size);

#endif
