// What is put in the place of the hooks' stubs. Included last: programs are loaded in the order of their sections, and
// these need one that has the stub.
#pragma once

#include "attributes.bpf.h"
#include "capabilities.bpf.h"
#include "changes.bpf.h"
#include "entry.bpf.h"
#include "joining.bpf.h"
#include "names.bpf.h"
#include "network.bpf.h"

struct name_run {
	const struct short_name *name;
	const __u32 *words;
	__u32 classes;
	__u32 cells;
	__u32 state;
	__u32 reserved;
};

// The next eight bytes.
static long run_over_piece(__u32 index, struct name_run *run)
{
	__u64 piece = run->name->text[BOUNDED(index, CACHE_NAME_SIZE / 8 - 1)];
	__u32 state = run->state, classes = run->classes, cells = run->cells, rest = run->name->length - 8 * index;
	const __u32 *words = run->words;

	for (__u32 place = 0; place < 8 && place < rest; place++, piece >>= 8)
		state = step(words, classes, cells, state, piece);
	run->state = state;
	return 0;
}

SEC("part/is_name_granted")
int swguard_part_is_name_granted(const struct tag *tag, __u32 layer, __u32 generation, const struct short_name *name,
			    __u32 accesses)
{
	struct name_run run = { .name = name, .words = tables_begin() };
	__u32 files;

	if (!tag || !name || !run.words || layer >= SWGUARD_LAYERS_MAX)
		return 0;
	files = policy_at(run.words, generation, tag->policies[within_layers(layer)]);
	if (!files)
		return 1;
	files = files_of(files);
	run.classes = field(run.words, files, struct swguard_automaton, classes);
	run.cells = field(run.words, files, struct swguard_automaton, cells);
	run.state = step(run.words, run.classes, run.cells, tag->states[within_layers(layer)], '/');
	bpf_loop((name->length + 7) / 8, run_over_piece, &run, 0);
	return !(accesses & ~granted_at_once(run.words, verdict_of(run.words, files, run.state)));
}

SEC("part/decide")
int swguard_part_decide(__u32 asking, __u64 first, __u64 second, __u64 third, __u64 fourth)
{
	switch (asking) {
	case ASK_NOTED:
		return judge(resolve(), first);
	case ASK_OPERATION:
		return judge_operation(first, second, 0);
	case ASK_OPERATION_OF:
		return judge_operation(first, 0, 1);
	case ASK_CAPABILITY:
		return ask_capability(first, second);
	case ASK_OBJECT:
		return judge(find((struct vfsmount *)first, (struct dentry *)second), third);
	case ASK_CODE:
		return ask_code((struct file *)first, second);
	case ASK_ATTRIBUTE:
		return ask_attribute((struct dentry *)first);
	case ASK_RENAME:
	case ASK_EXCHANGE:
		return ask_rename((struct vfsmount *)first, (struct dentry *)second, (struct vfsmount *)third,
				  (struct dentry *)fourth, asking == ASK_EXCHANGE);
	case ASK_LINK:
		return ask_link((struct vfsmount *)first, (struct dentry *)second, (struct dentry *)third);
	case ASK_SOCKET_NAME:
		return ask_socket_name((struct vfsmount *)first, (struct dentry *)second, third);
	case ASK_UNIX:
		return ask_unix((struct sock *)first, second);
	case ASK_ABSTRACT:
		return ask_abstract((const void *)first, second);
	case ASK_ADDRESS:
		return ask_address((const void *)first, second, (struct sock *)third, fourth, fourth >> 32);
	case ASK_ANY_ADDRESS:
		return judge_address(WALK_UNRESOLVED, first);
	case ASK_LISTENING:
		return ask_listening((struct sock *)first);
	case ASK_FAMILY:
		return judge_family(first, second);
	case BEGIN_SEEKING:
		return begin_seeking(first, second);
	case ENTER_BY_EXEC:
		return enter_by_exec(first);
	case ENTER_AS_USER:
		return enter_as_user(first, second);
	case ENTER_BY_ITSELF:
		return join(first, second);
	case GUARD_SELF:
		return ask_self(first, second, third, fourth);
	case GUARD_CHANGE:
		return ask_change(first, second, third);
	case GUARD_OPENING:
		return ask_opening(first);
	case FIND_HIDDEN:
		return find_hidden(first);
	}
	return -EACCES;
}
