// Whether what is asked for is granted: by every layer, the oldest that denies is named.
#pragma once

#include "cache.bpf.h"
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

struct guard_context {
	struct scratch *scratch;
	const __u32 *words;
};

// One step of a search: the next guard of a list, or the next list. One loop of the kernel's for both: calls are eight deep
// at most, and a loop of C is followed round by round by the verifier.
static long search_guard(__u32 index, struct guard_context *context)
{
	struct scratch *scratch = context->scratch;
	const __u32 *words = context->words;
	__u32 guard, number = scratch->search.number;

	if (!scratch->search.left) {
		if (number >= scratch->guard_count || number >= SWGUARD_GUARDS_MAX) {
			scratch->search.is_over = 1;
			return 1;
		}
		guard = scratch->guards[BOUNDED(number, SWGUARD_GUARDS_MAX - 1)];
		// The object's own; else those of a directory above.
		scratch->search.is_own = number < scratch->own_guard_count;
		scratch->search.number = number + 1;
		scratch->search.left = guard ? word(words, guard) : 0;
		scratch->search.next = guard + 1;
		return 0;
	}
	guard = scratch->search.next;
	scratch->search.left--;
	scratch->search.next = guard + sizeof(struct swguard_guard) / sizeof(__u32);
	if (!(field(words, guard, struct swguard_guard, denied) & scratch->search.asked) ||
	    field(words, guard, struct swguard_guard, slot) != scratch->search.slot ||
	    !(scratch->search.is_own || field(words, guard, struct swguard_guard, is_subtree)))
		return 0;
	scratch->search.guard = guard;
	scratch->search.is_over = 1;
	return 1;
}

// BPF_MAX_LOOPS (include/linux/bpf_verifier.h).
#define GUARD_STEPS (1 << 23)

// The word of the guard of the policy in `slot` that denies any of `accesses` to what was walked for last; 0: none.
__noinline __u32 denying_guard(struct scratch *scratch, __u32 slot, __u32 accesses)
{
	struct guard_context context = { .scratch = scratch, .words = tables_begin() };

	// Never so, which the verifier does not know; a guard that denies, then.
	if (!scratch || !context.words)
		return 0xffffffff;
	scratch->search.slot = slot;
	scratch->search.asked = accesses;
	scratch->search.guard = 0;
	scratch->search.number = 0;
	scratch->search.left = 0;
	scratch->search.is_over = 0;
	bpf_loop(GUARD_STEPS, search_guard, &context, 0);
	// Not looked through to the end, which no table makes so.
	return scratch->search.is_over ? scratch->search.guard : 0xffffffff;
}

// What a layer says of a file: false where it grants it, and reports nothing.
static __always_inline bool find_denial(const struct question *question, __u32 layer, __u32 slot, __u32 policy,
					struct denial *denial)
{
	const __u32 *words = question->words;
	__u32 verdict, denied, guard, reported, rules;

	if (question->result != WALK_DONE) {
		denial->cause = SWGUARD_CAUSE_UNRESOLVED;
		denial->access = lowest_bit(question->asked);
		// A policy without `files` asks for no name.
		return field(words, policy, struct swguard_policy, flags) & SWGUARD_POLICY_FILES;
	}
	verdict = verdict_of(words, files_of(policy), question->scratch->states[within_layers(layer)]);
	rules = verdict + offsetof(struct swguard_verdict, rules) / sizeof(__u32);
	denied = question->asked & ~field(words, verdict, struct swguard_verdict, granted);
	reported = field(words, verdict, struct swguard_verdict, reported);
	if (denied) {
		denial->access = lowest_bit(denied);
		denial->rule = word(words, rules + denial->access);
		denial->is_quiet = !(reported >> denial->access & 1);
		return true;
	}
	if (question->scratch->guard_count) {
		guard = denying_guard(question->scratch, slot, question->asked);
		if (guard) {
			denial->access = lowest_bit(field(words, guard, struct swguard_guard, denied) & question->asked);
			denial->rule = word(words, guard + offsetof(struct swguard_guard, rules) / sizeof(__u32) +
							   denial->access);
			return true;
		}
	}
	if (field(words, verdict, struct swguard_verdict, marks) & SWGUARD_MARK_KERNEL_HELPER &&
	    question->asked & (SWGUARD_WRITE | SWGUARD_CREATE | SWGUARD_REMOVE) &&
	    !is_allowed(words, policy, OPERATION_KERNEL_HELPER)) {
		denial->cause = SWGUARD_CAUSE_OPERATION;
		denial->access = OPERATION_KERNEL_HELPER;
		denial->error = EPERM;
		denial->rule = rule_of_operation(words, policy, OPERATION_KERNEL_HELPER);
		return true;
	}
	if (question->asked & reported) {
		denial->access = lowest_bit(question->asked & reported);
		denial->rule = word(words, rules + denial->access);
		denial->error = 0;
		return true;
	}
	return false;
}

static long judge_file(__u32 layer, struct question *question)
{
	struct denial denial = { .error = EACCES, .rule = SWGUARD_NO_RULE };
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot);

	if (!policy || layer >= SWGUARD_LAYERS_MAX || !find_denial(question, layer, slot, policy, &denial))
		return 0;
	return refuse(question, slot, policy, &denial);
}

// Decides a request for `accesses` to what `resolve` found last; `result` is what it returned. Returns 0 or an errno.
__noinline int judge(__u32 result, __u32 accesses)
{
	struct question question = {
		.scratch = scratch_of_current(),
		.words = tables_begin(),
		.object = SWGUARD_OBJECT_FILE,
		.asked = accesses,
		.noted = accesses,
		.result = result,
	};
	struct swguard_layers *own = layers_of(bpf_get_current_task_btf());

	// Without memory nothing can be decided, nor said.
	if (!question.scratch || !own || !question.words)
		return -EACCES;
	if (result == WALK_NAMELESS || !accesses)
		return 0;
	question.own = own;
	question.generation = result == WALK_DONE ? question.scratch->generation : generation_now(question.words);
	bpf_loop(own->count, judge_file, &question, 0);
	return question.error;
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

// The layers of the task that is running; NULL where it is under no policy.
static __always_inline struct swguard_layers *confinement(void)
{
	struct swguard_layers *own;

	if (!is_suspect())
		return NULL;
	own = layers_of(bpf_get_current_task_btf());
	return own && own->count ? own : NULL;
}

// Finds what `dentry` is called through `mount`; an enum walk_result.
static __always_inline int find(struct vfsmount *mount, struct dentry *dentry)
{
	struct scratch *scratch = scratch_of_current();

	if (!scratch)
		return WALK_UNRESOLVED;
	scratch->mount = (__u64)mount;
	scratch->dentry = (__u64)dentry;
	return resolve();
}

// Decides a request by a walk, and keeps what it found of the directory. Apart from what the tag decides, which has then
// less to keep on its stack.
static __noinline int ask_by_walk(struct swguard_layers *own, struct vfsmount *mount, struct dentry *directory,
				  struct dentry *name, __u32 accesses)
{
	struct scratch *scratch = scratch_of_current();
	int result;

	if (!scratch)
		return -EACCES;
	scratch->mount = (__u64)mount;
	scratch->dentry = (__u64)name;
	result = resolve();
	if (result == WALK_DONE && name != mount->mnt_root)
		keep_tag(directory, scratch, own);
	return judge(result, accesses);
}

// Decides a request for a name in a directory. What the directory's tag says is granted is granted; all else is walked for.
static __always_inline int ask_in(struct swguard_layers *own, struct vfsmount *mount, struct dentry *directory,
				  struct dentry *name, __u32 accesses)
{
	if (is_granted_by_tag(own, mount, directory, name, accesses))
		return 0;
	return ask_by_walk(own, mount, directory, name, accesses);
}

// Decides a request for an object that is not opened: rare enough to be walked for.
static __always_inline int ask(const struct path *path, __u32 accesses)
{
	return judge(find(mount_of(path), dentry_of(path)), accesses);
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
	struct swguard_layers *own =                                                  \
		is_suspect() ? layers_of(bpf_get_current_task_btf()) : NULL;          \
                                                                                      \
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
