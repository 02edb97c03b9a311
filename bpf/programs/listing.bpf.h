// Who is confined, for whoever asks the agent.
#pragma once

#include "decide.bpf.h"

struct listing {
	struct scratch *scratch;
	const __u32 *words;
	const struct swguard_layers *own;
	struct swguard_listed_task *listed;
};

static long list_refused(__u32 index, struct listing *listing)
{
	struct scratch *scratch = listing->scratch;
	__u32 slot, count = scratch->refused.count;

	if (!next_refused(scratch, listing->own, &slot))
		return is_over_refused(scratch);
	if (!policy_at(listing->words, generation_now(listing->words), slot))
		return 0;
	if (count >= SWGUARD_LISTED_REFUSED)
		return 1;
	listing->listed->refused[BOUNDED(count, SWGUARD_LISTED_REFUSED - 1)] = slot;
	scratch->refused.count = count + 1;
	return 0;
}

// Every task that is under a policy, as far as the PID namespace of the reader shows them, one swguard_listed_task each.
SEC("iter/task")
int swguard_list_tasks(struct bpf_iter__task *iterator)
{
	struct task_struct *task = iterator->task;
	struct swguard_listed_task listed = {};
	struct listing listing = { .words = tables_begin(), .listed = &listed };
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
	listing.own = own;
	// The agent's own: this runs in its process. It goes when the list was read.
	listing.scratch = scratch_of_current();
	if (own->has_refused && listing.scratch && listing.words) {
		begin_refused(listing.scratch);
		bpf_loop(SWGUARD_REFUSED_WORDS + SWGUARD_POLICIES_MAX + 1, list_refused, &listing, 0);
		listed.refused_count = listing.scratch->refused.count;
	}
	BPF_CORE_READ_STR_INTO(&listed.command, task, comm);
	bpf_seq_write(iterator->meta->seq, &listed, sizeof(listed));
	return 0;
}
