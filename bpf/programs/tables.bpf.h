// What was compiled: one array of words, written by the agent through a mapping, read here.
#pragma once

#include "hook.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); // the loader sets what is needed
	__uint(key_size, sizeof(__u32));
	__uint(value_size, SWGUARD_ELEMENT_WORDS * sizeof(__u32));
} tables SEC(".maps");

// Words: what every lookup starts from. Never NULL, which the verifier does not know.
static __always_inline const __u32 *tables_begin(void)
{
	return bpf_map_lookup_elem(&tables, &(__u32){ 0 });
}

static __always_inline __u32 word_anywhere(__u32 number)
{
	__u32 element = number / SWGUARD_ELEMENT_WORDS;
	const __u32 *words = bpf_map_lookup_elem(&tables, &element);

	return words ? words[number % SWGUARD_ELEMENT_WORDS] : 0;
}

// A word beyond the first element.
__noinline __u32 far_word(__u32 number)
{
	return word_anywhere(number);
}

// A number that was compiled wrong leads somewhere else in the tables, never out of them.
static __always_inline __u32 word(const __u32 *words, __u32 number)
{
	if (number >= SWGUARD_ELEMENT_WORDS)
		return far_word(number);
	return words[BOUNDED(number, SWGUARD_ELEMENT_WORDS - 1)];
}

#define field(words, base, type, name) word(words, (base) + offsetof(type, name) / sizeof(__u32))

static __always_inline __u64 wide(const __u32 *words, __u32 number)
{
	return word(words, number) | (__u64)word(words, number + 1) << 32;
}

#define wide_field(words, base, type, name) wide(words, (base) + offsetof(type, name) / sizeof(__u32))

// The generation in force. A program reads it once: what it decides, it decides by one generation.
static __always_inline __u32 generation_now(const __u32 *words)
{
	return *(volatile const __u32 *)words;
}

#define anywhere(base, type, name) word_anywhere((base) + offsetof(type, name) / sizeof(__u32))

// The policy that `swguard run` brought under a layer; 0: there is none any more, its slot is empty or another's.
static __always_inline __u32 run_policy_at(__u32 generation, __u32 layer)
{
	__u32 slot = layer & SWGUARD_SLOT_MASK, policy = 0;

	if (slot < anywhere(generation, struct swguard_generation, policy_count))
		policy = word_anywhere(anywhere(generation, struct swguard_generation, policies) + slot);
	return policy && anywhere(policy, struct swguard_policy, layer) == layer ? policy : 0;
}

// The same, or what grants nothing: fail closed. A leaf, since it is called where calls are eight deep.
__noinline __u32 run_policy_or_closed(__u32 generation, __u32 layer)
{
	__u32 policy = run_policy_at(generation, layer);

	return policy ? policy : anywhere(generation, struct swguard_generation, closed);
}

// The policy of a layer; 0: none is there in this generation, and nothing is mediated.
static __always_inline __u32 policy_at(const __u32 *words, __u32 generation, __u32 layer)
{
	if (layer & SWGUARD_RUN_LAYER)
		return run_policy_or_closed(generation, layer);
	if (layer >= field(words, generation, struct swguard_generation, policy_count))
		return 0;
	return word(words, field(words, generation, struct swguard_generation, policies) + layer);
}

static __always_inline __u32 files_of(__u32 policy)
{
	return policy + offsetof(struct swguard_policy, files) / sizeof(__u32);
}

// The words of an automaton's classes, and of all cells that a step can look at behind its state's first.
#define CLASS_WORDS 64
#define STEP_WORDS (2 * (1 + 256))

// A step beyond the first element, or over its end.
__noinline __u32 far_step(__u32 classes, __u32 cells, __u32 state, __u8 byte)
{
	__u32 class = far_word(classes + byte / 4) >> (byte % 4 * 8) & 0xff, cell = cells + 2 * (state + 1 + class);

	return far_word(cell) == state ? far_word(cell + 1) : far_word(cells + 2 * state + 1);
}

// One step of an automaton, whose classes and cells are at these words.
static __always_inline __u32 step(const __u32 *words, __u32 classes, __u32 cells, __u32 state, __u8 byte)
{
	__u32 head = cells + 2 * state, class;
	__u64 cell;

	if (classes > SWGUARD_ELEMENT_WORDS - CLASS_WORDS || head > SWGUARD_ELEMENT_WORDS - STEP_WORDS)
		return far_step(classes, cells, state, byte);
	class = ((const __u8 *)words)[BOUNDED(4 * classes + byte, 4 * SWGUARD_ELEMENT_WORDS - 1)];
	cell = *(const __u64 *)&words[BOUNDED(head + 2 + 2 * class, SWGUARD_ELEMENT_WORDS - 2)];
	return (__u32)cell == state ? cell >> 32 : words[BOUNDED(head + 1, SWGUARD_ELEMENT_WORDS - 1)];
}

static __always_inline __u32 head_of(const __u32 *words, __u32 automaton, __u32 state)
{
	return word(words, field(words, automaton, struct swguard_automaton, cells) + 2 * state);
}

// The word of the verdict that a state's head says.
static __always_inline __u32 verdict_in(const __u32 *words, __u32 automaton, __u32 head)
{
	return word(words, field(words, automaton, struct swguard_automaton, verdicts) + (head & SWGUARD_VERDICT_MASK));
}

// The word that the verdict of a state stands at.
static __always_inline __u32 verdict_of(const __u32 *words, __u32 automaton, __u32 state)
{
	return verdict_in(words, automaton, head_of(words, automaton, state));
}

// The accesses that a verdict grants with nothing more to be asked or reported.
static __always_inline __u32 granted_at_once(const __u32 *words, __u32 verdict)
{
	if (field(words, verdict, struct swguard_verdict, marks))
		return 0;
	return field(words, verdict, struct swguard_verdict, granted) &
	       ~field(words, verdict, struct swguard_verdict, reported);
}

// The same for whatever follows a state.
static __always_inline __u32 granted_beneath(const __u32 *words, __u32 automaton, __u32 state)
{
	__u32 head = head_of(words, automaton, state);

	return head & SWGUARD_STATE_SETTLED ? granted_at_once(words, verdict_in(words, automaton, head)) : 0;
}
