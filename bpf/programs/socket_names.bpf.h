// Requests for the name of a unix socket: what it was bound to, whatever it is reached by.
#pragma once

#include "decide.bpf.h"

// What a layer says of a name: false where it grants it. One way out for all answers, which the verifier then follows once.
static __always_inline bool find_name_denial(struct question *question, __u32 layer, __u32 policy, struct denial *denial)
{
	const __u32 *words = question->words;
	__u32 flags = field(words, policy, struct swguard_policy, flags), verdict, access, needed = question->asked;

	if (flags & SWGUARD_POLICY_NETWORK) {
		access = denial->access;
	} else {
		// Where no policy speaks of the network but of files, connecting to a named socket is writing a file.
		if (!(flags & SWGUARD_POLICY_FILES) || !question->detail)
			return false;
		access = 1;
		needed = SWGUARD_WRITE;
	}
	// Some name that is not known: it may be any.
	if (question->result != WALK_DONE) {
		denial->cause = SWGUARD_CAUSE_UNRESOLVED;
		denial->rule = SWGUARD_NO_RULE;
		return true;
	}
	if (flags & SWGUARD_POLICY_NETWORK)
		verdict = run_over_path(question->scratch, policy + offsetof(struct swguard_policy, sockets) / sizeof(__u32));
	else
		verdict = verdict_of(words, files_of(policy), question->scratch->states[within_layers(layer)]);
	if (needed & field(words, verdict, struct swguard_verdict, granted))
		return false;
	denial->rule = word(words, verdict + offsetof(struct swguard_verdict, rules) / sizeof(__u32) + access);
	return true;
}

static long judge_one_name(__u32 layer, struct question *question)
{
	struct denial denial = { .error = EACCES, .access = lowest_bit(question->asked) };
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot);

	if (!policy || layer >= SWGUARD_LAYERS_MAX || !find_name_denial(question, layer, policy, &denial))
		return 0;
	return refuse(question, slot, policy, &denial);
}

// Decides a request for the unix name that stands in the scratch; `result` says how it was found, `is_file` whether it is
// one that connecting writes to.
__noinline int judge_name(__u32 result, __u32 access, __u32 is_file)
{
	struct question question = {
		.scratch = scratch_of_current(),
		.words = tables_begin(),
		.object = SWGUARD_OBJECT_SOCKET,
		.asked = access,
		.result = result,
		.detail = is_file,
	};
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());

	if (!question.scratch || !own || !question.words)
		return -EACCES;
	if (result == WALK_DONE && question.scratch->size <= SWGUARD_PATH_SIZE)
		question.path_size = question.scratch->size;
	question.own = own;
	// The states that connecting to a file goes by are those of one generation.
	question.generation = is_file && result == WALK_DONE ? question.scratch->generation :
							       generation_now(question.words);
	bpf_loop(own->count, judge_one_name, &question, 0);
	return judge_refused(&question, lowest_bit(access));
}

// Takes a name that begins with NUL, `size` bytes behind that, as `@` and these bytes. False where it cannot be read.
static __always_inline bool take_abstract(struct scratch *scratch, const void *raw, int size)
{
	if (size < 0 || size > 107)
		return false;
	scratch->path[0] = '@';
	if (bpf_probe_read_kernel(&scratch->path[1], size & 127, raw))
		return false;
	scratch->size = size + 1;
	return true;
}

// Decides a request for the name that a unix socket was bound to: the other end's, or one's own.
static __noinline int ask_unix(struct sock *socket, __u32 access)
{
	struct unix_sock *bound = (struct unix_sock *)socket;
	struct scratch *scratch = scratch_of_current();
	struct unix_address *address;
	struct dentry *dentry;

	// The kernel asks while both ends are there: without one it is not known what is asked for.
	if (!scratch || !socket)
		return -EACCES;
	dentry = BPF_CORE_READ(bound, path.dentry);
	if (dentry) {
		scratch->mount = (__u64)BPF_CORE_READ(bound, path.mnt);
		scratch->dentry = (__u64)dentry;
		return judge_name(resolve(), access, access == SWGUARD_CONNECT);
	}
	address = BPF_CORE_READ(bound, addr);
	if (!address) {
		// The end of a pair, or one that only sends. None that listens: it may be about to be bound, by another thread.
		if (access == SWGUARD_LISTEN)
			return judge_name(WALK_UNRESOLVED, access, 0);
		return 0;
	}
	// Of the whole: the family's two bytes and the name's NUL.
	if (!take_abstract(scratch, &address->name[0].sun_path[1], BPF_CORE_READ(address, len) - 3))
		return judge_name(WALK_UNRESOLVED, access, 0);
	return judge_name(WALK_DONE, access, 0);
}
