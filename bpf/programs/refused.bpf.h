// What a task is denied because it has no room for a policy: all that the policy mediates.
//
// So it is with a task that has as many layers as there can be when one more is loaded; at an exec or a change of user the
// request itself is refused.
#pragma once

#include "question.bpf.h"
#include "walk.bpf.h"

static __always_inline void begin_refused(struct scratch *scratch)
{
	scratch->refused.rest = 0;
	scratch->refused.place = 0;
	scratch->refused.count = 0;
}

// Takes one step through the policies without room: `slot` is one of them. False: it was one word, and on to the next; or
// there is none (`is_over_refused`).
static __always_inline bool next_refused(struct scratch *scratch, const struct swguard_layers *own, __u32 *slot)
{
	__u32 rest = scratch->refused.rest, place = scratch->refused.place;

	if (rest) {
		scratch->refused.rest = rest & (rest - 1);
		*slot = 32 * (place - 1) + lowest_bit(rest);
		return true;
	}
	if (place < SWGUARD_REFUSED_WORDS)
		scratch->refused.rest = own->refused[within_refused(place)];
	scratch->refused.place = place + 1;
	return false;
}

static __always_inline bool is_over_refused(const struct scratch *scratch)
{
	return scratch->refused.place > SWGUARD_REFUSED_WORDS;
}

struct refused_search {
	struct scratch *scratch;
	const __u32 *words;
	const struct swguard_layers *own;
	int error;
	__u32 reserved;
};

// Whether a policy has a say in a request, whatever it says.
static __always_inline bool mediates(const __u32 *words, __u32 policy, const struct granted_request *request)
{
	__u32 flags = field(words, policy, struct swguard_policy, flags);

	switch (request->object) {
	case SWGUARD_OBJECT_FILE:
		// Without `files`, what names a program that the kernel starts: the operation `kernel-helper`.
		return flags & SWGUARD_POLICY_FILES ||
		       (request->marks & SWGUARD_MARK_KERNEL_HELPER &&
			request->asked & (SWGUARD_WRITE | SWGUARD_CREATE | SWGUARD_REMOVE));
	case SWGUARD_OBJECT_SOCKET:
		return flags & SWGUARD_POLICY_NETWORK || (request->is_file && flags & SWGUARD_POLICY_FILES);
	case SWGUARD_OBJECT_CAPABILITY:
		return flags & SWGUARD_POLICY_CAPABILITIES;
	}
	return !(field(words, policy, struct swguard_policy, unmediated) & OPERATION(request->asked & 31));
}

// The next policy without room, or the next word of them.
static long judge_one_refused(__u32 index, struct refused_search *search)
{
	const struct granted_request *request = &search->scratch->request;
	struct report report = {
		.generation = request->generation,
		.object = request->object,
		.detail = request->noted,
		.path_size = request->path_size,
		.is_quiet = request->is_quiet,
		.denial = { .access = request->access, .rule = SWGUARD_NO_RULE, .cause = SWGUARD_CAUSE_NO_ROOM },
	};

	if (!next_refused(search->scratch, search->own, &report.slot))
		return is_over_refused(search->scratch);
	report.policy = policy_at(search->words, request->generation, report.slot);
	// In no generation any more, it mediates nothing.
	if (!report.policy || !mediates(search->words, report.policy, request))
		return 0;
	report.denial.error = request->object == SWGUARD_OBJECT_FILE || request->object == SWGUARD_OBJECT_SOCKET ? EACCES :
														   EPERM;
	search->error = send_report(search->scratch, &report);
	return search->error != 0;
}

// Decides the request that stands in the scratch, and that all layers grant, by the policies that have no room on the task.
// Returns 0 or an errno.
__noinline int judge_by_refused(struct scratch *scratch, const struct swguard_layers *own)
{
	struct refused_search search = { .scratch = scratch, .words = tables_begin(), .own = own };

	// Never so, which the verifier does not know.
	if (!scratch || !own || !search.words)
		return -EACCES;
	begin_refused(scratch);
	// As many steps as there are words and slots, and one to see the end.
	bpf_loop(SWGUARD_REFUSED_WORDS + SWGUARD_POLICIES_MAX + 1, judge_one_refused, &search, 0);
	return search.error;
}

// Ends a judgement: what every layer granted is asked of the policies that have no room. `access` is what a report of
// them says was denied.
static __always_inline int judge_refused(const struct question *question, __u32 access)
{
	struct granted_request *request = &question->scratch->request;

	if (question->error || !question->own->has_refused)
		return question->error;
	request->generation = question->generation;
	request->object = question->object;
	request->asked = question->asked;
	request->access = access;
	request->marks = question->marks;
	request->is_file = question->detail;
	request->noted = question->noted;
	request->path_size = question->path_size;
	request->is_quiet = question->is_quiet;
	return judge_by_refused(question->scratch, question->own);
}
