// Whether an operation is granted that has no object name.
#pragma once

#include "refused.bpf.h"

static long judge_one_operation(__u32 layer, struct question *question)
{
	struct denial denial = { .error = EPERM, .access = question->asked };
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot);

	if (!policy || is_allowed(question->words, policy, question->asked & 31))
		return 0;
	denial.rule = rule_of_operation(question->words, policy, question->asked & 31);
	return refuse(question, slot, policy, &denial);
}

// Decides an operation that has no object name, by the layers of the task that is running, or by another's, which stand in
// the scratch. Returns 0 or -EPERM.
__noinline int judge_operation(__u32 operation, __u32 is_quiet, __u32 is_other)
{
	struct question question = {
		.scratch = scratch_of_current(),
		.words = tables_begin(),
		.object = SWGUARD_OBJECT_OPERATION,
		.asked = operation,
		.is_quiet = is_quiet,
	};
	struct swguard_layers *own;

	if (!question.scratch || !question.words || operation >= OPERATION_COUNT)
		return -EPERM;
	own = is_other ? &question.scratch->other : layers_of(bpf_get_current_task_btf());
	// Asked for confined tasks only: their layers are there, or busy.
	if (!own)
		return -EPERM;
	question.own = own;
	question.generation = generation_now(question.words);
	bpf_loop(own->count, judge_one_operation, &question, 0);
	return judge_refused(&question, operation);
}
