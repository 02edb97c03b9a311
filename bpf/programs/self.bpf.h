// The agent guards itself: its process, its programs and maps, and its places. What is its own nobody touches who is under a
// policy, whatever the policy grants; where the agent is sealed, nobody does (seal.bpf.h).
//
// The agent says who it is by `swguard_claim`, from its own process; an exec of anything ends that.
#pragma once

#include "hidden.bpf.h"
#include "judge_operation.bpf.h"
#include "parts.bpf.h"
#include "rebind.bpf.h"

// One element. Frozen for user space before a program is attached.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct swguard_agent);
} agent SEC(".maps");

// What is the agent's among files: by swguard_object without generation, bits of enum swguard_place.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct swguard_object);
	__type(value, __u32);
} places SEC(".maps");

// 1: the agent is to be sealed. The hooks for that are there, and nowhere else.
const volatile __u32 is_sealable = 0;

// Never NULL, which the verifier does not know.
static __always_inline struct swguard_agent *agent_record(void)
{
	return bpf_map_lookup_elem(&agent, &(__u32){ 0 });
}

// Whether a task is one of the agent's process. Its number may be another's by now, but not with the same start.
static __always_inline bool is_agents(const struct swguard_agent *known, struct task_struct *task)
{
	return known->process && BPF_CORE_READ(task, tgid) == known->process &&
	       BPF_CORE_READ(task, group_leader, start_boottime) == known->start_ns;
}

static __always_inline bool is_agent(const struct swguard_agent *known)
{
	return is_agents(known, bpf_get_current_task_btf());
}

// Whether an inode is the program that was sealed.
static __always_inline bool is_program(const struct swguard_agent *known, struct inode *inode)
{
	return inode && known->program && BPF_CORE_READ(inode, i_ino) == known->program &&
	       BPF_CORE_READ(inode, i_sb, s_dev) == known->program_device;
}

// Whether a task executes it: an agent, or what may become one. Nothing but an exec makes it so while the agent is sealed
// (swguard_task_prctl).
static __always_inline bool runs_program(const struct swguard_agent *known, struct task_struct *task)
{
	return is_program(known, BPF_CORE_READ(task, mm, exe_file, f_inode));
}

// Process 1 ends and confines services, and shuts the machine down.
static __always_inline bool is_first_process(void)
{
	return BPF_CORE_READ(bpf_get_current_task_btf(), tgid) == 1;
}

static long judge_one_self(__u32 layer, struct question *question)
{
	struct denial denial = {
		.error = EPERM,
		.access = question->asked,
		.cause = SWGUARD_CAUSE_SELF,
		.rule = SWGUARD_NO_RULE,
	};
	__u32 slot = 0, policy = policy_of_layer(question, layer, &slot);

	return policy ? refuse(question, slot, policy, &denial) : 0;
}

// Sends the event of what no policy decided.
static __always_inline void send_sealed(struct swguard_agent *known, const struct question *question)
{
	struct swguard_event *event = &question->scratch->event;
	__u32 size = question->object == SWGUARD_OBJECT_FILE ? question->scratch->size : 0;

	if (size > SWGUARD_PATH_SIZE)
		size = SWGUARD_PATH_SIZE;
	event->generation = 0;
	event->policy = SWGUARD_NO_POLICY;
	event->rule = SWGUARD_NO_RULE;
	event->cause = SWGUARD_CAUSE_SELF;
	event->object = question->object;
	event->access = question->asked;
	event->detail = question->noted;
	event->would_deny = 0;
	event->error = EPERM;
	event->path_size = size;
	event->session = 0;
	describe(event);
	if (bpf_ringbuf_output(&events, event, sizeof(*event) + size, 0) == 0)
		__sync_fetch_and_add(&known->submitted, 1);
	else
		__sync_fetch_and_add(&known->lost, 1);
}

// Decides what touches the agent's own. Returns 0 or -EPERM.
static __noinline int ask_self(__u32 object, __u32 access, __u32 noted, __u32 is_quiet)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct swguard_agent *known = agent_record();
	struct swguard_layers *own = layers_of(task);
	struct question question = {
		.words = tables_begin(),
		.object = object,
		.asked = access,
		.noted = noted,
		.is_quiet = is_quiet,
		.own = own,
	};
	bool is_confined = own && own->count;

	if (!known || is_agent(known))
		return 0;
	if (!own && find_hidden(bpf_get_current_task()))
		return -EPERM;
	if (!is_confined && !known->is_sealed)
		return 0;
	question.scratch = scratch_of_current();
	if (!question.scratch || !question.words)
		return -EPERM;
	if (is_confined) {
		question.generation = generation_now(question.words);
		bpf_loop(own->count, judge_one_self, &question, 0);
		if (question.error)
			return -EPERM;
	}
	if (known->is_sealed && !is_quiet)
		send_sealed(known, &question);
	// What is under nothing keeps no scratch, or every hook would look at it twice.
	if (!is_confined)
		bpf_task_storage_delete(&scratches, task);
	return known->is_sealed ? -EPERM : 0;
}

static __always_inline int judge_self(__u32 object, __u32 access, __u32 noted, __u32 is_quiet)
{
	return decide(GUARD_SELF, object, access, noted, is_quiet);
}

// MARK: The process

// Decides what is done to a process: any but the agent's is not this rule's.
static __always_inline int guard_process(struct task_struct *target, __u32 operation, __u32 is_quiet)
{
	struct swguard_agent *known = agent_record();

	if (!known || !is_agents(known, target) || is_first_process())
		return 0;
	return judge_self(SWGUARD_OBJECT_PROCESS, operation, known->process, is_quiet);
}

#define PTRACE_MODE_NOAUDIT 0x04
#define PTRACE_MODE_ATTACH 0x02

// Looking at the agent is open to whoever is confined by nothing, as it is of any process.
static __always_inline int guard_trace(struct task_struct *target, unsigned int mode)
{
	struct swguard_agent *known = agent_record();
	struct swguard_layers *own;

	if (!known)
		return 0;
	if (!is_agents(known, target) && !(known->is_sealed && runs_program(known, target)))
		return 0;
	own = layers_of(bpf_get_current_task_btf());
	if (!(mode & PTRACE_MODE_ATTACH) && !(own && own->count) && !are_layers_hidden())
		return 0;
	return judge_self(SWGUARD_OBJECT_PROCESS, OPERATION_PTRACE, BPF_CORE_READ(target, tgid), mode & PTRACE_MODE_NOAUDIT);
}

#define PROCESS_HOOK(hook)                                                              \
	SEC("lsm/" #hook)                                                               \
	int BPF_PROG(swguard_##hook, struct task_struct *target)                        \
	{                                                                               \
		if (guard_process(target, SWGUARD_PROCESS_LIMIT, 0))                    \
			REFUSE(EPERM);                                                  \
		return 0;                                                               \
	}

PROCESS_HOOK(task_setnice)
PROCESS_HOOK(task_setioprio)
PROCESS_HOOK(task_setscheduler)
PROCESS_HOOK(task_setrlimit)
PROCESS_HOOK(task_movememory)

// A signal that says that a descriptor can be read or written, which its owner may have sent to whom he likes (F_SETOWN), as
// any signal (F_SETSIG). It comes at any time, in any task's: the agent asked for none.
SEC("lsm/file_send_sigiotask")
int BPF_PROG(swguard_file_send_sigiotask, struct task_struct *target)
{
	struct swguard_agent *known = agent_record();

	if (known && is_agents(known, target))
		REFUSE(EPERM);
	return 0;
}

// MARK: Programs, maps and links

// The numbers of the links by which the programs are attached; the value says what they are called in the bpffs.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, char[96]);
} links SEC(".maps");

// Whether a name is one that swguard's programs have, as much as the kernel keeps of them.
static __always_inline bool is_own_name(const char name[16])
{
	return __builtin_memcmp(name, "swguard", 7) == 0;
}

static __always_inline bool is_own_program(struct bpf_prog *program)
{
	char name[16] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), &BPF_CORE_READ(program, aux)->name);
	return is_own_name(name);
}

// The link that a descriptor of the task that is running shows, if it is swguard's. What is no link has no such name.
static __always_inline bool is_own_link(__u32 descriptor)
{
	struct fdtable *table = BPF_CORE_READ(bpf_get_current_task_btf(), files, fdt);
	struct bpf_link *link;
	struct file *file = NULL;

	if (descriptor >= BPF_CORE_READ(table, max_fds) ||
	    bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + descriptor) || !file)
		return false;
	link = BPF_CORE_READ(file, private_data);
	return is_own_program(BPF_CORE_READ(link, prog));
}

// Of programs, those that could write another's memory, signal, or decide in place of these: none but the agent loads them
// where it is sealed. What filters packets or sockets is none of these.
static __always_inline bool is_intruder(__u32 type)
{
	switch (type) {
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_PERF_EVENT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
	case BPF_PROG_TYPE_TRACING:
	case BPF_PROG_TYPE_EXT:
	case BPF_PROG_TYPE_LSM:
		return true;
	}
	return false;
}

static __always_inline int guard_command(int command, const union bpf_attr *attributes)
{
	struct swguard_agent *known = agent_record();
	__u32 first = 0;
	bool is_own = false;

	// Of all that is looked at, the first field is what matters.
	bpf_probe_read_kernel(&first, sizeof(first), attributes);
	switch (command) {
	case BPF_LINK_GET_FD_BY_ID:
		is_own = bpf_map_lookup_elem(&links, &first) != NULL;
		break;
	case BPF_LINK_UPDATE:
	case BPF_LINK_DETACH:
	case BPF_ITER_CREATE:
		is_own = is_own_link(first);
		break;
	case BPF_PROG_LOAD:
		is_own = is_sealable && known && known->is_sealed && is_intruder(first);
		break;
	}
	return is_own ? judge_self(SWGUARD_OBJECT_OPERATION, OPERATION_BPF, 0, 0) : 0;
}

SEC("lsm/bpf")
int BPF_PROG(swguard_bpf, int command, union bpf_attr *attributes, unsigned int size)
{
	if (guard_command(command, attributes))
		REFUSE(EPERM);
	PASS_UNCONFINED(own);
	VERDICT(decide_operation(OPERATION_BPF, 0));
}

#define IS_MAP(address, map)                   \
	({                                     \
		const void *map_ = &(map);     \
		AS_NUMBER(map_) == (address);  \
	})

// Where a map gets a descriptor, by its number or by a pin.
SEC("lsm/bpf_map")
int BPF_PROG(swguard_bpf_map, struct bpf_map *map, fmode_t mode)
{
	__u64 address = AS_NUMBER(map);
	char name[16] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), &map->name);
	if (!is_own_name(name) && !IS_MAP(address, layers) && !IS_MAP(address, tables) && !IS_MAP(address, counters) &&
	    !IS_MAP(address, events) && !IS_MAP(address, guarded) && !IS_MAP(address, watched) &&
	    !IS_MAP(address, guarded_names) && !IS_MAP(address, unbound) && !IS_MAP(address, scratches) &&
	    !IS_MAP(address, withheld_reports) && !IS_MAP(address, agent) && !IS_MAP(address, links) &&
	    !IS_MAP(address, places))
		return 0;
	if (judge_self(SWGUARD_OBJECT_OPERATION, OPERATION_BPF, 0, 0))
		REFUSE(EPERM);
	return 0;
}

// The same of a program. The one by which an agent says who it is is open to whatever runs the agent's file, and looks
// itself.
SEC("lsm/bpf_prog")
int BPF_PROG(swguard_bpf_prog, struct bpf_prog *program)
{
	struct swguard_agent *known = agent_record();
	char name[16] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), &BPF_CORE_READ(program, aux)->name);
	if (!is_own_name(name))
		return 0;
	if (known && __builtin_memcmp(name, "swguard_claim", 14) == 0 && runs_program(known, bpf_get_current_task_btf()))
		return 0;
	if (judge_self(SWGUARD_OBJECT_OPERATION, OPERATION_BPF, 0, 0))
		REFUSE(EPERM);
	return 0;
}
