// Tasks that run already when policies are loaded, and those that are being made at the time.
#pragma once

#include "entry.bpf.h"

// A child whose parent came under policies while it was being made: `task_alloc` copied what the parent had then, and the
// child is not among the tasks that run until its memory is copied, which takes as long as there is much.
//
// Workers of io_uring do not pass here; nothing is copied for them.
SEC("tp_btf/sched_process_fork")
int BPF_PROG(swguard_sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct swguard_layers *own, *copy;

	if (!is_suspect())
		return 0;
	own = layers_of(bpf_get_current_task_btf());
	if (!own || !own->count)
		return 0;
	copy = bpf_task_storage_get(&layers, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	// No memory, at the very moment of a load: nothing here can end the child.
	if (!copy)
		return 0;
	if (copy->count < own->count)
		inherit(copy, own);
	else
		inherit_refused(copy, own);
	return 0;
}

// What the agent reads: a byte for each task that came under a policy or was refused one, that was refused one before, or
// that could not be looked at now. It reads until a pass says nothing but of the second kind.
#define TASK_ENTERED "."
#define TASK_REFUSED "!"
#define TASK_BUSY "~"

static __always_inline int say(struct bpf_iter__task *iterator, const char *what)
{
	bpf_seq_write(iterator->meta->seq, what, 1);
	return 0;
}

#define PF_FORKNOEXEC 0x40

// Whether a task is what process 1 has made to become a service, and what has executed nothing yet: before systemd 255 it
// sets up namespaces and ids in the service's cgroup itself. The cgroup's policies begin at its exec.
//
// What it runs is process 1's own code, and as trusted: only a fork passes on the open file that the executable was
// started from. Whoever executes the same file has opened it anew; who lets go of the executable's file (PR_SET_MM) gets
// another one. Its memory is nobody else's to change: a process of root's, and one that took another user's ids and has
// executed nothing is not dumpable (kernel/cred.c, commit_creds), so that the user may not trace it.
static __always_inline bool is_launched(struct task_struct *task, const struct swguard_layers *own,
					struct file *executable)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);

	// What a policy confines has come further than that.
	return !(own && own->count) && BPF_CORE_READ(task, flags) & PF_FORKNOEXEC && BPF_CORE_READ(parent, tgid) == 1 &&
	       BPF_CORE_READ(parent, mm, exe_file) == executable;
}

// Tasks that run when policies are loaded, every thread of them.
SEC("iter/task")
int swguard_running_tasks(struct bpf_iter__task *iterator)
{
	struct task_struct *task = iterator->task;
	struct entry_context context = { .words = tables_begin(), .outcome.is_running = 1 };
	struct file *executable;
	__u32 is_executing;

	if (!task || !context.words)
		return 0;
	context.task = task;
	context.generation = generation_now(context.words);
	// The agent's own: this runs in its process.
	context.scratch = scratch_of_current();
	if (!context.scratch)
		return say(iterator, TASK_BUSY);
	executable = BPF_CORE_READ(task, mm, exe_file);
	// A kernel thread; io_uring's workers have their process's memory.
	if (!executable)
		return 0;
	// It enters by what was in force when its exec began, and is seen as what it becomes when that has ended.
	is_executing = BPF_CORE_READ_BITFIELD(task, in_execve);
	context.own = layers_of(task);
	if (context.own && context.own->entering) {
		if (is_executing)
			return say(iterator, TASK_BUSY);
		context.own->entering = 0;
	}
	context.scratch->mount = (__u64)BPF_CORE_READ(executable, f_path.mnt);
	context.scratch->dentry = (__u64)BPF_CORE_READ(executable, f_path.dentry);
	context.is_launched = is_launched(task, context.own, executable);
	if (has_entries(context.words, context.generation))
		enter_by_file(&context);
	enter_users(&context, (struct cred *)BPF_CORE_READ(task, real_cred));
	if (context.own)
		enter_now(context.own);
	// Its storage was busy, or it could not be found out what it is.
	if (context.outcome.is_refused)
		return say(iterator, TASK_BUSY);
	if (context.outcome.has_entered)
		return say(iterator, TASK_ENTERED);
	if (is_executing)
		return say(iterator, TASK_BUSY);
	return context.own && context.own->has_refused ? say(iterator, TASK_REFUSED) : 0;
}
