// Whether an operation is granted that has no object name.
#pragma once

#include "question.bpf.h"

#define OPERATION(number) (1u << (number))

// As Operation.allCases in Sources/Policy; the compiler's tests hold them together.
enum operation {
	OPERATION_MOUNT,
	OPERATION_CHROOT,
	OPERATION_NAMESPACE,
	OPERATION_TERMINAL_INJECTION,
	OPERATION_PTRACE,
	OPERATION_BPF,
	OPERATION_MODULE,
	OPERATION_KEXEC,
	OPERATION_RAW_IO,
	OPERATION_KERNEL_HELPER,
	OPERATION_SUBVOLUME,
	OPERATION_SIGNAL,
	OPERATION_IPC,
	OPERATION_REBOOT,
	OPERATION_SWAP,
	OPERATION_QUOTA,
	OPERATION_TIME,
	OPERATION_SYSLOG,
	OPERATION_PERF,
	OPERATION_KEYRING,
	OPERATION_IO_URING,
	OPERATION_USERFAULTFD,
	OPERATION_RAW_SOCKET,
	OPERATION_SETUID,
	OPERATION_WRITABLE_CODE,
	OPERATION_ANONYMOUS_EXEC,
	OPERATION_COUNT,
};

static __always_inline bool is_allowed(const __u32 *words, __u32 policy, __u32 operation)
{
	return field(words, policy, struct swguard_policy, operations) & OPERATION(operation);
}

static __always_inline __u32 rule_of_operation(const __u32 *words, __u32 policy, __u32 operation)
{
	return word(words, field(words, policy, struct swguard_policy, operation_rules) + operation);
}

static long judge_one_operation(__u32 layer, struct question *question)
{
	struct denial denial = { .error = EPERM, .access = question->asked };
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot);

	if (!policy || is_allowed(question->words, policy, question->asked & 31))
		return 0;
	denial.rule = rule_of_operation(question->words, policy, question->asked & 31);
	return refuse(question, slot, policy, &denial);
}

// Decides an operation that has no object name. Returns 0 or -EPERM.
__noinline int judge_operation(__u32 operation, __u32 is_quiet)
{
	struct question question = {
		.scratch = scratch_of_current(),
		.words = tables_begin(),
		.object = SWGUARD_OBJECT_OPERATION,
		.asked = operation,
		.is_quiet = is_quiet,
	};
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());

	// Asked for confined tasks only: their layers are there, or busy.
	if (!own || !question.scratch || !question.words || operation >= OPERATION_COUNT)
		return -EPERM;
	question.own = own;
	question.generation = generation_now(question.words);
	bpf_loop(own->count, judge_one_operation, &question, 0);
	return question.error;
}
