// Who is confined, for whoever asks the agent.
#pragma once

#include "layers.bpf.h"

// Every task that is under a policy, as far as the PID namespace of the reader shows them, one swguard_listed_task each.
SEC("iter/task")
int swguard_list_tasks(struct bpf_iter__task *iterator)
{
	struct task_struct *task = iterator->task;
	struct swguard_listed_task listed = {};
	const struct swguard_layers *own;
	struct cred *credentials;

	if (!task)
		return 0;
	own = layers_of(task);
	if (!own || !own->count)
		return 0;
	credentials = (struct cred *)BPF_CORE_READ(task, cred);
	listed.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	listed.process = BPF_CORE_READ(task, tgid);
	listed.thread = BPF_CORE_READ(task, pid);
	listed.user = BPF_CORE_READ(credentials, euid.val);
	listed.count = own->count;
	__builtin_memcpy(listed.policies, own->policies, sizeof(listed.policies));
	BPF_CORE_READ_STR_INTO(&listed.command, task, comm);
	bpf_seq_write(iterator->meta->seq, &listed, sizeof(listed));
	return 0;
}
