// What is asked of every layer, and what a layer answers.
#pragma once

#include "withheld.bpf.h"

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

// A request, and how far its judgement is. Every layer is asked, oldest first, until one denies.
struct question {
	struct scratch *scratch;
	struct swguard_layers *own; // looked up once: a second time the storage may be busy
	const __u32 *words;
	__u32 generation;
	__u32 object; // enum swguard_object_kind
	__u32 asked; // of a file: accesses; else the number of the operation or capability
	__u32 result; // of a file: enum walk_result
	__u32 detail; // what else the judgement depends on
	__u32 noted; // the event's `detail`
	__u32 is_quiet; // the kernel asks without wanting it noted: counted, not reported
	__u32 path_size; // how much of the scratch's path goes with a report
	__u32 marks; // of a file: what every automaton says of its name, as far as one was asked
	int error;
};

// What a layer says no to; with no error, what it grants and reports.
struct denial {
	__u32 access;
	__u32 rule;
	__u32 cause;
	__u32 error;
	__u32 is_quiet;
	__u32 reserved;
};

// What a layer decided, as it is reported. Numbers only: it goes to a function that is verified once.
struct report {
	__u32 generation; // word
	__u32 policy; // word
	__u32 slot;
	__u32 object;
	__u32 detail;
	__u32 path_size;
	__u32 is_quiet;
	__u32 reserved;
	struct denial denial;
};

// Sends an event, and counts. Returns the error to deny with; 0 where the policy only complains, or grants.
__noinline int send_report(struct scratch *scratch, const struct report *report)
{
	const __u32 *words = tables_begin();
	const struct swguard_layers *own;
	struct swguard_event *event;
	__u32 number, is_quiet;
	bool complains;

	// Never so, which the verifier does not know.
	if (!scratch || !report || !words)
		return -EACCES;
	complains = field(words, report->policy, struct swguard_policy, flags) & SWGUARD_POLICY_COMPLAINS;
	event = &scratch->event;
	event->generation = field(words, report->generation, struct swguard_generation, number);
	event->policy = report->slot;
	event->rule = report->denial.rule;
	event->cause = report->denial.cause;
	event->object = report->object;
	event->access = report->denial.access;
	event->detail = report->detail;
	event->would_deny = complains && report->denial.error;
	event->error = report->denial.error;
	event->path_size = report->object == SWGUARD_OBJECT_FILE ? scratch->size : report->path_size;
	own = layers_of(bpf_get_current_task_btf());
	event->session = own ? own->session : 0;
	describe(event);
	number = number_of_count(words, report->policy, event->rule);
	is_quiet = report->is_quiet || report->denial.is_quiet;
	if (!scratch->sought.dentry || report->object != SWGUARD_OBJECT_FILE || !withhold(scratch, number, is_quiet))
		hand_over(event, number, is_quiet);
	return complains ? 0 : -(int)report->denial.error;
}

// Reports what the policy in `slot` says; a denial stops the asking unless the policy only complains.
static __always_inline long refuse(struct question *question, __u32 slot, __u32 policy, const struct denial *denial)
{
	struct report report = {
		.generation = question->generation,
		.policy = policy,
		.slot = slot,
		.object = question->object,
		.detail = question->noted,
		.path_size = question->path_size,
		.is_quiet = question->is_quiet,
		.denial = *denial,
	};

	question->error = send_report(question->scratch, &report);
	return question->error != 0;
}

// The number of the lowest bit of a set that is not empty: its product with a de Bruijn sequence has the number on top.
static __always_inline __u32 lowest_bit(__u32 set)
{
	static const __u8 numbers[32] = {
		0,  1,	28, 2,	29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4,  8,
		31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6,  11, 5,  10, 9,
	};

	return numbers[((set & -set) * 0x077cb531u) >> 27];
}

// The slot of a layer of the task that is running, and its policy in the generation that is asked; 0: none.
static __always_inline __u32 policy_of_layer(const struct question *question, __u32 layer, __u32 *slot)
{
	if (layer >= SWGUARD_LAYERS_MAX)
		return 0;
	*slot = question->own->policies[within_layers(layer)];
	return policy_at(question->words, question->generation, *slot);
}

static __always_inline bool is_allowed(const __u32 *words, __u32 policy, __u32 operation)
{
	return field(words, policy, struct swguard_policy, operations) & OPERATION(operation);
}

static __always_inline __u32 rule_of_operation(const __u32 *words, __u32 policy, __u32 operation)
{
	return word(words, field(words, policy, struct swguard_policy, operation_rules) + operation);
}

// The layers of the task that is running; NULL where it is under no policy.
static __always_inline struct swguard_layers *confinement(void)
{
	struct swguard_layers *own;

	if (!is_suspect())
		return NULL;
	own = layers_of(bpf_get_current_task_btf());
	return own && own->count ? own : NULL;
}

// Ends a hook with 0 or an errno that hooks may return. 6.12 wants to see the number itself in the register, which clang
// would replace by what it knows to be equal.
#define END_WITH(number)                       \
	do {                                   \
		int end_ = (number);           \
		asm volatile("" : "+r"(end_)); \
		return end_;                   \
	} while (0)
#define REFUSE(error) END_WITH(-(error))

// Every hook begins with it: a task under no policy goes on. `own` are the layers of any other; where they cannot be seen,
// the request is denied.
#define PASS_UNCONFINED(own)                                                          \
	struct swguard_layers *own;                                                   \
                                                                                      \
	if (!is_suspect())                                                            \
		return 0;                                                             \
	own = layers_of(bpf_get_current_task_btf());                                  \
	if (!own) {                                                                   \
		if (are_layers_hidden())                                              \
			REFUSE(EACCES);                                               \
		return 0;                                                             \
	}                                                                             \
	/* It may be about to enter its first. */                                     \
	if (!own->count)                                                              \
		return 0;                                                             \
	(void)own

#define VERDICT(expression)                    \
	do {                                   \
		int verdict_ = (expression);   \
		if (verdict_ == 0)             \
			END_WITH(0);           \
		if (verdict_ == -EPERM)        \
			REFUSE(EPERM);         \
		if (verdict_ == -EXDEV)        \
			REFUSE(EXDEV);         \
		REFUSE(EACCES);                \
	} while (0)
