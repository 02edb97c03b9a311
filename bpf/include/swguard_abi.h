// What the kernel's programs and user space say to each other. Both compile this file.
//
// Fixed-width fields, widest first, padding explicit, sizes asserted. Fields are appended, never reordered.
#pragma once

#include <linux/types.h>

// The form of all that an agent finds in the maps of another version's programs: of the records and of the events. Whatever
// below is changed makes it another.
#define SWGUARD_ABI 2

// A task's policies stack up to this depth; one more is refused, not dropped.
#define SWGUARD_LAYERS_MAX 8
// Of the tasks' layers, a policy that no generation has any more mediates nothing.
#define SWGUARD_POLICIES_MAX 4096

// What a task's layer is: a policy's slot. Of a policy that `swguard run` brought, this bit and a serial number besides, since
// its slot can be another's later: the word is in the policy's record, and where the generation in force has no policy of that
// very word, everything is denied.
#define SWGUARD_RUN_LAYER 0x80000000u
#define SWGUARD_SLOT_MASK (SWGUARD_POLICIES_MAX - 1)
// Of a task's layers, so many can be a user's who is not root: the others are the host's.
#define SWGUARD_RUN_LAYERS_MAX 4
// prctl(SWGUARD_PRCTL_ENTER, layer, session, 0, 0): the calling process, of one thread and with no_new_privs, comes under a policy that
// `swguard run` brought for its user. Without programs that know it, EINVAL.
#define SWGUARD_PRCTL_ENTER 0x73776701
// Its success: programs on the hook can only refuse. No errno has that number.
#define SWGUARD_ENTERED 2737

#define SWGUARD_REFUSED_WORDS (SWGUARD_POLICIES_MAX / 32)
// Linux: PATH_MAX with its NUL. What is longer is `unresolved`.
#define SWGUARD_PATH_SIZE 4096
// Components of a path, mount points and roots included. What is deeper is `unresolved`.
#define SWGUARD_DEPTH_MAX 512
// No rule: a section's default, or none of what rules speak of.
#define SWGUARD_NO_RULE 0xffffffffu

// MARK: The tables
//
// Everything that is compiled lies in one array of u32, the map `tables`, and is found by the number of its first word.
// The map's elements are pieces of it; Linux 6.1 makes none larger than these 4 MiB.
// Word 0 is the number of the generation in force: writing it is the swap. What it leads to is never changed while a
// program may look at it.

#define SWGUARD_ELEMENT_WORDS (1u << 20)

// A minimal automaton over bytes, as Sources/Automata/LookupTable lays it out: cells of two words, tag and next, a state's
// number that of its first cell.
//
//     cell = cells[state + 1 + class of the byte]
//     state = cell.tag == state ? cell.next : cells[state].next
//
// State 0 accepts nothing, ever: an automaton that begins there is empty.
struct swguard_automaton {
	__u32 classes; // word of 64 words: the class of each byte, four to a word, lowest first
	__u32 cells; // word of the cells, at an even place
	__u32 verdicts; // word of the words that verdicts stand at: a swguard_verdict, or what the automaton is for
	__u32 start;
};
_Static_assert(sizeof(struct swguard_automaton) == 16, "in `tables`");

// Of the tag of a state's first cell, the verdict's number.
#define SWGUARD_VERDICT_MASK 0x3fffffffu
// In the same tag: the state leads only to itself, whatever follows.
#define SWGUARD_STATE_SETTLED 0x40000000u

// Accesses, in the order of the policy language's tables. Of a file:
enum swguard_access : __u32 {
	SWGUARD_READ = 1u << 0,
	SWGUARD_WRITE = 1u << 1,
	SWGUARD_CREATE = 1u << 2,
	SWGUARD_REMOVE = 1u << 3,
	SWGUARD_EXECUTE = 1u << 4,
	SWGUARD_MAP = 1u << 5,
	SWGUARD_METADATA = 1u << 6,
	SWGUARD_LINK = 1u << 7,
	SWGUARD_DEVICE = 1u << 8,
};
#define SWGUARD_FILE_ACCESSES 9
#define SWGUARD_ALL_ACCESSES ((1u << SWGUARD_FILE_ACCESSES) - 1)

// What a policy says of an object: for each access, whether it is granted, and the rule that decided.
struct swguard_verdict {
	__u32 granted; // bits of enum swguard_access
	__u32 marks; // what else the object's name means: enum swguard_mark
	__u32 rules[SWGUARD_FILE_ACCESSES]; // SWGUARD_NO_RULE: the section's default
	__u32 reported; // the accesses whose decision is reported, granted or not
};
_Static_assert(sizeof(struct swguard_verdict) == 48, "in `tables`");

enum swguard_mark : __u32 {
	// Writing it names a program that the kernel starts: asks for the operation `kernel-helper`.
	SWGUARD_MARK_KERNEL_HELPER = 1u << 0,
	// A device of the operation `raw-io`.
	SWGUARD_MARK_RAW_IO = 1u << 1,
};

enum swguard_policy_flags : __u32 {
	SWGUARD_POLICY_COMPLAINS = 1u << 0,
	SWGUARD_POLICY_FILES = 1u << 1,
	SWGUARD_POLICY_NETWORK = 1u << 2,
	SWGUARD_POLICY_CAPABILITIES = 1u << 3,
	SWGUARD_POLICY_NETWORK_DEFAULT_ALLOW = 1u << 4,
	// Brought by `swguard run`: no subjects begin it.
	SWGUARD_POLICY_RUN = 1u << 5,
};

enum swguard_socket_access : __u32 {
	SWGUARD_CONNECT = 1u << 0,
	SWGUARD_BIND = 1u << 1,
	SWGUARD_LISTEN = 1u << 2,
};

enum swguard_transport : __u32 {
	SWGUARD_TCP = 1u << 0,
	SWGUARD_UDP = 1u << 1,
};

// What a rule says of addresses. Denies stand first, each kind in the order of the document: the first that matches
// decides.
struct swguard_endpoint {
	__u32 address[4]; // host order; IPv4 as ::ffff:a.b.c.d
	__u32 prefix; // how many bits of it count, 0 to 128
	__u16 first_port;
	__u16 last_port;
	__u32 accesses; // bits of enum swguard_socket_access
	__u32 transports; // bits of enum swguard_transport
	__u32 is_allowed;
	__u32 rule;
};
_Static_assert(sizeof(struct swguard_endpoint) == 40, "in `tables`");

struct swguard_policy {
	__u64 capabilities; // granted, by number
	__u64 families; // granted to socket(2), by AF_*
	__u32 operations; // granted, by number
	__u32 flags;
	__u32 first_rule; // of this policy, in the map `counters`
	__u32 operation_rules; // word of 26 rules
	__u32 capability_rules; // word of 64 rules
	__u32 family_rule;
	__u32 netlinks; // granted netlink protocols
	__u32 endpoints; // word of swguard_endpoint[endpoint_count], denies first
	__u32 endpoint_count;
	__u32 unmediated; // operations that the policy says nothing of, by number
	struct swguard_automaton files;
	// Names of unix sockets, `@` in front of the abstract ones: verdicts with bits and rules of enum swguard_socket_access.
	// With no `network` section it grants everything.
	struct swguard_automaton sockets;
	__u32 layer; // by which tasks know it
	__u32 owner; // the user who may come under it by himself, with SWGUARD_POLICY_RUN
};
_Static_assert(sizeof(struct swguard_policy) == 96, "in `tables`");

// In a list of slots: the file is a launcher, whose exec in a cgroup does not begin the cgroup's policies.
#define SWGUARD_LAUNCHER 0xffffffffu
// In the lists of cgroups, a bit of a slot: the policy begins in the cgroup itself, and in none that is beneath it.
#define SWGUARD_NOT_BENEATH 0x40000000u

// Which policies begin for a user: a sorted list, each user once for each policy.
struct swguard_user_entry {
	__u32 user;
	__u32 slot;
};
_Static_assert(sizeof(struct swguard_user_entry) == 8, "in `tables`");

// Where the generation without policies is, always. Before anything is in force word 0 is 0.
#define SWGUARD_NOTHING 16

// What is in force: at the word that word 0 names.
struct swguard_generation {
	__u32 number;
	__u32 policy_count;
	__u32 policies; // word of the words of swguard_policy, by slot; 0: none there
	__u32 user_entries; // word of swguard_user_entry[user_entry_count]
	__u32 user_entry_count;
	__u32 guard_count; // objects and names that are guarded, as user space found them; 0: there are none
	// Which policies begin at an exec: by the path of the file, and by the paths of the task's cgroup and of all above it.
	// Their states' verdicts are words of a list of slots, its count first; word 0 for none.
	struct swguard_automaton executables;
	struct swguard_automaton cgroups;
	__u32 guarded_accesses; // bits of enum swguard_access: what any of the guards denies
	__u32 closed; // word of a swguard_policy that grants nothing; 0: nothing is mediated at all
};
_Static_assert(sizeof(struct swguard_generation) == 64, "in `tables`");

// MARK: Guarded objects
//
// What a literal deny rule, or one of `P/**`, stands for is denied under any other name, too. A list of guards is a word: how
// many follow; then so many swguard_guard.

// The key of the map `guarded`, of objects, and of the map `watched`, of directories that such names are in.
struct swguard_object {
	__u64 inode;
	__u32 device; // as the kernel has it: major << 20 | minor
	__u32 generation; // its number
};
_Static_assert(sizeof(struct swguard_object) == 16, "key of `guarded`");

// What the program `swguard_identify` is asked and answers.
struct swguard_identity {
	__u64 inode;
	__u32 device; // as the kernel has it
	__u32 descriptor; // of the process that asks
};
_Static_assert(sizeof(struct swguard_identity) == 16, "context of `swguard_identify`");

// Under so many guarded names an object can have come; under one more it is not let.
#define SWGUARD_BINDINGS_MAX 4

// The value of the map `guarded`.
struct swguard_binding {
	__u32 lists[SWGUARD_BINDINGS_MAX]; // words of lists; behind the first 0 there are none
	__u32 version; // the inode's i_generation, of what was bound by a hook
	__u32 is_held; // bound by user space, which keeps it open
};
_Static_assert(sizeof(struct swguard_binding) == 24, "value of `guarded`");

// The key of the map `guarded_names`; its value is the word of a list, to which is bound whatever comes under the name.
struct swguard_guarded_name {
	struct swguard_object directory;
	char name[256]; // zeros behind it
};
_Static_assert(sizeof(struct swguard_guarded_name) == 272, "key of `guarded_names`");

struct swguard_guard {
	__u32 slot; // of none that `swguard run` brought
	__u32 denied; // bits of enum swguard_access
	__u32 is_subtree; // also of what is beneath it
	__u32 rules[SWGUARD_FILE_ACCESSES];
};
_Static_assert(sizeof(struct swguard_guard) == 48, "in `tables`");

// MARK: Tasks

// The value of the map `layers` for one task.
struct swguard_layers {
	__u32 count;
	__u32 has_refused; // 1: `refused` is not empty
	__u32 entering; // how many are added when the exec under way succeeds
	__u32 is_fresh; // 1: before it executed what it is, it had none
	__u32 session; // which `swguard run` it is of, the innermost; 0: of none. Only told, nothing is decided by it
	__u32 policies[SWGUARD_LAYERS_MAX]; // layers, oldest first; then those that are entering
	// Policies that had no room when they were loaded, a bit for each slot: what they mediate is denied.
	__u32 refused[SWGUARD_REFUSED_WORDS];
};
_Static_assert(sizeof(struct swguard_layers) == 564, "task storage of `layers`");

// MARK: Events

// One element of the map `counters`. decided = submitted + lost + quiet, whenever nothing is being decided.
struct swguard_count {
	__u64 decided; // decisions to report
	__u64 submitted; // records that are in the ring buffer, or were
	__u64 lost; // records that found no room in it
	__u64 quiet; // decisions that are only counted: by `log: false`, or as the kernel asks for
};
_Static_assert(sizeof(struct swguard_count) == 32, "element of `counters`");

enum __attribute__((enum_extensibility(open))) swguard_object_kind : __u32 {
	SWGUARD_OBJECT_FILE = 1,
	SWGUARD_OBJECT_SOCKET,
	SWGUARD_OBJECT_CAPABILITY,
	SWGUARD_OBJECT_OPERATION,
	SWGUARD_OBJECT_PROCESS, // `access` is the number of an operation, or SWGUARD_PROCESS_LIMIT; `detail` the process
};

// What is set of another process from outside: priority, scheduling, limits, where its memory is.
#define SWGUARD_PROCESS_LIMIT 64

// What a socket's event has behind it when it is about an address, and `detail` is its size; else a unix name.
struct swguard_address {
	__u32 address[4]; // host order; IPv4 as ::ffff:a.b.c.d
	__u32 port;
	__u32 transport; // one enum swguard_transport
};
_Static_assert(sizeof(struct swguard_address) == 24, "behind an event");

enum __attribute__((enum_extensibility(open))) swguard_cause : __u32 {
	SWGUARD_CAUSE_RULE = 0, // `rule`, or the default where that is SWGUARD_NO_RULE
	SWGUARD_CAUSE_UNRESOLVED, // it could not be found out what the object is called
	SWGUARD_CAUSE_NO_GAIN,
	SWGUARD_CAUSE_OPERATION, // a file that is an operation to write: `access` is its number
	SWGUARD_CAUSE_NO_ROOM, // the task has as many layers as there can be, and the policy is none of them
	SWGUARD_CAUSE_SELF, // it is the agent's own; where the agent is sealed, `policy` may be SWGUARD_NO_POLICY
};

// In place of a slot: no policy decided.
#define SWGUARD_NO_POLICY 0xffffffffu

// One record of the ring buffer `events`. Behind it, for a file, the bytes of its path, as many as `path_size` says.
#define SWGUARD_SOCKET_FAMILY 3
struct swguard_event {
	__u64 time_ns; // since boot, suspended time included (CLOCK_BOOTTIME)
	__u64 start_ns; // when the process began, on the same clock
	__u32 process; // as the initial PID namespace numbers them
	__u32 thread;
	__u32 parent;
	__u32 user; // effective, as `group`
	__u32 generation;
	__u32 policy; // layer
	__u32 rule;
	enum swguard_cause cause;
	enum swguard_object_kind object;
	// The number of the bit in enum swguard_access or swguard_socket_access, of the capability, or of the operation; of a
	// socket that may not be made, SWGUARD_SOCKET_FAMILY.
	__u32 access;
	// Of a file: all accesses that were asked for. Of a socket: see swguard_address, or 0; of a family: its number.
	__u32 detail;
	__u32 would_deny; // 1: in `complain`, and it went on
	__s32 error; // 0: granted, and reported
	__u32 path_size;
	char command[16];
	__u64 cgroup; // the number of the task's cgroup (version 2)
	__u64 executable; // the inode of the process's executable; 0: not known
	__u32 executable_device; // as the kernel has it: major << 20 | minor
	__u32 group;
	__u32 session; // the task's, see swguard_layers
	__u32 reserved;
};
_Static_assert(sizeof(struct swguard_event) == 120, "record of `events`");

// MARK: The agent

// The directories that the agent needs to see where they are, by the mounts that they are on.
#define SWGUARD_AGENT_MOUNTS 8
#define SWGUARD_DIGEST_SIZE 32

// The one element of the map `agent`: who the agent is. Only programs write it.
struct swguard_agent {
	__u64 start_ns; // when its process began
	__u64 mounts[SWGUARD_AGENT_MOUNTS]; // struct vfsmount *
	__u64 submitted; // records of no policy that are in the ring buffer, or were
	__u64 lost; // those that found no room in it
	__u64 program; // the inode of what it executes
	__u64 root; // the inode of its root directory
	__u32 process; // 0: there is none
	__u32 is_sealed; // 1: for good
	__u32 program_device; // as the kernel has it
	__u32 root_device;
	__u32 namespace; // the number of its mount namespace
	__u32 reserved;
	__u64 task; // struct task_struct *, of the thread that said so
	__u8 digest[SWGUARD_DIGEST_SIZE]; // of what it is told, when it is sealed
};
_Static_assert(sizeof(struct swguard_agent) == 168, "element of `agent`");

// What the program `swguard_claim` is asked.
enum __attribute__((enum_extensibility(open))) swguard_request : __u32 {
	SWGUARD_LOOK = 0, // whether the agent is sealed, and with which digest
	SWGUARD_CLAIM, // the process that asks is the agent from here on
	SWGUARD_SEAL, // nobody but the agent changes what is enforced, until the machine starts again
};

struct swguard_claim {
	enum swguard_request request;
	__u32 is_sealed; // the answer
	__u32 directory_count;
	__u32 reserved;
	__u32 directories[SWGUARD_AGENT_MOUNTS]; // descriptors, for a claim
	__u8 digest[SWGUARD_DIGEST_SIZE]; // of what is told for a seal; else the answer
	__u64 lost; // answers, too
	__u64 submitted;
};
_Static_assert(sizeof(struct swguard_claim) == 96, "context of `swguard_claim`");

// The value of the map `places`, by a swguard_object without generation: what is the agent's among files.
enum __attribute__((enum_extensibility(open))) swguard_place : __u32 {
	SWGUARD_PLACE_TREE = 1u << 0, // the directory and everything beneath
	SWGUARD_PLACE_FILE = 1u << 1,
	SWGUARD_PLACE_ABOVE = 1u << 2, // a directory that one of them is beneath
};

// Of the policies that have no room on a task, so many are listed.
#define SWGUARD_LISTED_REFUSED 8

// What the iterator `swguard_list_tasks` writes of each task that is under a policy.
struct swguard_listed_task {
	__u64 start_ns; // when the process began, since boot, suspended time included
	__u32 process; // as the initial PID namespace numbers them
	__u32 thread;
	__u32 user; // effective
	__u32 count;
	__u32 policies[SWGUARD_LAYERS_MAX]; // layers, oldest first
	char command[16];
	__u32 refused_count; // of policies in force that have no room, as many as are listed
	__u32 refused[SWGUARD_LISTED_REFUSED]; // the first of them, by slot
	__u32 reserved;
};
_Static_assert(sizeof(struct swguard_listed_task) == 112, "written by the iterator");
