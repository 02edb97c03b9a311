// What was compiled: one array of words, written by the agent through a mapping, read here.
#pragma once

#include "hook.h"

// Words in `tables` less one; they are a power of two. Known to the verifier, so that a masked index is in bounds.
const volatile __u32 tables_mask = 1023;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 4096); // the loader sets what is needed
} tables SEC(".maps");

// Words: what every lookup starts from. Never NULL, which the verifier does not know.
static __always_inline const __u32 *tables_begin(void)
{
	return bpf_map_lookup_elem(&tables, &(__u32){ 0 });
}

// A number that was compiled wrong leads somewhere else in the tables, never out of them.
static __always_inline __u32 word(const __u32 *words, __u32 number)
{
	return words[number & tables_mask];
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

// The policy in a slot; 0: none is there in this generation, and nothing is mediated.
static __always_inline __u32 policy_at(const __u32 *words, __u32 generation, __u32 slot)
{
	if (slot >= field(words, generation, struct swguard_generation, policy_count))
		return 0;
	return word(words, field(words, generation, struct swguard_generation, policies) + slot);
}

// One step of an automaton whose first word is `automaton`.
static __always_inline __u32 step(const __u32 *words, __u32 automaton, __u32 state, __u8 byte)
{
	__u32 classes = field(words, automaton, struct swguard_automaton, classes);
	__u32 rows = field(words, automaton, struct swguard_automaton, rows);
	__u32 class = word(words, classes + byte / 4) >> (byte % 4 * 8) & 0xff;

	return word(words, word(words, rows + state) + class);
}
