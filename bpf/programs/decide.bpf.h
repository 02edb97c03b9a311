// Whether what is asked for of a file is granted: by every layer, the oldest that denies is named.
#pragma once

#include "cache.bpf.h"
#include "judge_operation.bpf.h"

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
static __always_inline bool find_denial(struct question *question, __u32 layer, __u32 slot, __u32 policy,
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
	question->marks = field(words, verdict, struct swguard_verdict, marks);
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
	if (question->marks & SWGUARD_MARK_KERNEL_HELPER &&
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
		// With no layer in force no automaton tells: it may be any.
		.marks = ~0u,
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
	return judge_refused(&question, lowest_bit(accesses));
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

// The same of a name on the mount of what was found last, `result`, whose directory it is in, mostly.
static __always_inline int find_beside(__u32 result, struct dentry *dentry)
{
	struct scratch *scratch = scratch_of_current();

	if (!scratch)
		return WALK_UNRESOLVED;
	scratch->dentry = (__u64)dentry;
	if (result == WALK_DONE && resolve_beside() == WALK_DONE)
		return WALK_DONE;
	return resolve();
}

// Decides a request by a walk, and keeps what it found of the directory. Apart from what the tag decides, which has then
// less to keep on its stack.
static __noinline int ask_by_walk(struct swguard_layers *own, struct vfsmount *mount, struct inode *directory,
				  struct dentry *name, __u32 accesses)
{
	struct scratch *scratch = scratch_of_current();
	int error;

	if (!scratch)
		return -EACCES;
	scratch->mount = (__u64)mount;
	scratch->dentry = (__u64)name;
	error = decide(ASK_NOTED, accesses, 0, 0, 0);
	if (name != mount->mnt_root)
		keep_tag(directory, scratch, own);
	return error;
}

// Decides a request for a name in a directory. What the directory's tag says is granted is granted; all else is walked for.
static __always_inline int ask_in(struct swguard_layers *own, struct vfsmount *mount, struct dentry *directory,
				  struct dentry *name, __u32 accesses)
{
	// Followed by its type once: it costs (hook.h, UNTYPED).
	struct inode *inode = directory->d_inode;

	if (is_granted_by_tag(own, mount, directory, inode, name, accesses))
		return 0;
	return ask_by_walk(own, mount, inode, name, accesses);
}
