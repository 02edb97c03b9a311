// Capabilities, and operations that the kernel has no hook for but asks a capability: the number of the system call tells
// which.
#pragma once

#include "calls.bpf.h"
#include "decide.bpf.h"

#define CAP_SYS_MODULE 16
#define CAP_SYS_RAWIO 17
#define CAP_SYS_ADMIN 21
#define CAP_SYS_BOOT 22
#define CAP_SYS_TIME 25
#define CAP_OPT_NOAUDIT 2

// The operation that a system call is, as far as no hook tells it; OPERATION_COUNT: none. x86-64 numbers.
static __always_inline __u32 operation_of_call(__u64 number, int capability)
{
	switch (capability) {
	case CAP_SYS_MODULE:
		return OPERATION_MODULE;
	case CAP_SYS_RAWIO:
		return OPERATION_RAW_IO;
	case CAP_SYS_TIME:
		return OPERATION_TIME;
	case CAP_SYS_BOOT:
		// kexec_load, that of x32, kexec_file_load
		return number == 246 || number == 528 || number == 320 ? OPERATION_KEXEC : OPERATION_REBOOT;
	case CAP_SYS_ADMIN:
		break;
	default:
		return OPERATION_COUNT;
	}
	switch (number) {
	case 155: // pivot_root
	case 165: // mount
	case 166: // umount2
	case 428: // open_tree
	case 429: // move_mount
	case 430: // fsopen
	case 431: // fsconfig
	case 432: // fsmount
	case 433: // fspick
	case 442: // mount_setattr
	case 467: // open_tree_attr
		return OPERATION_MOUNT;
	case 56: // clone
	case 272: // unshare
	case 308: // setns
	case 435: // clone3
		return OPERATION_NAMESPACE;
	case 167: // swapon
	case 168: // swapoff
		return OPERATION_SWAP;
	}
	return OPERATION_COUNT;
}

static long judge_one_capability(__u32 layer, struct question *question)
{
	struct denial denial = { .error = EPERM, .access = question->asked };
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot);
	const __u32 *words = question->words;

	if (!policy || !(field(words, policy, struct swguard_policy, flags) & SWGUARD_POLICY_CAPABILITIES) ||
	    wide_field(words, policy, struct swguard_policy, capabilities) >> (question->asked & 63) & 1)
		return 0;
	denial.rule = word(words, field(words, policy, struct swguard_policy, capability_rules) +
					  (question->asked & 63));
	return refuse(question, slot, policy, &denial);
}

__noinline int judge_capability(__u32 capability, __u32 is_quiet)
{
	struct question question = {
		.scratch = scratch_of_current(),
		.words = tables_begin(),
		.object = SWGUARD_OBJECT_CAPABILITY,
		.asked = capability,
		.is_quiet = is_quiet,
	};
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());

	if (!own || !question.scratch || !question.words)
		return -EPERM;
	question.own = own;
	question.generation = generation_now(question.words);
	bpf_loop(own->count, judge_one_capability, &question, 0);
	return judge_refused(&question, capability);
}

// Decides about a capability that the task that is running asks for; first about the operation that it is asked for.
static __noinline int ask_capability(__u32 capability, __u32 is_quiet)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 operation = operation_of_call(number_of_call(task), capability);
	int error;

	// What a call of the 32-bit ABI is is not known, and may be any.
	if (capability == CAP_SYS_ADMIN && is_compat_call(task)) {
		operation = OPERATION_MOUNT;
		error = judge_operation(OPERATION_NAMESPACE, is_quiet, 0);
		if (!error)
			error = judge_operation(OPERATION_SWAP, is_quiet, 0);
		if (error)
			return error;
	}
	if (operation < OPERATION_COUNT) {
		error = judge_operation(operation, is_quiet, 0);
		if (error)
			return error;
	}
	return judge_capability(capability, is_quiet);
}

SEC("lsm/capable")
int BPF_PROG(swguard_capable, const struct cred *cred, struct user_namespace *namespace, int capability,
	     unsigned int options)
{
	struct task_struct *task;

	PASS_UNCONFINED(own);
	task = UNTYPED(struct task_struct, bpf_get_current_task_btf());
	// Overridden credentials: overlayfs and the like act for the kernel. A caller can choose some with io_uring only, which
	// `uring_override_creds` sees to. Those of a file (file_ns_capable) are none of these: it may have been opened before the
	// task's were replaced.
	if (cred == task->cred && cred != task->real_cred)
		return 0;
	VERDICT(decide(ASK_CAPABILITY, capability, options & CAP_OPT_NOAUDIT, 0, 0));
}

// A ring that acts with the credentials of before: they may have what the policy takes from the caller's.
SEC("lsm/uring_override_creds")
int BPF_PROG(swguard_uring_override_creds, const struct cred *new)
{
	PASS_UNCONFINED(own);
	REFUSE(EPERM);
}
